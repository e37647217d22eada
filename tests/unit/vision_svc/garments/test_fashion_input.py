"""What the encoder looks at does not hang on single pixels."""

from __future__ import annotations

import numpy as np
import pytest

from vision_svc.garments.descriptor import color_block
from vision_svc.garments.fashion_input import fashion_input
from vision_svc.garments.thumbnail import GarmentView

pytestmark = pytest.mark.unit


def _colors(view: GarmentView) -> np.ndarray:
    block: np.ndarray = color_block(fashion_input(view).lab)
    return np.asarray(block / np.linalg.norm(block))


def test_one_more_pixel_at_the_edge_moves_no_other() -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)  # each pixel another colour: a shift would show
    mask = np.ones((48, 48), np.bool_)
    whole = _colors(GarmentView(image, mask))
    for row, column in ((0, 0), (0, 1), (20, 30)):
        less = mask.copy()
        less[row, column] = False
        assert float(whole @ _colors(GarmentView(image, less))) > 0.999


@pytest.mark.parametrize("rows", [slice(1, None, 2), slice(0, None, 2), slice(20, 21)], ids=["odd", "even", "one"])
def test_colors_are_read_whatever_the_shape_of_the_mask(rows: slice) -> None:
    mask = np.zeros((48, 48), np.bool_)
    mask[rows] = True
    image = np.full((48, 48, 3), (30, 60, 200), np.uint8)
    lab = fashion_input(GarmentView(image, mask)).lab
    assert 0 < len(lab) <= 1200
    assert np.ptp(lab, axis=0).max() < 1
