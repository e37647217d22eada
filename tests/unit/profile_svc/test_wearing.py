"""A garment that is worn counts once, however often it is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from profile_svc.taste.evidence import SeenColor, SeenEmbedding, SeenGarment, Sighting, StyleScores
from profile_svc.taste.log import LogEntry, replay
from profile_svc.taste.state import ALPHA, EMPTY, apply, dump_state
from profile_svc.taste.wearing import KEEP_ANYWAY, KEEP_COUNT, Occasion, color_distance

pytestmark = pytest.mark.unit

HOUR_S, DAY_S = 3600.0, 86400.0


def vector(angle_deg: float, model: str = "m/1") -> SeenEmbedding:
    """A vector at an angle to the first axis: its cosine to `vector(0)` is that of the angle."""
    angle = np.radians(angle_deg)
    return SeenEmbedding(model, np.array([np.cos(angle), np.sin(angle), 0, 0], dtype=np.float32))


def color(lightness: float, a: float = 0.0, b: float = 0.0, share: float = 1.0) -> SeenColor:
    return SeenColor("colour", "", (lightness, a, b), share)


COAT = SeenGarment(
    "g0", "outerwear", "coat", 0.9, (color(20, 3, -17),), "plain", 0.1, "regular", StyleScores(90, 90, 80),
    embedding=vector(0),
)  # fmt: skip
BARE = replace(COAT, embedding=None)


def seen_again(first: SeenGarment, second: SeenGarment, hours: float) -> bool:
    state, _ = apply(EMPTY, Sighting((first,)), Occasion("first", 100 * HOUR_S))
    after, (move,) = apply(state, Sighting((second,)), Occasion("second", (100 + hours) * HOUR_S))
    if not move.repeat_of:
        assert after.garments == 2
        return False
    assert move.repeat_of == "first"
    assert (after.axes, after.vectors, after.garments) == (state.axes, state.vectors, 1)
    return True


@pytest.mark.parametrize(
    ("changes", "hours", "same"),
    [
        pytest.param({}, 0.0, True, id="at the same moment"),
        pytest.param({"garment_id": "g7", "score": 0.6}, 0.1, True, id="minutes later, under another id"),
        pytest.param({}, 4.0, True, id="four hours later"),
        pytest.param({}, -4.0, True, id="four hours before, told later"),
        pytest.param({}, 4.01, False, id="worn again"),
        pytest.param({}, 24.0, False, id="the next day"),
        pytest.param({"bucket": "top"}, 0.1, False, id="another bucket"),
        pytest.param({"category": "blazer"}, 0.1, True, id="another word for what looks the same"),
        pytest.param({"category": "blazer", "embedding": vector(17)}, 0.1, True, id="another word, cosine 0.956"),
        pytest.param({"category": "blazer", "embedding": vector(19)}, 0.1, False, id="another word, cosine 0.946"),
        pytest.param({"category": "outerwear", "embedding": vector(30)}, 0.1, True, id="a coarse word, cosine 0.87"),
        pytest.param({"category": "outerwear", "embedding": vector(33)}, 0.1, False, id="a coarse word, cosine 0.84"),
        pytest.param({"category": "blazer", "embedding": None}, 0.1, False, id="another word and no vector"),
        pytest.param({"category": "outerwear", "embedding": None}, 0.1, True, id="a coarse word and no vector"),
        pytest.param({"bucket": "dress", "category": "dress"}, 0.1, True, id="taken for a dress"),
        pytest.param({"bucket": "bottom", "category": "trousers"}, 0.1, False, id="never taken for trousers"),
        pytest.param({"bucket": "dress", "category": "dress", "embedding": None}, 0.1, False, id="a dress, no vector"),
        pytest.param({"category": ""}, 0.1, True, id="category not known now"),
        pytest.param({"embedding": vector(30)}, 0.1, True, id="vector at 30 degrees, cosine 0.87"),
        pytest.param({"embedding": vector(33)}, 0.1, False, id="vector at 33 degrees, cosine 0.84"),
        pytest.param({"colors": (color(34, 3, -17),)}, 0.1, True, id="14 lighter in another light"),
        pytest.param(
            {"embedding": vector(10), "colors": (color(34, 3, -17),)}, 0.1, False, id="14 lighter, and less alike"
        ),
        pytest.param({"colors": (color(43, 3, -17),)}, 0.1, False, id="23 lighter: another coat"),
        pytest.param({"colors": (color(20, 3, -17, 0.7), color(26, 3, -17, 0.3))}, 0.1, True, id="shades of it"),
        pytest.param({"colors": (color(20, 3, -17, 0.5), color(80, 60, 50, 0.5))}, 0.1, False, id="half of it red"),
        pytest.param({"embedding": vector(0, "n/1")}, 0.1, True, id="vectors of two models, the very colour"),
        pytest.param({"embedding": None, "colors": (color(28, 3, -17),)}, 0.1, True, id="no vector, nearly the colour"),
        pytest.param({"embedding": None, "colors": (color(30, 3, -17),)}, 0.1, False, id="no vector, 10 lighter"),
        pytest.param({"embedding": None, "colors": ()}, 0.1, False, id="nothing to know it by"),
    ],
)
def test_garment_is_known_again(changes: dict[str, Any], hours: float, same: bool) -> None:
    assert seen_again(COAT, replace(COAT, **changes), hours) is same


# What one photo says of a garment and what another says of the same one, on street photos, and what is worn together.
WORDS = [
    ("shoes", "shoes", "boots", True), ("shoes", "heels", "shoes", True), ("shoes", "sandals", "shoes", True),
    ("outerwear", "outerwear", "blazer", True), ("outerwear", "coat", "outerwear", True), ("top", "top", "shirt", True),
    ("outerwear", "coat", "jacket", True), ("bottom", "jeans", "trousers", True), ("dress", "dress", "jumpsuit", True),
    ("accessories", "headwear", "hat", True), ("accessories", "cap", "headwear", True),
    ("accessories", "accessory", "scarf", True), ("accessories", "hat", "cap", True),
    ("accessories", "bag", "belt", False), ("accessories", "bag", "headwear", False),
    ("accessories", "scarf", "belt", False), ("accessories", "gloves", "bag", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("bucket", "first", "second", "same"), WORDS, ids=[f"{first} {second}" for _, first, second, _ in WORDS]
)
def test_words_that_models_mix_up_count_less_than_looks(bucket: str, first: str, second: str, same: bool) -> None:
    """Both ways round, for garments that look quite the same."""
    one, other = (replace(COAT, bucket=bucket, category=word) for word in (first, second))
    assert seen_again(one, other, 0.1) is same
    assert seen_again(other, one, 0.1) is same


@pytest.mark.parametrize("category", ["outerwear", "blazer"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"colors": (color(50, 70, 50),)}, id="red, not navy"),
        pytest.param({"embedding": vector(60)}, id="another cut"),
        pytest.param({"bucket": "top", "category": "shirt"}, id="a shirt"),
    ],
)
def test_different_garments_stay_different_whatever_they_are_called(category: str, changes: dict[str, Any]) -> None:
    assert not seen_again(COAT, replace(COAT, **{"category": category, **changes}), 0.1)


def test_skirt_that_the_next_photo_calls_a_dress_counts_once() -> None:
    skirt = replace(COAT, bucket="bottom", category="skirt")
    top = replace(COAT, garment_id="g1", bucket="top", category="shirt", embedding=vector(90))
    dress = replace(COAT, bucket="dress", category="dress", embedding=vector(10))
    state, _ = apply(EMPTY, Sighting((skirt, top)), Occasion("two pieces", 0.0))
    state, moves = apply(state, Sighting((dress, top)), Occasion("a dress", 60.0))
    assert ([move.repeat_of for move in moves], state.garments) == (["two pieces"] * 2, 2)


def test_of_two_like_garments_the_likest_is_meant_and_of_equals_the_newest() -> None:
    """A coat, then another one; what is seen third is like both."""
    state, _ = apply(EMPTY, Sighting((COAT,)), Occasion("first", 0.0))
    state, (move,) = apply(state, Sighting((replace(COAT, embedding=vector(35)),)), Occasion("second", 60.0))
    assert not move.repeat_of
    for seen, expected in ((replace(COAT, embedding=vector(12)), "first"), (BARE, "second")):
        _, (again,) = apply(state, Sighting((seen,)), Occasion("third", 120.0))
        assert again.repeat_of == expected


@pytest.mark.parametrize(
    ("model", "angle_deg", "same"),
    [
        ("fashion/3", 45, True),
        ("fashion/3", 46, False),
        ("fashion/2", 46, True),
        ("fashion/2", 47, False),
        ("hand-made/1", 65, True),
        ("hand-made/1", 66, False),
        ("fashion/4", 31, True),
        ("fashion/4", 32, False),  # never measured
    ],
)
def test_each_model_has_its_own_limit(model: str, angle_deg: float, same: bool) -> None:
    first, second = replace(COAT, embedding=vector(0, model)), replace(COAT, embedding=vector(angle_deg, model))
    assert seen_again(first, second, 0.1) is same


def test_stream_of_a_whole_day_counts_once_and_the_next_day_again() -> None:
    """Keyframes every ten minutes from nine to seven: each is near the one before, though not the first."""
    state = EMPTY
    for number in range(61):
        state, _ = apply(state, Sighting((COAT,)), Occasion(f"day-{number}", 9 * HOUR_S + number * 600))
    once, _ = apply(EMPTY, Sighting((COAT,)), Occasion("day-0", 9 * HOUR_S))
    assert (state.axes, state.garments, state.count) == (once.axes, 1, 61)
    state, (move,) = apply(state, Sighting((COAT,)), Occasion("next", 33 * HOUR_S))
    assert (state.garments, move.repeat_of) == (2, "")


def test_pictures_that_are_told_of_backwards_count_once() -> None:
    """Each lies within four hours of the one told before it, the last not of the first."""
    log = [LogEntry(n + 1, f"e{n}", Sighting((COAT,)), observe_s=(20 - 3 * n) * HOUR_S) for n in range(4)]
    assert replay(log).garments == 1


def test_undo_of_the_one_that_counted_lets_the_next_one_count() -> None:
    log = [LogEntry(number + 1, f"e{number}", Sighting((COAT,)), observe_s=number * 60.0) for number in range(3)]
    all_three = replay(log)
    undone = replay([*log, LogEntry(4, "u", undoes="e0")])
    assert undone.axes == all_three.axes  # the second picture says the same
    assert [item.event_id for item in undone.worn] == ["e1"]
    assert replay([*log, *(LogEntry(4 + n, f"u{n}", undoes=f"e{n}") for n in range(3))]) == EMPTY
    assert dump_state(undone) == dump_state(replay(log[1:]))


def test_undo_of_a_repetition_changes_only_the_count() -> None:
    log = [LogEntry(number + 1, f"e{number}", Sighting((COAT,)), observe_s=number * 60.0) for number in range(2)]
    before, after = replay(log), replay([*log, LogEntry(3, "u", undoes="e1")])
    assert (before.axes, before.garments, before.count) == (after.axes, 1, 2)
    assert before.vectors["m/1"].values.tolist() == after.vectors["m/1"].values.tolist()
    assert (after.garments, after.count) == (1, 1)


def test_what_is_new_beside_what_was_seen_counts_as_much_as_if_all_were_new() -> None:
    """A hat that is found in the second picture only moves formality by its share of the outfit, not by all of 15 %."""
    hat = SeenGarment("g1", "accessories", "headwear", 0.9, (color(60),), style=StyleScores(2, 50, 50))
    state, _ = apply(EMPTY, Sighting((COAT,)), Occasion("e0", 0.0))
    after, (coat_move, hat_move) = apply(state, Sighting((COAT, hat)), Occasion("e1", 60.0))
    formal = state.axes[4]
    assert after.axes[4] == pytest.approx(formal + (1 - ALPHA) * (0.3 / 1.3) * (0 - formal), abs=1e-4)
    assert coat_move.deltas == {}
    assert hat_move.deltas["casual_formal"] == pytest.approx(after.axes[4] - formal, abs=1e-4)


def test_vector_moves_by_the_share_of_what_is_new() -> None:
    scarf = SeenGarment("g1", "outerwear", "scarf", 0.9, (color(60),), embedding=vector(90))
    state, _ = apply(EMPTY, Sighting((COAT,)), Occasion("e0", 0.0))
    after, _ = apply(state, Sighting((COAT, scarf)), Occasion("e1", 60.0))
    step = (1 - ALPHA) / 2
    expected = np.array([1 - step, step, 0, 0]) / np.hypot(1 - step, step)
    np.testing.assert_allclose(after.vectors["m/1"].values, expected, atol=1e-6)


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    state = EMPTY
    for number in range(KEEP_COUNT + 10):
        garment = replace(BARE, category=f"kind {number}")
        state, _ = apply(state, Sighting((garment,)), Occasion(f"e{number}", float(number)))
    assert [item.event_id for item in state.worn] == [f"e{number}" for number in range(10, KEEP_COUNT + 10)]
    state, _ = apply(state, Sighting((COAT,)), Occasion("much later", 40 * HOUR_S))
    late = [f"e{number}" for number in range(KEEP_COUNT + 11 - KEEP_ANYWAY, KEEP_COUNT + 10)]
    assert [item.event_id for item in state.worn] == [*late, "much later"]


def counted(told: list[tuple[float, SeenGarment]]) -> int:
    """How many garments count of those that are told of in this order, each with its day."""
    log = [LogEntry(n + 1, f"e{n}", Sighting((item,)), observe_s=day * DAY_S) for n, (day, item) in enumerate(told)]
    return replay(log).garments


@pytest.mark.parametrize(
    "elsewhen", [pytest.param(3650.0, id="a clock ten years ahead"), pytest.param(-3650.0, id="an old photo")]
)
def test_picture_of_another_time_blinds_nobody(elsewhen: float) -> None:
    """What was told of last must not make forget what is worn now, nor be forgotten itself at once."""
    hat = replace(BARE, bucket="accessories", category="hat")
    minute = 1 / 1440
    assert counted([(elsewhen, hat), (0.0, COAT), (minute, COAT), (2 * minute, COAT)]) == 2
    assert counted([(0.0, COAT), (elsewhen, hat), (minute, COAT), (elsewhen + minute, hat)]) == 2
    assert counted([(0.0, COAT), (elsewhen, hat), (elsewhen + minute, hat)]) == 2


def test_what_is_seen_all_along_is_not_forgotten_for_what_passes_by() -> None:
    """A coat in every picture of an afternoon, beside more other things than are remembered."""
    passing = [replace(BARE, category=f"kind {number}") for number in range(2 * KEEP_COUNT)]
    state = EMPTY
    for number, other in enumerate(passing):
        state, _ = apply(state, Sighting((COAT, other)), Occasion(f"e{number}", number * 120.0))
    assert state.garments == 1 + len(passing)


def test_two_alike_in_one_picture_are_two_and_stay_two() -> None:
    both = Sighting((COAT, replace(COAT, garment_id="g1")))
    state, _ = apply(EMPTY, both, Occasion("e0", 0.0))
    assert (state.garments, len(state.worn)) == (2, 2)
    for number in range(1, 4):
        state, moves = apply(state, both, Occasion(f"e{number}", 60.0 * number))
        assert all(move.repeat_of for move in moves)
    assert (state.garments, len(state.worn)) == (2, 2)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # computed by the formula of CIE 116-1995 with the geometric mean of the chromas, by hand
        ((50, 0, 0), (60, 0, 0), 10.0),
        ((50, 20, 0), (50, 0, 0), 20.0),
        ((50, 30, 0), (50, 40, 0), 10 / (1 + 0.045 * 1200**0.5)),
        ((50, 30, 0), (50, 0, 30), (1800**0.5) / (1 + 0.015 * 30)),
    ],
    ids=["lightness", "against grey", "chroma", "hue"],
)
def test_colour_distance_is_cie94(
    first: tuple[float, float, float], second: tuple[float, float, float], expected: float
) -> None:
    assert color_distance(((first, 1.0),), ((second, 1.0),)) == pytest.approx(expected)
