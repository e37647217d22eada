"""The frame ledger: every number ends in exactly one outcome, and the totals say so at any moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine.ingest.v1 import frame_pb2

from ingest_svc.streams.keyframes import KeyframeReason
from ingest_svc.streams.ledger import Ledger, Outcome, Totals

pytestmark = pytest.mark.unit

_ENDS = [Outcome.SKIPPED_INTERVAL, Outcome.SKIPPED_SAME_SCENE, Outcome.LATE, Outcome.REJECTED, Outcome.PENDING]


def test_an_empty_ledger_reconciles() -> None:
    totals = Ledger().totals
    assert (totals.highest, totals.accounted) == (0, 0)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([1, 2, 3], {"highest": 3, "lost": 0, "duplicate": 0, "late": 0}),
        ([5], {"highest": 5, "lost": 4}),
        ([1, 4], {"highest": 4, "lost": 2}),
        ([1, 4, 2], {"highest": 4, "lost": 1, "late": 1}),
        ([1, 4, 2, 2], {"highest": 4, "lost": 1, "late": 1, "duplicate": 1}),
        ([1, 1], {"highest": 1, "duplicate": 1}),
        ([1, 9, 5, 3, 7, 4], {"highest": 9, "lost": 3, "late": 4}),
    ],
)
def test_gaps_duplicates_and_stragglers(numbers: list[int], expected: dict[str, int]) -> None:
    ledger = Ledger()
    for number in numbers:
        if ledger.arrive(number) is None:
            ledger.settle(Outcome.SKIPPED_INTERVAL)
    totals = ledger.totals.as_dict()
    assert {name: totals[name] for name in expected} == expected
    assert totals["received"] == len(numbers)
    assert ledger.totals.accounted == totals["highest"]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from(_ENDS)), max_size=200),
    st.sampled_from([Outcome.PROCESSED, Outcome.SUPERSEDED, Outcome.REJECTED]),
)
def test_any_order_of_arrival_reconciles_at_every_step(arrivals: list[tuple[int, Outcome]], end: Outcome) -> None:
    ledger, seen = Ledger(), set[int]()
    for number, outcome in arrivals:
        known = ledger.arrive(number)
        assert (known is Outcome.DUPLICATE) == (number in seen)
        seen.add(number)
        if known is None:
            ledger.settle(outcome)
        assert ledger.totals.accounted == ledger.totals.highest == max(seen)
    for number in list(ledger.pending):
        ledger.resolve(number, end)
    assert ledger.totals.pending == 0
    assert ledger.totals.accounted == ledger.totals.highest
    assert ledger.totals.lost == ledger.totals.highest - len(seen)
    assert ledger.totals.received == len(arrivals)


def test_more_gaps_than_are_remembered_still_reconcile() -> None:
    ledger = Ledger()
    for number in range(2, 2002, 2):
        assert ledger.arrive(number) is None
        ledger.settle(Outcome.SKIPPED_INTERVAL)
    assert ledger.arrive(1) is Outcome.DUPLICATE  # long forgotten: it stays lost, and this copy is counted beside
    assert ledger.arrive(1999) is Outcome.LATE
    assert ledger.totals.accounted == ledger.totals.highest == 2000


def test_resolving_what_is_not_pending_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="pending"):
        Ledger().resolve(1, Outcome.PROCESSED)


def test_a_ledger_goes_on_from_kept_totals() -> None:
    ledger = Ledger(Totals(highest=10, received=10, skipped_interval=9, processed=1))
    assert ledger.arrive(12) is None
    ledger.settle(Outcome.SKIPPED_SAME_SCENE)
    assert ledger.totals.lost == 1
    assert ledger.totals.accounted == 12


def test_values_are_those_of_the_contract() -> None:
    assert {f"FRAME_OUTCOME_{outcome.name}": outcome.value for outcome in Outcome} == {
        name: number for name, number in frame_pb2.FrameOutcome.items() if number
    }
    names = {KeyframeReason.NONE: "UNSPECIFIED"}
    assert {f"KEYFRAME_REASON_{names.get(reason, reason.name)}": reason.value for reason in KeyframeReason} == dict(
        frame_pb2.KeyframeReason.items()
    )
