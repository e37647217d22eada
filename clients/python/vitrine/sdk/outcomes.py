"""What can become of a frame, why one was chosen, how frames fail to come: their names, told in one place."""

from __future__ import annotations

from collections.abc import Iterable

from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb

DUPLICATE = "duplicate"


def _names(items: Iterable[tuple[str, int]], prefix: str) -> dict[int, str]:
    return {value: name.removeprefix(prefix).lower() for name, value in items}


_OUTCOMES = _names(frame_pb2.FrameOutcome.items(), "FRAME_OUTCOME_")
_REASONS = _names(frame_pb2.KeyframeReason.items(), "KEYFRAME_REASON_")
_STALLS = _names(pb.StallKind.items(), "STALL_KIND_")

# How a number can end, as the totals of the contract name it without ``_count``; together they are the highest number.
ENDS = {name: value for value, name in _OUTCOMES.items() if value and name != DUPLICATE}
STALLS = tuple(name for value, name in _STALLS.items() if value)

# The same for people, in the order in which they are told.
WORDS = {
    "processed": "keyframe",
    "skipped_interval": "too soon",
    "skipped_same_scene": "same scene",
    "superseded": "superseded",
    "late": "late",
    "rejected": "rejected",
    "lost": "lost",
    DUPLICATE: DUPLICATE,
    "pending": "still in work",
}


def outcome_name(outcome: int) -> str:
    """Names a `FrameOutcome` in lower case: ``skipped_interval``; one of a newer server by its number."""
    return _OUTCOMES.get(outcome, f"outcome_{outcome}")


def reason_name(reason: int) -> str:
    """Names a `KeyframeReason` in lower case: ``scene_change``; one of a newer server by its number."""
    return _REASONS.get(reason, f"reason_{reason}")


def stall_name(kind: int) -> str:
    """Names a `StallKind` in lower case: ``silence``; one of a newer server by its number."""
    return _STALLS.get(kind, f"stall_{kind}")


def reason_words(reason: int) -> str:
    """Writes a `KeyframeReason` for people: ``scene change``."""
    return reason_name(reason).replace("_", " ")


def totals_of(totals: frame_pb2.FrameTotals) -> dict[str, int]:
    """Gives the server's totals by name, `highest` and `received` among them.

    Args:
        totals: Of `ready` or `stats`.
    """
    counts = {name: int(getattr(totals, f"{name}_count")) for name in (*ENDS, DUPLICATE, "received")}
    return counts | {"highest": int(totals.highest_frame_number)}
