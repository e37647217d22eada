"""The rule that chooses keyframes, as the command line names it."""

from __future__ import annotations

import enum
from typing import Annotated

import typer
from vitrine.ingest.v1 import frame_pb2


class KeyframeRule(enum.StrEnum):
    """The modes of `KeyframeConfig`."""

    COLOR = "color"
    LUMA = "luma"


# An option of `stream`.
RuleOption = Annotated[
    KeyframeRule | None,
    typer.Option("--mode", help="Choose keyframes by what people wear, or by the published rule on luma (color)."),
]


def mode_of(rule: KeyframeRule | None) -> frame_pb2.KeyframeMode.ValueType:
    """Returns the mode of the contract; unspecified, the server's default, for None.

    Args:
        rule: What was asked for.
    """
    if rule is None:
        return frame_pb2.KEYFRAME_MODE_UNSPECIFIED
    return frame_pb2.KeyframeMode.Value(f"KEYFRAME_MODE_{rule.name}")
