"""Cutting regions and bringing points back."""

import math

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from imaging.geometry import Roi, letterbox, roi_from_axis, shifted, to_tensor

pytestmark = pytest.mark.unit

IMAGE = astronaut()[:, :, ::-1].copy()


@pytest.mark.parametrize("rotation", [0.0, 0.3, -1.2, math.pi / 2, 3.0])
def test_roi_points_go_there_and_back(rotation: float) -> None:
    roi = Roi(100.0, 60.0, 80.0, 40.0, rotation)
    shares = np.random.default_rng(1).random((20, 2)).astype(np.float32)
    np.testing.assert_allclose(roi.from_image(roi.to_image(shares)), shares, atol=1e-5)


def test_roi_unturned_crop_is_the_slice() -> None:
    crop = Roi(150.0, 210.0, 100.0, 60.0).crop(IMAGE, 100, 60)
    np.testing.assert_array_equal(crop, IMAGE[180:240, 100:200])


def test_roi_turned_by_a_quarter_is_the_turned_slice() -> None:
    crop = Roi(150.0, 210.0, 60.0, 60.0, math.pi / 2).crop(IMAGE, 60, 60)
    np.testing.assert_array_equal(crop, np.rot90(IMAGE[180:240, 120:180]))


def test_roi_outside_is_black_or_continued() -> None:
    roi = Roi(0.0, 0.0, 100.0, 100.0)
    assert roi.crop(IMAGE, 100, 100)[:50, :50].max() == 0
    assert (roi.crop(IMAGE, 100, 100, replicate=True)[:50, :50] == IMAGE[0, 0]).all()


@pytest.mark.parametrize("rotation", [0.0, 0.5])
def test_roi_paste_undoes_crop(rotation: float) -> None:
    roi = Roi(256.0, 256.0, 300.0, 300.0, rotation)
    gray = cv2.GaussianBlur(IMAGE[:, :, 1], (0, 0), 4)
    crop = roi.crop(cv2.merge([gray] * 3), 300, 300)[:, :, 0].astype(np.float32)
    pasted = roi.paste(crop, 512, 512)
    inside = roi.paste(np.ones((300, 300), np.float32), 512, 512) > 0.999
    assert inside.sum() == pytest.approx(300 * 300, rel=0.02)
    assert np.abs(pasted[inside] - gray[inside]).mean() < 1.0
    assert pasted[0, 0] == 0


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
def test_roi_from_axis_turns_the_axis_upright(angle: float) -> None:
    start = np.array([50.0, 50.0], np.float32)
    end = start + 20 * np.array([math.cos(angle), math.sin(angle)], np.float32)
    roi = roi_from_axis(start, end, 100.0, math.pi / 2)
    x, y = roi.from_image(end) - 0.5
    assert (float(x), float(y)) == pytest.approx((0.0, -0.2), abs=1e-5)


def test_shifted_moves_along_its_own_axes_and_becomes_square() -> None:
    roi = shifted(Roi(100.0, 100.0, 40.0, 20.0, math.pi / 2), 0.0, -0.5, 2.0)
    assert (roi.center_x, roi.center_y) == pytest.approx((110.0, 100.0))
    assert (roi.width_px, roi.height_px) == (80.0, 80.0)


@pytest.mark.parametrize("size", [(640, 480), (100, 400), (33, 33)])
def test_letterbox_brings_points_back(size: tuple[int, int]) -> None:
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 2 - 4 : height // 2 + 4, width // 4 - 4 : width // 4 + 4] = 255
    square, back = letterbox(image, 192)
    assert square.shape == (192, 192, 3)
    rows, columns = np.nonzero(square[:, :, 0] > 127)
    middle = back.to_image(np.array([columns.mean() + 0.5, rows.mean() + 0.5], np.float32))
    np.testing.assert_allclose(middle, [width // 4, height // 2], atol=max(size) / 192)


def test_to_tensor_is_rgb_in_range() -> None:
    tensor = to_tensor(np.array([[[0, 127, 255]]], np.uint8), -1.0, 1.0)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0, 0], [1.0, 127 / 127.5 - 1, -1.0], atol=1e-6)
