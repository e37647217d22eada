"""How much of a body is seen of what should be seen."""

import numpy as np
import pytest

from tests.unit.vision_svc.garments.mannequin import HEIGHT, WIDTH, Mannequin
from vision_svc.people.presence import seen_inside
from vision_svc.people.types import Joint

pytestmark = pytest.mark.unit


def test_unseen_limbs_inside_the_picture_count() -> None:
    person = Mannequin().person()
    assert seen_inside(person.joints_xyz, person.visibility, (HEIGHT, WIDTH)) == 1
    person.visibility[Joint.LEFT_KNEE :] = 0.0
    assert seen_inside(person.joints_xyz, person.visibility, (HEIGHT, WIDTH)) == pytest.approx(8 / 12)


def test_limbs_outside_of_the_picture_need_not_be_seen() -> None:
    person = Mannequin().person()
    person.visibility[Joint.LEFT_KNEE :] = 0.0
    assert seen_inside(person.joints_xyz, person.visibility, (int(person.joint(Joint.LEFT_KNEE)[1]), WIDTH)) == 1


def test_a_body_outside_of_the_picture_is_not_seen() -> None:
    person = Mannequin().person()
    assert seen_inside(person.joints_xyz - np.float32(5000), person.visibility, (HEIGHT, WIDTH)) == 0
