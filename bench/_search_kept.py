"""Where `bench/search.py` has its catalogue and its index: a folder that goes, or one that stays for the next time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from vitrine.embedded.postgres import PostgresServer

from bench._search_data import PER_LOOK

_MARK = "bench.json"


@dataclass(frozen=True, slots=True)
class Made:
    """What a catalogue was made from."""

    products: int
    dimension: int
    seed: int
    per_look: int = PER_LOOK


@dataclass(frozen=True, slots=True)
class Place:
    """A folder and its PostgreSQL."""

    folder: Path
    server: PostgresServer

    def database(self) -> str:
        """Returns the address of the big catalogue's database; it is made when there is none."""
        return self.server.ensure_database("bench")

    def holds(self, made: Made) -> bool:
        """Tells whether the catalogue is there already.

        Raises:
            SystemExit: When another one is.
        """
        mark = self.folder / _MARK
        if not mark.exists():
            return False
        there = Made(**json.loads(mark.read_text()))
        if there != made:
            raise SystemExit(f"{self.folder} holds {there}, not {made}: take another folder")
        return True

    def mark(self, made: Made) -> None:
        """Notes that the catalogue is there."""
        (self.folder / _MARK).write_text(json.dumps(asdict(made)))


@contextlib.asynccontextmanager
async def place_at(kept: Path | None, parent: Path | None) -> AsyncIterator[Place]:
    """Gives a folder with a running PostgreSQL.

    Args:
        kept: The folder to keep; None takes one that is removed at the end.
        parent: Where that one is made; the machine's folder for temporary files when left out.
    """
    if kept is not None:
        await asyncio.to_thread(kept.mkdir, parents=True, exist_ok=True)
        server = PostgresServer(kept / "postgres", durable=False)
        await asyncio.to_thread(server.start)
        try:
            yield Place(kept, server)
        finally:
            await asyncio.to_thread(server.stop)
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-", dir=parent) as name:
        server = PostgresServer(Path(name) / "postgres", durable=False)
        await asyncio.to_thread(server.start)
        try:
            yield Place(Path(name), server)
        finally:
            await asyncio.to_thread(server.delete)
