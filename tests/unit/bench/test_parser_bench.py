"""How the bench counts what a parser finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench._parser import by_tone
from bench._parser_tally import ANSWER, Photo, Tally
from bench._skin_tone import LEAST_SKIN_PX, skin_tone, thirds
from imaging.color import lab_to_srgb
from vision_svc.garments.types import Bucket, ParsedGarment, ParsedImage
from vision_svc.people.types import BoolMask, Box, ImageBgr

pytestmark = pytest.mark.unit
SIDE = 60


class Says:
    """A parser that always finds garments of the given buckets on the lower half."""

    model_id = "says/1"

    def __init__(self, *buckets: Bucket) -> None:
        self._buckets = buckets

    def parse(self, image_bgr: ImageBgr, faces_xyxy: Sequence[Box] = ()) -> ParsedImage:
        del faces_xyxy
        mask = np.ones((SIDE // 2, SIDE), np.bool_)
        box = (0, SIDE // 2, SIDE, SIDE)
        found = tuple(ParsedGarment(one, one.name.lower(), 0.8, box, mask, (), 0.5) for one in self._buckets)
        return ParsedImage(image_bgr.shape[1], image_bgr.shape[0], (), found)


def photo(worn: str, tone_deg: float | None = None) -> Photo:
    """Somebody in grey whose lower half is a dress or a lower garment."""
    lower: BoolMask = np.zeros((SIDE, SIDE), np.bool_)
    lower[SIDE // 2 :] = True
    truths = {name: lower if name == worn else np.zeros_like(lower) for name in ANSWER}
    return Photo(np.full((SIDE, SIDE, 3), 90, np.uint8), np.ones_like(lower), truths, tone_deg=tone_deg)


@pytest.mark.parametrize(
    ("worn", "found", "right"),
    [
        ("bottom", (Bucket.BOTTOM,), True),
        ("bottom", (Bucket.DRESS,), False),
        ("bottom", (), False),
        ("bottom", (Bucket.TOP,), False),
        ("dress", (Bucket.DRESS,), True),
        ("dress", (), False),
    ],
    ids=["two pieces", "a dress instead", "nothing", "only a top", "a dress", "no dress"],
)
def test_dress_or_two_pieces_is_right_only_where_one_of_them_is_found(
    worn: str, found: tuple[Bucket, ...], *, right: bool
) -> None:
    tally = Tally()
    tally.run(Says(*found), photo(worn))
    assert tally.dresses == [right]


def test_figures_by_tone_are_those_of_each_third() -> None:
    pairs = []
    for tone, said in ((50.0, Bucket.BOTTOM), (-20.0, Bucket.DRESS), (20.0, Bucket.BOTTOM)):
        tally = Tally()
        tally.run(Says(said), photo("bottom"))
        pairs.append((tone, tally))
    dark, middle, light = by_tone(pairs)
    assert [part["tone_deg"] for part in (dark, middle, light)] == [[-20.0, -20.0], [20.0, 20.0], [50.0, 50.0]]
    assert [part["dress_or_two_piece_right"] for part in (dark, middle, light)] == [0.0, 1.0, 1.0]
    assert middle["color_median_de2000"] == pytest.approx(0, abs=0.5)
    assert dark["color_median_de2000"] is None


@pytest.mark.parametrize(("lightness", "yellowness", "expected"), [(70, 20, 45.0), (50, 15, 0.0), (35, 15, -45.0)])
def test_skin_tone_is_the_typology_angle(lightness: float, yellowness: float, expected: float) -> None:
    color = np.rint(lab_to_srgb(np.array([lightness, 8.0, yellowness]))).astype(np.uint8)
    image = np.full((40, 40, 3), color[::-1], np.uint8)
    assert skin_tone(image, np.ones((40, 40), np.bool_)) == pytest.approx(expected, abs=2.5)


def test_too_little_skin_has_no_tone() -> None:
    skin = np.zeros((40, 40), np.bool_)
    skin.flat[: LEAST_SKIN_PX - 1] = True
    assert skin_tone(np.full((40, 40, 3), 150, np.uint8), skin) is None


def test_thirds_of_few_photos() -> None:
    assert thirds([]) == []
    assert thirds([3.0]) == [[0]]
    assert thirds([5.0, 1.0, 3.0, 2.0]) == [[1, 3], [2], [0]]
