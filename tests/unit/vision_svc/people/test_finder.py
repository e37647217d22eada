"""People, their joints and their pixels, on a real photograph."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from imaging.faces import FaceDetector
from ingest_svc.privacy.blur import FaceBlur
from tests.support.portraits import frame
from vision_svc.garments.quality import Issue, judge
from vision_svc.people.finder import PersonFinder
from vision_svc.people.heatmaps import refine
from vision_svc.people.types import Box, ImageBgr, Joint, Person

pytestmark = pytest.mark.unit

PHOTO = skimage.data.astronaut()[:, :, ::-1].copy()


@pytest.fixture(scope="module")
def finder(models_dir: Path) -> PersonFinder:
    return PersonFinder.load(models_dir)


@pytest.fixture(scope="module")
def astronaut(finder: PersonFinder) -> Person:
    (person,) = finder.find(PHOTO)
    return person


def test_find_agrees_with_the_face_detector(astronaut: Person, models_dir: Path) -> None:
    """Two models that know nothing of each other put eyes and nose in the same place."""
    face = FaceDetector.load(models_dir).detect(PHOTO)[0]
    width = face.box_xyxy[2] - face.box_xyxy[0]
    for joint, place in ((Joint.RIGHT_EYE, 0), (Joint.LEFT_EYE, 1), (Joint.NOSE, 2)):
        assert np.hypot(*(astronaut.joint(joint) - face.keypoints[place])) < 0.15 * width


def test_find_tells_left_from_right_and_seen_from_unseen(astronaut: Person) -> None:
    assert astronaut.joint(Joint.RIGHT_SHOULDER)[0] < astronaut.joint(Joint.LEFT_SHOULDER)[0]
    assert astronaut.sees(Joint.LEFT_SHOULDER)
    assert not astronaut.sees(Joint.LEFT_KNEE)
    assert not astronaut.sees(Joint.RIGHT_ANKLE)


def test_find_mask_covers_the_person_and_not_the_flag(astronaut: Person) -> None:
    assert astronaut.mask.dtype == np.bool_
    assert astronaut.mask[118, 225]  # face
    assert astronaut.mask[400, 240]  # chest
    assert not astronaut.mask[60, 20]  # the flag behind
    assert not astronaut.mask[60, 440]  # the shuttle behind
    assert 0.3 < astronaut.mask.mean() < 0.75
    x0, y0, x1, y1 = astronaut.box_xyxy.astype(int)
    assert astronaut.mask[y0:y1, x0:x1].sum() == astronaut.mask.sum()


@pytest.mark.parametrize("angle", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180])
def test_find_follows_a_turned_person(finder: PersonFinder, astronaut: Person, angle: int) -> None:
    turned = cv2.rotate(PHOTO, angle).astype(np.uint8)
    (person,) = finder.find(turned)
    expected = cv2.rotate(astronaut.mask.astype(np.uint8), angle) > 0
    assert (person.mask & expected).sum() / (person.mask | expected).sum() > 0.75  # the helmet in her arm counts or not


def test_find_in_a_wide_picture(finder: PersonFinder, astronaut: Person) -> None:
    wide = np.full((512, 1280, 3), 128, np.uint8)
    wide[:, 500:1012] = PHOTO
    (person,) = finder.find(wide)
    expected = np.zeros(wide.shape[:2], np.bool_)
    expected[:, 500:1012] = astronaut.mask
    assert (person.mask & expected).sum() / (person.mask | expected).sum() > 0.7
    moved = person.joint(Joint.NOSE) - astronaut.joint(Joint.NOSE)
    np.testing.assert_allclose(moved, [500, 0], atol=12)


PEOPLE = [(0.85, 10, 500), (0.85, 500, 520)]
"""Two of her before a wall: scale, left and upper edge."""


def blurred(picture: ImageBgr, models_dir: Path) -> tuple[ImageBgr, list[Box]]:
    done = FaceBlur(FaceDetector.load(models_dir)).blur(picture)
    height, width = picture.shape[:2]
    return done.pixels_bgr, [(x0 * width, y0 * height, x1 * width, y1 * height) for x0, y0, x1, y1 in done.face_boxes]


@pytest.mark.parametrize("sharp", [True, False], ids=["sharp", "blurred"])
@pytest.mark.parametrize("count", [1, 2])
def test_find_counts_people_and_the_quality_tells(
    finder: PersonFinder, models_dir: Path, count: int, *, sharp: bool
) -> None:
    picture = frame(*PEOPLE[:count])
    seen, faces = (picture, []) if sharp else blurred(picture, models_dir)
    people = finder.find(seen, faces_xyxy=faces)
    assert len(people) == count
    assert people == sorted(people, key=lambda person: -person.mask.sum())
    for person, (scale, left, top) in zip(sorted(people, key=lambda one: one.box_xyxy[0]), PEOPLE, strict=False):
        np.testing.assert_allclose(person.joint(Joint.NOSE), [left + 225 * scale, top + 118 * scale], atol=60)
    issues = {finding.issue for finding in judge(seen, tuple(people))}
    assert (Issue.SEVERAL_SUBJECTS in issues) == (count > 1)


def test_find_looks_below_each_face_but_counts_nobody_twice(finder: PersonFinder, astronaut: Person) -> None:
    """Blurring prefers a patch too many: faces that are told twice, or where none are, are not people."""
    wrong = [(170.0, 70.0, 280.0, 180.0), (175.0, 75.0, 275.0, 185.0), (150.0, 330.0, 260.0, 440.0)]
    (person,) = finder.find(PHOTO, faces_xyxy=wrong)
    np.testing.assert_array_equal(person.mask, astronaut.mask)


def test_find_leaves_passers_by_alone(finder: PersonFinder, models_dir: Path) -> None:
    seen, faces = blurred(frame((1.4, 100, 500), (0.3, 10, 100)), models_dir)
    assert len(faces) >= 2
    assert len(finder.find(seen, faces_xyxy=faces)) == 1


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "grass", "retina", "hubble_deep_field"])
def test_find_nobody(finder: PersonFinder, name: str) -> None:
    try:
        picture = getattr(skimage.data, name)()
    except (ModuleNotFoundError, OSError):
        pytest.skip("this picture is not part of the installed package")
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    assert finder.find(picture[:, :, ::-1].copy()) == []


def test_refine_moves_a_joint_to_the_peak_of_its_heat_map() -> None:
    heatmap = np.zeros((64, 64, 1), np.float32)
    heatmap[30:33, 40:43, 0] = 0.9
    moved = refine(np.array([[40 / 64, 32.5 / 64]], np.float32), heatmap)
    np.testing.assert_allclose(moved, [[41 / 64, 31 / 64]], atol=1e-6)


@pytest.mark.parametrize(
    ("point", "peak"),
    [pytest.param((0.5, 0.5), 0.3, id="unsure-map"), pytest.param((1.5, 0.5), 0.9, id="outside")],
)
def test_refine_leaves_a_joint_where_the_map_says_nothing(point: tuple[float, float], peak: float) -> None:
    heatmap = np.full((64, 64, 1), peak, np.float32)
    shares = np.array([point], np.float32)
    np.testing.assert_array_equal(refine(shares, heatmap), shares)
