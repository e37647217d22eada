"""What people type: which parts become filters, and which stay words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender
from retrieval_svc.search.wishes import ShopWords, Wishes, read_wishes

pytestmark = pytest.mark.unit

SHOP = ShopWords(
    frozenset({"lumen", "plain weave", "halvorsen & dotter", "navy"}),
    frozenset({"shirt", "t-shirt", "polo", "dress", "sneakers", "coat", "trousers", "bag", "belt", "boots", "shoes"}),
    frozenset({"navy", "blue", "light blue", "red", "white", "black", "grey"}),
    frozenset({"s", "m", "l", "xl", "42"}),
)
IN_STOCK = (Availability.IN_STOCK, Availability.LOW_STOCK)


def read(text: str, currency: str = "EUR") -> Wishes:
    return read_wishes(text, SHOP, currency, lambda code: code in ("EUR", "USD", "GBP", "JPY"))


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(currency, Decimal(amount))


TEXTS = [
    ("navy striped shirt under 50 EUR", {"colors": ("navy",), "categories": ("shirt",), "max_price": money("50")}),
    ("shirts below $40", {"categories": ("shirt",), "max_price": money("40", "USD")}),
    ("bags up to €35,50", {"categories": ("bag",), "max_price": money("35.50")}),
    ("coat 80 pounds or less", {"categories": ("coat",), "max_price": money("80", "GBP")}),
    ("at least 5000 yen", {"min_price": money("5000", "JPY")}),
    ("between 30 and 60 USD", {"min_price": money("30", "USD"), "max_price": money("60", "USD")}),
    ("bag 80 usd or less", {"categories": ("bag",), "max_price": money("80", "USD")}),
    ("10-20 EUR bags", {"categories": ("bag",), "min_price": money("10"), "max_price": money("20")}),
    ("women's red dress", {"genders": (Gender.WOMEN,), "colors": ("red",), "categories": ("dress",)}),
    ("dress in size M", {"categories": ("dress",), "sizes": ("m",)}),
    ("size 42 sneakers in stock", {"sizes": ("42",), "categories": ("sneakers",), "availabilities": IN_STOCK}),
    ("trainers for men", {"categories": ("sneakers",), "genders": (Gender.MEN,)}),
    ("a tee by Lumen", {"categories": ("t-shirt",), "brands": ("lumen",)}),
    ("Halvorsen & Dotter coat", {"brands": ("halvorsen & dotter",), "categories": ("coat",)}),
    ("light blue shirt", {"colors": ("light blue",), "categories": ("shirt",)}),
    ("navy blue trousers", {"colors": ("navy",), "categories": ("trousers",)}),
    ("shirt dress", {"categories": ("dress",)}),
    ("polo shirt", {"categories": ("polo",)}),
    ("white shirts and black trousers", {"colors": ("white", "black"), "categories": ("shirt", "trousers")}),
    ("coat with a black belt", {"categories": ("coat",)}),
    ("gloves", {"buckets": (Bucket.ACCESSORIES,)}),
    ("shoes that are not black", {"categories": ("shoes",)}),
    ("size 38-40", {}), ("purple velvet cape", {"buckets": (Bucket.OUTERWEAR,)}), ("", {}), ("   ", {}),
    ("dress under 50 zorkmids", {"categories": ("dress",), "max_price": money("50")}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), TEXTS, ids=[text or "empty" for text, _ in TEXTS])
def test_text_becomes_a_filter(text: str, fields: dict[str, Any]) -> None:
    assert read(text).filter == ProductFilter(**fields)


@pytest.mark.parametrize(
    ("text", "budget", "rest"),
    [
        ("red dress around 80 euros", money("80"), "red dress"),
        ("red dress for $80", money("80", "USD"), "red dress"),
        ("red dress for 8 year olds", None, "red dress for 8 year olds"),
        ("dress about 50", money("50", "GBP"), "dress"),
    ],
)
def test_about_is_a_budget_and_no_limit(text: str, budget: Money | None, rest: str) -> None:
    wishes = read(text, "GBP")
    assert (wishes.budget, wishes.filter.max_price, wishes.rest) == (budget, None, rest)


def test_phrases_are_the_parts_as_they_were_typed_in_their_order() -> None:
    wishes = read("Red DRESS in size M, Under 50 EUR")
    assert [(phrase.text, phrase.field) for phrase in wishes.phrases] == [
        ("Red", "colors"), ("DRESS", "categories"), ("in size M", "sizes"), ("Under 50 EUR", "max_price"),
    ]  # fmt: skip


def test_the_name_that_the_catalogue_has_is_added_to_the_words() -> None:
    assert read("leather handbag").rest == "leather handbag bag"
    assert read("leather bag").rest == "leather bag"


def test_what_the_request_states_counts_more_than_the_text() -> None:
    stated = ProductFilter(colors=("white",), max_price=money("20"))
    wishes = read("red dress under 50 EUR by Lumen").beside(stated, None)
    assert wishes.filter == ProductFilter(categories=("dress",), brands=("lumen",))
    both = wishes.added_to(stated)
    assert (both.colors, both.max_price, both.categories) == (("white",), money("20"), ("dress",))


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    wishes = read(text)
    assert all(phrase.text in text for phrase in wishes.phrases)
    for limit in (wishes.filter.min_price, wishes.filter.max_price, wishes.budget):
        assert limit is None or limit.amount >= 0
