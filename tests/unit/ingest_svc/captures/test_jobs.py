"""Which jobs run again, and when."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from procrastinate.jobs import Job

from ingest_svc.captures.jobs import UNDO, UPKEEP_QUEUE, Retry, TryAgainError
from mesh.errors import InternalError, UnavailableError, VitrineError

pytestmark = pytest.mark.unit
AT = datetime(2026, 1, 1, tzinfo=UTC)


def _job(attempts: int) -> Job:
    return Job(id=1, queue=UPKEEP_QUEUE, lock=None, queueing_lock=None, task_name=UNDO, attempts=attempts)


def _wait_s(error: BaseException, attempts: int) -> float | None:
    decision = Retry().get_retry_decision(exception=error, job=_job(attempts))
    if decision is None:
        return None
    assert decision.retry_at is not None
    return (decision.retry_at - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize(("attempts", "wait_s"), [(0, 5), (1, 10), (5, 160), (6, 300), (1000, 300)], ids=str)
@pytest.mark.parametrize("error", [UnavailableError("away"), InternalError("broken")], ids=["away", "broken"])
def test_what_is_away_is_tried_until_it_comes_back(error: VitrineError, attempts: int, wait_s: float) -> None:
    assert _wait_s(error, attempts) == pytest.approx(wait_s, abs=1)


@pytest.mark.parametrize(("attempts", "wait_s"), [(0, 5), (19, 300), (20, None)])
def test_what_nobody_foresaw_is_given_up(attempts: int, wait_s: float | None) -> None:
    assert _wait_s(ValueError("bug"), attempts) == (None if wait_s is None else pytest.approx(wait_s, abs=1))


def test_what_asks_for_a_time_gets_it_and_what_was_interrupted_goes_on_at_once() -> None:
    decision = Retry().get_retry_decision(exception=TryAgainError(AT), job=_job(1000))
    assert decision is not None
    assert decision.retry_at == AT
    assert _wait_s(asyncio.CancelledError(), 1000) == pytest.approx(0, abs=1)
