from __future__ import annotations

import cv2
import numpy as np
import pytest

from imaging.decode import encode_jpeg, encode_png
from vision_svc.garments.mask import MaskError, cut_mask

pytestmark = pytest.mark.unit

WIDE = (400, 200)
WHITE = np.full((100, 200), 255, np.uint8)


def half(height: int, width: int) -> bytes:
    """A mask that has its left half inside."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return encode_png(mask)


@pytest.mark.parametrize(
    ("png", "said"),
    [
        pytest.param(b"", "got no bytes", id="empty"),
        pytest.param(b"nonsense", "expected an 8-bit grey PNG", id="nonsense"),
        pytest.param(encode_jpeg(WHITE), "got a JPEG file", id="grey jpeg"),
        pytest.param(encode_jpeg(np.dstack([WHITE] * 3)), "got a JPEG file", id="colour jpeg"),
        pytest.param(cv2.imencode(".webp", WHITE)[1].tobytes(), "got a WEBP file", id="webp"),
        pytest.param(encode_png(np.dstack([WHITE] * 3)), "8 bits and colour type 2", id="colour"),
        pytest.param(cv2.imencode(".png", np.dstack([WHITE] * 4))[1].tobytes(), "colour type 6", id="transparent"),
        pytest.param(cv2.imencode(".png", WHITE.astype(np.uint16) * 257)[1].tobytes(), "of 16 bits", id="16 bits"),
        pytest.param(encode_png(WHITE.T.copy()), "400 x 200 pixels or smaller .* got 100 x 200", id="upright"),
        pytest.param(encode_png(np.full((100, 100), 255, np.uint8)), "got 100 x 100", id="square"),
        pytest.param(encode_png(np.full((100, 203), 255, np.uint8)), "got 203 x 100", id="nearly"),
        pytest.param(encode_png(np.full((100, 200), 127, np.uint8)), "at least one pixel of 128", id="nothing inside"),
    ],
)
def test_what_is_no_mask_of_the_picture_is_refused(png: bytes, said: str) -> None:
    with pytest.raises(MaskError, match=said):
        cut_mask(png, WIDE, None, (200, 400))


@pytest.mark.parametrize("shape", [(200, 400), (100, 200), (400, 800), (33, 66), (33, 67), (33, 65), (34, 67)], ids=str)
def test_any_size_of_the_same_shape_will_do(shape: tuple[int, int]) -> None:
    mask = cut_mask(half(*shape), WIDE, None, (50, 100))
    assert mask.shape == (50, 100)
    assert mask.mean() == pytest.approx(0.5, abs=0.02)


def test_a_region_is_cut_from_it() -> None:
    assert cut_mask(half(100, 200), WIDE, (0.0, 0.0, 0.5, 1.0), (30, 30)).all()
    with pytest.raises(MaskError, match="inside the region"):
        cut_mask(half(100, 200), WIDE, (0.5, 0.0, 1.0, 1.0), (30, 30))
