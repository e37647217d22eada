"""What a running mesh tells about itself: the state file, written by its supervisor, read by everybody else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel
from vitrine.embedded.home import Home
from vitrine.embedded.keys import DEV_USER, MeshKeys, load_keys

Phase = Literal["starting", "ready", "stopping", "failed"]
SUPERVISOR = "supervisor"
_MIB = 1024 * 1024


class ProcessState(BaseModel):
    """One process.

    Attributes:
        name: `vision`, `ingest-2`, `envoy`, `postgres`.
        pid: Its process id; 0 while it does not run.
        started_at: When the process began, in seconds since the epoch, as the operating system says; with the id it
            names one process for ever.
        ports: Its ports by what they are for.
        log: Its log file.
        restarts: How often it was started again after it had ended by itself.
    """

    name: str
    pid: int = 0
    started_at: float = 0.0
    ports: dict[str, int] = {}
    log: str = ""
    restarts: int = 0

    def process(self) -> psutil.Process | None:
        """Finds the process; None when it is gone, also when its id is somebody else's by now."""
        try:
            process = psutil.Process(self.pid) if self.pid else None
            if process is None or abs(process.create_time() - self.started_at) > 1.0:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def memory_mib(self) -> float | None:
        """Resident memory in MiB; None when it does not run.

        That of its children counts too, for PostgreSQL has a process for each connection (what they share is counted
        more than once); not for the supervisor, whose children stand in the list themselves.
        """
        process = self.process()
        if process is None:
            return None
        total = 0
        children = [] if self.name == SUPERVISOR else process.children(recursive=True)
        for each in [process, *children]:
            try:
                total += each.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / _MIB


class MeshState(BaseModel):
    """The whole mesh.

    Attributes:
        phase: How far it is.
        message: What it is doing, or why it failed.
        supervisor: The process that keeps the others alive.
        edge_url: Where the mesh is for everybody.
        admin_url: Envoy's admin pages.
        database_url: Address of its database, with the password.
        processes: All other processes.
        ready_after_s: Time from start to ready, in seconds; 0 before.
    """

    phase: Phase = "starting"
    message: str = ""
    supervisor: ProcessState
    edge_url: str = ""
    admin_url: str = ""
    database_url: str = ""
    processes: list[ProcessState] = []
    ready_after_s: float = 0.0

    def write(self, path: Path) -> None:
        """Writes the file whole, readable by its owner only.

        Args:
            path: The file.
        """
        half = path.with_suffix(".new")
        half.touch(mode=0o600)
        half.write_text(self.model_dump_json(indent=2))
        half.replace(path)

    @property
    def is_running(self) -> bool:
        """True while its supervisor lives."""
        return self.supervisor.process() is not None


def read_state(path: Path) -> MeshState | None:
    """Reads a state file; None when there is none.

    Args:
        path: The file.
    """
    try:
        return MeshState.model_validate(json.loads(path.read_text()))
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class LocalMesh:
    """The mesh that runs on this machine, for clients.

    Attributes:
        state: What it tells about itself.
        keys: Its keys.
    """

    state: MeshState
    keys: MeshKeys

    @property
    def edge_target(self) -> str:
        """Where it is for gRPC, `host:port`."""
        return self.state.edge_url.removeprefix("http://")

    def token(self, user: str = DEV_USER, roles: Iterable[str] = (), ttl_s: float = 3600.0) -> str:
        """Signs a token; see `MeshKeys.token`."""
        return self.keys.token(user, roles, ttl_s)


def load(home: Home | None = None) -> LocalMesh | None:
    """Finds the mesh that runs on this machine; None when none does.

    Args:
        home: Its folder; the usual one by default.
    """
    home = home or Home.find()
    state = read_state(home.state)
    if state is None or not state.is_running:
        return None
    return LocalMesh(state, load_keys(home.keys))


def process_state(name: str, pid: int | None) -> ProcessState:
    """Describes a process that may be running.

    Args:
        name: How to call it.
        pid: Its process id; None when it does not run.
    """
    try:
        return ProcessState(name=name, pid=pid or 0, started_at=psutil.Process(pid).create_time() if pid else 0.0)
    except psutil.NoSuchProcess:
        return ProcessState(name=name)
