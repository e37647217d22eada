"""The whole mesh on one machine: engines, services and edge, started together and kept alive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from typing import Self

from vitrine.embedded.children import Child, all_of
from vitrine.embedded.edge import choose_edge_ports, envoy_spec
from vitrine.embedded.home import Home
from vitrine.embedded.keys import MeshKeys, ensure_keys
from vitrine.embedded.plan import MeshOptions, Replica, child_spec, plan_replicas
from vitrine.embedded.ports import LOOPBACK
from vitrine.embedded.postgres import PostgresServer
from vitrine.embedded.readiness import NotReadyError, until_child_serves, until_edge_ready
from vitrine.embedded.state import SUPERVISOR, MeshState, Phase, ProcessState, process_state

from imaging.models.fetch import fetch, missing

_DATABASE = "vitrine"
_READY_S = 90.0


class EmbeddedMesh:
    """A mesh within an async block: `async with EmbeddedMesh(Home(folder)) as mesh: ...`.

    Attributes:
        home: Its folder.
        options: How it was asked to be.
        keys: Its keys; `keys.token("ada")` signs a token.
        postgres: Its PostgreSQL.
        children: Its other processes by name.
        database_url: Its database, once it has started.
        edge_url: Where it is for everybody, `http://127.0.0.1:8080`.
        edge_target: The same for gRPC, `127.0.0.1:8080`.
        admin_url: Envoy's admin pages.
        ready_after_s: Time from start to ready, in seconds.
    """

    def __init__(
        self,
        home: Home,
        options: MeshOptions | None = None,
        *,
        on_progress: Callable[[str], None] = lambda _: None,
        ready_s: float = _READY_S,
    ) -> None:
        """Names a mesh; nothing is started yet.

        Args:
            home: Its folder.
            options: How it shall be.
            on_progress: Told in words what is being done.
            ready_s: How long its start may take, in seconds.
        """
        self.home = home.make()
        self.options = options or MeshOptions()
        self.keys: MeshKeys = ensure_keys(home.keys)
        self.postgres = PostgresServer(home.postgres, durable=self.options.durable)
        self.children: dict[str, Child] = {}
        self.ready_after_s = 0.0
        self._replicas: list[Replica] = plan_replicas(self.options)
        self._edge = choose_edge_ports(self.options.edge_port)
        self.admin_url = f"http://{LOOPBACK}:{self._edge.admin}"
        self.database_url = ""
        self._phase: Phase = "starting"
        self._message = ""
        self._on_progress = on_progress
        self._ready_s = ready_s
        self._supervisor = process_state(SUPERVISOR, os.getpid())

    @property
    def edge_target(self) -> str:
        """The edge for gRPC."""
        return f"{LOOPBACK}:{self._edge.public}"

    @property
    def edge_url(self) -> str:
        """The edge for everybody."""
        return f"http://{self.edge_target}"

    def ports(self, name: str) -> dict[str, int]:
        """The ports of a process by what they are for: `grpc`, `metrics`, `http`.

        Args:
            name: `vision`, `ingest-2`, ...
        """
        return dict(self.children[name].spec.ports)

    async def __aenter__(self) -> Self:
        """Starts the mesh and waits until it is ready."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops the mesh."""
        await self.stop()

    async def start(self) -> None:
        """Starts everything and waits until Envoy sees every service well.

        Raises:
            NotReadyError: Some process does not get ready; the others still run.
        """
        began = time.monotonic()
        await asyncio.to_thread(self._prepare)
        for replica in self._replicas:
            spec = child_spec(replica, self._replicas, self.home, self.keys, self.database_url, self.options)
            self.children[replica.name] = Child(spec, self._write_state)
        self.children["envoy"] = Child(
            envoy_spec(self._replicas, self.home, self.keys, self._edge, self.options), self._write_state
        )
        await all_of([child.start() for child in self.children.values()])
        await self.wait_ready()
        self.ready_after_s = time.monotonic() - began
        self._tell("ready", "")

    async def wait_ready(self) -> None:
        """Waits until every process serves and Envoy sees it, for example after a kill.

        Raises:
            NotReadyError: Some process does not get ready in time.
        """
        self._tell(self._phase, "waiting for the services")
        deadline = time.monotonic() + self._ready_s
        pairs = [(self.children[replica.name], replica.target) for replica in self._replicas]
        await all_of([until_child_serves(child, target, deadline=deadline) for child, target in pairs])
        try:
            await until_edge_ready(self.admin_url, self._members(), deadline=deadline)
        except TimeoutError as error:
            raise NotReadyError(f"{error}; see {self.home.logs / 'envoy.log'}") from error

    def fail(self, why: str) -> None:
        """Says in the state file that the mesh did not get ready.

        Args:
            why: What is wrong.
        """
        self._tell("failed", why)

    async def stop(self, *, keep_state: bool = False) -> None:
        """Stops everything; the edge first, so that callers hear at once, and PostgreSQL last.

        Args:
            keep_state: Leave the state file, which says why the mesh failed.
        """
        if not keep_state:
            self._tell("stopping", "")
        edge = self.children.get("envoy")
        if edge is not None:
            await edge.stop(grace_s=2)
        await all_of([child.stop() for child in self.children.values() if child is not edge])
        await asyncio.to_thread(self.postgres.stop)
        if not keep_state:
            self.home.state.unlink(missing_ok=True)

    def kill(self, name: str) -> int:
        """Kills a process with SIGKILL, as a crash would; the supervisor starts it again.

        Args:
            name: `vision`, `worker`, `ingest-2`, `envoy`, ...

        Returns:
            The process id that it had.
        """
        return self.children[name].kill()

    async def crash(self, name: str) -> None:
        """Kills a process and waits until its successor serves and Envoy sees the whole mesh well again.

        Args:
            name: Its name.

        Raises:
            NotReadyError: It does not come back in time.
        """
        child = self.children[name]
        old = self.kill(name)
        await child.successor_of(old)
        await self.wait_ready()

    async def stop_process(self, name: str) -> None:
        """Ends one process with SIGTERM and leaves it off.

        Args:
            name: Its name.
        """
        await self.children[name].stop()

    async def start_process(self, name: str) -> None:
        """Starts a process that `stop_process` has ended.

        Args:
            name: Its name.
        """
        await self.children[name].start()

    async def restart_postgres(self, *, crash: bool = False) -> None:
        """Stops PostgreSQL and starts it again on the same port.

        Args:
            crash: Kill it instead of stopping it.
        """
        await asyncio.to_thread(self.postgres.kill if crash else self.postgres.stop)
        await asyncio.to_thread(self.postgres.start)
        self._write_state()

    def state(self) -> MeshState:
        """Describes the mesh as it is now."""
        return MeshState(
            phase=self._phase, message=self._message, supervisor=self._supervisor, edge_url=self.edge_url,
            admin_url=self.admin_url, database_url=self.database_url, ready_after_s=self.ready_after_s,
            processes=[self._postgres_state(), *(child.state for child in self.children.values())],
        )  # fmt: skip

    def _prepare(self) -> None:
        models = self.options.models_dir or self.home.path / "models"
        if missing(models):
            self._tell("starting", f"fetching the model files into {models} (once)")
            fetch(models)
        self._tell("starting", "starting PostgreSQL")
        self.postgres.start()
        self.database_url = self.postgres.ensure_database(_DATABASE)
        self._tell("starting", "starting the services")

    def _members(self) -> dict[str, int]:
        kinds = [replica.kind for replica in self._replicas if replica.kind != "worker"]
        return {kind: kinds.count(kind) for kind in kinds} | {"ingest_http": kinds.count("ingest")}

    def _postgres_state(self) -> ProcessState:
        state = process_state("postgres", self.postgres.pid)
        return state.model_copy(update={"ports": {"sql": self.postgres.port}, "log": str(self.postgres.log)})

    def _tell(self, phase: Phase, message: str) -> None:
        self._phase, self._message = phase, message
        if message:
            self._on_progress(message)
        self._write_state()

    def _write_state(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # the folder was removed: the processes end all the same
            self.state().write(self.home.state)
