"""What people type: which parts become filters, and which stay words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender
from retrieval_svc.search.naming import ShopWords
from retrieval_svc.search.wishes import Wishes, read_wishes, relaxed

pytestmark = pytest.mark.unit

SHOP = ShopWords(
    frozenset({"lumen", "plain weave", "halvorsen & dotter", "navy", "only", "ségal", "h&m"}),
    frozenset(
        {
            "shirt", "t-shirt", "polo", "dress", "sneakers", "coat", "trousers", "jeans", "bag", "belt", "boots",
            "shoes", "shorts", "scarf", "jacket",
        }
    ),
    frozenset({"navy", "blue", "light blue", "red", "white", "black", "grey"}),
    frozenset({"s", "m", "l", "xl", "42", "w32/l34"}),
    frozenset({"plain", "striped", "checked", "dotted", "floral", "graphic"}),
    frozenset({"leather", "wool"}),
)  # fmt: skip
IN_STOCK = (Availability.IN_STOCK, Availability.LOW_STOCK)
GONE = (Availability.OUT_OF_STOCK, Availability.DISCONTINUED)
NOT_IN_STOCK = (Availability.PREORDER, Availability.BACKORDER, *GONE)
PRINTED = ("dotted", "floral", "graphic")


def read(text: str, currency: str = "EUR", shop: ShopWords = SHOP) -> Wishes:
    return read_wishes(text, shop, currency, lambda code: code in ("EUR", "USD", "GBP", "JPY"))


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(currency, Decimal(amount))


NAVY_STRIPED = {"colors": ("navy",), "patterns": ("striped",), "categories": ("shirt",), "max_price": money("50")}
BLUISH = {"colors": ("light blue",), "categories": ("shirt",)}
TEXTS = [
    ("navy striped shirt under 50 EUR", NAVY_STRIPED),
    ("under 50 EUR: striped shirt in navy", NAVY_STRIPED),
    ("Shirt, NAVY, stripes, max. 50 €", NAVY_STRIPED),
    ("navy\u2011striped shirt, < 50\u00a0€", NAVY_STRIPED),
    ("shirts below $40", {"categories": ("shirt",), "max_price": money("40", "USD")}),
    ("bags up to €35,50", {"categories": ("bag",), "max_price": money("35.50")}),
    ("coat 80 pounds or less", {"categories": ("coat",), "max_price": money("80", "GBP")}),
    ("at least 5000 yen", {"min_price": money("5000", "JPY")}),
    ("between 30 and 60 USD", {"min_price": money("30", "USD"), "max_price": money("60", "USD")}),
    ("bag 80 usd or less", {"categories": ("bag",), "max_price": money("80", "USD")}),
    ("10-20 EUR bags", {"categories": ("bag",), "min_price": money("10"), "max_price": money("20")}),
    ("women's red dress", {"genders": (Gender.WOMEN,), "colors": ("red",), "categories": ("dress",)}),
    ("womens dress", {"genders": (Gender.WOMEN,), "categories": ("dress",)}),
    ("a dress (for women).", {"genders": (Gender.WOMEN,), "categories": ("dress",)}),
    ("for him: a coat", {"genders": (Gender.MEN,), "categories": ("coat",)}),
    ("dress in size M", {"categories": ("dress",), "sizes": ("m",)}),
    ("shirts, sizes M or L", {"categories": ("shirt",), "sizes": ("m", "l")}),
    ("shirt in medium", {"categories": ("shirt",), "sizes": ("m",)}),
    ("a large bag", {"categories": ("bag",)}),
    ("jeans W32 L34", {"categories": ("jeans",), "sizes": ("w32/l34",)}),
    ("size EU 42 boots", {"categories": ("boots",), "sizes": ("42",)}),
    ("size 42 sneakers in stock", {"sizes": ("42",), "categories": ("sneakers",), "availabilities": IN_STOCK}),
    ("sneakers not sold out", {"categories": ("sneakers",), "availabilities": IN_STOCK}),
    ("sneakers available in red", {"categories": ("sneakers",), "colors": ("red",), "availabilities": IN_STOCK}),
    ("sneakers not in stock", {"categories": ("sneakers",), "availabilities": NOT_IN_STOCK}),
    ("coats that aren\u2019t available", {"categories": ("coat",), "availabilities": NOT_IN_STOCK}),
    ("a coat, no longer available", {"categories": ("coat",), "availabilities": NOT_IN_STOCK}),
    ("coats that are sold out", {"categories": ("coat",), "availabilities": GONE}),
    ("out of stock coats", {"categories": ("coat",), "availabilities": GONE}),
    ("coats that are not sold out", {"categories": ("coat",), "availabilities": IN_STOCK}),
    ("coats, need not be in stock", {"categories": ("coat",)}),
    ("coats, even if not available", {"categories": ("coat",)}),
    ("coats in stock or not", {"categories": ("coat",)}),
    ("trainers for men", {"categories": ("sneakers",), "genders": (Gender.MEN,)}),
    ("a tee by Lumen", {"categories": ("t-shirt",), "brands": ("lumen",)}),
    ("T shirts", {"categories": ("t-shirt",)}),
    ("scarves", {"categories": ("scarf",)}),
    ("Halvorsen & Dotter coat", {"brands": ("halvorsen & dotter",), "categories": ("coat",)}),
    ("H & M bag", {"brands": ("h&m",), "categories": ("bag",)}),
    ("Segal bag", {"brands": ("ségal",), "categories": ("bag",)}),
    ("only red dresses", {"colors": ("red",), "categories": ("dress",)}),
    ("dresses by Only", {"brands": ("only",), "categories": ("dress",)}),
    ("light blue shirt", {"colors": ("light blue",), "categories": ("shirt",)}),
    ("light  blue shirt", {"colors": ("light blue",), "categories": ("shirt",)}),
    ("navy blue trousers", {"colors": ("navy",), "categories": ("trousers",)}),
    ("black&white dress", {"colors": ("black", "white"), "categories": ("dress",)}),
    ("shirt dress", {"categories": ("dress",)}),
    ("polo shirt", {"categories": ("polo",)}),
    ("dress, short", {"categories": ("dress",)}),
    ("polo short sleeves", {"categories": ("polo",)}),
    ("white shirts and black trousers", {"colors": ("white", "black"), "categories": ("shirt", "trousers")}),
    ("coat with a black belt", {"categories": ("coat",)}),
    ("coat with a hood, black", {"categories": ("coat",), "colors": ("black",)}),
    ("dress for the summer in red", {"categories": ("dress",), "colors": ("red",)}),
    ("for summer a red dress", {"categories": ("dress",), "colors": ("red",)}),
    ("gloves", {"buckets": (Bucket.ACCESSORIES,)}),
    ("black shoes", {"buckets": (Bucket.SHOES,), "colors": ("black",)}),
    ("boots or shoes", {"buckets": (Bucket.SHOES,)}),
    ("dress with flowers", {"categories": ("dress",), "patterns": ("floral",)}),
    ("dress with white stripes", {"categories": ("dress",), "patterns": ("striped",)}),
    ("shirt with striped trousers", {"categories": ("shirt",)}),
    ("polka-dot dress", {"categories": ("dress",), "patterns": ("dotted",)}),
    ("floral print dress", {"categories": ("dress",), "patterns": ("floral",)}),
    ("printed dress", {"categories": ("dress",), "patterns": PRINTED}),
    ("plain weave shirt", {"brands": ("plain weave",), "categories": ("shirt",)}),
    ("size 38-40", {}), ("purple velvet cape", {"buckets": (Bucket.OUTERWEAR,)}), ("", {}), ("   ", {}),
    ("blue shirt", {"colors": ("blue", "navy", "light blue"), "categories": ("shirt",)}),
    ("T shirts and poloshirts", {"categories": ("t-shirt", "polo")}), ("lightblue shirt", BLUISH),
    ("light-blue shirt", BLUISH), ("baby blue shirt", BLUISH),
    ("stripy shirt", {"categories": ("shirt",), "patterns": ("striped",)}),
    ("spotty dress", {"categories": ("dress",), "patterns": ("dotted",)}),
    ("flowery dress", {"categories": ("dress",), "patterns": ("floral",)}),
    ("checkered dress", {"categories": ("dress",), "patterns": ("checked",)}),
    ("mens coats", {"categories": ("coat",), "genders": (Gender.MEN,)}),
    ("sundress", {"categories": ("dress",)}), ("rucksack", {"categories": ("bag",)}),
    ("brogues", {"buckets": (Bucket.SHOES,)}), ("cami", {}),
    ("dress under 50 zorkmids", {"categories": ("dress",), "max_price": money("50")}),
    ("İstanbul DRESS", {"categories": ("dress",)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), TEXTS, ids=[text or "empty" for text, _ in TEXTS])
def test_text_becomes_a_filter(text: str, fields: dict[str, Any]) -> None:
    assert read(text).filter == ProductFilter(**fields)


# A text, what is wanted of it, what is not, and the words that are still compared.
NEGATIONS = [
    ("dress, not black", {"categories": ("dress",)}, {"colors": ("black",)}, "dress,"),
    ("not black dresses", {"categories": ("dress",)}, {"colors": ("black",)}, "dresses"),
    ("shirts that are not black", {"categories": ("shirt",)}, {"colors": ("black",)}, "shirts"),
    ("shirt that isn\u2019t red or white", {"categories": ("shirt",)}, {"colors": ("red", "white")}, "shirt"),
    ("dress, neither black nor red", {"categories": ("dress",)}, {"colors": ("black", "red")}, "dress,"),
    ("not blue shirt", {"categories": ("shirt",)}, {"colors": ("blue", "light blue", "navy")}, "shirt"),
    ("shirt -black", {"categories": ("shirt",)}, {"colors": ("black",)}, "shirt"),
    (
        "not black, white sneakers", {"colors": ("white",), "categories": ("sneakers",)}, {"colors": ("black",)},
        "white sneakers",
    ),
    ("shirt, no stripes", {"categories": ("shirt",)}, {"patterns": ("striped",)}, "shirt,"),
    ("no stripes shirt", {"categories": ("shirt",)}, {"patterns": ("striped",)}, "shirt"),
    ("shirt with no stripes, checks or dots", {"categories": ("shirt",)},
     {"patterns": ("striped", "checked", "dotted")}, "shirt with"),
    ("t-shirt without print", {"categories": ("t-shirt",)}, {"patterns": PRINTED}, "t-shirt"),
    ("t-shirt without a print in white", {"categories": ("t-shirt",), "colors": ("white",)}, {"patterns": PRINTED},
     "t-shirt in white"),
    ("patterned dress but not striped", {"categories": ("dress",), "patterns": ("checked", *PRINTED)},
     {"patterns": ("striped",)}, "patterned dress"),
    ("anything but jeans", {}, {"categories": ("jeans",)}, ""),
    ("everything except shoes under 50 EUR", {"max_price": money("50")}, {"buckets": (Bucket.SHOES,)}, ""),
    ("nothing but jeans", {"categories": ("jeans",)}, {}, "nothing but jeans"),
    ("trousers, no jeans", {"categories": ("trousers",)}, {"categories": ("jeans",)}, "trousers,"),
    ("jeans, but no black jeans", {"categories": ("jeans",)}, {"colors": ("black",)}, "jeans,"),
    ("boots, not leather", {"categories": ("boots",)}, {"materials": ("leather",)}, "boots,"),
    ("coat not by Lumen", {"categories": ("coat",)}, {"brands": ("lumen",)}, "coat"),
    ("coat, not for men", {"categories": ("coat",)}, {"genders": (Gender.MEN,)}, "coat,"),
    ("not only black dresses", {"categories": ("dress",), "colors": ("black",)}, {}, "not only black dresses"),
    ("shirts, not green", {"categories": ("shirt",)}, {}, "shirts,"),
    ("not under 50 EUR", {"min_price": money("50")}, {}, ""),
    ("no more than 50 EUR", {"max_price": money("50")}, {}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "unwanted", "rest"), NEGATIONS, ids=[text for text, *_ in NEGATIONS])
def test_what_is_not_wanted_is_excluded_and_not_compared(
    text: str, wanted: dict[str, Any], unwanted: dict[str, Any], rest: str
) -> None:
    wishes = read(text)
    assert wishes.filter == ProductFilter(**wanted, exclusions=Exclusions(**unwanted))
    assert wishes.rest == rest


@pytest.mark.parametrize(
    ("text", "phrase", "rest"),
    [
        ("coat without a belt", "without a belt", "coat"), ("coat without a hood", "without a hood", "coat"),
        ("no black jeans", "no black jeans", ""), ("dress, not too bright", "not too bright", "dress,"),
    ],
    ids=["a-part", "no-word-of-the-shop", "two-words-for-one-thing", "no-field"],
)  # fmt: skip
def test_a_negation_that_no_filter_can_express_excludes_nothing_and_says_so(text: str, phrase: str, rest: str) -> None:
    wishes = read(text)
    assert wishes.filter.exclusions == Exclusions()
    assert [part.text for part in wishes.phrases if part.field == ""] == [phrase]
    assert wishes.rest == rest


@pytest.mark.parametrize(
    ("text", "budget", "rest"),
    [
        ("red dress around 80 euros", money("80"), "red dress"),
        ("red dress for $80", money("80", "USD"), "red dress"),
        ("red dress 80€", money("80"), "red dress"),
        ("red dress for 8 year olds", None, "red dress for 8 year olds"),
        ("dress about 50", money("50", "GBP"), "dress"),
    ],
)
def test_about_is_a_budget_and_no_limit(text: str, budget: Money | None, rest: str) -> None:
    wishes = read(text, "GBP")
    assert (wishes.budget, wishes.filter.max_price, wishes.rest) == (budget, None, rest)


# A text, the part of it that is money without a rate, and the words that are still compared.
NO_RATE = [
    ("dress under 50 XYZ", "under 50 XYZ", "dress"),
    ("dress under 50 chf", "under 50 chf", "dress"),
    ("dress under CHF 50", "under CHF 50", "dress"),
    ("dress for \u20b9500", "for \u20b9500", "dress"),
    ("dress, 500 \u20a9", "500 \u20a9", "dress,"),
    ("dress under \u20a150", "under \u20a150", "dress"),
    ("dress around 500 pesos", "around 500 pesos", "dress"),
    ("dress under C$50", "under C$50", "dress"),
    ("dress under $50 CAD", "under $50 CAD", "dress"),
    ("dress CHF 20-30", "CHF 20-30", "dress"),
    ("dress between 20 and 30 chf", "between 20 and 30 chf", "dress"),
    ("dress from 20 EUR to 30 CHF", "from 20 EUR to 30 CHF", "dress"),
    ("DRESS UNDER 50 CHF", "UNDER 50 CHF", "DRESS"),
]


@pytest.mark.parametrize(("text", "phrase", "rest"), NO_RATE, ids=[text for text, *_ in NO_RATE])
def test_money_without_a_rate_is_no_money_of_another_currency(text: str, phrase: str, rest: str) -> None:
    wishes = read(text)
    assert (wishes.filter.min_price, wishes.filter.max_price, wishes.budget) == (None, None, None)
    assert [part.text for part in wishes.phrases if not part.field] == [phrase]
    assert wishes.rest == rest


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("dress under 50 for summer", money("50")), ("dress under 50 all sizes", money("50")),
        ("DRESS UNDER 50 BIG POCKETS", money("50")), ("dress under 50 RED or WHITE", money("50")),
        ("dress under 30 CHF, under 50 EUR", money("50")), ("dress 20-30 CHF, under 50 EUR", money("50")),
        ("dress under US$50", money("50", "USD")), ("dress under 50 try it on", money("50")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_word_behind_an_amount_is_no_currency(text: str, most: Money) -> None:
    assert read(text).filter.max_price == most


def test_phrases_are_the_parts_as_they_were_typed_in_their_order() -> None:
    wishes = read("Red DRESS in size M, not Striped, Under 50 EUR")
    assert [(phrase.text, phrase.field) for phrase in wishes.phrases] == [
        ("Red", "colors"), ("DRESS", "categories"), ("in size M", "sizes"), ("not Striped", "exclusions.patterns"),
        ("Under 50 EUR", "max_price"),
    ]  # fmt: skip


def test_the_name_that_the_catalogue_has_is_added_to_the_words() -> None:
    assert read("leather handbag").rest == "leather handbag bag"
    assert read("leather bag").rest == "leather bag"


def test_what_the_request_states_counts_more_than_the_text() -> None:
    stated = ProductFilter(
        colors=("white",), patterns=("plain",), max_price=money("20"), exclusions=Exclusions(brands=("only",))
    )
    wishes = read("red striped dress under 50 EUR by Lumen, no wool").beside(stated, None)
    unwanted = Exclusions(materials=("wool",))
    assert wishes.filter == ProductFilter(categories=("dress",), brands=("lumen",), exclusions=unwanted)
    both = wishes.added_to(stated)
    assert (both.colors, both.patterns, both.max_price) == (("white",), ("plain",), money("20"))
    assert (both.categories, both.exclusions) == (("dress",), Exclusions(brands=("only",), materials=("wool",)))


def test_a_corrected_word_is_read_and_compared_as_what_was_meant() -> None:
    wishes = read("Blak dres", shop=replace(SHOP, corrected={"blak": "black", "dres": "dress"}))
    assert wishes.filter == ProductFilter(colors=("black",), categories=("dress",))
    assert ([phrase.text for phrase in wishes.phrases], wishes.rest) == (["Blak", "dres"], "black dress")


@pytest.mark.parametrize(
    ("missing", "dropped"),
    [
        ([], ()), (["sizes"], ("sizes",)), (["colors"], ("colors",)), (["sizes", "patterns"], ("sizes", "patterns")),
        (["sizes", "patterns", "colors"], ("sizes", "patterns", "colors")), (["categories"], ()),
    ],
    ids=["all-there", "size", "color-and-not-the-size", "two", "all-three", "in-vain"],
)  # fmt: skip
async def test_as_little_as_possible_is_given_up(missing: list[str], dropped: tuple[str, ...]) -> None:
    async def there_is(wishes: Wishes) -> bool:
        return not any(getattr(wishes.filter, name) for name in missing)

    wishes = await relaxed(read("red striped dress in size M, not black"), there_is)
    assert wishes.dropped == dropped
    assert wishes.filter.exclusions.colors == ("black",)
    assert [name for name in ("sizes", "patterns", "colors") if not getattr(wishes.filter, name)] == list(dropped)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    wishes = read(text)
    assert all(phrase.text in text for phrase in wishes.phrases)
    for limit in (wishes.filter.min_price, wishes.filter.max_price, wishes.budget):
        assert limit is None or limit.amount >= 0


_WORDS = st.sampled_from(
    [
        "not", "no", "without", "but", "anything", "except", "navy", "black", "light", "blue", "striped",
        "print", "dots", "shirt", "jeans", "belt", "size", "m", "in", "for", "women", "under", "50", "EUR",
        "30-60", "€", ",", "and", "or", "a", "the", "with", "-", "by", "Lumen", "leather", "sold", "out",
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_WORDS, max_size=9).map(" ".join))
def test_any_order_of_words_is_read_and_nothing_is_both_wanted_and_left_over(text: str) -> None:
    wishes = read(text)
    assert all(phrase.text in text for phrase in wishes.phrases)
    assert not set(wishes.filter.patterns) & set(wishes.filter.exclusions.patterns)
    assert not wishes.filter.categories or not wishes.filter.buckets
