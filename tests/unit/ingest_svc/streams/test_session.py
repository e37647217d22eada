"""The session: what becomes of each frame, without any I/O."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeReason
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.limits.frame_rate import FrameGate, FrameRate
from ingest_svc.streams.session import Ack, Candidate, ResultOptions, StreamSession
from mesh.errors import InvalidInputError

pytestmark = pytest.mark.unit

_MS = 1_000_000
_FLAT = np.full((120, 160), 90, np.uint8)
_OTHER = np.random.default_rng(3).integers(0, 256, (120, 160), dtype=np.uint8)


@pytest.fixture
def session() -> StreamSession:
    return StreamSession(str(uuid.UUID(int=5)), KeyframeConfig(), ResultOptions(), max_delay_s=2.0)


def _feed(session: StreamSession, number: int, at_ms: int, gray: np.ndarray = _FLAT) -> Ack:
    admitted = session.admit(number, at_ms * _MS, at_ms * _MS)
    return session.look(admitted, gray) if isinstance(admitted, Candidate) else admitted


def test_a_short_stream_from_first_to_last(session: StreamSession) -> None:
    acks = [
        _feed(session, 1, 0),
        _feed(session, 2, 500, _OTHER),
        _feed(session, 3, 1000),
        _feed(session, 3, 1000),
        _feed(session, 6, 1500, _OTHER),
        _feed(session, 5, 1600, _OTHER),
    ]
    assert [ack.outcome for ack in acks] == [
        Outcome.PENDING, Outcome.SKIPPED_INTERVAL, Outcome.SKIPPED_SAME_SCENE, Outcome.DUPLICATE, Outcome.PENDING,
        Outcome.LATE,
    ]  # fmt: skip
    assert acks[0].judgement is not None
    assert acks[0].judgement.reason is KeyframeReason.FIRST
    assert acks[4].lost_before == 2
    assert session.resolve(1, Outcome.PROCESSED).outcome is Outcome.PROCESSED
    assert session.resolve(6, Outcome.REJECTED, "BLUR_FAILED").rejected_reason == "BLUR_FAILED"
    assert session.totals.accounted == session.totals.highest == 6
    assert session.totals.received == 6


def test_a_frame_that_is_looked_at_within_the_minimum_interval_is_skipped_for_it(session: StreamSession) -> None:
    colored = np.full((60, 80, 3), 90, np.uint8)
    _feed(session, 1, 0, colored)
    early = session.admit(2, 500 * _MS, 500 * _MS)
    assert isinstance(early, Candidate)
    assert session.look(early, colored + 90).outcome is Outcome.SKIPPED_INTERVAL
    assert _feed(session, 3, 1000, colored).outcome is Outcome.SKIPPED_SAME_SCENE


def test_a_rejected_frame_is_no_reference(session: StreamSession) -> None:
    admitted = session.admit(1, 0, 0)
    assert isinstance(admitted, Candidate)
    assert session.reject(admitted, "IMAGE_CORRUPT").rejected_reason == "IMAGE_CORRUPT"
    ack = _feed(session, 2, 10)
    assert ack.judgement is not None
    assert ack.judgement.reason is KeyframeReason.FIRST


def test_frames_far_behind_are_late_and_not_looked_at(session: StreamSession) -> None:
    _feed(session, 1, 0)
    stalled = session.admit(2, 100 * _MS, 5000 * _MS)
    assert isinstance(stalled, Ack)
    assert stalled.outcome is Outcome.LATE
    assert isinstance(session.admit(3, 4900 * _MS, 5000 * _MS), Candidate)


def test_frames_above_the_rate_are_rejected_undecoded_and_stay_in_the_books() -> None:
    gate = FrameGate(FrameRate(1.0, 2.0))
    session = StreamSession(str(uuid.UUID(int=5)), KeyframeConfig(), ResultOptions(), max_delay_s=2.0, gate=gate)
    assert isinstance(session.admit(1, 0, 0), Candidate)
    session.reject(Candidate(1, 0, 0, 0), "IMAGE_CORRUPT")
    assert isinstance(session.admit(2, 1, 1), Candidate)
    session.reject(Candidate(2, 0, 0, 0), "IMAGE_CORRUPT")
    above = session.admit(5, 2, 2)
    assert isinstance(above, Ack)
    assert (above.outcome, above.rejected_reason, above.lost_before) == (Outcome.REJECTED, "RATE_LIMITED", 2)
    assert gate.complaint() is not None
    again = session.admit(5, 3, 3)
    assert isinstance(again, Ack)
    assert again.outcome is Outcome.DUPLICATE  # whatever was sent once has one outcome
    assert isinstance(session.admit(6, 4, 2_000_000_000), Candidate)
    session.reject(Candidate(6, 0, 0, 0), "IMAGE_CORRUPT")
    assert session.totals.accounted == session.totals.highest == 6
    assert (session.totals.rejected, session.totals.received) == (4, 5)


def test_event_ids_depend_on_session_and_frame_alone(session: StreamSession) -> None:
    again = StreamSession(session.stream_id, KeyframeConfig(), ResultOptions(), max_delay_s=1.0)
    assert session.event_id(7) == again.event_id(7)
    assert session.event_id(7) != session.event_id(8)
    assert uuid.UUID(session.event_id(7)).version == 5


def test_an_absurd_number_is_refused_and_changes_nothing(session: StreamSession) -> None:
    _feed(session, 1, 0)
    with pytest.raises(InvalidInputError) as caught:
        session.admit(9_000_000, None, 0)
    assert caught.value.violations[0].field == "frame.frame_number"
    assert session.totals.highest == 1
