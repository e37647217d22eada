"""Whether somebody is in the clothes, by what the network labels; lone garments on busy grounds are nobody's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.lone import lone_garments
from tests.support.portraits import astronaut, frame
from tests.unit.vision_svc.garments.mannequin import HEIGHT, WIDTH, Mannequin
from vision_svc.garments.parse_labels import LABELS
from vision_svc.garments.parse_net import MAP_PX
from vision_svc.garments.parse_trained import TrainedParser
from vision_svc.garments.parse_wearer import FEATURES, LEAST_CHANCE, WEIGHTS, wearer_chance, wearer_evidence
from vision_svc.garments.wearer import is_worn
from vision_svc.people.finder import PersonFinder
from vision_svc.people.types import BoolMask, FloatArray, ImageBgr, Person

pytestmark = pytest.mark.unit
SCALE = np.array([MAP_PX[1] / WIDTH, MAP_PX[0] / HEIGHT], np.float32)
SURE = 0.85
DRAWN = 40


def labelled(head: str, hands: str) -> tuple[Person, FloatArray, BoolMask, FloatArray]:
    """A dressed figure of which head and hands are of the given labels."""
    figure = Mannequin()
    rows = np.minimum(((np.arange(MAP_PX[0]) + 0.5) / SCALE[1]).astype(int), HEIGHT - 1)
    columns = np.minimum(((np.arange(MAP_PX[1]) + 0.5) / SCALE[0]).astype(int), WIDTH - 1)
    inside = (figure.label > 0)[np.ix_(rows, columns)]
    joints = (figure.person().joints_xyz[:, :2] * SCALE).astype(np.float32)
    names = np.where(inside, LABELS.index("outerwear"), 0)
    names[: round(150 * SCALE[1])][inside[: round(150 * SCALE[1])]] = LABELS.index(head)
    below = (np.arange(MAP_PX[0]) > 290 * SCALE[1])[:, None] & inside & (np.abs(np.arange(MAP_PX[1]) - 48) > 16)
    names[below] = LABELS.index(hands)
    labels = np.full((len(LABELS), *MAP_PX), (1 - SURE) / (len(LABELS) - 1), np.float32)
    np.put_along_axis(labels, names[None], SURE, axis=0)
    return replace(figure.person(), detection=0.4), labels, inside, joints


@pytest.mark.parametrize(
    ("head", "hands", "somebody"),
    [
        pytest.param("skin", "skin", True, id="a person"),
        pytest.param("hair", "skin", True, id="from behind"),
        pytest.param("skin", "outerwear", True, id="hands in the pockets"),
        pytest.param("outerwear", "outerwear", False, id="a coat with a hood"),
        pytest.param("background", "background", False, id="a hanger"),
    ],
)
def test_skin_and_hair_tell_who_wears_what_stands_like_a_body(head: str, hands: str, *, somebody: bool) -> None:
    person, labels, inside, joints = labelled(head, hands)
    person.visibility[:] = 0.45
    evidence = wearer_evidence(person, labels, inside, joints)
    assert (wearer_chance(evidence, has_face=False) >= LEAST_CHANCE) == somebody


def test_the_pose_counts_too() -> None:
    evidence = wearer_evidence(*labelled("outerwear", "outerwear"))
    chances = [wearer_chance(np.append(np.float32(score), evidence[1:]), has_face=False) for score in (0.0, 0.3, 0.9)]
    assert chances == sorted(chances)
    assert 0 < chances[0] < chances[-1] < 1


def test_a_face_that_was_told_of_settles_it() -> None:
    evidence = wearer_evidence(*labelled("outerwear", "outerwear")) * 0
    assert wearer_chance(evidence, has_face=False) < 0.01
    assert wearer_chance(evidence, has_face=True) > 0.9


def test_nothing_labelled_is_measured_all_the_same() -> None:
    person, labels, _, joints = labelled("background", "background")
    evidence = wearer_evidence(person, labels, np.zeros(MAP_PX, np.bool_), joints - 1000)
    assert len(FEATURES) == len(WEIGHTS) == len(evidence)
    assert (evidence[2:5] == 0).all()


@pytest.fixture(scope="module")
def parser(models_dir: Path) -> TrainedParser:
    return TrainedParser.load(models_dir)


def test_lone_garments_on_busy_grounds_are_nobodys(parser: TrainedParser, models_dir: Path) -> None:
    finder = PersonFinder.load(models_dir)
    bodies = [picture for picture in lone_garments(DRAWN, 7) if finder.poses(picture)]
    assert len(bodies) >= 4, "the pose model has become wiser: this test needs other pictures"
    parsed = [(picture, parser.parse(picture)) for picture in bodies]
    assert sum(bool(found.garments) for _, found in parsed) <= 0.05 * DRAWN
    assert sum(is_worn(picture, found) for picture, found in parsed) <= 0.05 * DRAWN


@pytest.mark.parametrize("picture", [astronaut(), frame((1.0, 200, 700))], ids=["photo", "before a wall"])
def test_people_are_somebody_and_wear_what_they_wear(parser: TrainedParser, picture: ImageBgr) -> None:
    found = parser.parse(picture)
    assert found.garments
    assert found.persons[0].chance >= LEAST_CHANCE
    assert is_worn(picture, found)
