"""Starting a mesh in the background, and ending it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import psutil
from vitrine.embedded.home import Home
from vitrine.embedded.plan import base_environment
from vitrine.embedded.ports import usual_edge_port
from vitrine.embedded.state import LocalMesh, MeshState, ProcessState, load, read_state

_POLL_S = 0.1
_TERM_S = 10.0
# The supervisor itself gives every process 10 s and PostgreSQL as long as it takes to roll back.
_DOWN_S = 45.0


class LaunchError(RuntimeError):
    """The mesh did not start, or runs already; the message says why."""


def launch(
    home: Home,
    *,
    port: int | None = None,
    replicas: Mapping[str, int] | None = None,
    log_level: str = "info",
    ready_s: float = 180.0,
    on_progress: Callable[[str], None] = lambda _: None,
) -> LocalMesh:
    """Starts a mesh in the background and waits until it is ready.

    Args:
        home: Its folder.
        port: Port of the edge; 8080 or a free one when None.
        replicas: How many processes of each kind.
        log_level: Log level of all services.
        ready_s: How long the start may take, in seconds.
        on_progress: Told in words what is being done.

    Raises:
        LaunchError: It runs already, or does not get ready.
    """
    if load(home) is not None:
        raise LaunchError(f"a mesh runs in {home.path} already; `vitrine down` ends it")
    stop_leftovers(home)
    home.state.unlink(missing_ok=True)  # what an earlier start died of is not what this one dies of
    home.make()
    command = [sys.executable, "-m", "vitrine.embedded", "--home", str(home.path), "--log-level", log_level]
    command += ["--port", str(usual_edge_port(port)), "--ready-s", str(ready_s)]
    if replicas:
        command += ["--replicas", ",".join(f"{kind}={count}" for kind, count in replicas.items())]
    with (home.logs / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=base_environment()
        )
    try:
        return _until_ready(home, supervisor, time.monotonic() + ready_s + _DOWN_S, on_progress)
    except BaseException:  # also Ctrl-C: nobody else would end a mesh that is only half started
        if supervisor.poll() is None:
            supervisor.terminate()
            supervisor.wait(_DOWN_S)
        raise


def _until_ready(
    home: Home, supervisor: subprocess.Popen[bytes], deadline: float, on_progress: Callable[[str], None]
) -> LocalMesh:
    said = ""
    while time.monotonic() < deadline:
        state = read_state(home.state)
        if state is not None and state.supervisor.pid == supervisor.pid:
            if state.message and state.message != said:
                said = state.message
                if state.phase == "starting":
                    on_progress(said)
            if state.phase == "ready" and (local := load(home)) is not None:
                return local
        if supervisor.poll() is not None:
            why = state.message if state is not None and state.phase == "failed" else _tail(home)
            raise LaunchError(f"the mesh did not start: {why}")
        time.sleep(_POLL_S)
    raise LaunchError(f"the mesh is not ready; see {home.logs}")


def shut_down(home: Home) -> bool:
    """Ends the mesh of a folder, and only its own processes, also when its supervisor is dead.

    Args:
        home: Its folder.

    Returns:
        False when nothing ran.
    """
    state = read_state(home.state)
    if state is None:
        return False
    supervisor = state.supervisor.process()
    if supervisor is not None:
        supervisor.terminate()
        with contextlib.suppress(psutil.TimeoutExpired):
            supervisor.wait(_DOWN_S)
    left = stop_leftovers(home, state)
    home.state.unlink(missing_ok=True)
    return supervisor is not None or left


def stop_leftovers(home: Home, state: MeshState | None = None) -> bool:
    """Ends processes whose supervisor died without ending them.

    Args:
        home: The mesh's folder.
        state: What the state file said; it is read when not given.

    Returns:
        True when there were any.
    """
    state = state or read_state(home.state)
    if state is None:
        return False
    found = [(each, process) for each in state.processes if (process := each.process()) is not None]
    for each, process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(_ending(each))
    _, alive = psutil.wait_procs([process for _, process in found], timeout=_TERM_S)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return bool(found)


def _ending(each: ProcessState) -> signal.Signals:
    """PostgreSQL takes SIGTERM as "when all clients have gone" and SIGINT as "now"."""
    return signal.SIGINT if each.name == "postgres" else signal.SIGTERM


def _tail(home: Home, lines: int = 15) -> str:
    text = (home.logs / "supervisor.log").read_text(errors="replace")
    return os.linesep.join(text.splitlines()[-lines:])
