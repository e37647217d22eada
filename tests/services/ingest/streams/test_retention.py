"""What is kept of streams goes when its time is over, and nothing goes before."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from ingest_svc.storage import stream_sweep
from ingest_svc.storage.sessions import PostgresSessionStore
from ingest_svc.storage.stream_sweep import StreamSweeper, Swept
from ingest_svc.streams.events import KeptResult
from ingest_svc.streams.ports import StoredSession
from mesh.database import Database
from tests.services.ingest.streams.conftest import Ingest
from tests.support.waiting import until

pytestmark = pytest.mark.service
_PAYLOAD = b""


@pytest.fixture(scope="module")
async def database(ingest: Ingest) -> AsyncIterator[Database]:
    """Another way into ingest's database; replicas sweep every five minutes, which is not during this test."""
    opened = Database(SecretStr(ingest.database_url), "ingest", "ingest_svc.migrations")
    yield opened
    await opened.close()


async def _keep(
    database: Database, user: str, *, window_s: float, result_age_s: float = 3600.0, results: int = 0
) -> str:
    """Keeps a session that can be resumed for so long; returns its id."""
    store = PostgresSessionStore(database, resume_window_s=window_s, max_result_age_s=result_age_s)
    now = datetime.now(UTC)
    session = StoredSession(str(uuid.uuid4()), user, 1, now, now + timedelta(hours=4))
    await store.create(session, uuid.uuid4().bytes)
    kept = [KeptResult(str(uuid.uuid4()), number, _PAYLOAD) for number in range(1, results + 1)]
    await store.save(session, kept, keep=100)
    return session.stream_id


def _left(ingest: Ingest, user: str) -> tuple[set[str], Counter[str]]:
    sessions = {str(row[0]) for row in ingest.rows("SELECT id::text FROM ingest.streams WHERE user_id = %s", user)}
    results = ingest.rows("SELECT stream_id::text FROM ingest.stream_results WHERE user_id = %s", user)
    return sessions, Counter(str(row[0]) for row in results)


async def test_sessions_and_results_past_their_time_go_and_others_stay(
    ingest: Ingest, database: Database, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_sweep, "_BATCH", 2)
    stays = await _keep(database, user, window_s=900, results=2)
    silent = await _keep(database, user, window_s=0.01, result_age_s=0.01, results=5)
    with_window = await _keep(database, user, window_s=900, result_age_s=0.01, results=1)  # the window is the least
    for _ in range(4):
        await _keep(database, user, window_s=0.01, results=1)
    # The session of these is connected, but nobody has acknowledged them for too long.
    ingest.rows("UPDATE ingest.streams SET resume_until_time = expire_time WHERE id = %s RETURNING id", silent)
    await asyncio.sleep(0.05)
    counted: Counter[str] = Counter()
    sweeper = StreamSweeper(database, count=lambda kind, number: counted.update({kind: number}))
    swept = await sweeper.sweep()  # other tests have left some too
    assert (swept.sessions >= 4, swept.results >= 5) == (True, True)
    assert _left(ingest, user) == ({stays, silent, with_window}, Counter({stays: 2, with_window: 1}))
    assert counted == {"sessions": swept.sessions, "results": swept.results}


async def test_one_process_sweeps_at_a_time(ingest: Ingest, database: Database, user: str) -> None:
    await _keep(database, user, window_s=0.01)
    await asyncio.sleep(0.05)
    async with database.turn(stream_sweep._SWEEP_LOCK) as ours:
        assert ours
        assert await StreamSweeper(database).sweep() == Swept()
    assert len(_left(ingest, user)[0]) == 1
    swept = await asyncio.gather(*(StreamSweeper(database).sweep() for _ in range(3)))
    assert sum(each.sessions for each in swept) >= 1
    assert _left(ingest, user) == (set(), Counter())


async def test_sweeper_goes_on_after_the_database_was_away(ingest: Ingest, database: Database, user: str) -> None:
    gone = await _keep(database, user, window_s=0.01)
    away = Database(SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/nothing"), "ingest", "ingest_svc.migrations")
    failures: Counter[str] = Counter()
    sweeper = StreamSweeper(away, count=lambda kind, number: failures.update({kind: number}))
    sweeping = asyncio.create_task(sweeper.run(0.01))

    async def failed_twice() -> bool:
        return failures["failure"] >= 2

    async def removed() -> bool:
        return gone not in _left(ingest, user)[0]

    try:
        await until(failed_twice)
        sweeper._database = database
        await until(removed)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await away.close()
