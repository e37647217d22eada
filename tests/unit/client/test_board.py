"""The board: what stands on it, and that nothing runs into anything else."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from google.type.money_pb2 import Money
from vitrine.board import BoardContent, draw_board, draw_searches, save_picture
from vitrine.board.canvas import Canvas, Rect, fit, text_width, wrap
from vitrine.board.content import as_capture, decode
from vitrine.board.garment import garment_block
from vitrine.board.page import whose
from vitrine.board.photo import _LABEL_HEIGHT, _spread, full_mask, photo_block
from vitrine.board.products import _widened
from vitrine.board.save import small_webp
from vitrine.board.theme import CARD, INK, bgr
from vitrine.board.why import tier_of, why
from vitrine.ingest.v1 import capture_pb2, frame_pb2
from vitrine.profile.v1 import taste_pb2
from vitrine.retrieval.v1 import match_pb2, product_pb2, search_service_pb2
from vitrine.type.v1 import color_pb2, garment_pb2, geometry_pb2, model_pb2

pytestmark = pytest.mark.unit
AXES = ("minimal_maximal", "structured_relaxed", "neutral_colorful", "classic_experimental", "casual_formal")
GREY = (120, 120, 120)
LONG = "Oversized double-breasted charcoal linen-and-cotton elbow-sleeved blouse Donaudampfschifffahrtsgesellschaft"


def _png(image: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def _mask(low: float, high: float) -> geometry_pb2.Mask:
    box = geometry_pb2.NormalizedBox(x_min=0.25, x_max=0.75, y_min=low, y_max=high)
    return geometry_pb2.Mask(box=box, width_px=8, height_px=8, png=_png(np.full((8, 8), 255, np.uint8)))


def _garment(number: int, category: str = "coat") -> garment_pb2.Garment:
    looks = garment_pb2.GarmentAttributes(
        colors=[color_pb2.Color(name="teal", hex="#12a3b4", share=0.7), color_pb2.Color(name="red", hex="#d01020")],
        pattern="striped",
        silhouette=garment_pb2.SILHOUETTE_SLIM,
        style=garment_pb2.StyleScores(formality=80, structure=20, minimalism=140),
        confidence={"colors": 0.5, "pattern": 0.6, "style": 0.4},
    )
    low = 0.1 + 0.3 * number
    box = geometry_pb2.NormalizedBox(x_min=0.25, x_max=0.75, y_min=low, y_max=low + 0.25)
    return garment_pb2.Garment(
        garment_id=f"g{number}", category=category, score=0.8, box=box, mask=_mask(low, low + 0.25), attributes=looks
    )


def _match(rank: int, title: str = "Teal coat", **more: float) -> match_pb2.ProductMatch:
    terms = {"cosine": 0.5 - 0.1 * rank, "price": 0.1} | more
    return match_pb2.ProductMatch(
        rank=rank,
        score=sum(terms.values()),
        product=product_pb2.Product(
            name=f"products/p{rank}",
            title=title,
            brand=title,
            price=Money(units=16_790_000, currency_code="JPY"),
            availability=product_pb2.AVAILABILITY_IN_STOCK,
        ),
        converted_price=Money(units=102_500, currency_code="EUR"),
        terms=[match_pb2.ScoreTerm(name=name, value=value, contribution=value) for name, value in terms.items()],
    )


def _radar(score: float, sightings: int = 3) -> taste_pb2.Radar:
    axes = [taste_pb2.AxisScore(axis=axis, score=score, low_pole=axis[:7], high_pole=axis[-7:]) for axis in AXES]
    return taste_pb2.Radar(axes=axes, sighting_count=sightings, garment_count=5)


def _attribution(repeats: str = "") -> taste_pb2.GarmentAttribution:
    deltas = [] if repeats else [taste_pb2.AxisDelta(axis=AXES[1], delta=-4.06, towards="structured")]
    return taste_pb2.GarmentAttribution(
        garment_id="g0", category="coat", color_name="teal", deltas=deltas, repeat_of_event_id=repeats
    )


def _content(count: int = 2, title: str = "Teal coat") -> BoardContent:
    garments = [_garment(number) for number in range(count)]
    found = [
        match_pb2.GarmentMatches(garment_id=each.garment_id, matches=[_match(rank, title) for rank in range(1, 6)])
        for each in garments
    ]
    change = taste_pb2.TasteChange(before=_radar(50), after=_radar(60), attributions=[_attribution()])
    capture = capture_pb2.Capture(
        name="users/ada/captures/0192",
        state=capture_pb2.Capture.STATE_SUCCEEDED,
        blurred_face_count=1,
        models=[model_pb2.ModelUse(task="garments.parse", model="one/1")],
        outfit=capture_pb2.OutfitResult(garments=garments, matches=found, taste_change=change if count else None),
    )
    photo = np.full((640, 400, 3), GREY, np.uint8)
    product = np.full((60, 50, 3), (10, 200, 30), np.uint8)
    return BoardContent(capture, photo, {"products/p1": product}, [taste_pb2.Taste(label="overall", weight=1)])


def _count(image: npt.NDArray[np.uint8], color: tuple[int, int, int]) -> int:
    return int((image == np.asarray(color, np.uint8)).all(axis=2).sum())


TEXTS = {
    "empty": "",
    "word": "coat",
    "sentence": "a coat of many colours",
    "long word": "x" * 200,
    "greek": "Πρόεδρος λ",
}


@pytest.mark.parametrize("words", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("width", [40, 90, 4000])
def test_text_keeps_to_its_width_and_its_lines(words: str, width: float) -> None:
    lines = wrap(words, width, 15, lines=2)
    assert len(lines) <= 2
    assert all(text_width(line, 15) <= width for line in [*lines, fit(words, width, 15)])
    if width == 4000:
        assert " ".join(lines) == fit(words, width, 15) == words


def test_text_is_as_wide_as_its_ink() -> None:
    canvas = Canvas(400, 60, CARD)
    width = canvas.text((20, 40), "Hamburg", 24, INK)
    columns = np.flatnonzero((canvas.finished() != 255).any(axis=(0, 2)))
    assert abs((columns[-1] - columns[0]) - width) <= 4
    assert columns[0] >= 18


def test_mask_lies_where_its_box_is() -> None:
    mask = full_mask(_garment(0), np.zeros((400, 200, 3), np.uint8))
    inside = np.zeros_like(mask)
    inside[40:140, 50:150] = 255
    assert np.array_equal(mask, inside)


def test_garment_without_a_mask_has_its_outline_or_its_box() -> None:
    photo = np.zeros((400, 200, 3), np.uint8)
    garment = _garment(0)
    garment.ClearField("mask")
    assert np.count_nonzero(full_mask(garment, photo)) == 100 * 100
    corners = [geometry_pb2.NormalizedPoint(x=x, y=y) for x, y in ((0.25, 0.1), (0.75, 0.1), (0.25, 0.35))]
    garment.outlines.add(points=corners)
    assert np.count_nonzero(full_mask(garment, photo)) == pytest.approx(100 * 100 / 2, rel=0.05)


def test_photo_is_tinted_on_garments_and_nowhere_else() -> None:
    bare, dressed = (photo_block(_content(count)).finished() for count in (0, 1))
    left, top = 28, 28  # padding of the card; the photo is 475 x 760 of the block
    garment = dressed[top + 120 : top + 220, left + 150 : left + 220]
    beside = dressed[top + 500 : top + 740, left + 20 : left + 450]
    assert _count(garment, GREY) == 0
    assert _count(beside, GREY) == beside.shape[0] * beside.shape[1]
    assert _count(bare[top + 20 : top + 740, left + 20 : left + 450], GREY) == 720 * 430


LABELS = {"none": [], "far": [100.0, 400.0], "same": [300.0] * 6, "low": [690.0, 695.0, 700.0], "high": [0.0, 1.0, 2.0]}


@pytest.mark.parametrize("wanted", LABELS.values(), ids=LABELS.keys())
def test_labels_keep_their_order_their_room_and_the_height_of_the_photo(wanted: list[float]) -> None:
    places = _spread(wanted, 28.0, 700.0)
    assert len(places) == len(wanted)
    assert all(low + _LABEL_HEIGHT <= high + 1e-9 for low, high in itertools.pairwise(places))
    assert all(28.0 + _LABEL_HEIGHT / 2 <= place <= 700.0 - _LABEL_HEIGHT / 2 for place in places)
    if wanted == LABELS["far"]:
        assert places == wanted


def test_long_titles_brands_and_prices_stay_in_their_columns() -> None:
    row = garment_block(_content(1, LONG), 0).finished()
    between = [708 + number * 192 + 176 for number in range(4)]  # the gaps right of the four products
    for left in between[:3]:
        assert _count(row[84:, left + 2 : left + 14], CARD) == (row.shape[0] - 84) * 12
    assert _count(row[84:, between[3] + 2 :], CARD) == (row.shape[0] - 84) * (row.shape[1] - between[3] - 2)


def test_row_shows_swatches_and_the_picture_of_the_product() -> None:
    row = garment_block(_content(1), 0).finished()
    assert _count(row, bgr("#12a3b4")) > 2000
    assert _count(row, (10, 200, 30)) > 10_000


def test_picture_is_widened_in_the_colour_of_its_edge() -> None:
    plain = np.full((100, 50, 3), 40, np.uint8)
    plain[30:70, 10:40] = 200
    wide = _widened(plain, 1.0)
    assert wide.shape[:2] == (100, 100)
    assert (wide[:, :25] == 40).all()
    busy = np.random.default_rng(5).integers(0, 255, (100, 50, 3)).astype(np.uint8)
    assert np.ptp(_widened(busy, 1.0)[:, :25].reshape(-1, 3), axis=0).max() == 0


BOARDS = {
    "nothing seen": (_content(0), 1),
    "two garments": (_content(2), 3),
    "no match, no taste": (
        BoardContent(
            capture_pb2.Capture(
                outfit=capture_pb2.OutfitResult(garments=[garment_pb2.Garment()]),
                degraded=True,
                degraded_parts=["matches", "taste"],
            ),
            np.zeros((8, 900, 3), np.uint8),
        ),
        2,
    ),
}


@pytest.mark.parametrize(("content", "cards"), BOARDS.values(), ids=BOARDS.keys())
def test_board_has_a_card_for_photo_and_taste_and_one_for_each_garment(content: BoardContent, cards: int) -> None:
    board = draw_board(content)
    assert board.shape[1] == 1600
    column = (board[:, 70] == 255).all(axis=1)  # left padding of the cards, where nothing is drawn
    starts = np.flatnonzero(np.diff(column.astype(int)) == 1)
    assert len(starts) == cards


def test_board_is_drawn_the_same_twice_and_differs_when_degraded() -> None:
    content = _content(1)
    board = draw_board(content)
    assert np.array_equal(board, draw_board(content))
    content.capture.degraded = True
    assert not np.array_equal(board, draw_board(content))


NAMES = {
    "users/ada/captures/0192f3c1-7a": "users/ada  ·  capture 0192f3c1",
    "users/ada/streams/0a643e4b-53": "users/ada  ·  stream 0a643e4b",
    "": "",
}


@pytest.mark.parametrize("name", NAMES)
def test_board_says_whose_it_is_and_of_what(name: str) -> None:
    assert whose(name) == NAMES[name]


WHYS = {
    "first": (_match(1), "likeness 0.40, in stock"),
    "behind": (_match(3), "likeness 0.20, in stock, 0.200 behind in likeness"),
    "dear": (_match(1, price=0.02), "likeness 0.40, in stock, 0.080 behind in price"),
}


@pytest.mark.parametrize(("match", "words"), WHYS.values(), ids=WHYS.keys())
def test_place_of_a_product_is_explained(match: match_pb2.ProductMatch, words: str) -> None:
    assert why(match, _match(1)) == words


def test_what_would_make_it_first_is_said() -> None:
    match = _match(2)
    match.counterfactual.description = "12.00 EUR less would make it first"
    assert why(match, _match(1)).endswith("in stock, 12.00 EUR less would make it first")


def test_way_to_spend_is_named() -> None:
    tiers = match_pb2.PriceTiers(closest=_match(1), premium=_match(3))
    assert [tier_of(_match(rank), tiers) for rank in (1, 2, 3)] == ["closest", "", "premium"]


def test_garment_seen_again_is_traced_to_where_it_counted() -> None:
    change = taste_pb2.TasteChange(event_id="e1", attributions=[_attribution()])
    other = taste_pb2.GarmentAttribution(category="hat", repeat_of_event_id="e1")
    content = BoardContent(capture_pb2.Capture(), np.zeros((8, 8, 3), np.uint8), earlier={"e1": change})
    assert content.counted_as(_attribution("e1")) == change.attributions[0]
    assert content.counted_as(_attribution("e2")) is None
    assert content.counted_as(other) is None


def test_keyframe_is_told_as_a_capture() -> None:
    result = frame_pb2.StreamResult(garments=[_garment(0)], face_count=2, degraded=True, degraded_parts=["taste"])
    result.capture_time.FromSeconds(1_700_000_000)
    result.processing_time.FromMilliseconds(1500)
    told = as_capture("users/ada/streams/s", result)
    assert told.end_time.ToNanoseconds() - told.start_time.ToNanoseconds() == 1_500_000_000
    assert (told.blurred_face_count, list(told.degraded_parts)) == (2, ["taste"])
    assert told.outfit.garments == result.garments
    assert not told.outfit.HasField("taste_change")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".JPG"])
def test_picture_is_written_whole(tmp_path: Path, suffix: str) -> None:
    picture = np.full((20, 30, 3), (10, 120, 240), np.uint8)
    path = tmp_path / f"board{suffix}"
    save_picture(path, picture)
    read = decode(path.read_bytes())
    assert read is not None
    assert np.abs(read.astype(int) - picture).max() <= 4
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_picture_is_pressed_until_it_is_small_and_refused_where_that_cannot_be() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    best, least = len(small_webp(noise, 10**9)), len(small_webp(noise, 45_000))
    assert least <= 45_000 < best
    with pytest.raises(ValueError, match="300 x 200 pixels does not fit into 1,000 bytes"):
        small_webp(noise, 1000)


def test_searches_have_a_row_each_with_their_words_read_and_their_products() -> None:
    answer = search_service_pb2.SearchProductsResponse(matches=[_match(1, LONG), _match(2, LONG)])
    images = {"products/p1": np.full((60, 50, 3), (10, 200, 30), np.uint8)}
    bare = draw_searches([("coat", answer), (LONG, answer)], images)
    answer.understood.phrases.add(text=LONG, field="categories")
    read = draw_searches([("coat", answer), (LONG, answer)], images)
    column = (bare[:, 70] == 255).all(axis=1)
    assert (np.diff(column.astype(int)) == 1).sum() == 2
    assert _count(bare, (10, 200, 30)) > 2 * 10_000
    changed = np.flatnonzero((bare != read).any(axis=(0, 2)))
    assert 56 + 28 - 1 <= changed[0] <= changed[-1] < 56 + 708  # left of the products


BAD_FILES = {"board.gif": (ValueError, ".png"), "board": (ValueError, ".png"), "no/board.png": (OSError, "no folder")}


@pytest.mark.parametrize("name", BAD_FILES)
def test_file_that_cannot_be_written_is_told_before_any_work(tmp_path: Path, name: str) -> None:
    kind, words = BAD_FILES[name]
    with pytest.raises(kind, match=words):
        save_picture(tmp_path / name, np.zeros((2, 2, 3), np.uint8))


def test_rectangle_takes_the_largest_of_a_shape() -> None:
    room = Rect(10, 20, 200, 100)
    assert room.inside(50, 50) == Rect(60, 20, 100, 100)
    assert room.inside(50, 50, most=1.0) == Rect(85, 45, 50, 50)
