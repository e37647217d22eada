"""What the trained parser is shown of a person, on a drawn one of whom every joint is known."""

import dataclasses

import cv2
import numpy as np
import pytest

from imaging.geometry import Roi
from tests.unit.vision_svc.garments.mannequin import HEIGHT, RED, WIDTH, Mannequin, joint_xy
from vision_svc.garments.parse_input import CHANNELS, HEIGHT_PX, WIDTH_PX, cut, frame_of, planes
from vision_svc.people.types import FloatArray, ImageBgr, Joint, Person

pytestmark = pytest.mark.unit

MASK, ACROSS, DOWN, PARTS = 3, 4, 5, 6
HEAD, TORSO, UPPER_ARM, LOWER_ARM, THIGH, SHIN, FOOT = range(PARTS, CHANNELS)


def dressed() -> Mannequin:
    figure = Mannequin()
    figure.shirt(RED, sleeves=True)
    return figure


def on_map(roi: Roi, joint: Joint) -> tuple[int, int]:
    x, y = roi.from_image(np.array(joint_xy(joint), np.float32)) * np.array([WIDTH_PX, HEIGHT_PX], np.float32)
    return int(y), int(x)


def moved(figure: Mannequin, dx: int, dy: int) -> tuple[ImageBgr, Person]:
    """The same figure elsewhere in a larger picture."""
    image = np.zeros((HEIGHT + 200, WIDTH + 200, 3), np.uint8)
    image[dy : dy + HEIGHT, dx : dx + WIDTH] = figure.image_bgr
    person, mask = figure.person(), np.zeros(image.shape[:2], np.bool_)
    mask[dy : dy + HEIGHT, dx : dx + WIDTH] = person.mask
    shift = np.array([dx, dy], np.float32)
    return image, dataclasses.replace(
        person, box_xyxy=person.box_xyxy + np.tile(shift, 2), mask=mask, mask_score=mask.astype(np.float32),
        joints_xyz=person.joints_xyz + np.array([dx, dy, 0], np.float32),
    )  # fmt: skip


def test_frame_holds_mask_and_joints_with_room_on_all_sides() -> None:
    person = dressed().person()
    roi = frame_of(person)
    assert roi.width_px / roi.height_px == pytest.approx(WIDTH_PX / HEIGHT_PX)
    shares = roi.from_image(np.concatenate([person.joints_xyz[:, :2], person.box_xyxy.reshape(2, 2)]))
    assert shares.min() > 0.03
    assert shares.max() < 0.97


def test_frame_leaves_out_joints_that_are_not_seen() -> None:
    person = dressed().person()
    person.joints_xyz[Joint.LEFT_FOOT_INDEX, 1] += 5000
    person.visibility[Joint.LEFT_FOOT_INDEX] = 0.1
    assert frame_of(person).height_px < 1000


def test_planes_show_the_picture_and_stay_within_bounds() -> None:
    figure = dressed()
    found, roi = planes(figure.image_bgr, figure.person())
    assert found.shape == (CHANNELS, HEIGHT_PX, WIDTH_PX)
    assert found.dtype == np.float32
    assert -1.5 <= found.min() <= found.max() <= 1.5
    row, column = on_map(roi, Joint.LEFT_SHOULDER)
    red, green, blue = (found[:3, row + 10, column - 5] + 1) * 127.5
    np.testing.assert_allclose([blue, green, red], RED, atol=25)
    assert found[MASK, row + 10, column - 5] == pytest.approx(1, abs=0.01)
    assert found[MASK, 2, 2] == 0


@pytest.mark.parametrize(
    ("joint", "level"),
    [(Joint.LEFT_SHOULDER, 0), (Joint.RIGHT_HIP, 1 / 3), (Joint.LEFT_KNEE, 2 / 3), (Joint.RIGHT_ANKLE, 1)],
    ids=["shoulder", "hip", "knee", "ankle"],
)
def test_down_says_how_far_down_the_body_a_row_is(joint: Joint, level: float) -> None:
    figure = dressed()
    found, roi = planes(figure.image_bgr, figure.person())
    row, column = on_map(roi, joint)
    assert found[DOWN, row, column] == pytest.approx(level, abs=0.02)
    assert np.all(np.diff(found[DOWN], axis=0) >= 0)


def test_across_is_nought_at_the_middle_and_grows_to_the_right() -> None:
    figure = dressed()
    found, roi = planes(figure.image_bgr, figure.person())
    left, right = (on_map(roi, joint) for joint in (Joint.LEFT_HIP, Joint.RIGHT_HIP))
    assert found[ACROSS][left] == pytest.approx(-found[ACROSS][right], abs=0.03)
    assert found[ACROSS][left] > 0


@pytest.mark.parametrize(
    ("plane", "start", "end"),
    [
        (HEAD, Joint.NOSE, Joint.NOSE),
        (TORSO, Joint.LEFT_SHOULDER, Joint.RIGHT_HIP),
        (UPPER_ARM, Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW),
        (LOWER_ARM, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
        (THIGH, Joint.LEFT_HIP, Joint.LEFT_KNEE),
        (SHIN, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE),
        (FOOT, Joint.LEFT_HEEL, Joint.LEFT_FOOT_INDEX),
    ],
    ids=["head", "torso", "upper arm", "lower arm", "thigh", "shin", "foot"],
)
def test_part_is_drawn_where_it_is(plane: int, start: Joint, end: Joint) -> None:
    figure = dressed()
    found, roi = planes(figure.image_bgr, figure.person())
    (row, column), (other_row, other_column) = on_map(roi, start), on_map(roi, end)
    assert found[plane, (row + other_row) // 2, (column + other_column) // 2] == 1
    assert 0.003 < (found[plane] > 0).mean() < 0.2


def test_unseen_limbs_are_faint() -> None:
    figure, person = dressed(), dressed().person()
    person.visibility[[Joint.LEFT_KNEE, Joint.RIGHT_KNEE]] = 0.2
    found, _ = planes(figure.image_bgr, person)
    assert found[SHIN].max() == pytest.approx(0.2, abs=0.01)


def test_who_stands_elsewhere_looks_the_same() -> None:
    figure = dressed()
    here, _ = planes(*moved(figure, 60, 60))
    there, _ = planes(*moved(figure, 137, 121))
    # The person's own pixels: what lies around differs, and shrinking samples the picture in other places.
    same = np.abs(here[MASK:] - there[MASK:])
    assert same.mean() < 0.01
    assert np.abs(here[:3] - there[:3]).mean() < 0.03


def test_cut_shrinks_without_aliasing() -> None:
    board = ((np.indices((400, 400)).sum(axis=0) % 2) * 255).astype(np.uint8)
    small = cut(board, Roi(200, 200, 400 / 1.5, 400), (96, 64))
    np.testing.assert_allclose(small[4:-4, 4:-4], 127.5, atol=12)


def test_cut_of_the_whole_is_a_resize() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (288, 192, 3), np.uint8), (0, 0), 4)
    found: FloatArray = cut(np.asarray(picture, np.uint8), Roi(96, 144, 192, 288), (144, 96))
    expected = cv2.resize(picture, (96, 144), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(found, expected, atol=1.0)


def test_outside_of_the_picture_is_black() -> None:
    found = cut(np.full((50, 50, 3), 200, np.uint8), Roi(0, 25, 40, 60), (60, 40))
    assert found[:, :18].max() == 0
    assert found[20, 30].tolist() == [200, 200, 200]
