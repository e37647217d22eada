"""A taste at one moment, and how a sighting moves it.

Arithmetic is defined to the bit: every step is computed in float64 with sums by `math.fsum` (correctly rounded,
whatever the order of the machine's additions), and its results are rounded once to float32. So a replay of the
same log gives the same bits on every machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mesh.errors import InvalidInputError
from profile_svc.taste.axes import AXES, NEUTRAL, Evidence, evidence_of, garment_weight
from profile_svc.taste.evidence import SeenEmbedding, Sighting, Vector, decode_vector, encode_vector

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
    """

    axes: tuple[float, ...] = (NEUTRAL,) * len(AXES)
    count: int = 0
    vectors: Mapping[str, TasteVector] = field(default_factory=dict)
    last_model: str = ""


EMPTY = TasteState()


@dataclass(frozen=True, slots=True)
class GarmentMove:
    """What one garment did.

    Attributes:
        index: Its place in the sighting.
        deltas: Points moved by axis name; only axes that it had evidence for.
    """

    index: int
    deltas: Mapping[str, float]


def apply(state: TasteState, sighting: Sighting) -> tuple[TasteState, tuple[GarmentMove, ...]]:
    """Moves a taste by one sighting.

    Each axis moves by EMA (0.85 on the old value) towards the weighted mean of its garments' evidence; an axis
    without evidence stays. The vector of each model moves by EMA towards the sighting's vector and is normalised
    again; the first is taken as it is.

    Args:
        state: The taste before.
        sighting: What was seen.

    Returns:
        The taste after, and what each garment did; a garment's parts over all garments add up to the move of the
        axis.

    Raises:
        InvalidInputError: EMBEDDING_DIMENSION, when a vector does not fit the taste's of the same model.
    """
    evidence = [evidence_of(garment) for garment in sighting.garments]
    axes = []
    moves: list[dict[str, float]] = [{} for _ in sighting.garments]
    for axis, old in zip(AXES, state.axes, strict=True):
        new, parts = _move_axis(old, [found.get(axis.name) for found in evidence])
        axes.append(new)
        for index, part in parts.items():
            moves[index][axis.name] = part
    vectors, last_model = _move_vectors(state, sighting)
    after = replace(state, axes=tuple(axes), count=state.count + 1, vectors=vectors, last_model=last_model)
    return after, tuple(GarmentMove(index, deltas) for index, deltas in enumerate(moves))


def _move_axis(old: float, evidence: list[Evidence | None]) -> tuple[float, dict[int, float]]:
    known = {index: item for index, item in enumerate(evidence) if item is not None}
    total = math.fsum(item.weight for item in known.values())
    if total <= 0:
        return old, {}
    parts = {index: (1 - ALPHA) * (item.weight / total) * (item.value - old) for index, item in known.items()}
    return float(np.float32(min(100.0, max(0.0, old + math.fsum(parts.values()))))), parts


def _move_vectors(state: TasteState, sighting: Sighting) -> tuple[dict[str, TasteVector], str]:
    vectors, last_model = dict(state.vectors), state.last_model
    for model, (seen, weight) in sorted(_seen_vectors(sighting).items()):
        old = vectors.get(model)
        if old is None:
            vectors[model] = TasteVector(seen.astype(np.float32), 1)
        else:
            _check_dimension(model, old.values.size, seen.size)
            mixed = _unit(ALPHA * old.values.astype(np.float64) + (1 - ALPHA) * seen)
            values = old.values if mixed is None else mixed.astype(np.float32)
            vectors[model] = TasteVector(values, old.count + 1)
        if weight > 0:
            last_model = model
    return vectors, last_model


def _seen_vectors(sighting: Sighting) -> dict[str, tuple[npt.NDArray[np.float64], float]]:
    """Returns by model the unit mean of the garments' vectors, or the picture's own where no garment has one."""
    weighted: dict[str, list[tuple[SeenEmbedding, float]]] = {}
    for garment in sighting.garments:
        weight = garment_weight(garment)
        if garment.embedding is not None and weight > 0:
            weighted.setdefault(garment.embedding.model, []).append((garment.embedding, weight))
    if not weighted and sighting.global_embedding is not None:
        weighted[sighting.global_embedding.model] = [(sighting.global_embedding, 1.0)]
    found = {}
    for model, items in weighted.items():
        unit = _unit(_weighted_sum(model, items))
        if unit is not None:
            found[model] = (unit, math.fsum(weight for _, weight in items))
    return found


def _weighted_sum(model: str, items: list[tuple[SeenEmbedding, float]]) -> npt.NDArray[np.float64]:
    total = np.zeros(items[0][0].values.size, dtype=np.float64)
    for embedding, weight in items:
        _check_dimension(model, total.size, embedding.values.size)
        total = total + weight * embedding.values.astype(np.float64)
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
    data = {"axes": state.axes, "count": state.count, "vectors": vectors, "last_model": state.last_model}
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def load_state(text: str) -> TasteState:
    """Reads what `dump_state` wrote."""
    data = json.loads(text)
    vectors = {model: TasteVector(decode_vector(values), count) for model, (values, count) in data["vectors"].items()}
    return TasteState(tuple(data["axes"]), data["count"], vectors, data["last_model"])
