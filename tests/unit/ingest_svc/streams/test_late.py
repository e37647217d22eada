"""Bursts that come late: what is behind the deadline is dropped by its time alone, the newest is looked at."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from ingest_svc.streams.keyframes import KeyframeConfig
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.session import Ack, ResultOptions, StreamSession
from tests.unit.ingest_svc.streams.feeds import Clock, holding, sent, steady

pytestmark = pytest.mark.unit

_GRAY = np.full((120, 160), 90, np.uint8)


def _run(late_s: float, clock: Clock, *, bursts: int = 1) -> tuple[StreamSession, list[float]]:
    """A feed at 24 fps whose frames are held from every 40th second on; returns what was looked at, and when taken."""
    session = StreamSession(str(uuid.UUID(int=5)), KeyframeConfig(min_interval_s=0.0), ResultOptions(), max_delay_s=5.0)
    captures, looked = steady(24, 0, 40 * (bursts + 1)), []

    def held(at: float) -> float:
        start = at // 40 * 40
        return holding(start, start + late_s)(at) if start else at

    for number, (captured, arrived) in enumerate(sent(captures, clock, held=held), 1):
        admitted = session.admit(number, captured, arrived)
        if not isinstance(admitted, Ack):
            looked.append(captures[number - 1])
            ack = session.look(admitted, _GRAY)
            if ack.outcome is Outcome.PENDING:
                session.resolve(number, Outcome.PROCESSED)
    return session, looked


@pytest.mark.parametrize("clock", [Clock(), Clock(7200.0, 200)], ids=["right", "hours behind, drifting"])
@pytest.mark.parametrize(("late_s", "bursts"), [(4, 1), (6, 1), (15, 1), (30, 1), (15, 3)])
def test_of_a_burst_only_the_last_five_seconds_are_looked_at(late_s: float, bursts: int, clock: Clock) -> None:
    session, looked = _run(late_s, clock, bursts=bursts)
    passing_s = 0.024 * late_s  # a millisecond for each frame of the burst
    assert session.totals.late == pytest.approx(bursts * max(0, 24 * (late_s - 5 + passing_s)), abs=6 * bursts)
    assert session.totals.accounted == session.totals.highest == 24 * 40 * (bursts + 1)
    assert not any(40 <= at < 40 + late_s - 5.2 for at in looked)
    assert len(looked) == session.totals.highest - session.totals.late
