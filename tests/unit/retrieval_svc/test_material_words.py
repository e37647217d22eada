"""Materials that a word means: other forms, kinds, shares and blends; not what is imitated or missing."""

from __future__ import annotations

import pytest

from retrieval_svc.search.material_words import avoided_materials, made_of, other_names
from retrieval_svc.search.naming import ShopWords
from retrieval_svc.search.wishes import read_wishes

pytestmark = pytest.mark.unit

SHOP = frozenset({
    "wool", "merino wool", "lambswool", "80% wool, 20% polyamide", "woollen felt", "wool-free felt", "cotton",
    "organic cotton", "leather", "suede", "faux leather", "vegan leather", "leather-look polyester", "silk", "linen",
    "linings", "nylon", "goose down",
})  # fmt: skip
WOOLS = {"wool", "merino wool", "lambswool", "80% wool, 20% polyamide", "woollen felt"}
LEATHERS = {"leather", "suede"}
CASES = [
    pytest.param([], set(), id="nothing"),
    pytest.param(["  "], set(), id="blanks"),
    pytest.param(["wool"], WOOLS, id="kinds, blends and shares"),
    pytest.param(["Woollen"], WOOLS | {"woollen"}, id="another form, another case"),
    pytest.param(["wools"], WOOLS | {"wools"}, id="plural"),
    pytest.param(["merino wool"], {"merino wool"}, id="a kind alone"),
    pytest.param(["leather"], LEATHERS, id="no imitation"),
    pytest.param(["faux leather"], {"faux leather"}, id="the imitation itself"),
    pytest.param(["Leather, wool"], LEATHERS | WOOLS, id="two in one entry"),
    pytest.param(["leather and wool/silk"], LEATHERS | WOOLS | {"silk"}, id="three in one entry"),
    pytest.param(["linen"], {"linen"}, id="no other word that begins alike"),
    pytest.param(["polyamide"], {"polyamide", "nylon", "80% wool, 20% polyamide"}, id="another name"),
    pytest.param(["down"], {"down", "goose down"}, id="a word of the shop's"),
    pytest.param(["angora"], {"angora"}, id="nothing that the shop has"),
    pytest.param(["80%"], {"80%"}, id="no word"),
]


@pytest.mark.parametrize(("names", "expected"), CASES)
def test_what_a_person_avoids_in_a_shop(names: list[str], expected: set[str]) -> None:
    found = avoided_materials(names, SHOP)
    assert set(found) == expected - {"80%"}
    assert len(found) == len(set(found))


NAMED = [
    pytest.param(["wool"], [], id="the same"),
    pytest.param(["woollen"], [], id="in another form"),
    pytest.param(["merino wool"], sorted(WOOLS - {"merino wool"}), id="one kind of it"),
    pytest.param(["silk"], sorted(WOOLS), id="another"),
]


@pytest.mark.parametrize(("named", "expected"), NAMED)
def test_what_is_asked_for_is_not_avoided(named: list[str], expected: list[str]) -> None:
    assert sorted(avoided_materials(["wool"], SHOP, named)) == expected


def test_what_a_word_means_has_the_word_itself_first() -> None:
    assert made_of("wool", frozenset()) == ("wool",)
    assert made_of("cotton", SHOP) == ("cotton", "organic cotton")


def test_plain_names_stand_for_what_the_shop_calls_more_exactly() -> None:
    names = other_names(frozenset({"merino wool", "80 % silk", "suede", "vegan look"}))
    assert names["wool"] == names["woollen"] == "wool"
    assert (names["silk"], names["leather"]) == ("silk", "leather")
    assert "look" not in names
    assert "suede" not in names
    assert other_names(frozenset()) == {}


TYPED = [
    pytest.param("scarf, no wool", ("wool", "merino wool"), (), id="plainly"),
    pytest.param("scarf, nothing woollen", (), ("wool",), id="no negation that is known"),
    pytest.param("not woollen scarf", ("wool", "merino wool"), (), id="another form"),
    pytest.param("shorts for men except denim", ("denim", "cotton denim"), (), id="a cloth that is a garment too"),
    pytest.param("merino wool scarf", (), ("merino wool",), id="what is wanted"),
]


@pytest.mark.parametrize(("text", "excluded", "named"), TYPED)
def test_materials_of_a_typed_text(text: str, excluded: tuple[str, ...], named: tuple[str, ...]) -> None:
    categories, materials = frozenset({"scarf", "shorts", "jeans"}), frozenset({"merino wool", "cotton denim", "silk"})
    shop = ShopWords(categories=categories, materials=materials)
    wishes = read_wishes(text, shop, "EUR", lambda code: code == "EUR")
    assert (wishes.filter.exclusions.materials, wishes.materials) == (excluded, named)
    assert not wishes.filter.exclusions.categories
