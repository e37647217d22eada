"""Bad products, rates, filters and imports: the code, the reason, and the field at fault."""

# ruff: noqa: E501 - tables read best with a case on a line

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest
from google.type import date_pb2, money_pb2
from vitrine.retrieval.v1 import catalog_service_pb2 as catalog_pb2
from vitrine.retrieval.v1 import product_pb2
from vitrine.type.v1 import color_pb2

from tests.services.retrieval.conftest import Place
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import shirt

pytestmark = pytest.mark.service

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def money(currency: str, units: int, nanos: int = 0) -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, units=units, nanos=nanos)


def product(**changes: Any) -> catalog_pb2.UpsertProductsRequest:
    fields = {"name": "products/X", "title": "T", "category": "shirt", "price": money("EUR", 5)} | changes
    return catalog_pb2.UpsertProductsRequest(
        products=[catalog_pb2.ProductUpsert(product=product_pb2.Product(**fields))]
    )


def color(**changes: Any) -> color_pb2.Color:
    return color_pb2.Color(**({"name": "navy"} | changes))


def twice() -> catalog_pb2.UpsertProductsRequest:
    request = product()
    request.products.append(request.products[0])
    return request


UPSERTS = [
    pytest.param(catalog_pb2.UpsertProductsRequest(), "INVALID_FIELD", "products", id="none"),
    pytest.param(twice(), "INVALID_FIELD", "products[1].product.name", id="same-name-twice"),
    pytest.param(product(name="X"), "INVALID_FIELD", "products[0].product.name", id="name"),
    pytest.param(product(title=""), "INVALID_FIELD", "products[0].product.title", id="no-title"),
    pytest.param(product(price=None), "INVALID_FIELD", "products[0].product.price", id="no-price"),
    pytest.param(product(price=money("EUR", 10**9)), "INVALID_FIELD", "products[0].product.price", id="price-too-high"),
    pytest.param(product(price=money("EUR", 1, -5)), "INVALID_FIELD", "products[0].product.price", id="nanos"),
    pytest.param(
        product(price=money("XTS", 1)), "CURRENCY_UNKNOWN", "products[0].product.price.currency_code", id="no-rate"
    ),
    pytest.param(product(gender=77), "INVALID_FIELD", "products[0].product.gender", id="gender-unknown"),
    pytest.param(product(category=" "), "INVALID_FIELD", "products[0].product.category", id="blank-category"),
    pytest.param(product(title="a\0b"), "INVALID_FIELD", "products[0].product.title", id="nul-in-title"),
    pytest.param(product(brand="\0"), "INVALID_FIELD", "products[0].product.brand", id="nul-in-brand"),
    pytest.param(product(tags=["a", "\0"]), "INVALID_FIELD", "products[0].product.tags[1]", id="nul-in-tag"),
    pytest.param(
        product(images=[product_pb2.ProductImage(url="\0")]),
        "INVALID_FIELD", "products[0].product.images[0].url", id="nul-in-link",
    ),
    pytest.param(product(colors=[color(name=" ")]), "INVALID_FIELD", "products[0].product.colors[0].name", id="no-color"),
    pytest.param(
        product(colors=[color(), color(name="\0")]), "INVALID_FIELD", "products[0].product.colors[1].name", id="nul-in-color"
    ),
    pytest.param(product(colors=[color(hex="blue")]), "INVALID_FIELD", "products[0].product.colors[0].hex", id="hex"),
    pytest.param(
        product(colors=[color(share=1.5)]), "INVALID_FIELD", "products[0].product.colors[0].share", id="share-above-1"
    ),
    pytest.param(
        product(colors=[color(share=math.nan)]), "INVALID_FIELD", "products[0].product.colors[0].share", id="share-nan"
    ),
    pytest.param(
        product(colors=[color(lab=color_pb2.LabColor(l=math.inf))]),
        "INVALID_FIELD", "products[0].product.colors[0].lab.l", id="lab-infinite",
    ),
    pytest.param(product(sizes=["x" * 21]), "INVALID_FIELD", "products[0].product.sizes[0]", id="long-size"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "reason", "field"), UPSERTS)
async def test_bad_product_names_the_field(
    shop: Place, request_: catalog_pb2.UpsertProductsRequest, reason: str, field: str
) -> None:
    stubs = shop.stubs("operator")
    failure = await failure_of(stubs.catalog.UpsertProducts(request_))
    assert (failure.code, failure.reason) == (INVALID, reason)
    assert field in failure.fields
    await stubs.channel.close()


def rate(**changes: Any) -> catalog_pb2.UpsertCurrencyRatesRequest:
    fields = {"currency_code": "USD", "units_per_euro": 1.1, "date": date_pb2.Date(year=2026, month=1, day=1)} | changes
    return catalog_pb2.UpsertCurrencyRatesRequest(rates=[catalog_pb2.CurrencyRate(**fields)])


RATES = [
    pytest.param(rate(currency_code="usd"), "rates[0].currency_code", id="currency"),
    pytest.param(rate(currency_code="EUR"), "rates[0].currency_code", id="euro"),
    pytest.param(rate(units_per_euro=0), "rates[0].units_per_euro", id="zero"),
    pytest.param(rate(units_per_euro=1e30), "rates[0].units_per_euro", id="huge"),
    pytest.param(rate(units_per_euro=float("inf")), "rates[0].units_per_euro", id="infinite"),
    pytest.param(rate(date=date_pb2.Date(year=2026, month=2, day=30)), "rates[0].date", id="no-such-day"),
    pytest.param(rate(date=date_pb2.Date(year=2990, month=1, day=1)), "rates[0].date", id="day-to-come"),
    pytest.param(rate(date=None), "rates[0].date", id="no-day"),
    pytest.param(rate(source="a\0b"), "rates[0].source", id="nul-in-source"),
]


@pytest.mark.parametrize(("request_", "field"), RATES)
async def test_bad_rate_names_the_field(
    shop: Place, request_: catalog_pb2.UpsertCurrencyRatesRequest, field: str
) -> None:
    stubs = shop.stubs("operator")
    failure = await failure_of(stubs.catalog.UpsertCurrencyRates(request_))
    assert (failure.code, failure.reason) == (INVALID, "INVALID_FIELD")
    assert field in failure.fields
    await stubs.channel.close()


CONFIGS = [
    pytest.param({"source": "a\0b"}, "config.source", id="nul-in-source"),
    pytest.param({"brand_scores": {"a\0b": 0.5}}, 'config.brand_scores["a\\u0000b"]', id="nul-in-brand"),
    pytest.param({"brand_scores": {" ": 0.5}}, 'config.brand_scores[" "]', id="blank-brand"),
    pytest.param({"brand_scores": {"Mare": math.nan}}, 'config.brand_scores["Mare"]', id="nan-score"),
    pytest.param({"total_row_count": -1}, "config.total_row_count", id="negative-count"),
    pytest.param({"default_currency_code": "euro"}, "config.default_currency_code", id="currency"),
]


@pytest.mark.parametrize(("config", "field"), CONFIGS)
async def test_bad_config_of_an_import_names_the_field(shop: Place, config: dict[str, Any], field: str) -> None:
    stubs = shop.stubs("operator")
    failure = await failure_of(stubs.import_rows([shirt(1)], **config))
    assert (failure.code, failure.reason, failure.fields) == (INVALID, "INVALID_FIELD", (field,))
    await stubs.channel.close()


@pytest.mark.parametrize("name", ["brands", "categories", "colors", "sizes", "tags"])
async def test_filter_that_no_product_can_pass_names_the_field(shop: Place, name: str) -> None:
    stubs = shop.stubs()
    wanted = product_pb2.ProductFilter(**{name: ["good", "a\0b"]})  # type: ignore[arg-type]  # one of the lists of words
    failure = await failure_of(stubs.catalog.ListProducts(catalog_pb2.ListProductsRequest(filter=wanted)))
    assert (failure.code, failure.fields) == (INVALID, (f"filter.{name}[1]",))
    await stubs.channel.close()
