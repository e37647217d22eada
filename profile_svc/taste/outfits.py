"""Outfits: what of a sighting counted, as one point among others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from profile_svc.taste.axes import AXES, evidence_of
from profile_svc.taste.evidence import SeenEmbedding, SeenGarment, Sighting
from profile_svc.taste.log import LogEntry
from profile_svc.taste.state import GarmentMove

FloatVector = npt.NDArray[np.float64]

# A picture in which less of the outfit is new shows one that was seen before, with a hat on.
_NEW_SHARE = 0.5
# The vectors, in their three main directions, beside the axes in hundreds of points: two looks that differ in all have
# vectors about 1 apart, and formality about 0.5.
_VECTOR_SHARE, _DIRECTIONS = 0.5, 3


@dataclass(frozen=True, slots=True)
class Outfit:
    """An outfit.

    Attributes:
        event_id: The sighting.
        sequence: Its number in the user's count.
        observe_s: When it was seen, in seconds since 1970, UTC.
        axes: What it says about each axis in the order of `AXES`, 0-100; NaN where it says nothing.
        vector: Its vector in the model that was asked for, unit length; None where it has none.
        words: How much of it each colour name has, by weight.
        garments: How many garments of it count.
    """

    event_id: str
    sequence: int
    observe_s: float
    axes: FloatVector
    vector: FloatVector | None
    words: Counter[str]
    garments: int = 1


def outfit_of(entry: LogEntry, moves: Sequence[GarmentMove], model: str) -> Outfit | None:
    """Returns the outfit of a sighting; None where most of it was just seen before.

    Args:
        entry: The sighting.
        moves: What its garments did, from `log.steps`.
        model: The model whose vectors shall speak; may be empty.
    """
    sighting = entry.sighting
    if sighting is None:
        return None
    new = [(sighting.garments[move.index], move.weight) for move in moves if move.weight > 0 and not move.repeat_of]
    total, counted = math.fsum(move.weight for move in moves), math.fsum(weight for _, weight in new)
    if counted <= 0 or counted < _NEW_SHARE * total:
        return None
    words: Counter[str] = Counter()
    for garment, weight in new:
        for color in garment.colors:
            if color.name:
                words[color.name] += weight * color.share  # type: ignore[assignment]  # counts of any number
    return Outfit(
        entry.event_id, entry.sequence, entry.observe_s, _axes(new), _vector(sighting, new, model), words, len(new)
    )


def points_of(outfits: Sequence[Outfit]) -> FloatVector:
    """Returns outfits as points to be grouped, float64, shape (n, 5) or, with vectors, (n, 8).

    What an outfit does not say is put where the others are in the mean.
    """
    axes = np.stack([outfit.axes for outfit in outfits]) / 100.0
    known = ~np.isnan(axes)
    mean = np.where(known, axes, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    points = np.where(known, axes, mean)
    vectors = [outfit.vector for outfit in outfits if outfit.vector is not None]
    if len(vectors) * 2 < len(outfits) or len({vector.size for vector in vectors}) != 1:
        return points
    center = np.mean(vectors, axis=0)
    rest = np.stack([np.zeros_like(center) if o.vector is None else o.vector - center for o in outfits])
    _, _, directions = np.linalg.svd(rest, full_matrices=False)
    return np.hstack([points, _VECTOR_SHARE * rest @ directions[:_DIRECTIONS].T])


def _axes(new: Sequence[tuple[SeenGarment, float]]) -> FloatVector:
    evidence = [evidence_of(garment) for garment, _ in new]
    axes = []
    for axis in AXES:
        found = [item[axis.name] for item in evidence if axis.name in item]
        total = math.fsum(item.weight for item in found)
        axes.append(math.fsum(item.weight * item.value for item in found) / total if total > 0 else math.nan)
    return np.array(axes)


def _vector(sighting: Sighting, new: Sequence[tuple[SeenGarment, float]], model: str) -> FloatVector | None:
    said: list[tuple[SeenEmbedding, float]] = [(g.embedding, weight) for g, weight in new if g.embedding is not None]
    if not said and sighting.global_embedding is not None:
        said = [(sighting.global_embedding, 1.0)]
    of_model = [weight * item.values.astype(np.float64) for item, weight in said if item.model == model]
    if not of_model:
        return None
    total = np.sum(of_model, axis=0)
    length = float(np.linalg.norm(total))
    return None if length < 1e-6 else total / length
