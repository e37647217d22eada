"""Words for colours, kinds of garments and distances between spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval_svc.catalog.vocabulary import Bucket, bucket_of
from retrieval_svc.search.color_words import COLOR_NAMES, FAMILIES, other_names, widened
from retrieval_svc.search.naming import ShopWords
from retrieval_svc.search.spelling import edits
from retrieval_svc.search.synonyms import CATEGORY_NAMES, KINDS
from vision_svc.garments.color_names import SYNONYMS, vocabulary

pytestmark = pytest.mark.unit

VISION = {color.name: color.family for color in vocabulary()}


def test_families_are_those_of_the_color_vocabulary() -> None:
    ours = {shade: family for family, shades in FAMILIES.items() for shade in shades}
    assert ours == {name: family for name, family in VISION.items() if name != family}


def test_other_names_lead_to_colors_of_the_vocabulary() -> None:
    named = {ours for names in COLOR_NAMES.values() for ours in names}
    assert named <= {*VISION, *SYNONYMS, *COLOR_NAMES}


@pytest.mark.parametrize(
    ("color", "known", "meant"),
    [
        ("brown", {"brown", "tan", "cognac", "navy"}, {"brown", "tan", "cognac"}),
        ("tan", {"brown", "tan", "cognac"}, {"tan"}), ("blue", {"navy", "red"}, {"navy"}), ("blue", {"red"}, set()),
        ("black", {"black", "charcoal"}, {"black"}),
    ],
    ids=["with-shades", "a-shade", "shades-only", "none", "no-family"],
)  # fmt: skip
def test_a_plain_color_means_its_shades(color: str, known: set[str], meant: set[str]) -> None:
    assert set(widened(color, known)) == meant


def test_a_name_of_the_shop_is_never_another_one() -> None:
    known = {"ivory", "cream", "lilac", "lavender"}
    assert not known & set(other_names(known))


def test_a_category_of_the_shop_is_never_called_otherwise() -> None:
    for other in CATEGORY_NAMES:
        shop = ShopWords(categories=frozenset({other, *CATEGORY_NAMES[other]}))
        assert [value for value, _, _ in shop.find(other.replace("-", " "), "categories")] == [other]


def test_kinds_belong_to_the_same_place_in_an_outfit() -> None:
    for family, kinds in KINDS.items():
        places = {bucket_of(kind) for kind in kinds} - {Bucket.UNSPECIFIED}
        assert places <= {bucket_of(family) or Bucket.ACCESSORIES}, family


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("shrit", "shirt", 1), ("ca", "abc", 3),
        ("burgandy", "burgundy", 1), ("turqoise", "turquoise", 1),
    ],
)  # fmt: skip
def test_edits(one: str, other: str, distance: int) -> None:
    assert edits(one, other) == distance


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_edits_are_symmetric_and_at_least_the_difference_in_length(one: str, other: str) -> None:
    assert edits(one, other) == edits(other, one)
    assert abs(len(one) - len(other)) <= edits(one, other) <= max(len(one), len(other))
