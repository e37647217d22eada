"""A taste at one moment, and how a sighting moves it.

Arithmetic is defined to the bit: every step is computed in float64 with sums by `math.fsum` (correctly rounded,
whatever the order of the machine's additions), and its results are rounded once to float32. So a replay of the
same log gives the same bits on every machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mesh.errors import InvalidInputError
from profile_svc.taste.axes import AXES, NEUTRAL, Evidence, evidence_of, garment_weight
from profile_svc.taste.evidence import SeenGarment, Sighting, Vector, decode_vector, encode_vector
from profile_svc.taste.wearing import Occasion, Worn, dump_worn, find, load_worn, remember

# Raised whenever the same log gives another state than before: stored states of other rules are computed again.
RULES = 5
ALPHA = 0.85  # weight of the old taste, mission.md section 1
_SMALLEST_LENGTH = 1e-6  # below this a sum of unit vectors has no direction worth keeping


@dataclass(frozen=True, slots=True)
class TasteVector:
    """The taste in the space of one model.

    Attributes:
        values: float32, shape (dimension,), unit length.
        count: Sightings behind it.
    """

    values: Vector
    count: int


@dataclass(frozen=True, slots=True)
class TasteState:
    """A taste.

    Attributes:
        axes: Score of each axis in the order of `AXES`, 0-100, float32 values.
        count: Sightings behind it.
        vectors: Taste vector by model id.
        last_model: The model that the last sighting with a vector used; empty before the first.
        garments: Garments that moved it; one that was seen again while it was worn counts once.
        worn: What was seen of late, by which a garment is known again.
    """

    axes: tuple[float, ...] = (NEUTRAL,) * len(AXES)
    count: int = 0
    vectors: Mapping[str, TasteVector] = field(default_factory=dict)
    last_model: str = ""
    garments: int = 0
    worn: tuple[Worn, ...] = ()


EMPTY = TasteState()


@dataclass(frozen=True, slots=True)
class GarmentMove:
    """What one garment did.

    Attributes:
        index: Its place in the sighting.
        deltas: Points moved by axis name; only axes that it had evidence for. Empty where it did not count.
        repeat_of: The sighting in which it counted, where it was just seen before; else empty.
        weight: How much it counts beside the others; 0 where it has no say.
    """

    index: int
    deltas: Mapping[str, float]
    repeat_of: str = ""
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """A garment with its weight and its place among what was just seen; None when it is new."""

    garment: SeenGarment
    weight: float
    place: int | None

    @property
    def counts(self) -> bool:
        return self.weight > 0 and self.place is None


@dataclass(frozen=True, slots=True)
class _Said:
    """A vector with its weight, and whether it counts."""

    values: Vector
    weight: float
    counts: bool


def apply(state: TasteState, sighting: Sighting, at: Occasion) -> tuple[TasteState, tuple[GarmentMove, ...]]:
    """Moves a taste by one sighting.

    Each axis moves by EMA (0.85 on the old value) towards the weighted mean of its garments' evidence; an axis
    without evidence stays. The vector of each model moves by EMA towards the sighting's vector and is normalised
    again; the first is taken as it is. A garment that was just seen (`wearing.py`) keeps its place in the mean but
    moves nothing: what is new in a picture counts as much as if all of it were new, and no more.

    Args:
        state: The taste before.
        sighting: What was seen.
        at: When, and by which event.

    Returns:
        The taste after, and what each garment did; a garment's parts over all garments add up to the move of the
        axis.

    Raises:
        InvalidInputError: EMBEDDING_DIMENSION, when a vector does not fit the taste's of the same model.
    """
    seen = [_Seen(item, garment_weight(item), find(state.worn, item, at.observe_s)) for item in sighting.garments]
    evidence = [evidence_of(item.garment) for item in seen]
    axes = []
    moves: list[dict[str, float]] = [{} for _ in seen]
    for axis, old in zip(AXES, state.axes, strict=True):
        new, parts = _move_axis(old, [found.get(axis.name) for found in evidence], seen)
        axes.append(new)
        for index, part in parts.items():
            moves[index][axis.name] = part
    vectors, last_model = _move_vectors(state, sighting, seen)
    after = TasteState(
        axes=tuple(axes),
        count=state.count + 1,
        vectors=vectors,
        last_model=last_model,
        garments=state.garments + sum(item.counts for item in seen),
        worn=remember(state.worn, [(item.garment, item.place) for item in seen if item.weight > 0], at),
    )
    return after, tuple(_move(state, index, item, moves[index]) for index, item in enumerate(seen))


def _move(state: TasteState, index: int, seen: _Seen, deltas: dict[str, float]) -> GarmentMove:
    repeat_of = "" if seen.place is None else state.worn[seen.place].event_id
    return GarmentMove(index, deltas, repeat_of, seen.weight)


def _move_axis(old: float, evidence: list[Evidence | None], seen: list[_Seen]) -> tuple[float, dict[int, float]]:
    known = {index: item for index, item in enumerate(evidence) if item is not None}
    total = math.fsum(item.weight for item in known.values())
    if total <= 0:
        return old, {}
    parts = {
        index: (1 - ALPHA) * (item.weight / total) * (item.value - old)
        for index, item in known.items()
        if seen[index].counts
    }
    return float(np.float32(min(100.0, max(0.0, old + math.fsum(parts.values()))))), parts


def _move_vectors(state: TasteState, sighting: Sighting, seen: list[_Seen]) -> tuple[dict[str, TasteVector], str]:
    vectors, last_model = dict(state.vectors), state.last_model
    for model, items in sorted(_said_by_model(sighting, seen).items()):
        old = vectors.get(model)
        unit = _unit(_weighted_sum(model, items if old is None else [_Said(old.values, 0.0, counts=False), *items]))
        if unit is None:
            continue
        if old is None:
            vectors[model] = TasteVector(unit.astype(np.float32), 1)
        else:
            step = (1 - ALPHA) * math.fsum(i.weight for i in items if i.counts) / math.fsum(i.weight for i in items)
            mixed = _unit((1 - step) * old.values.astype(np.float64) + step * unit)
            values = old.values if mixed is None else mixed.astype(np.float32)
            vectors[model] = TasteVector(values, old.count + 1)
        last_model = model
    return vectors, last_model


def _said_by_model(sighting: Sighting, seen: list[_Seen]) -> dict[str, list[_Said]]:
    """Returns the garments' vectors by model; where no garment has one the picture's own speaks for each of them."""
    said: dict[str, list[_Said]] = {}
    for item in seen:
        if item.garment.embedding is not None and item.weight > 0:
            one = _Said(item.garment.embedding.values, item.weight, item.counts)
            said.setdefault(item.garment.embedding.model, []).append(one)
    picture = sighting.global_embedding
    if not said and picture is not None:
        # Garments of no weight say nothing, but the picture of them does.
        heard = [_Said(picture.values, item.weight, item.counts) for item in seen if item.weight > 0]
        said[picture.model] = heard or [_Said(picture.values, 1.0, counts=True)]
    return said


def _weighted_sum(model: str, items: list[_Said]) -> npt.NDArray[np.float64]:
    """Returns the sum over what counts."""
    total = np.zeros(items[0].values.size, dtype=np.float64)
    for item in items:
        _check_dimension(model, total.size, item.values.size)
        if item.counts:
            total = total + item.weight * item.values.astype(np.float64)
    return total


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    length = math.sqrt(math.fsum((vector * vector).tolist()))
    return None if length < _SMALLEST_LENGTH else vector / length


def _check_dimension(model: str, expected: int, actual: int) -> None:
    if expected != actual:
        raise InvalidInputError.of(
            "outfit.garments",
            f"vectors of model {model} have {expected} values so far, got one of {actual}",
            "EMBEDDING_DIMENSION",
            expected=str(expected),
            actual=str(actual),
        )


def dump_state(state: TasteState) -> str:
    """Returns the canonical form of a state; two states are equal to the bit exactly when their forms are."""
    vectors = {model: [encode_vector(item.values), item.count] for model, item in state.vectors.items()}
    data = {
        "rules": RULES,
        "axes": state.axes,
        "count": state.count,
        "vectors": vectors,
        "last_model": state.last_model,
        "garments": state.garments,
        "worn": [dump_worn(item) for item in state.worn],
    }
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def load_state(text: str) -> TasteState | None:
    """Reads what `dump_state` wrote; None where that was under other rules, so that the log must say it again."""
    data = json.loads(text)
    if data.get("rules") != RULES:
        return None
    vectors = {model: TasteVector(decode_vector(values), count) for model, (values, count) in data["vectors"].items()}
    worn = tuple(load_worn(item) for item in data["worn"])
    return TasteState(tuple(data["axes"]), data["count"], vectors, data["last_model"], data["garments"], worn)
