"""Looking only at a part of a picture."""

import numpy as np
import pytest

from vision_svc.garments.region import cut, faces_in, wanted_side

pytestmark = pytest.mark.unit


def test_faces_in_a_region_are_in_its_pixels() -> None:
    part = np.zeros((100, 200, 3), np.uint8)
    (whole,) = faces_in([(0.5, 0.5, 0.6, 0.7)], None, part)
    assert whole == pytest.approx((100, 50, 120, 70))
    (inside,) = faces_in([(0.5, 0.5, 0.6, 0.7), (0.0, 0.0, 0.1, 0.1)], (0.4, 0.4, 0.8, 0.8), part)
    assert inside == pytest.approx((50, 25, 100, 75))


def test_a_region_is_cut_and_decoded_larger() -> None:
    image = np.arange(100 * 200 * 3, dtype=np.uint32).reshape(100, 200, 3).astype(np.uint8)
    np.testing.assert_array_equal(cut(image, (0.25, 0.5, 0.75, 1.0)), image[50:100, 50:150])
    assert wanted_side(640, None) == 640
    assert wanted_side(640, (0.25, 0.5, 0.75, 1.0)) == 1280
