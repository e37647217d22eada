"""The blur hides every face, and gives no picture when it cannot be sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from imaging.faces import FaceDetector
from ingest_svc.privacy.blur import BlurFailedError, FaceBlur, FoundFace
from mesh.errors import UnavailableError

pytestmark = pytest.mark.unit

_MODELS = Path("models")
_PLAIN = np.full((200, 300, 3), 128, np.uint8)


@dataclass
class _Box:
    box_xyxy: npt.NDArray[np.float32]


@dataclass
class _Script:
    """A detector that answers as told, one list after the other; the last one for ever."""

    answers: list[list[list[float]]]
    seen: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Sequence[FoundFace]:
        self.seen.append(image_bgr.copy())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [_Box(np.array(box, np.float32)) for box in answer]


class _Broken:
    def detect(self, image_bgr: npt.NDArray[np.uint8]) -> Sequence[FoundFace]:
        raise RuntimeError(f"no {image_bgr.shape}")


def test_a_picture_without_faces_stays_as_it_is() -> None:
    blurred = FaceBlur(_Script([[]])).blur(_PLAIN)
    assert blurred.face_count == 0
    assert np.array_equal(blurred.pixels_bgr, _PLAIN)


def test_the_original_is_not_changed_and_nothing_of_the_face_is_left() -> None:
    image = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    before = image.copy()
    blurred = FaceBlur(_Script([[[100, 50, 160, 120]], []])).blur(image)
    assert np.array_equal(image, before)
    region = blurred.pixels_bgr[50:120, 100:160].astype(float)
    # What carried detail is now smooth: neighbours differ by next to nothing.
    assert np.abs(np.diff(region, axis=1)).mean() < 1
    assert np.array_equal(blurred.pixels_bgr[150:, :80], before[150:, :80])


@pytest.mark.parametrize(
    "box", [[-40, -40, 20, 20], [280, 180, 400, 400], [-50, -50, 900, 900], [10, 10, 10.2, 10.2], [500, 500, 600, 600]],
    ids=["corner", "over-the-edge", "all", "tiny", "outside"],
)  # fmt: skip
def test_faces_over_the_edge_are_hidden_as_far_as_they_are_seen(box: list[float]) -> None:
    assert FaceBlur(_Script([[box], []])).blur(_PLAIN).face_count == 1


def test_the_result_is_looked_at_again_until_no_face_is_left() -> None:
    detector = _Script([[[100, 50, 160, 120]], [[200, 50, 260, 120]], []])
    assert FaceBlur(detector).blur(_PLAIN).face_count == 1
    assert len(detector.seen) == 3


@pytest.mark.parametrize(
    "detector",
    [_Broken(), _Script([[[100, 50, 160, 120]]]), _Script([[[float("nan"), 0, 10, 10]]])],
    ids=["detector-fails", "face-stays", "nonsense"],
)
def test_without_certainty_there_is_no_picture(detector: _Broken | _Script) -> None:
    with pytest.raises(BlurFailedError) as caught:
        FaceBlur(detector).blur(_PLAIN)
    assert caught.value.reason == "BLUR_FAILED"


def test_without_a_detector_there_is_no_picture() -> None:
    with pytest.raises(UnavailableError):
        FaceBlur().blur(_PLAIN)


@pytest.mark.skipif(not (_MODELS / "face_detection_full_range_sparse.tflite").exists(), reason="models not fetched")
@pytest.mark.parametrize("scale", [1.0, 0.4], ids=["large", "small"])
def test_no_face_is_found_in_a_blurred_photograph(scale: float) -> None:
    detector = FaceDetector.load(_MODELS)
    photo = cv2.resize(skimage.data.astronaut()[:, :, ::-1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.ascontiguousarray(photo, np.uint8)
    assert detector.detect(image)
    blurred = FaceBlur(detector).blur(image)
    assert blurred.face_count >= 1
    assert not detector.detect(blurred.pixels_bgr)
