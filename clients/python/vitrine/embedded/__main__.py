"""The supervisor: `python -m vitrine.embedded` runs a mesh until it is told to stop. `vitrine up` starts it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Children are started while gRPC's threads run; its fork handlers are not needed, since every child becomes a program.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

from vitrine.embedded.find import find_dashboard, find_models_dir
from vitrine.embedded.home import Home
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.embedded.plan import MeshOptions, parse_replicas
from vitrine.embedded.postgres import PostgresError
from vitrine.embedded.readiness import NotReadyError

from imaging.errors import FetchError

_FOLDER_POLL_S = 1.0


async def supervise(mesh: EmbeddedMesh) -> int:
    """Runs a mesh until SIGTERM or SIGINT, or until its folder is removed.

    Args:
        mesh: The mesh.

    Returns:
        The exit code: 1 when it did not get ready.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    starting = asyncio.create_task(mesh.start(), name="start")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait(), name="stop")
    watching = asyncio.create_task(_until_gone(mesh.home.path, stop), name="watch the folder")
    code = 0
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
    except (NotReadyError, PostgresError, FetchError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        mesh.fail(str(error))
        code = 1
    finally:
        for task in (starting, stopping, watching):
            task.cancel()
        await asyncio.gather(starting, stopping, watching, return_exceptions=True)
        await mesh.stop(keep_state=code != 0)
    return code


async def _until_gone(folder: Path, stop: asyncio.Event) -> None:
    """Ends a mesh whose folder was removed: without its state file nobody else could.

    The folder itself is held, not its name: a service that writes just then makes another one of that name.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while os.fstat(held).st_nlink:  # noqa: ASYNC110 - somebody else removes it
            await asyncio.sleep(_FOLDER_POLL_S)
    finally:
        os.close(held)
    stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and supervises.

    Args:
        arguments: The words after the program; those of the process by default.
    """
    parser = argparse.ArgumentParser(prog="vitrine.embedded", description=__doc__)
    parser.add_argument("--home", type=Path, help="folder of the mesh; by default VITRINE_HOME or .vitrine")
    parser.add_argument("--port", type=int, required=True, help="port of the edge")
    parser.add_argument("--replicas", default="", help="kind=count, comma-separated, for example ingest=2,vision=2")
    parser.add_argument("--log-level", default="info", help="log level of all services")
    parser.add_argument("--ready-s", type=float, default=120.0, help="how long the start may take, in seconds")
    given = parser.parse_args(arguments)
    options = MeshOptions(
        replicas=parse_replicas(given.replicas),
        edge_port=given.port,
        models_dir=find_models_dir(),
        dashboard=find_dashboard(),
        settings={"*": {"LOG_LEVEL": given.log_level}},
    )
    mesh = EmbeddedMesh(Home.find(given.home), options, on_progress=_say, ready_s=given.ready_s)
    return asyncio.run(supervise(mesh))


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
