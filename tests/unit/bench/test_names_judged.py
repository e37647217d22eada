"""When the bench calls the name of a colour right."""

from __future__ import annotations

import numpy as np
import pytest

from bench._attributes import ONE_COLOR_SHARE, judged, name_judged, near_truth
from imaging.color import srgb_to_lab
from vision_svc.garments.color_names import parse_hex

pytestmark = pytest.mark.unit


def lab(hex_: str) -> np.ndarray:
    return srgb_to_lab(parse_hex(hex_))


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        pytest.param("#1b2545", "#1d2748", (True, True, True), id="the same name"),
        pytest.param("#1b2545", "#f5f5f5", (False, False, False), id="another colour"),
        pytest.param("#2456b8", "#1b2545", (False, False, True), id="both blue but clearly different blues"),
        pytest.param("#808080", "#4a4d50", (False, False, True), id="both grey but clearly different greys"),
    ],
)
def test_a_name_is_right_strictly_right_or_of_the_same_basic_term(
    truth: str, answer: str, expected: tuple[bool, bool, bool]
) -> None:
    assert name_judged(lab(truth), lab(answer)) == expected


def test_names_tie_where_no_eye_tells_which_is_nearer() -> None:
    black, charcoal = lab("#252526"), lab("#4a4d50")
    ways = [black + share * (charcoal - black) for share in np.linspace(0.3, 0.7, 41)]
    found = [name_judged(way, charcoal) for way in ways]
    tied = [right and not strict for right, strict, _ in found]
    assert not found[0][0]  # nearly black
    assert found[-1] == (True, True, True)
    assert 1 <= sum(tied) <= 6  # a narrow border, not a band in which everything is right


def test_figures_count_what_was_right() -> None:
    pairs = [(lab("#1b2545"), lab("#1b2545")), (lab("#1b2545"), lab("#f5f5f5"))]
    found = judged(pairs)
    assert (found["garments"], found["names_right"], found["strict"], found["within_6"]) == (2, 0.5, 0.5, 0.5)
    assert judged([])["garments"] == 0


def test_the_median_of_a_print_is_none_of_its_colors() -> None:
    plain, striped = np.full((90, 60, 3), 200, np.uint8), np.full((90, 60, 3), 20, np.uint8)
    striped[::2] = 235
    mask = np.ones((90, 60), np.bool_)
    assert near_truth(plain, mask, lab("#c8c8c8")) == 1
    wide = np.repeat(striped, 10, axis=0)[:90]
    assert near_truth(wide, mask, lab("#7f7f7f")) < ONE_COLOR_SHARE
    assert near_truth(wide, mask, lab("#ebebeb")) >= ONE_COLOR_SHARE
