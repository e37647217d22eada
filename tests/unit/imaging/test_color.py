"""Colour, against scikit-image and the published test pairs of CIEDE2000."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

from imaging.color import delta_e_2000, lab_to_srgb, srgb_to_lab

pytestmark = pytest.mark.unit

RANDOM = np.random.default_rng(7)
RGB = np.concatenate([RANDOM.integers(0, 256, (500, 3)), [[0, 0, 0], [255, 255, 255], [1, 2, 3], [255, 0, 0]]])


def test_srgb_to_lab_agrees_with_scikit_image() -> None:
    np.testing.assert_allclose(srgb_to_lab(RGB), rgb2lab(RGB / 255.0), atol=0.02)


def test_bytes_give_the_same_as_numbers() -> None:
    np.testing.assert_array_equal(srgb_to_lab(RGB.astype(np.uint8)), srgb_to_lab(RGB.astype(np.float64)))


def test_white_has_no_chroma() -> None:
    np.testing.assert_allclose(srgb_to_lab([255, 255, 255]), [100, 0, 0], atol=1e-9)


def test_lab_to_srgb_undoes_srgb_to_lab() -> None:
    np.testing.assert_allclose(lab_to_srgb(srgb_to_lab(RGB)), RGB, atol=1e-6)


def test_lab_outside_of_srgb_is_clipped_like_in_scikit_image() -> None:
    lab = np.array([[50.0, 30.0, 20.0], [60.0, -40.0, 30.0]])
    np.testing.assert_allclose(lab_to_srgb(lab), lab2rgb(lab) * 255, atol=0.1)
    assert lab_to_srgb([50.0, 120.0, -120.0]).min() >= 0


def test_delta_e_2000_agrees_with_scikit_image() -> None:
    first = srgb_to_lab(RGB)
    second = srgb_to_lab(RANDOM.permutation(RGB))
    expected = np.asarray(deltaE_ciede2000(first, second), np.float64)
    np.testing.assert_allclose(delta_e_2000(first, second), expected, atol=1e-6)


def test_delta_e_2000_with_less_weight_on_lightness_agrees_with_scikit_image() -> None:
    rng = np.random.default_rng(3)
    first, second = (rng.uniform((0, -90, -90), (100, 90, 90), (500, 3)) for _ in range(2))
    expected = np.asarray(deltaE_ciede2000(first, second, kL=2), np.float64)
    np.testing.assert_allclose(delta_e_2000(first, second, k_lightness=2.0), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # Sharma, Wu and Dalal (2005), table 1: pairs 1, 7, 9, 14, 17, 20, 34
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49), 4.7461),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_delta_e_2000_published_pairs(first: list[float], second: list[float], expected: float) -> None:
    assert float(delta_e_2000(first, second)) == pytest.approx(expected, abs=1e-4)
    assert float(delta_e_2000(second, first)) == pytest.approx(expected, abs=1e-4)


def test_delta_e_2000_of_equal_greys_is_zero() -> None:
    assert float(delta_e_2000([50, 0, 0], [50, 0, 0])) == 0.0
