"""Removing what nobody can come back for: sessions past their time, and results that were never acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from ingest_svc.storage.stream_tables import stream_results, streams
from mesh.database import Database
from mesh.errors import VitrineError

# Beside those of `captures.upkeep`: advisory locks are numbers.
# How long a sweep may take to end when the process stops.
_FINISH_S = 2.0
_SWEEP_LOCK = 0x76696E67_03
# In one transaction, so that no other one waits long.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep has removed.

    Attributes:
        sessions: Sessions that could no longer be resumed, with all that was kept of them.
        results: Results of other sessions that had waited too long.
    """

    sessions: int = 0
    results: int = 0


class StreamSweeper:
    """Sweeps the tables of streams, one process at a time."""

    def __init__(self, database: Database, *, count: Callable[[str, int], None] = lambda *_: None) -> None:
        """Names the place.

        Args:
            database: The database of ingest.
            count: Told how many of which kind were removed: ``sessions``, ``results``; and of each ``failure``.
        """
        self._database = database
        self._count = count
        self._log = structlog.get_logger("ingest.retention")

    async def run(self, every_s: float) -> None:
        """Sweeps again and again until it is cancelled; a failure waits for the next turn.

        Args:
            every_s: Time between two sweeps, seconds.
        """
        while True:
            await asyncio.sleep(every_s)
            sweeping = asyncio.ensure_future(self._try())
            try:
                await asyncio.shield(sweeping)
            finally:  # cancelled in the middle, it would leave a connection open
                await asyncio.wait([sweeping], timeout=_FINISH_S)
                sweeping.cancel()

    async def _try(self) -> None:
        try:
            await self.sweep()
        except VitrineError:
            self._count("failure", 1)

    async def sweep(self) -> Swept:
        """Removes what is past its time, in batches; nothing where another process is at it.

        Returns:
            How much.

        Raises:
            UnavailableError: When the database does not answer.
        """
        async with self._database.turn(_SWEEP_LOCK) as ours:
            if not ours:
                return Swept()
            sessions = await self._remove(streams, streams.c.resume_until_time)
            results = await self._remove(stream_results, stream_results.c.expire_time)
        self._count("sessions", sessions)
        self._count("results", results)
        if sessions or results:
            self._log.info("streams_swept", sessions=sessions, results=results)
        return Swept(sessions, results)

    async def _remove(self, table: sa.Table, until: sa.ColumnElement[object]) -> int:
        keys = list(table.primary_key.columns)
        # What somebody is at now (a session that comes back in its last moment) is left for the next turn.
        past = sa.select(*keys).where(until < sa.func.now()).limit(_BATCH).with_for_update(skip_locked=True)
        removed = 0
        while True:
            async with self._database.begin() as connection:
                found = [tuple(row) for row in await connection.execute(past)]
                if found:
                    await connection.execute(sa.delete(table).where(sa.tuple_(*keys).in_(found)))
            removed += len(found)
            if len(found) < _BATCH:
                return removed
