"""The square of cloth that a closer look is taken at."""

from __future__ import annotations

import numpy as np
import pytest

from vision_svc.garments.close_up import close_up
from vision_svc.garments.thumbnail import GarmentView

pytestmark = pytest.mark.unit


def view(mask: np.ndarray) -> GarmentView:
    """A garment whose pixels tell where they lie."""
    rows, columns = np.indices(mask.shape)
    return GarmentView(np.stack([rows, columns, rows * 0], axis=-1).astype(np.uint8), mask)


def place_of(found: GarmentView) -> tuple[int, int, int, int]:
    """Top, left, height and width."""
    return int(found.image_bgr[0, 0, 0]), int(found.image_bgr[0, 0, 1]), *found.mask.shape


def test_the_square_is_a_third_of_the_longer_side() -> None:
    whole = view(np.ones((240, 150), np.bool_))
    top, left, height, width = place_of(close_up(whole))
    assert (height, width) == (80, 80)
    assert (top, left) == pytest.approx((80, 35), abs=2)  # in the middle, though other places lie as deep


def test_the_square_lies_where_the_garment_is_thickest() -> None:
    mask = np.zeros((200, 200), np.bool_)
    mask[:, 10:30] = True  # a long strap
    mask[120:190, 90:160] = True  # a bag
    top, left, height, width = place_of(close_up(view(mask)))
    assert (height, width) == (67, 67)
    assert (top, left) == pytest.approx((121.5, 91.5), abs=2)
    assert close_up(view(mask)).mask.all()


def test_a_hole_is_no_cloth() -> None:
    mask = np.ones((200, 200), np.bool_)
    mask[60:140, 60:140] = False
    found = close_up(view(mask))
    assert found.mask.mean() > 0.75


def test_the_square_stays_inside_of_the_picture() -> None:
    mask = np.zeros((200, 100), np.bool_)
    mask[:30, :30] = True
    top, left, height, width = place_of(close_up(view(mask)))
    assert (top, left, height, width) == (0, 0, 67, 67)


def test_a_sliver_gives_what_there_is() -> None:
    assert close_up(view(np.ones((10, 200), np.bool_))).mask.shape == (10, 67)


@pytest.mark.parametrize(
    "mask",
    [np.ones((1, 1), np.bool_), np.ones((24, 20), np.bool_), np.zeros((100, 80), np.bool_)],
    ids=["pixel", "small", "empty"],
)
def test_what_has_no_inside_stays_as_it_is(mask: np.ndarray) -> None:
    whole = view(mask)
    assert close_up(whole) is whole
