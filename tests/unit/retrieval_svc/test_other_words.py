"""Typed words that are not the catalogue's own: words for several things, other names, misspelt ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retrieval_svc.catalog.filters import Exclusions
from retrieval_svc.search.spelling import misspelt
from retrieval_svc.search.typed_text import folded
from tests.unit.retrieval_svc.test_wishes import SHOP, read

pytestmark = pytest.mark.unit

HATS = replace(
    SHOP, categories=frozenset({"hat", "cap", "headwear", "sweatshirt", "trench coat", "coat", "tank top"}),
    colors=frozenset({"navy", "sky blue", "emerald", "olive", "lavender"}),
)  # fmt: skip
WIDER = [
    ("hats", {"categories": ("hat", "cap", "headwear")}, "hats"),
    ("caps", {"categories": ("cap",)}, "caps"),
    ("beanie", {"categories": ("hat", "cap", "headwear")}, "beanie headwear"),
    ("coats", {"categories": ("coat", "trench coat")}, "coats"),
    ("trench coat", {"categories": ("trench coat",)}, "trench coat"),
    ("sweat shirt", {"categories": ("sweatshirt",)}, "sweat shirt sweatshirt"),
    ("a cami", {"categories": ("tank top",)}, "a cami tank top camisole"),
    ("blue", {"colors": ("navy", "sky blue")}, "blue"),
    ("emerald green", {"colors": ("emerald",)}, "emerald green"),
    ("green", {"colors": ("emerald", "olive")}, "green"),
    ("lilac", {"colors": ("lavender",)}, "lilac lavender"),
    ("cobalt", {"colors": ("navy", "sky blue")}, "cobalt blue"),
    ("red", {}, "red"),
    ("no blue", {"exclusions": Exclusions(colors=("navy", "sky blue"))}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields", "rest"), WIDER, ids=[text for text, *_ in WIDER])
def test_a_word_for_several_things_asks_for_all_that_the_shop_has_of_them(
    text: str, fields: dict[str, Any], rest: str
) -> None:
    wishes = read(text, shop=HATS)
    assert {name: tuple(sorted(value)) if isinstance(value, tuple) else value for name, value in fields.items()} == {
        name: tuple(sorted(value)) if isinstance(value, tuple) else value
        for name in ("categories", "colors", "exclusions")
        if (value := getattr(wishes.filter, name)) and value != Exclusions()
    }
    assert wishes.rest == rest


def test_a_negated_word_for_several_things_keeps_all_of_them_away() -> None:
    leather = replace(SHOP, colors=frozenset({"brown", "chocolate", "cognac", "black"}))
    unwanted = read("bag, but not brown", shop=leather).filter.exclusions
    assert unwanted.colors == ("brown", "chocolate", "cognac")
    hats = replace(HATS, categories=frozenset({"headwear", "cap", "coat"}))
    assert sorted(read("anything but hats", shop=hats).filter.exclusions.categories) == ["cap", "headwear"]


def test_an_occasion_adds_the_words_that_shops_tag() -> None:
    assert read("dress for a job interview").rest == "dress for a job interview office formal"
    assert read("dress, no work clothes").rest == "dress, clothes"
    assert read("running shorts").rest == "running shorts sport"


MISSPELT = [
    ("sneekers", {"sneekers": "sneakers"}), ("blak dres", {"blak": "black", "dres": "dress"}),
    ("jaket", {"jaket": "jacket"}), ("shrit", {"shrit": "shirt"}), ("stiped", {"stiped": "striped"}),
    ("trainrs", {"trainrs": "trainers"}), ("lether", {"lether": "leather"}), ("snaekrs", {}),
    ("trousars", {"trousars": "trousers"}), ("sneekerss", {"sneekerss": "sneakers"}),
    ("backpakc", {"backpakc": "backpack"}), ("turqoise", {"turqoise": "turquoise"}),
    ("dressy", {}), ("sweat shirt", {}), ("coast", {}),
    ("shirt", {}), ("boots", {}), ("gloves", {}), ("cost", {}), ("hood", {}), ("lumens", {}), ("", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meant"), MISSPELT, ids=[text or "empty" for text, _ in MISSPELT])
def test_words_with_one_wrong_letter(text: str, meant: dict[str, str]) -> None:
    assert misspelt(folded(text), SHOP) == meant
