"""The client's own books: what it heard last counts, and what nobody heard of is lost."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from vitrine.ingest.v1 import frame_pb2
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.outcomes import outcome_name

pytestmark = pytest.mark.unit

SKIPPED, PENDING = frame_pb2.FRAME_OUTCOME_SKIPPED_INTERVAL, frame_pb2.FRAME_OUTCOME_PENDING
PROCESSED, LOST = frame_pb2.FRAME_OUTCOME_PROCESSED, frame_pb2.FRAME_OUTCOME_LOST


def heard(ledger: FrameLedger, number: int, outcome: frame_pb2.FrameOutcome.ValueType) -> bool:
    return ledger.ack(frame_pb2.FrameAck(frame_number=number, outcome=outcome))


def test_empty_books_agree_with_empty_totals() -> None:
    assert FrameLedger().differences(frame_pb2.FrameTotals()) == {}


def test_gaps_repeats_and_changes() -> None:
    ledger = FrameLedger()
    ledger.ready(0)
    assert heard(ledger, 1, PENDING)
    assert heard(ledger, 4, SKIPPED)
    assert not heard(ledger, 4, SKIPPED)
    assert heard(ledger, 4, frame_pb2.FRAME_OUTCOME_DUPLICATE)  # a copy, each of which is news
    assert heard(ledger, 1, PROCESSED)
    assert [ledger.outcome(number) for number in range(1, 6)] == [PROCESSED, LOST, LOST, SKIPPED, 0]
    totals = frame_pb2.FrameTotals(
        highest_frame_number=4, received_count=3, processed_count=1, skipped_interval_count=1, lost_count=2,
        duplicate_count=1,
    )  # fmt: skip
    assert ledger.differences(totals) == {}
    totals.lost_count, totals.late_count = 1, 1
    assert ledger.differences(totals) == {"late": (0, 1), "lost": (2, 1)}


@pytest.mark.parametrize(
    ("highest", "expected"), [(2, [SKIPPED, LOST, LOST, SKIPPED]), (3, [SKIPPED, LOST, PENDING, SKIPPED])]
)
def test_what_a_killed_server_had_not_saved_is_void(highest: int, expected: list[int]) -> None:
    ledger = FrameLedger()
    heard(ledger, 1, SKIPPED)
    heard(ledger, 3, PENDING)
    ledger.ready(highest)
    assert ledger.highest == highest
    heard(ledger, 4, SKIPPED)
    assert [ledger.outcome(number) for number in range(1, 5)] == expected


def test_a_session_known_up_to_some_number_begins_after_it() -> None:
    ledger = FrameLedger()
    ledger.ready(1000)
    heard(ledger, 1001, SKIPPED)
    assert ledger.highest == 1001
    assert ledger.counts()["skipped_interval"] == 1


def test_counts_are_those_of_the_single_frames_whatever_is_said_in_whatever_order() -> None:
    dice = random.Random(11)
    ledger = FrameLedger()
    for _ in range(400):
        if dice.random() < 0.05:
            ledger.ready(dice.randint(0, ledger.highest + 3))
        else:
            heard(ledger, dice.randint(1, 60), dice.choice([SKIPPED, PENDING, PROCESSED, LOST]))
        single = Counter(ledger.outcome(number) for number in range(1, ledger.highest + 1))
        assert {name: count for name, count in ledger.counts().items() if count} == {
            outcome_name(outcome): count for outcome, count in single.items()
        }
