"""The names of outcomes, reasons and stalls: all that the contract has, and one word for people for each."""

from __future__ import annotations

import pytest
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.outcomes import ENDS, STALLS, WORDS, outcome_name, reason_name, reason_words, stall_name, totals_of

pytestmark = pytest.mark.unit


def test_every_outcome_of_the_contract_has_its_total_and_its_word() -> None:
    counted = {field.name for field in frame_pb2.FrameTotals.DESCRIPTOR.fields if field.name.endswith("_count")}
    assert {f"{name}_count" for name in ENDS} == counted - {"received_count", "duplicate_count"}
    assert set(WORDS) == {*ENDS, "duplicate"} == {outcome_name(value) for value in frame_pb2.FrameOutcome.values()[1:]}
    totals = frame_pb2.FrameTotals(
        highest_frame_number=7, received_count=6, late_count=2, pending_count=5, duplicate_count=1
    )
    assert {name: count for name, count in totals_of(totals).items() if count} == {
        "highest": 7, "received": 6, "late": 2, "pending": 5, "duplicate": 1,
    }  # fmt: skip


def test_names_are_the_contracts_in_lower_case() -> None:
    assert outcome_name(frame_pb2.FRAME_OUTCOME_SKIPPED_SAME_SCENE) == "skipped_same_scene"
    assert reason_name(frame_pb2.KEYFRAME_REASON_SCENE_CHANGE) == "scene_change"
    assert reason_words(frame_pb2.KEYFRAME_REASON_SCENE_CHANGE) == "scene change"
    assert (STALLS, stall_name(pb.STALL_KIND_BURST)) == (("silence", "slow", "burst"), "burst")


def test_what_a_newer_server_says_has_a_number_for_a_name() -> None:
    assert (outcome_name(99), reason_name(98), stall_name(97)) == ("outcome_99", "reason_98", "stall_97")
