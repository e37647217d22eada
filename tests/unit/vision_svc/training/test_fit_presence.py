"""The fit that tells people from lone garments."""

import numpy as np
import pytest

from vision_svc.garments.parse_wearer import FEATURES
from vision_svc.training.fit_presence import GARMENT, Seen, fit, report

pytestmark = pytest.mark.unit
VIEWS = (GARMENT, "whole", "part", "portrait")


def drawn(count: int) -> Seen:
    """Rows of which only the first number tells people from garments."""
    rng = np.random.default_rng(3)
    views = np.array([VIEWS[number % len(VIEWS)] for number in range(count)])
    rows = rng.random((count, len(FEATURES)))
    rows[:, 0] = np.where(views == GARMENT, 0.3, 0.7) + rng.normal(0, 0.05, count)
    return Seen(rows, views, np.arange(count) % 5 == 0, garments=100)


def test_fit_finds_what_tells() -> None:
    seen = drawn(400)
    weights, constant = fit(seen.rows, seen.views)
    assert weights[0] > 5 * np.abs(weights[1:]).max()
    right = (seen.rows @ weights + constant > 0) == (seen.views != GARMENT)
    assert right.mean() > 0.97


def test_report_counts_on_the_side_that_is_held_out() -> None:
    text = report(drawn(400))
    assert "from 0.50: 0 of 100 garments taken" in text
    assert "0 of 20 whole, 0 of 20 part, 0 of 20 portrait" in text
