from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.unit.vision_svc.garments.drawn import garment, mask_of
from vision_svc.garments.pattern import measure_pattern
from vision_svc.garments.thumbnail import GarmentView, thumbnail

pytestmark = pytest.mark.unit


def published(picture: np.ndarray) -> float:
    """The published rule, word for word, on a whole picture."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    share = cv2.calcHist([hsv], [0, 1], None, [24, 24], [0, 180, 0, 256]).ravel()
    share = share[share > 0] / share.sum()
    edges = cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 60, 140)
    return float(min(1.0, 2.2 * (edges > 0).mean() - (share * np.log2(share)).sum() / 10))


@pytest.mark.parametrize("pattern", ["plain", "stripes", "checks", "dots"])
def test_score_is_the_published_one_where_the_garment_fills_the_picture(pattern: str) -> None:
    patch = garment(1, "skirt", pattern)[60:124, 56:104]
    measured = measure_pattern(thumbnail(GarmentView(patch, np.ones(patch.shape[:2], np.bool_))))
    assert measured.score == pytest.approx(published(patch), abs=0.12)  # ours is smoothed and leaves out the border


@pytest.mark.parametrize(
    ("pattern", "word"), [("plain", "plain"), ("stripes", "patterned"), ("checks", "patterned"), ("dots", "patterned")]
)
def test_plain_and_patterned_cloth_are_told_apart(pattern: str, word: str) -> None:
    # Not all: the published rule looks for edges in grey, so it misses prints of equal lightness.
    pictures = [garment(seed, "t-shirt", pattern) for seed in range(30)]
    words = [measure_pattern(thumbnail(GarmentView(one, mask_of(0, one)))).word for one in pictures]
    assert words.count(word) >= 22


def test_background_is_no_pattern() -> None:
    picture = garment(5, "dress", "plain")
    noise = np.random.default_rng(0).integers(0, 255, picture.shape, np.uint8)
    mask = mask_of(5, picture)
    picture = np.where(mask[..., None], picture, noise)
    assert measure_pattern(thumbnail(GarmentView(picture, mask))).word == "plain"


def test_confidence_grows_away_from_the_threshold() -> None:
    views = [garment(2, "skirt", pattern) for pattern in ("plain", "checks")]
    found = [measure_pattern(thumbnail(GarmentView(view, mask_of(2, view)))) for view in views]
    assert all(0.5 <= one.confidence <= 1 for one in found)
    assert found[1].confidence > 0.9


def test_a_single_pixel_is_plain_and_unsure() -> None:
    found = measure_pattern(thumbnail(GarmentView(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), np.bool_))))
    assert (found.word, found.score) == ("plain", 0.0)
    assert found.confidence < 0.51
