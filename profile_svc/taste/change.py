"""What a taste event did, as it is told to the user and kept for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profile_svc.taste.axes import AXES
from profile_svc.taste.evidence import Sighting
from profile_svc.taste.state import GarmentMove, TasteState

_SMALLEST_TOLD = 0.05  # points; less rounds to 0.0 and is not worth a word


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one garment did to the axes.

    Attributes:
        garment_id: Its id in the sighting.
        bucket: Its bucket; may be empty.
        category: Its category; may be empty.
        color_name: Its main colour; may be empty.
        deltas: Points moved by axis name.
        summary: The largest part in words: ``navy coat: +4 structured``; empty when it moved nothing.
        repeat_of: The sighting in which it counted, where it was just seen before; else empty.
    """

    garment_id: str
    bucket: str
    category: str
    color_name: str
    deltas: Mapping[str, float]
    summary: str
    repeat_of: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What one event did.

    Attributes:
        before_axes: Scores before, in the order of `AXES`.
        after_axes: Scores after.
        before_count: Sightings behind the taste before.
        after_count: Sightings behind it after.
        before_garments: Garments that had moved it before.
        after_garments: Garments that have moved it after.
        before_sequence: Number of the last taste event before; 0 when there was none.
        before_time: When that was recorded, ISO 8601; empty when there was none.
        first: True for the very first sighting: `before_axes` is then neutral, not measured.
        attributions: What each garment did; empty for an undo.
    """

    before_axes: tuple[float, ...]
    after_axes: tuple[float, ...]
    before_count: int
    after_count: int
    before_sequence: int
    before_time: str
    first: bool
    attributions: tuple[Attribution, ...] = ()
    before_garments: int = 0
    after_garments: int = 0

    def deltas(self) -> tuple[float, ...]:
        """Returns after minus before for each axis."""
        return tuple(after - before for before, after in zip(self.before_axes, self.after_axes, strict=True))


@dataclass(frozen=True, slots=True)
class Moment:
    """A taste with the event that led to it.

    Attributes:
        state: The taste.
        sequence: Number of its last taste event; 0 when there was none.
        time: When that was recorded, ISO 8601; empty when there was none.
    """

    state: TasteState
    sequence: int
    time: str


def change_between(
    before: Moment,
    after: TasteState,
    *,
    sighting: Sighting | None = None,
    moves: tuple[GarmentMove, ...] = (),
) -> Change:
    """Describes the step from one state to the next.

    Args:
        before: The state before.
        after: The state after.
        sighting: What was seen; None for an undo.
        moves: What `apply` said each garment did.
    """
    return Change(
        before_axes=before.state.axes,
        after_axes=after.axes,
        before_count=before.state.count,
        after_count=after.count,
        before_sequence=before.sequence,
        before_time=before.time,
        first=sighting is not None and before.state.count == 0,
        attributions=() if sighting is None else tuple(_attribution(sighting, move) for move in moves),
        before_garments=before.state.garments,
        after_garments=after.garments,
    )


def towards(axis_name: str, delta: float) -> str:
    """Returns the word for the pole that a move went to; empty when it did not move."""
    axis = next(item for item in AXES if item.name == axis_name)
    if delta == 0:
        return ""
    return axis.high if delta > 0 else axis.low


def _attribution(sighting: Sighting, move: GarmentMove) -> Attribution:
    garment = sighting.garments[move.index]
    color_name = garment.colors[0].name if garment.colors else ""
    label = " ".join(word for word in (color_name, garment.category or garment.bucket or "garment") if word)
    return Attribution(
        garment.garment_id, garment.bucket, garment.category, color_name, move.deltas,
        _summary(label, move.deltas), move.repeat_of,
    )  # fmt: skip


def _summary(label: str, deltas: Mapping[str, float]) -> str:
    if not deltas:
        return ""
    axis_name, delta = max(deltas.items(), key=lambda item: abs(item[1]))
    points = abs(delta)
    if points < _SMALLEST_TOLD:
        return ""
    amount = f"{points:.0f}" if points >= 1 else f"{points:.1f}"
    return f"{label}: +{amount} {towards(axis_name, delta)}"
