"""Garments by geometry, on drawn people of whom every pixel is known, and on a photograph."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from tests.unit.vision_svc.garments.mannequin import BLACK, BLUE, GREEN, HEIGHT, RED, SKIN, WHITE, WIDTH, Mannequin
from vision_svc.garments.parse import MODEL_ID, PoseGeometryParser, garments_of
from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import BoolMask

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def parser(models_dir: Path) -> PoseGeometryParser:
    return PoseGeometryParser.load(models_dir)


def shirt_and_trousers() -> Mannequin:
    figure = Mannequin()
    figure.trousers(BLUE)
    figure.shirt(RED, sleeves=True)
    figure.shoes(BLACK)
    return figure


def dressed() -> Mannequin:
    """A wide dress to above the knees, bare arms and legs."""
    figure = Mannequin()
    figure.shoes(BLACK)
    corners = [(142, 142), (218, 142), (208, 250), (262, 425), (98, 425), (152, 250)]
    figure.polygon("dress", GREEN, corners)
    return figure


def open_jacket() -> Mannequin:
    figure = Mannequin()
    figure.trousers(BLUE)
    figure.shirt(GREEN, sleeves=True, name="outerwear")
    figure.polygon("top", WHITE, [(166, 142), (194, 142), (196, 305), (164, 305)])
    figure.shoes(BLACK)
    return figure


def parse(figure: Mannequin) -> dict[Bucket, ParsedGarment]:
    garments = garments_of(figure.image_bgr, figure.person())
    assert len({garment.bucket for garment in garments}) == len(garments)
    return {garment.bucket: garment for garment in garments}


def iou(garment: ParsedGarment, truth: BoolMask) -> float:
    mask = garment.full_mask(HEIGHT, WIDTH)
    return float((mask & truth).sum() / (mask | truth).sum())


def test_shirt_and_trousers_are_told_apart() -> None:
    figure = shirt_and_trousers()
    found = parse(figure)
    assert set(found) == {Bucket.TOP, Bucket.BOTTOM, Bucket.SHOES} or set(found) == {
        Bucket.OUTERWEAR,
        Bucket.BOTTOM,
        Bucket.SHOES,
    }
    upper = found.get(Bucket.TOP) or found[Bucket.OUTERWEAR]
    assert iou(upper, figure.truth("top")) > 0.9
    assert iou(found[Bucket.BOTTOM], figure.truth("bottom")) > 0.9
    assert iou(found[Bucket.SHOES], figure.truth("shoes")) > 0.6
    assert found[Bucket.BOTTOM].category == "trousers"


def test_bare_arms_are_no_garment() -> None:
    figure = Mannequin()
    figure.trousers(BLUE)
    figure.shirt(RED, sleeves=False)
    found = parse(figure)
    assert iou(found[Bucket.TOP], figure.truth("top")) > 0.9
    bare = figure.truth("skin")
    for garment in found.values():
        mask = garment.full_mask(HEIGHT, WIDTH)
        assert (mask & bare).sum() < 0.05 * mask.sum()


def test_dress_is_one_piece() -> None:
    figure = dressed()
    found = parse(figure)
    assert Bucket.DRESS in found
    assert not {Bucket.TOP, Bucket.BOTTOM} & set(found)
    assert iou(found[Bucket.DRESS], figure.truth("dress")) > 0.9


def test_open_jacket_shows_what_is_underneath() -> None:
    figure = open_jacket()
    found = parse(figure)
    assert iou(found[Bucket.OUTERWEAR], figure.truth("outerwear")) > 0.8
    assert iou(found[Bucket.TOP], figure.truth("top")) > 0.7


def test_skin_coloured_shirt_is_not_taken_for_skin() -> None:
    figure = Mannequin()
    figure.trousers(BLUE)
    figure.shirt(SKIN, sleeves=True)
    found = parse(figure)
    upper = found.get(Bucket.TOP) or found[Bucket.OUTERWEAR]
    # The sleeves cannot be told from bare forearms by colour, so they may be missing.
    assert iou(upper, figure.truth("top")) > 0.6


def test_shirt_tail_below_the_waist_stays_with_the_shirt() -> None:
    figure = shirt_and_trousers()
    figure.polygon("top", RED, [(138, 310), (222, 310), (224, 372), (136, 372)])
    found = parse(figure)
    upper = found.get(Bucket.TOP) or found[Bucket.OUTERWEAR]
    tail = figure.truth("top") & (np.arange(HEIGHT)[:, np.newaxis] > 325)
    assert (upper.full_mask(HEIGHT, WIDTH) & tail).sum() > 0.8 * tail.sum()


def test_garments_are_consistent_with_their_boxes_and_outlines() -> None:
    figure = shirt_and_trousers()
    for garment in garments_of(figure.image_bgr, figure.person()):
        x0, y0, x1, y1 = garment.box_xyxy
        assert 0 <= x0 < x1 <= WIDTH
        assert 0 <= y0 < y1 <= HEIGHT
        assert garment.mask.shape == (y1 - y0, x1 - x0)
        edges = (garment.mask[0], garment.mask[-1], garment.mask[:, 0], garment.mask[:, -1])
        assert all(edge.any() for edge in edges)
        assert 0 < garment.score <= 1
        assert 0 < garment.coverage < 1
        drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(drawn, [np.floor(outline).astype(np.int32) for outline in garment.outlines], 1)
        assert iou(garment, drawn > 0) > 0.9
        assert garment.crop(figure.image_bgr).shape[:2] == garment.mask.shape


def test_the_same_picture_gives_the_same_garments() -> None:
    first, second = (garments_of(f.image_bgr, f.person()) for f in (shirt_and_trousers(), shirt_and_trousers()))
    assert [(g.bucket, g.box_xyxy, g.score) for g in first] == [(g.bucket, g.box_xyxy, g.score) for g in second]
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)


def test_unseen_legs_give_no_trousers_and_shoes() -> None:
    figure = shirt_and_trousers()
    person = figure.person()
    person.visibility[23:] = 0.05
    found = {garment.bucket for garment in garments_of(figure.image_bgr, person)}
    assert found <= {Bucket.TOP, Bucket.OUTERWEAR}


def test_parse_finds_the_suit_of_the_astronaut(parser: PoseGeometryParser) -> None:
    picture = skimage.data.astronaut()
    parsed = parser.parse(picture[:, :, ::-1].copy())
    assert (parsed.width_px, parsed.height_px) == (512, 512)
    assert len(parsed.persons) == 1
    assert {garment.bucket for garment in parsed.garments} <= {Bucket.TOP, Bucket.OUTERWEAR}
    suit = np.zeros((512, 512), np.bool_)
    for garment in parsed.garments:
        suit |= garment.full_mask(512, 512)
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    orange = (hsv[:, :, 0] < 14) & (hsv[:, :, 1] > 170) & (np.arange(512)[:, np.newaxis] > 200)
    orange[:, 460:] = False  # the shuttle's tank behind
    assert (suit & orange).sum() > 0.8 * orange.sum()


def test_parse_finds_who_lost_the_face_by_the_place_of_the_face(parser: PoseGeometryParser) -> None:
    picture = skimage.data.astronaut()[:, :, ::-1].copy()
    face = (170.0, 80.0, 270.0, 190.0)
    picture[60:215, 145:295] = picture[60:215, 145:295].mean(axis=(0, 1)).astype(np.uint8)
    parsed = parser.parse(picture, [face])
    assert len(parsed.persons) == 1
    assert {garment.bucket for garment in parsed.garments} & {Bucket.TOP, Bucket.OUTERWEAR}


@pytest.mark.parametrize("name", ["coffee", "brick", "coins"])
def test_parse_believes_no_face_that_has_no_body(parser: PoseGeometryParser, name: str) -> None:
    picture = getattr(skimage.data, name)()
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    assert parser.parse(picture[:, :, ::-1].copy(), [(100.0, 40.0, 140.0, 85.0)]).persons == ()


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "coins", "page"])
def test_parse_invents_nobody(parser: PoseGeometryParser, name: str) -> None:
    picture = getattr(skimage.data, name)()
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    parsed = parser.parse(picture[:, :, ::-1].copy())
    assert parsed.persons == ()
    assert parsed.garments == ()


@pytest.mark.parametrize("size", [(16, 16), (20, 600), (600, 20)])
def test_parse_odd_sizes(parser: PoseGeometryParser, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert parser.parse(noise).garments == ()


def test_model_id_has_a_version(parser: PoseGeometryParser) -> None:
    assert parser.model_id == MODEL_ID == "pose-geometry/1"
