"""The judge of the blind texts: what counts as right, and that the demo shop can answer every one of both tables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from vitrine.retrieval.v1 import match_pb2, product_pb2, search_service_pb2

from bench._search_blind import BLIND, BlindQuery, blind_report, fits, fits_exactly
from bench._search_blind2 import BLIND2
from retrieval_svc.catalog.demo.assortment import assortment
from retrieval_svc.catalog.demo.cuts import CUTS
from retrieval_svc.catalog.demo.export import DEFAULT_COUNT, DEFAULT_SEED
from retrieval_svc.catalog.demo.offers import row_of

pytestmark = pytest.mark.unit
TABLES = pytest.mark.parametrize("table", [pytest.param(BLIND, id="blind"), pytest.param(BLIND2, id="blind2")])
EVERY = pytest.mark.parametrize("wanted", [*BLIND, *BLIND2], ids=lambda wanted: wanted.text)

BELT = BlindQuery(
    "navy belt", ("belt",), ("navy",), patterns=("plain",), words=("suede",), tags=("office",), sizes=("95",),
    genders=(product_pb2.GENDER_MEN,), euros=(10, 50),
)  # fmt: skip


def product_of(row: dict[str, str]) -> product_pb2.Product:
    product = product_pb2.Product(
        title=row["title"], category=row["category"], pattern=row["pattern"], tags=row["tags"].split("|"),
        sizes=row["sizes"].split("|"), gender=product_pb2.Gender.Value(f"GENDER_{row['gender'].upper()}"),
    )  # fmt: skip
    units, _, cents = row["price"].partition(".")
    product.price.currency_code, product.price.units = row["currency"], int(units)
    product.price.nanos = int(cents or 0) * 10_000_000
    for color in row["colors"].split("|"):
        product.colors.add(name=color.partition("#")[0])
    return product


@pytest.fixture(scope="module")
def shop() -> list[product_pb2.Product]:
    pieces = assortment(DEFAULT_COUNT, np.random.default_rng(DEFAULT_SEED), CUTS)
    rows = [row_of(piece, n, np.random.default_rng([DEFAULT_SEED, n, 1])) for n, piece in enumerate(pieces, start=1)]
    return [product_of(row) for row in rows]


def _currency(wanted: BlindQuery) -> str:
    """The currency in which a text states its budget, the euro where it states none."""
    signs = {"$": "USD", "usd": "USD", "£": "GBP", "quid": "GBP", "sek": "SEK"}
    return next((code for sign, code in signs.items() if sign in wanted.text.lower()), "EUR")


def belt(**changes: str) -> product_pb2.Product:
    row = {
        "title": "Navy suede belt", "category": "belt", "pattern": "plain", "tags": "office", "sizes": "85|95",
        "gender": "men", "price": "33.95", "currency": "EUR", "colors": "navy#1b2545|red#d01c25",
    }  # fmt: skip
    return product_of(row | changes)


def report(
    shop: Sequence[product_pb2.Product],
    answers: Mapping[str, Sequence[product_pb2.Product]],
    table: Sequence[BlindQuery],
) -> dict[str, Any]:
    async def ask(text: str) -> search_service_pb2.SearchProductsResponse:
        matches = [match_pb2.ProductMatch(product=product) for product in answers[text]]
        return search_service_pb2.SearchProductsResponse(matches=matches)

    return asyncio.run(blind_report(ask, shop, table))


@TABLES
def test_table_has_forty_different_texts(table: Sequence[BlindQuery]) -> None:
    assert len(table) == len({query.text.lower() for query in table}) == 40


def test_tables_share_no_text() -> None:
    assert not {query.text.lower() for query in BLIND} & {query.text.lower() for query in BLIND2}


def test_second_table_names_a_color_and_a_category_in_thirty_texts_or_more() -> None:
    assert sum(bool(query.colors) and len(query.categories) == 1 for query in BLIND2) >= 30


@EVERY
def test_demo_shop_has_what_is_asked(wanted: BlindQuery, shop: list[product_pb2.Product]) -> None:
    assert any(fits_exactly(product, wanted) for product in shop)


@EVERY
def test_budget_is_not_decided_by_rates(wanted: BlindQuery, shop: list[product_pb2.Product]) -> None:
    least, most = wanted.euros
    wide = replace(wanted, euros=(least * 0.95, most * 1.05))
    narrow = replace(wanted, euros=(least * 1.05, most * 0.95))
    decided = [p for p in shop if fits_exactly(p, wide) and not fits_exactly(p, narrow)]
    assert not [p.title for p in decided if p.price.currency_code != _currency(wanted)]


@pytest.mark.parametrize(
    ("changes", "right", "exact"),
    [
        pytest.param({}, True, True, id="all fits"),
        pytest.param({"category": "bag"}, False, False, id="category"),
        pytest.param({"colors": "red#d01c25"}, False, False, id="colour"),
        pytest.param({"colors": "red#d01c25|navy#1b2545"}, True, False, id="colour of the pattern only"),
        pytest.param({"pattern": "striped"}, True, False, id="pattern"),
        pytest.param({"title": "Navy leather belt"}, True, False, id="kind"),
        pytest.param({"tags": "sport"}, True, False, id="occasion"),
        pytest.param({"sizes": "85"}, True, False, id="size"),
        pytest.param({"gender": "women"}, True, False, id="gender"),
        pytest.param({"price": "50.50"}, True, False, id="too dear"),
        pytest.param({"price": "9.50"}, True, False, id="too cheap"),
        pytest.param({"price": "489", "currency": "SEK"}, True, True, id="foreign price within"),
        pytest.param({"price": "45.00", "currency": "GBP"}, True, False, id="foreign price above"),
    ],
)
def test_fits_by_what_differs(changes: dict[str, str], right: bool, exact: bool) -> None:
    assert (fits(belt(**changes), BELT), fits_exactly(belt(**changes), BELT)) == (right, exact)


def test_fits_not_with_unwanted_color() -> None:
    assert not fits(belt(), replace(BELT, not_colors=("red",)))


@TABLES
def test_report_without_answers_is_nought(table: Sequence[BlindQuery], shop: list[product_pb2.Product]) -> None:
    found = report(shop, {wanted.text: [] for wanted in table}, table)
    assert (found["right"], found["exact"], len(found["wrong"])) == (0.0, 0.0, 40)


@TABLES
def test_report_with_exact_answers_is_one(table: Sequence[BlindQuery], shop: list[product_pb2.Product]) -> None:
    found = report(shop, {wanted.text: [p for p in shop if fits_exactly(p, wanted)] for wanted in table}, table)
    assert (found["right"], found["exact"], found["wrong"]) == (1.0, 1.0, {})


@TABLES
def test_report_with_a_stranger_first_is_nought(table: Sequence[BlindQuery], shop: list[product_pb2.Product]) -> None:
    stranger = belt(category="spoon")
    answers = {wanted.text: [stranger, *(p for p in shop if fits_exactly(p, wanted))] for wanted in table}
    assert report(shop, answers, table)["right"] == 0.0
