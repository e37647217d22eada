"""The labels of worn patterns, and the fit that they are for."""

from __future__ import annotations

import numpy as np
import pytest

from bench._worn_patterns import WornPattern, figures, fitted, pattern_labels
from vision_svc.garments.kinds import PATTERN_KINDS
from vision_svc.garments.pattern import Pattern

pytestmark = pytest.mark.unit


def test_labels_are_words_that_we_answer() -> None:
    labels = pattern_labels()
    assert set(labels.values()) <= {*PATTERN_KINDS, "patterned"}
    assert sum(word != "plain" for word in labels.values()) > 40
    assert all(photo and garment for photo, garment in labels)


def drawn(count: int, weights: tuple[float, ...]) -> list[WornPattern]:
    """Garments that are patterned as often as a logistic model says; always called plain."""
    rng, said = np.random.default_rng(1), Pattern("plain", 0.0, 0.0, 0.0, 1.0)
    signs = rng.normal(0, (0.1, 2.0, 2.0), (count, 3))
    chance = 1 / (1 + np.exp(-(weights[0] + signs @ np.array(weights[1:]))))
    truth = np.where(rng.random(count) < chance, "striped", "plain")
    return [WornPattern(n % 2, str(word), said, sign) for n, (word, sign) in enumerate(zip(truth, signs, strict=True))]


def test_the_fit_finds_the_weights_that_made_the_data() -> None:
    assert fitted(drawn(20_000, (-1.0, 4.0, 0.5, 0.3))) == pytest.approx([-1.0, 4.0, 0.5, 0.3], rel=0.25)


def test_figures_count_answers_and_cross_the_halves() -> None:
    found = figures(drawn(2000, (-1.0, 0.0, 2.0, 0.0)))
    assert found["answered"] == {"right": found["always_plain"], "recall": 0.0, "precision": 0.0}
    crossed = found["fitted_on_the_other_half"]
    assert isinstance(crossed, dict)
    assert crossed["right"] > 0.8
    assert figures([]) == {"garments": 0}
