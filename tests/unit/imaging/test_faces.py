"""The face detector of the blur, on a real photograph in many sizes."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from imaging.faces import SHORT_RANGE, FaceDetector, FaceSearch

pytestmark = pytest.mark.unit

PHOTO = skimage.data.astronaut()[:, :, ::-1].copy()
FACE_CENTER, FACE_WIDTH = (225, 118), 108  # measured by hand


@pytest.fixture(scope="module")
def detector(models_dir: Path) -> FaceDetector:
    return FaceDetector.load(models_dir)


def scene(places: list[tuple[int, int]], face_px: int) -> npt.NDArray[np.uint8]:
    """A 1280 x 960 picture with the portrait pasted so that faces are `face_px` wide and centred at `places`."""
    scale = face_px / FACE_WIDTH
    head = cv2.resize(PHOTO[20:220, 120:340], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    background = np.linspace(40, 200, 1280, dtype=np.uint8)[np.newaxis, :, np.newaxis]
    picture = np.broadcast_to(background, (960, 1280, 3)).copy()
    for x, y in places:
        left, top = round(x - (FACE_CENTER[0] - 120) * scale), round(y - (FACE_CENTER[1] - 20) * scale)
        picture[top : top + head.shape[0], left : left + head.shape[1]] = head
    return picture


def test_detect_finds_the_face_and_its_parts(detector: FaceDetector) -> None:
    face = detector.detect(PHOTO)[0]
    assert face.score > 0.8
    x0, y0, x1, y1 = face.box_xyxy
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(FACE_CENTER, abs=12)
    right_eye, left_eye, nose, mouth = face.keypoints[:4]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_eye[1] < nose[1] < mouth[1]


@pytest.mark.parametrize("face_px", [28, 40, 80, 108])
def test_detect_finds_every_face_down_to_the_promised_size(detector: FaceDetector, face_px: int) -> None:
    places = [(130, 150), (640, 480), (1120, 800), (330, 700), (900, 200)]
    faces = detector.detect(scene(places, face_px))
    for x, y in places:
        centers = [(face.box_xyxy[:2] + face.box_xyxy[2:]) / 2 for face in faces]
        assert any(np.hypot(cx - x, cy - y) < 0.5 * face_px for cx, cy in centers), f"no face at {x}, {y}"


def test_detect_whole_picture_alone_misses_small_faces(detector: FaceDetector) -> None:
    """The reason for the tiles."""
    picture = scene([(640, 480)], 24)
    assert not detector.detect(picture, FaceSearch(min_face_px=10_000))
    assert detector.detect(picture)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "grass"])
def test_detect_nobody_gives_nothing(detector: FaceDetector, name: str) -> None:
    picture = getattr(skimage.data, name)()
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    assert detector.detect(picture[:, :, ::-1].copy()) == []


@pytest.mark.parametrize("size", [(16, 16), (16, 900), (2000, 20)])
def test_detect_odd_sizes(detector: FaceDetector, size: tuple[int, int]) -> None:
    assert detector.detect(np.full((*size, 3), 128, np.uint8)) == []


def test_work_is_bounded(detector: FaceDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, int, int]] = []

    def look(_image: object, tile: tuple[int, int, int, int], _threshold: float) -> tuple[object, object]:
        seen.append(tile)
        return np.zeros((0, 16), np.float32), np.zeros(0, np.float32)

    monkeypatch.setattr(detector, "_detect_in", look)
    detector.detect(np.zeros((4000, 6000, 3), np.uint8))
    assert 1 < len(seen) <= 25
    covered = np.zeros((4000, 6000), np.bool_)
    for x0, y0, x1, y1 in seen[1:]:
        covered[y0:y1, x0:x1] = True
    assert covered.all()


def test_short_range_model_finds_a_near_face(models_dir: Path) -> None:
    near = FaceDetector.load(models_dir, SHORT_RANGE)
    faces = near.detect(PHOTO, FaceSearch(min_face_px=10_000))
    assert [abs(float(face.box_xyxy[[0, 2]].mean()) - FACE_CENTER[0]) < 12 for face in faces] == [True]
