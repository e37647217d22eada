"""A process that is kept alive: started, watched, started again with growing pauses, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from vitrine.embedded.state import ProcessState

_BACKOFF_FIRST_S = 0.2
_BACKOFF_MAX_S = 5.0
# A process that lived this long was well; its next end starts with the shortest pause again.
_WELL_AFTER_S = 10.0
_TERM_S = 10.0
# So many quick deaths in a row are no accident any more.
_HOPELESS_DEATHS = 4


@dataclass(frozen=True)
class ChildSpec:
    """What to run.

    Attributes:
        name: Its name in the mesh: `vision`, `ingest-2`.
        command: Program and arguments.
        environment: Its whole environment.
        ports: Its ports by what they are for.
        log: File that its output is added to.
        directory: Its working directory.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    log: Path
    directory: Path


@dataclass
class Child:
    """One process of the mesh.

    Attributes:
        spec: What to run.
        on_change: Called after every start and end.
        restarts: How often it was started again by itself.
    """

    spec: ChildSpec
    on_change: Callable[[], None] = lambda: None
    restarts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _started_at: float = 0.0
    _keeper: asyncio.Task[None] | None = None
    _wanted: bool = False
    _deaths_in_a_row: int = 0
    _started: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    @property
    def state(self) -> ProcessState:
        """What the state file says about it."""
        return ProcessState(
            name=self.spec.name, pid=self.pid or 0, started_at=self._started_at, ports=dict(self.spec.ports),
            log=str(self.spec.log), restarts=self.restarts,
        )  # fmt: skip

    async def start(self) -> None:
        """Starts it and keeps it alive until `stop`."""
        self._wanted = True
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def stop(self, *, grace_s: float = _TERM_S) -> None:
        """Ends it with SIGTERM, or after a while with SIGKILL.

        Args:
            grace_s: How long to wait, in seconds.
        """
        self._wanted = False
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._end(grace_s)
        self.on_change()

    def kill(self) -> int:
        """Kills it with SIGKILL, as a crash would; it is started again.

        Returns:
            The process id that it had.

        Raises:
            ProcessLookupError: It does not run.
        """
        if self._process is None or self._process.returncode is not None:
            raise ProcessLookupError(f"{self.spec.name} does not run")
        self._process.kill()
        return self._process.pid

    async def successor_of(self, pid: int) -> None:
        """Waits until another process than the given one has been started.

        Args:
            pid: The process id of the old one.
        """
        while self.pid is None or self.pid == pid:
            self._started.clear()
            await self._started.wait()

    async def keeps_dying(self) -> None:
        """Waits until it has died several times in a row, each time soon after its start."""
        while self._deaths_in_a_row < _HOPELESS_DEATHS:
            self._started.clear()
            await self._started.wait()

    async def _spawn(self) -> None:
        with self.spec.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                env=self.spec.environment,
                cwd=self.spec.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        with contextlib.suppress(psutil.NoSuchProcess):
            self._started_at = psutil.Process(self._process.pid).create_time()
        self._started.set()
        self.on_change()

    async def _keep(self) -> None:
        pause_s = _BACKOFF_FIRST_S
        while self._wanted and self._process is not None:
            began = time.monotonic()
            await self._process.wait()
            self.on_change()
            was_well = time.monotonic() - began > _WELL_AFTER_S
            self._deaths_in_a_row = 0 if was_well else self._deaths_in_a_row + 1
            pause_s = _BACKOFF_FIRST_S if was_well else min(2 * pause_s, _BACKOFF_MAX_S)
            await asyncio.sleep(pause_s)
            self.restarts += 1
            await self._spawn()

    async def _end(self, grace_s: float) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def all_of(work: Sequence[Awaitable[None]]) -> None:
    """Runs everything at once and raises the first failure only when all have ended.

    Args:
        work: The awaitables.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
