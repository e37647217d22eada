"""How well patterns of worn garments are told, on garments of street photos that one of us labelled by eye.

`worn_patterns.csv` holds the labels: `plain`, the kind of pattern, `patterned` for prints of other kinds (animals,
abstract ones), `unclear` where one cannot say (knits, blocks of colour, lace, cloth too dark to see); those are left
out. They were given before any answer was seen, to all garments of 150 photos that take at least 1.2 % of theirs. Each
is answered by the parsed garment that overlaps it most, by at least half.

What decides is a logistic model (`vision_svc/garments/pattern.py`) fitted on these garments, so beside its figures
stand those of the same model fitted on one half of the photos and asked about the other, both ways, and what a fit on
all of them would give now: another encoder wants another fit.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vision_svc.garments.close_up import close_up
from vision_svc.garments.fashion import FashionEmbedder
from vision_svc.garments.pattern import Pattern, measure_pattern, named_pattern, pattern_signs
from vision_svc.garments.thumbnail import GarmentView, thumbnail

Vector = npt.NDArray[np.float64]

_LABELS = Path(__file__).parent / "worn_patterns.csv"
_NO_KIND = ("plain", "patterned")
# Keeps the weights of the few dozen prints from running away.
_SOFTNESS, _STEPS = 0.02, 50


@dataclass(frozen=True)
class WornPattern:
    """One garment: of which half of the photos, its label, what was said of it, and the signs that decided."""

    half: int
    truth: str
    said: Pattern
    signs: Vector


def pattern_labels() -> dict[tuple[str, str], str]:
    """Returns the labels by photo (its name without an ending) and garment; without the unclear ones."""
    with _LABELS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pattern"] != "unclear"]
    return {(row["photo"], row["garment"]): row["pattern"] for row in rows}


def look_at(view: GarmentView, truth: str, half: int, embedder: FashionEmbedder) -> WornPattern:
    measured = measure_pattern(thumbnail(view))
    vector, closer = embedder.infer([view, close_up(view)])
    said = named_pattern(measured, vector, closer=closer)
    return WornPattern(half, truth, said, np.array(pattern_signs(measured, vector, closer)))


def figures(found: list[WornPattern]) -> dict[str, object]:
    """Plain or not, and which kind: as answered, and fitted on one half and asked about the other."""
    if not found:
        return {"garments": 0}
    truth = np.array([one.truth != "plain" for one in found])
    crossed = np.zeros(len(found), np.bool_)
    for half in {one.half for one in found}:
        asked = np.array([one.half == half for one in found])
        crossed[asked] = _chances(found, asked, fitted([one for one in found if one.half != half])) >= 0.5
    named = [one for one in found if one.truth not in _NO_KIND and one.said.word not in _NO_KIND]
    return {
        "garments": len(found),
        "truth": dict(Counter(one.truth for one in found)),
        "answered": _plain_or_not(truth, np.array([one.said.word != "plain" for one in found])),
        "fitted_on_the_other_half": _plain_or_not(truth, crossed),
        "always_plain": round(float((~truth).mean()), 3),
        "kinds_named": len(named),
        "kinds_right": sum(one.truth == one.said.word for one in named),
        "fit": [round(float(value), 2) for value in fitted(found)],
    }


def fitted(found: list[WornPattern]) -> Vector:
    """Fits the logistic model, constant first, by Newton's method with a little ridge."""
    signs, truth = np.stack([one.signs for one in found]), np.array([one.truth != "plain" for one in found], np.float64)
    middle, spread = signs.mean(axis=0), signs.std(axis=0) + 1e-9
    inputs = np.column_stack([np.ones(len(signs)), (signs - middle) / spread])
    ridge = np.diag([1e-9, *[_SOFTNESS] * signs.shape[1]])
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (chance - truth) / len(truth) + ridge @ weights
        curve = (inputs.T * (chance * (1 - chance))) @ inputs / len(truth) + ridge
        weights = weights - np.linalg.solve(curve, slope)
    scaled = weights[1:] / spread
    return np.array([weights[0] - scaled @ middle, *scaled])


def _chances(found: list[WornPattern], asked: npt.NDArray[np.bool_], weights: Vector) -> Vector:
    signs = np.stack([one.signs for one in found])[asked]
    chances: Vector = 1 / (1 + np.exp(-(weights[0] + signs @ weights[1:])))
    return chances


def _plain_or_not(truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> dict[str, float]:
    hits = int((truth & said).sum())
    return {
        "right": round(float((truth == said).mean()), 3),
        "recall": round(hits / max(int(truth.sum()), 1), 3),
        "precision": round(hits / max(int(said.sum()), 1), 3),
    }
