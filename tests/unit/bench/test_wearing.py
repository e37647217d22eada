"""The choice of a limit from pairs: what it weighs, and what it takes for a pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.wearing import Pairs, choose, compare, likeness, share_above
from profile_svc.taste.evidence import SeenColor, SeenEmbedding, SeenGarment

pytestmark = pytest.mark.unit


def vector(angle_deg: float) -> SeenEmbedding:
    angle = np.radians(angle_deg)
    return SeenEmbedding("fashion/3", np.array([np.cos(angle), np.sin(angle)], np.float32))


NAVY = SeenGarment("g", "top", "shirt", colors=(SeenColor("navy", "", (20.0, 3.0, -17.0), 1.0),), embedding=vector(0))


@pytest.mark.parametrize(
    ("same", "different", "limit"),
    [
        pytest.param([0.9, 0.8], [0.5, 0.6], 0.80, id="as high as the same allow"),
        pytest.param([0.9, 0.7, 0.7, 0.7], [0.5, 0.75, 0.75], 0.70, id="three of four for two of three"),
        pytest.param([0.9, 0.9, 0.9, 0.6], [0.5, 0.7, 0.7], 0.90, id="one of four is given up"),
        pytest.param([0.9] * 999 + [0.6], [0.5], 0.90, id="one of a thousand is within the plateau"),
    ],
)
def test_limit_is_the_highest_near_the_best_difference(same: list[float], different: list[float], limit: float) -> None:
    assert choose(Pairs(same, different)) == limit


def test_share_of_nothing_is_nothing() -> None:
    assert share_above([], 0.5) == 0.0


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(NAVY, 1.0, id="itself"),
        pytest.param(replace(NAVY, embedding=vector(60)), 0.5, id="another vector"),
        pytest.param(replace(NAVY, category="coat", embedding=vector(60)), 0.4, id="another category"),
        pytest.param(replace(NAVY, bucket="bottom"), -1.0, id="another bucket"),
        pytest.param(replace(NAVY, colors=(SeenColor("red", "", (50.0, 70.0, 50.0), 1.0),)), -1.0, id="another colour"),
        pytest.param(replace(NAVY, embedding=None), -1.0, id="no vector"),
    ],
)
def test_vectors_decide_only_where_nothing_else_does(second: SeenGarment, expected: float) -> None:
    assert likeness(NAVY, second) == pytest.approx(expected)


def test_pairs_are_of_one_bucket_within_a_person_and_across_people() -> None:
    shoes = replace(NAVY, bucket="shoes")
    ada, again, bob = {"top": NAVY, "shoes": shoes}, {"top": NAVY}, {"top": replace(NAVY, embedding=vector(90))}
    pairs = compare([(ada, again)], [ada, bob])
    assert pairs.same == pytest.approx([1.0])
    assert pairs.different == pytest.approx([0.0], abs=1e-6)


def test_a_garment_of_one_photo_only_is_a_figure_of_its_own() -> None:
    skirt = replace(NAVY, bucket="bottom", category="skirt")
    dress = replace(NAVY, bucket="dress", category="dress")
    hat = replace(NAVY, bucket="accessories", category="hat")
    pairs = compare([({"top": NAVY, "bottom": skirt}, {"top": NAVY, "dress": dress}), ({"top": hat}, {})], [])
    assert pairs.same == pytest.approx([1.0])
    assert pairs.alone == pytest.approx([0.9, 0.9, -1.0])
    strangers = compare([], [{"bottom": skirt}, {"dress": replace(dress, embedding=vector(60))}, {"top": NAVY}])
    assert (strangers.different, strangers.alone) == ([], [])
    assert strangers.crossed == pytest.approx([0.4])
