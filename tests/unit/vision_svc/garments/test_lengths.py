"""Sleeves and hems on a drawn person whose every pixel is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.vision_svc.garments.mannequin import BLUE, HEIGHT, RED, WIDTH, Mannequin
from vision_svc.garments.lengths import UNKNOWN_LENGTHS, measure_lengths
from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import BoolMask, Joint

pytestmark = pytest.mark.unit


def garment(mask: BoolMask, bucket: Bucket, category: str = "") -> ParsedGarment:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    return ParsedGarment(bucket, category, 0.9, (x0, y0, x1, y1), mask[y0:y1, x0:x1], (), 0.2)


def rows(figure: Mannequin, start: int, end: int, name: str = "bottom") -> BoolMask:
    """The body between two heights of the picture, without what lies beside it."""
    mask = figure.truth(name)
    mask[:start] = mask[end:] = False
    return mask


def shirt(sleeves: str) -> tuple[Mannequin, ParsedGarment]:
    figure = Mannequin()
    if sleeves == "short":
        figure.limb("top", RED, "SHOULDER", "ELBOW", 34)
    figure.shirt(RED, sleeves=sleeves == "long")
    mask = figure.truth("top")
    if sleeves == "short":  # it ends well above the elbow, which is at row 230
        mask[215:, :130] = mask[215:, 230:] = False
    return figure, garment(mask, Bucket.TOP, "top")


def skirt(end: int) -> tuple[Mannequin, ParsedGarment]:
    figure = Mannequin()
    figure.polygon("skirt", BLUE, [(140, 300), (220, 300), (235, end), (125, end)])
    return figure, garment(figure.truth("skirt"), Bucket.BOTTOM, "skirt")


@pytest.mark.parametrize("sleeves", ["sleeveless", "short", "long"])
def test_sleeves_are_read_off_the_arms(sleeves: str) -> None:
    figure, top = shirt(sleeves)
    found = measure_lengths(top, figure.person(), [top]).sleeves
    assert found.word == sleeves
    assert 0.7 < found.confidence <= 0.95


def test_a_sleeve_under_a_coat_is_hidden_and_not_missing() -> None:
    figure, _ = shirt("long")
    figure.limb("coat", BLUE, "SHOULDER", "ELBOW", 40)
    figure.limb("coat", BLUE, "ELBOW", "WRIST", 34)
    top = garment(figure.truth("top"), Bucket.TOP, "top")
    coat = garment(figure.truth("coat"), Bucket.OUTERWEAR, "coat")
    person = figure.person()
    assert measure_lengths(top, person, [top, coat]).sleeves.word == ""
    assert measure_lengths(top, person, [top, coat]).sleeves.confidence == 0
    assert measure_lengths(coat, person, [top, coat]).sleeves.word == "long"


def test_sleeves_of_arms_that_are_not_seen_stay_unknown() -> None:
    figure, top = shirt("long")
    person = figure.person()
    hidden = person.visibility.copy()
    hidden[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_ELBOW, Joint.RIGHT_ELBOW]] = 0.1
    assert measure_lengths(top, replace(person, visibility=hidden)).sleeves.word == ""


# The hips of the figure are at row 310, the knees at 440, the ankles at 565.
@pytest.mark.parametrize(("end", "word"), [(370, "mini"), (440, "knee"), (500, "midi"), (575, "maxi")])
def test_skirts_are_named_by_the_height_of_their_hem(end: int, word: str) -> None:
    figure, one = skirt(end)
    found = measure_lengths(one, figure.person()).hem
    assert found.word == word
    assert 0.5 < found.confidence <= 0.95


@pytest.mark.parametrize(("end", "word"), [(420, "shorts"), (510, "cropped"), (580, "full")])
def test_trousers_are_named_by_the_height_of_their_hem(end: int, word: str) -> None:
    figure = Mannequin()
    figure.trousers(BLUE)
    trousers = garment(rows(figure, 0, end), Bucket.BOTTOM, "trousers")
    assert measure_lengths(trousers, figure.person()).hem.word == word


def test_trousers_in_boots_count_as_full_but_not_surely() -> None:
    figure = Mannequin()
    figure.trousers(BLUE)
    trousers = garment(rows(figure, 0, 500), Bucket.BOTTOM, "trousers")
    boots = garment(rows(figure, 500, HEIGHT), Bucket.SHOES, "boots")
    found = measure_lengths(trousers, figure.person(), [boots]).hem
    assert (found.word, found.confidence) == ("full", 0.75)


@pytest.mark.parametrize(("end", "word"), [(255, "cropped"), (330, "regular"), (400, "long")])
def test_tops_are_named_by_where_they_end(end: int, word: str) -> None:
    figure = Mannequin()
    figure.polygon("top", RED, [(132, 140), (228, 140), (222, end), (138, end)])
    top = garment(figure.truth("top"), Bucket.TOP, "top")
    assert measure_lengths(top, figure.person()).hem.word == word


def test_a_top_that_ends_on_trousers_may_be_tucked_in_and_is_not_cropped() -> None:
    figure = Mannequin()
    figure.polygon("top", RED, [(132, 140), (228, 140), (222, 270), (138, 270)])
    figure.polygon("bottom", BLUE, [(134, 270), (226, 270), (226, 420), (134, 420)])
    top = garment(figure.truth("top"), Bucket.TOP, "top")
    trousers = garment(figure.truth("bottom"), Bucket.BOTTOM, "trousers")
    found = measure_lengths(top, figure.person(), [top, trousers]).hem
    assert found.word == "regular"
    assert found.confidence < 0.8


def test_a_hem_that_the_picture_cuts_off_is_unknown() -> None:
    figure, one = skirt(480)
    person = figure.person()
    cut = replace(person, mask=person.mask[: one.box_xyxy[3]])
    assert measure_lengths(one, cut).hem.word == ""


def test_shoes_have_no_length() -> None:
    figure = Mannequin()
    figure.shoes(RED)
    shoes = garment(figure.truth("shoes"), Bucket.SHOES, "shoes")
    assert measure_lengths(shoes, figure.person()) is UNKNOWN_LENGTHS


def test_an_arm_outside_of_the_picture_is_no_bare_arm() -> None:
    figure, top = shirt("sleeveless")
    person = figure.person()
    joints = person.joints_xyz.copy()
    joints[:, 0] += WIDTH
    assert measure_lengths(top, replace(person, joints_xyz=joints)).sleeves.word == ""
