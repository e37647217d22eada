"""Cropping, scaling and blurring a picture before it is kept."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from imaging.decode import ImageBgr, decode_bgr
from imaging.errors import ImageError, ImageReason
from imaging.faces import FaceDetector
from ingest_svc.captures.capture import RETICLE, WHOLE, Box
from ingest_svc.captures.picture import crop, prepare
from ingest_svc.privacy.blur import BlurFailedError, BlurredImage, FaceBlur

pytestmark = pytest.mark.unit


class Spy:
    """A blur that paints a corner and remembers what it saw."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()

    def blur(self, image_bgr: ImageBgr) -> BlurredImage:
        self.shape = image_bgr.shape
        painted = image_bgr.copy()
        painted[:40, :40] = (0, 0, 255)
        return BlurredImage(painted, ((0.1, 0.2, 0.3, 0.4),))


class Broken:
    def blur(self, image_bgr: ImageBgr) -> BlurredImage:  # noqa: ARG002
        raise BlurFailedError


def encoded(width: int, height: int, suffix: str = ".jpg") -> bytes:
    """A smooth picture: blue runs right, green runs down."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return cv2.imencode(suffix, pixels)[1].tobytes()


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        pytest.param((4000, 3000), RETICLE, (640, 611), id="reticle-of-a-large-photo"),
        pytest.param((1000, 1000), RETICLE, (503, 640), id="reticle-of-a-square"),
        pytest.param((4000, 3000), WHOLE, (640, 480), id="whole"),
        pytest.param((300, 200), WHOLE, (300, 200), id="small-is-not-enlarged"),
        pytest.param((4000, 3000), Box(0.5, 0.5, 0.6, 0.6), (400, 300), id="small-part-keeps-its-pixels"),
    ],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_kept_picture_has_the_size_of_its_crop(
    size: tuple[int, int], box: Box, expected: tuple[int, int], suffix: str
) -> None:
    kept = prepare(encoded(*size, suffix), box, Spy())
    assert (kept.width_px, kept.height_px) == pytest.approx(expected, abs=2)
    assert decode_bgr(kept.jpeg).shape == (kept.height_px, kept.width_px, 3)


def test_crop_shows_what_the_box_names() -> None:
    pixels = decode_bgr(prepare(encoded(1000, 800, ".png"), Box(0.25, 0.5, 0.75, 1.0), Spy()).jpeg).astype(float)
    assert pixels[200, 0, 0] == pytest.approx(0.25 * 255, abs=4)
    assert pixels[200, -1, 0] == pytest.approx(0.75 * 255, abs=4)
    assert pixels[60, 100, 1] == pytest.approx((0.5 + 0.5 * 60 / 400) * 255, abs=4)
    assert pixels[-1, 100, 1] == pytest.approx(255, abs=4)


def test_what_is_kept_is_what_the_blur_returned() -> None:
    spy = Spy()
    kept = prepare(encoded(1000, 1000), WHOLE, spy)
    assert spy.shape == (640, 640, 3)
    assert kept.face_count == 1
    assert decode_bgr(kept.jpeg)[20, 20].tolist() == pytest.approx([0, 0, 254], abs=6)


def test_blur_that_fails_yields_no_picture() -> None:
    with pytest.raises(BlurFailedError):
        prepare(encoded(300, 300), WHOLE, Broken())


@pytest.mark.parametrize("box", [Box(0.5, 0.5, 0.5001, 1.0), Box(0.0, 0.0, 0.1, 0.1)])
def test_too_small_a_part_is_refused(box: Box) -> None:
    with pytest.raises(ImageError) as caught:
        crop(np.zeros((400, 400, 3), np.uint8), box)
    assert caught.value.reason is ImageReason.TOO_SMALL


def test_half_a_face_at_the_edge_of_the_crop_is_blurred(models_dir: Path) -> None:
    detector = FaceDetector.load(models_dir)
    photo = skimage.data.astronaut()[:, :, ::-1].copy()
    below_the_eyes = Box(0.2, 0.25, 0.8, 1.0)  # her face reaches from 0.15 to 0.36 of the height
    assert not detector.detect(crop(photo, below_the_eyes))  # alone, no detector finds what is left of it
    kept = prepare(cv2.imencode(".png", photo)[1].tobytes(), below_the_eyes, FaceBlur(detector))
    assert kept.face_count >= 1
    x0, y0, x1, y1 = kept.face_boxes[0]
    assert y0 == 0.0
    mouth = slice(0, int(y1 * kept.height_px)), slice(int(x0 * kept.width_px), int(x1 * kept.width_px))
    before = cv2.Laplacian(crop(photo, below_the_eyes)[mouth], cv2.CV_64F).std()
    assert cv2.Laplacian(decode_bgr(kept.jpeg)[mouth], cv2.CV_64F).std() < 0.5 * before
