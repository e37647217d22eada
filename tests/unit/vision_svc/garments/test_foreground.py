from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.unit.vision_svc.garments.drawn import garment, mask_of
from vision_svc.garments.foreground import crop_to_mask, cut_out

pytestmark = pytest.mark.unit


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def located(picture: np.ndarray) -> np.ndarray:
    """Returns the mask of `cut_out` in the whole picture: the view is a crop of the very same memory."""
    view = cut_out(picture).view
    offset = (view.image_bgr.__array_interface__["data"][0] - picture.__array_interface__["data"][0]) // 3
    y, x = divmod(offset, picture.shape[1])
    full = np.zeros(picture.shape[:2], np.bool_)
    full[y : y + view.mask.shape[0], x : x + view.mask.shape[1]] = view.mask
    return full


@pytest.mark.parametrize("seed", range(8))
def test_garments_on_a_plain_background_are_cut_out(seed: int) -> None:
    picture = garment(seed)
    assert overlap(located(picture), mask_of(seed, picture)) > 0.9


def test_garments_on_a_busy_background_are_cut_out() -> None:
    overlaps = []
    for seed in range(8):
        picture = garment(seed, pattern="plain", hue=110)
        wood = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 60, picture.shape[:2]), (1, 31), 3)[..., None]
        mask = mask_of(seed, picture)
        picture = np.where(mask[..., None], picture, np.clip((90, 130, 170) + wood * 2, 0, 255)).astype(np.uint8)
        overlaps.append(overlap(located(picture), mask))
    assert np.median(overlaps) > 0.8


@pytest.mark.parametrize(
    "picture",
    [np.full((50, 50, 3), 200, np.uint8), np.zeros((8, 200, 3), np.uint8)],
    ids=["one colour", "too thin to look at"],
)
def test_where_nothing_stands_out_the_whole_picture_is_taken(picture: np.ndarray) -> None:
    found = cut_out(picture)
    assert (found.found, found.share) == (False, 1.0)
    assert found.view.image_bgr.shape == picture.shape


def test_the_same_picture_gives_the_same_answer() -> None:
    picture = np.random.default_rng(4).integers(0, 255, (80, 80, 3), np.uint8)
    picture[20:60, 25:55] = (40, 40, 200)
    assert np.array_equal(cut_out(picture).view.mask, cut_out(picture).view.mask)


def test_an_empty_mask_crops_nothing() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    assert crop_to_mask(picture, np.zeros((20, 30), np.bool_)).mask.all()
