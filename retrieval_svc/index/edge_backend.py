"""Generations of the in-process engine: folders on the local disk, each built by a child process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from pydantic import SecretStr
from structlog.typing import FilteringBoundLogger

from mesh.errors import InternalError
from retrieval_svc.index.build import SHARD_FOLDER, STATE_FILE, Order, write_state
from retrieval_svc.index.edge import QdrantEdge
from retrieval_svc.index.generation import BuildPlan, GenerationState, OpenGeneration, state_from_json
from retrieval_svc.index.snapshot import save

_PREFIX = "generation-"
_ERROR_TAIL = 500


class EdgeBackend:
    """Keeps generations in one folder, which belongs to one process."""

    engine = "qdrant-edge"

    def __init__(
        self,
        folder: Path,
        database_url: SecretStr,
        schema: str,
        *,
        snapshot: Path | None = None,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        """Describes where generations live.

        Args:
            folder: Their folder.
            database_url: The catalogue, for the process that builds.
            schema: Schema of its tables.
            snapshot: File that gets a snapshot of every generation that is built; None for no snapshots.
            log: Told when a snapshot fails.
        """
        self._folder = folder
        self._database_url = database_url
        self._schema = schema
        self._snapshot = snapshot
        self._log = log

    async def open(self) -> OpenGeneration | None:
        """Opens the newest complete generation and removes what is left of others.

        A generation that cannot be opened is removed too: PostgreSQL has everything that it held.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        opened: OpenGeneration | None = None
        for folder in sorted(self._folder.glob(f"{_PREFIX}*"), reverse=True):
            if opened is None:
                opened = _load(folder)
            if opened is None or folder != folder_of(self._folder, opened.state.generation):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return opened

    async def refresh(self, current: OpenGeneration) -> OpenGeneration | None:
        """Nobody else builds here."""
        return current

    async def build(self, plan: BuildPlan) -> OpenGeneration:
        """Builds a generation in a child process and opens it.

        Raises:
            InternalError: When the child process failed; the message has the end of its output.
        """
        folder = folder_of(self._folder, plan.generation)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        order = Order(self._database_url.get_secret_value(), self._schema, folder, plan)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "retrieval_svc.index.build",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, errors = await process.communicate(order.to_json().encode())
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode == 0:
            await self._save(folder)
        opened = _load(folder) if process.returncode == 0 else None
        if opened is None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            tail = errors.decode(errors="replace").strip()[-_ERROR_TAIL:]
            raise InternalError(f"the index build ended with {process.returncode}: {tail}")
        return opened

    async def _save(self, folder: Path) -> None:
        """Saves a generation that is built and not opened yet; it serves also when that fails."""
        if self._snapshot is None:
            return
        try:
            state = state_of(folder)
            await asyncio.to_thread(save, folder, state, state.built_count, self._snapshot)
        except OSError as error:
            if self._log is not None:
                self._log.warning("index_snapshot_failed", file=str(self._snapshot), error=str(error))

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """The folder belongs to this process: it is always its turn."""
        yield True

    async def advance(self, current: OpenGeneration, state: GenerationState) -> None:
        """Writes the state file; the changes themselves are in the engine's write-ahead log already."""
        current.state = state
        await asyncio.to_thread(write_state, folder_of(self._folder, state.generation), state)

    async def retire(self, old: OpenGeneration) -> None:
        """Closes a generation and removes its folder."""
        await old.index.close()
        await asyncio.to_thread(shutil.rmtree, folder_of(self._folder, old.state.generation), ignore_errors=True)


def folder_of(index_dir: Path, generation: int) -> Path:
    """Returns the folder of a generation."""
    return index_dir / f"{_PREFIX}{generation:012d}"


def state_of(folder: Path) -> GenerationState:
    """Reads the state file of a generation.

    Raises:
        OSError, KeyError, ValueError, TypeError: When there is none, or it is damaged.
    """
    return state_from_json(json.loads((folder / STATE_FILE).read_text()))


def newest_generation(index_dir: Path) -> tuple[Path, GenerationState] | None:
    """Returns the folder and the state of the newest generation that was built to its end."""
    for folder in sorted(index_dir.glob(f"{_PREFIX}*"), reverse=True):
        with contextlib.suppress(OSError, KeyError, ValueError, TypeError):
            return folder, state_of(folder)
    return None


def _load(folder: Path) -> OpenGeneration | None:
    try:
        state = state_of(folder)
        return OpenGeneration(QdrantEdge.load(folder / SHARD_FOLDER), state)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a damaged shard makes the engine panic, which is no Exception; it is rebuilt
        return None
