"""What a session keeps: a result is stored in the end, whatever cuts a save off."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import cast

import pytest

from ingest_svc.streams.events import KeptResult
from ingest_svc.streams.keeper import SessionKeeper
from ingest_svc.streams.keyframes import KeyframeConfig
from ingest_svc.streams.ports import SessionStore, StoredSession, StreamMetrics
from ingest_svc.streams.session import ResultOptions, StreamSession
from mesh.errors import UnavailableError

pytestmark = pytest.mark.unit
_ID = str(uuid.UUID(int=5))
_NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


class Store:
    """A database that is away (`fails`) or slow (`answers` is not set); it stands in for PostgreSQL."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.fails = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def save(
        self,
        session: StoredSession,  # noqa: ARG002
        results: Sequence[KeptResult] = (),
        *,
        acknowledged: Collection[int] = (),  # noqa: ARG002
        known: Collection[int] = (),  # noqa: ARG002
        keep: int,  # noqa: ARG002
    ) -> list[KeptResult]:
        await self.answers.wait()
        if self.fails:
            raise UnavailableError("away", "DEPENDENCY_UNAVAILABLE")
        self.kept += [result.number for result in results]
        return []


class Counts:
    """Stands in for the metrics."""

    def failure(self, part: str) -> None: ...


def keeper(store: Store) -> SessionKeeper:
    session = StreamSession(_ID, KeyframeConfig(), ResultOptions(), max_delay_s=2.0)
    stored = StoredSession(_ID, "ada", 1, _NOW, _NOW + dt.timedelta(minutes=1))
    return SessionKeeper(cast("SessionStore", store), session, stored, cast("StreamMetrics", Counts()), 3)


async def test_results_outlive_an_outage_and_a_save_that_is_cut_off() -> None:
    store = Store()
    keeps = keeper(store)
    store.fails = True
    await keeps.add(KeptResult("s/1", 1, b"x"))
    store.fails = False
    store.answers.clear()
    saving = asyncio.create_task(keeps.save())
    await asyncio.sleep(0)
    saving.cancel()  # the client has gone in the middle of it
    await asyncio.gather(saving, return_exceptions=True)
    store.answers.set()
    await keeps.add(KeptResult("s/2", 2, b"x"))
    assert store.kept == [1, 2]


async def test_only_the_newest_are_kept_while_the_database_is_away() -> None:
    store = Store()
    keeps = keeper(store)
    store.fails = True
    for number in range(1, 6):
        await keeps.add(KeptResult(f"s/{number}", number, b"x"))
    store.fails = False
    await keeps.save()
    assert store.kept == [3, 4, 5]
