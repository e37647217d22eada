"""`vitrine stream --mode`: every mode of the contract has its word."""

from __future__ import annotations

import pytest
from vitrine.cli.keyframe_rule import KeyframeRule, mode_of
from vitrine.ingest.v1 import frame_pb2

pytestmark = pytest.mark.unit


def test_every_mode_has_its_word() -> None:
    assert {mode_of(rule) for rule in (None, *KeyframeRule)} == set(frame_pb2.KeyframeMode.values())


@pytest.mark.parametrize(
    ("rule", "mode"),
    [(KeyframeRule.COLOR, frame_pb2.KEYFRAME_MODE_COLOR), (KeyframeRule.LUMA, frame_pb2.KEYFRAME_MODE_LUMA)],
    ids=["color", "luma"],
)
def test_a_word_stands_for_its_mode(rule: KeyframeRule, mode: frame_pb2.KeyframeMode.ValueType) -> None:
    assert mode_of(rule) == mode
