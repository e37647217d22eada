"""From drawn probability maps to garments: what is decided, joined, separated and brought into the picture."""

import cv2
import numpy as np
import pytest

from imaging.geometry import Roi
from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.garments.parse_net import MAP_PX
from vision_svc.garments.parse_outfit import GROUPS, decide
from vision_svc.garments.parse_pieces import parts, pieces
from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import BoolMask, FloatArray, Person

pytestmark = pytest.mark.unit

SURE = 0.9
SIZE = 864, 576
WHOLE = Roi(SIZE[1] / 2, SIZE[0] / 2, SIZE[1], SIZE[0])
Shape = tuple[str, BoolMask]


def box(top: int, bottom: int, left: int, right: int) -> BoolMask:
    shape = np.zeros(MAP_PX, np.bool_)
    shape[top:bottom, left:right] = True
    return shape


def disc(row: int, column: int, radius: int) -> BoolMask:
    shape = np.zeros(MAP_PX, np.uint8)
    cv2.circle(shape, (column, row), radius, 1, -1)
    return shape > 0


def maps(*shapes: Shape) -> FloatArray:
    """Probabilities: `SURE` for the label drawn last, the rest shared by all others."""
    result = np.full((len(LABELS), *MAP_PX), (1 - SURE) / (len(LABELS) - 1), np.float32)
    number = np.zeros(MAP_PX, np.intp)
    for name, shape in shapes:
        number[shape] = LABELS.index(name)
    np.put_along_axis(result, number[np.newaxis], SURE, axis=0)
    return result


def present(*names: str) -> FloatArray:
    return np.array([0.95 if name in names else 0.02 for name in PRESENCE], np.float32)


def person() -> Person:
    mask = np.zeros(SIZE, np.bool_)
    mask[60:820, 150:430] = True
    return Person(
        1.0, np.array([150, 60, 430, 820], np.float32), np.zeros((33, 3), np.float32), np.ones(33, np.float32), mask,
        mask.astype(np.float32),
    )  # fmt: skip


def garments(labels: FloatArray, presence: FloatArray, roi: Roi = WHOLE) -> list[ParsedGarment]:
    return pieces(decide(labels, presence), person(), roi, SIZE)


TOP, LOWER = ("top", box(30, 60, 30, 66)), ("trousers", box(60, 120, 32, 64))
SHOES = ("shoes", disc(130, 36, 5) | disc(130, 60, 5))


def test_nothing_but_background_is_no_garment() -> None:
    assert garments(maps(), present()) == []


def test_body_and_legwear_are_no_garments() -> None:
    labels = maps(("skin", box(10, 40, 30, 66)), ("hair", box(5, 10, 30, 66)), ("legwear", box(60, 120, 32, 64)))
    assert garments(labels, present()) == []


def test_two_pieces_and_shoes() -> None:
    found = garments(maps(TOP, LOWER, SHOES), present("trousers"))
    assert [(one.bucket, one.category) for one in found] == [
        (Bucket.TOP, "top"), (Bucket.BOTTOM, "trousers"), (Bucket.SHOES, "shoes")
    ]  # fmt: skip
    assert all(0.3 < one.score <= 1 for one in found)


def test_left_and_right_shoe_are_one_pair_with_two_outlines() -> None:
    (pair,) = garments(maps(SHOES), present())
    assert len(pair.outlines) == 2
    assert pair.coverage == pytest.approx(pair.mask.sum() / person().mask.sum())


def test_two_bags_are_two_garments_and_a_strap_belongs_to_its_bag() -> None:
    bags = box(60, 80, 5, 20) | box(70, 95, 75, 92) | box(30, 34, 75, 80)
    found = garments(maps(("bag", bags)), present("bag"))
    assert [(one.bucket, one.category) for one in found] == [(Bucket.ACCESSORIES, "bag")] * 2
    assert sorted(len(one.outlines) for one in found) == [1, 2]


def test_specks_are_no_garments() -> None:
    assert garments(maps(("bag", box(50, 53, 10, 13)), ("dress", box(60, 63, 10, 13))), present("bag")) == []


def test_a_dress_takes_what_looks_like_its_skirt() -> None:
    labels = maps(("dress", box(30, 75, 30, 66)), ("skirt", box(75, 95, 30, 66)))
    (dress,) = garments(labels, present("dress"))
    assert dress.bucket is Bucket.DRESS
    assert dress.mask.sum() == pytest.approx((65 * 36) * 36, rel=0.02)


def test_two_pieces_share_what_looks_like_a_dress() -> None:
    labels = maps(TOP, LOWER, ("dress", box(58, 66, 32, 64)))
    found = garments(labels, present("trousers", "top"))
    assert {one.bucket for one in found} == {Bucket.TOP, Bucket.BOTTOM}
    lower = next(one for one in found if one.bucket is Bucket.BOTTOM)
    assert lower.box_xyxy[3] == pytest.approx(720, abs=4)


@pytest.mark.parametrize("bottom", [66, 118], ids=["two pieces", "dress"])
def test_probabilities_still_sum_to_one(bottom: int) -> None:
    outfit = decide(maps(TOP, LOWER, ("dress", box(58, bottom, 32, 64))), present())
    assert (outfit.dress > 0.5) == (bottom == 118)
    np.testing.assert_allclose(outfit.groups.sum(axis=0), 1, atol=1e-5)


def test_the_network_s_own_maps_are_left_alone() -> None:
    labels = maps(TOP, LOWER)
    before = labels.copy()
    decide(labels, present("dress"))
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("label", ["top", "outerwear", "shoes", "trousers", "skirt", "dress", "headwear"])
def test_category_is_the_label_of_most_cells_whatever_the_whole_picture_says(label: str) -> None:
    extra = ("dress",) if label == "dress" else ()
    (found,) = garments(maps((label, box(40, 70, 30, 66))), present("shirt", "coat", "boots", "jeans", *extra))
    assert found.category == label


def test_mask_has_finer_edges_than_the_map() -> None:
    (found,) = garments(maps(("top", disc(60, 48, 20))), present("top"))
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]] + 0.5
    truth = np.hypot(rows - 6 * 60.5, columns - 6 * 48.5) <= 6 * 20.3
    blown_up = cv2.resize(disc(60, 48, 20).astype(np.uint8), SIZE[::-1], interpolation=cv2.INTER_NEAREST) > 0

    def edge_px(mask: BoolMask) -> float:
        (contour, *_), _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        return cv2.arcLength(contour, closed=True)

    mask = found.full_mask(*SIZE)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95
    assert edge_px(mask) < 0.95 * edge_px(blown_up)


@pytest.mark.parametrize(
    "roi",
    [Roi(100, 300, 400, 600), Roi(500, 800, 500, 750), Roi(288, 432, 80, 120)],
    ids=["left of it", "below it", "inside"],
)
def test_box_mask_and_outlines_stay_in_the_picture(roi: Roi) -> None:
    for found in garments(maps(TOP, LOWER, SHOES), present("trousers"), roi):
        x0, y0, x1, y1 = found.box_xyxy
        assert 0 <= x0 < x1 <= SIZE[1]
        assert 0 <= y0 < y1 <= SIZE[0]
        assert found.mask.shape == (y1 - y0, x1 - x0)
        assert min(edge.any() for edge in (found.mask[0], found.mask[-1], found.mask[:, 0], found.mask[:, -1]))
        for outline in found.outlines:
            assert (outline >= (x0, y0)).all()
            assert (outline <= (x1, y1)).all()


def test_what_lies_outside_of_the_picture_is_left_out() -> None:
    assert garments(maps(TOP), present("top"), Roi(-400, 400, 400, 600)) == []


def test_surer_pixels_make_a_surer_garment() -> None:
    sure, unsure = maps(TOP), maps(TOP)
    unsure[LABELS.index("top")][TOP[1]] = 0.5
    unsure[LABELS.index("outerwear")][TOP[1]] = 0.4
    (first,), (second,) = garments(sure, present("top")), garments(unsure, present("top"))
    assert first.score > second.score + 0.1


def test_every_label_is_in_one_group() -> None:
    members = [label for group in GROUPS for label in group.labels]
    assert sorted(members) == sorted(LABELS)


def test_parts_do_not_overlap() -> None:
    outfit = decide(maps(TOP, LOWER, SHOES, ("bag", box(50, 70, 60, 80))), present("trousers"))
    assert np.stack([part.cells for part in parts(outfit)]).sum(axis=0).max() == 1
