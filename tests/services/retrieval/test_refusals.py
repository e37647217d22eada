"""Bad requests and strangers: the code, the reason, and the field at fault."""

# ruff: noqa: E501, S106 - tables read best with a case on a line, and a page token is no password

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.type import money_pb2
from vitrine.retrieval.v1 import (
    atelier_service_pb2,
    match_pb2,
    product_pb2,
)
from vitrine.retrieval.v1 import (
    catalog_service_pb2 as catalog_pb2,
)
from vitrine.retrieval.v1 import (
    search_service_pb2 as search_pb2,
)
from vitrine.type.v1 import garment_pb2, image_pb2, model_pb2, personal_context_pb2

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import shirt, stream_of
from tests.services.retrieval.test_refused_writes import product, rate
from tests.services.retrieval.vision_stub import DIMENSION, draw, embed

pytestmark = pytest.mark.service

INVALID = grpc.StatusCode.INVALID_ARGUMENT
GOOD = model_pb2.Embedding(values=embed(draw("navy")), model="stub/1")


def search(**fields: Any) -> search_pb2.SearchProductsRequest:
    return search_pb2.SearchProductsRequest(**fields)


def ranked(**fields: Any) -> search_pb2.SearchProductsRequest:
    return search(embedding=GOOD, ranking=search_pb2.RankingOptions(**fields))


def filtered(**fields: Any) -> search_pb2.SearchProductsRequest:
    return ranked(filter=product_pb2.ProductFilter(**fields))


def money(currency: str, units: int, nanos: int = 0) -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, units=units, nanos=nanos)


def vector(values: list[float], model: str = "stub/1") -> model_pb2.Embedding:
    return model_pb2.Embedding(values=values, model=model)


def picture(data: bytes) -> search_pb2.SearchProductsRequest:
    return search(image=image_pb2.Image(data=data))


SEARCHES = [
    pytest.param(search(), "INVALID_FIELD", "query", id="no-query"),
    pytest.param(picture(b""), "IMAGE_EMPTY", "image.data", id="empty-picture"),
    pytest.param(picture(b"not a picture"), "IMAGE_TOO_SMALL", "image.data", id="vision-refuses-the-picture"),
    pytest.param(picture(b"x" * (10 * 1024 * 1024 + 1)), "INVALID_FIELD", "image.data", id="picture-over-10-MiB"),
    pytest.param(search(text=""), "INVALID_FIELD", "text", id="empty-text"),
    pytest.param(search(text="  "), "INVALID_FIELD", "text", id="blank-text"),
    pytest.param(search(text="x" * 501), "INVALID_FIELD", "text", id="long-text"),
    pytest.param(search(embedding=vector([])), "INVALID_FIELD", "embedding.values", id="empty-vector"),
    pytest.param(search(embedding=vector([0.5] * 7)), "EMBEDDING_DIMENSION", "embedding.values", id="short-vector"),
    pytest.param(search(embedding=vector([0.0] * DIMENSION)), "INVALID_FIELD", "embedding.values", id="zero-vector"),
    pytest.param(
        search(embedding=vector([float("nan")] * DIMENSION)), "INVALID_FIELD", "embedding.values[0]", id="nan-vector"
    ),
    pytest.param(
        search(embedding=vector([0.5] * DIMENSION, "other/1")), "EMBEDDING_MODEL", "embedding.model", id="other-model"
    ),
    pytest.param(search(garment=garment_pb2.Garment()), "INVALID_FIELD", "garment.embedding", id="garment-without-vector"),
    pytest.param(search(product="D-0"), "INVALID_FIELD", "product", id="bad-product-name"),
    pytest.param(search(embedding=GOOD, page_size=-1), "INVALID_FIELD", "page_size", id="negative-page-size"),
    pytest.param(search(embedding=GOOD, page_token="?"), "INVALID_PAGE_TOKEN", "page_token", id="bad-token"),
    pytest.param(ranked(budget=money("eur", 5)), "INVALID_FIELD", "ranking.budget", id="currency-lower-case"),
    pytest.param(ranked(budget=money("EUR", 0)), "INVALID_FIELD", "ranking.budget", id="budget-zero"),
    pytest.param(ranked(budget=money("EUR", -5)), "INVALID_FIELD", "ranking.budget", id="budget-negative"),
    pytest.param(ranked(budget=money("XTS", 5)), "CURRENCY_UNKNOWN", "ranking.budget", id="budget-without-rate"),
    pytest.param(ranked(currency_code="XTS"), "CURRENCY_UNKNOWN", "ranking.currency_code", id="currency-without-rate"),
    pytest.param(ranked(currency_code="euro"), "INVALID_FIELD", "ranking.currency_code", id="currency-four-letters"),
    pytest.param(
        ranked(weights=match_pb2.RankingWeights(cosine=-1)), "INVALID_FIELD", "ranking.weights.cosine", id="weight-negative"
    ),
    pytest.param(
        ranked(weights=match_pb2.RankingWeights(price=float("nan"))), "INVALID_FIELD", "ranking.weights.price", id="weight-nan"
    ),
    pytest.param(
        ranked(personal_context=personal_context_pb2.PersonalContext(budget=money("E", 5))),
        "INVALID_FIELD", "ranking.personal_context.budget", id="context-budget",
    ),
    pytest.param(
        ranked(personal_context=personal_context_pb2.PersonalContext(budget=money("XTS", 5))),
        "CURRENCY_UNKNOWN", "ranking.personal_context.budget", id="context-budget-without-rate",
    ),
    pytest.param(
        ranked(personal_context=personal_context_pb2.PersonalContext(currency_code="XTS")),
        "CURRENCY_UNKNOWN", "ranking.personal_context.currency_code", id="context-currency-without-rate",
    ),
    pytest.param(
        ranked(personal_context=personal_context_pb2.PersonalContext(departments=["dogs"])),
        "INVALID_FIELD", "ranking.personal_context.departments[0]", id="context-department",
    ),
    pytest.param(
        filtered(min_price=money("EUR", 9), max_price=money("EUR", 3)),
        "INVALID_FIELD", "ranking.filter.min_price", id="prices-crossed",
    ),
    pytest.param(
        filtered(max_price=money("XTS", 3)), "CURRENCY_UNKNOWN", "ranking.filter.max_price", id="filter-price-without-rate"
    ),
    pytest.param(filtered(buckets=[0]), "INVALID_FIELD", "ranking.filter.buckets[0]", id="bucket-unspecified"),
    pytest.param(filtered(buckets=[99]), "INVALID_FIELD", "ranking.filter.buckets[0]", id="bucket-unknown"),
    pytest.param(filtered(brands=[""]), "INVALID_FIELD", "ranking.filter.brands[0]", id="brand-empty"),
    pytest.param(filtered(colors=["x"] * 51), "INVALID_FIELD", "ranking.filter.colors", id="51-colors"),
    pytest.param(
        filtered(excluded_products=["D-1"]), "INVALID_FIELD", "ranking.filter.excluded_products[0]", id="excluded-name"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "reason", "field"), SEARCHES)
async def test_bad_search_names_the_field(
    shop: Place, request_: search_pb2.SearchProductsRequest, reason: str, field: str
) -> None:
    stubs = shop.stubs()
    failure = await failure_of(stubs.search.SearchProducts(request_))
    assert (failure.code, failure.reason) == (INVALID, reason)
    assert field in failure.fields
    await stubs.channel.close()


async def test_wrong_dimension_and_model_say_what_was_expected(shop: Place) -> None:
    stubs = shop.stubs()
    failure = await failure_of(stubs.search.SearchProducts(search(embedding=vector([0.5] * 7))))
    assert failure.metadata == {"expected": str(DIMENSION), "actual": "7"}
    failure = await failure_of(stubs.search.SearchProducts(search(embedding=vector([0.5] * DIMENSION, "other/1"))))
    assert failure.metadata == {"expected": "stub/1", "actual": "other/1"}
    await stubs.channel.close()


def garments(*items: garment_pb2.Garment, **fields: Any) -> search_pb2.MatchGarmentsRequest:
    return search_pb2.MatchGarmentsRequest(garments=items, **fields)


def garment(garment_id: str = "g0", embedding: model_pb2.Embedding | None = GOOD) -> garment_pb2.Garment:
    return garment_pb2.Garment(garment_id=garment_id, embedding=embedding)


MATCHES = [
    pytest.param(garments(), "INVALID_FIELD", "garments", id="no-garment"),
    pytest.param(garments(*[garment(f"g{n}") for n in range(21)]), "INVALID_FIELD", "garments", id="21-garments"),
    pytest.param(garments(garment(), garment()), "INVALID_FIELD", "garments[1].garment_id", id="same-id-twice"),
    pytest.param(garments(garment(embedding=None)), "INVALID_FIELD", "garments[0].embedding", id="no-vector"),
    pytest.param(
        garments(garment(), garment("g1", vector([1.0]))), "EMBEDDING_DIMENSION", "garments[1].embedding.values", id="dimension"
    ),
    pytest.param(
        garments(garment("g1", vector([0.5] * DIMENSION, ""))), "EMBEDDING_MODEL", "garments[0].embedding.model", id="no-model"
    ),
    pytest.param(garments(garment(), max_matches=-1), "INVALID_FIELD", "max_matches", id="negative-count"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "reason", "field"), MATCHES)
async def test_bad_match_names_the_field(
    shop: Place, request_: search_pb2.MatchGarmentsRequest, reason: str, field: str
) -> None:
    stubs = shop.stubs()
    failure = await failure_of(stubs.search.MatchGarments(request_))
    assert (failure.code, failure.reason) == (INVALID, reason)
    assert field in failure.fields
    await stubs.channel.close()


async def test_token_holds_for_its_own_search_only(shop: Place) -> None:
    stubs = shop.stubs()
    first = await stubs.search.SearchProducts(search(embedding=GOOD, page_size=5))
    for other in (
        search(
            embedding=GOOD, page_token=first.next_page_token, ranking=search_pb2.RankingOptions(currency_code="USD")
        ),
        search(text="navy", page_token=first.next_page_token),
    ):
        failure = await failure_of(stubs.search.SearchProducts(other))
        assert failure.reason == "INVALID_PAGE_TOKEN"
    await stubs.channel.close()


def missing(stubs: Stubs) -> list[Any]:
    return [
        stubs.catalog.GetProduct(catalog_pb2.GetProductRequest(name="products/nope")),
        stubs.catalog.GetProductImage(catalog_pb2.GetProductImageRequest(name="products/D-0/images/00")),
        stubs.catalog.DeleteProduct(catalog_pb2.DeleteProductRequest(name="products/nope")),
        stubs.catalog.GetImport(catalog_pb2.GetImportRequest(name="imports/nope")),
        stubs.catalog.ListImportRejections(catalog_pb2.ListImportRejectionsRequest(parent="imports/nope")),
        stubs.search.SearchProducts(search(product="products/nope")),
    ]


async def test_what_is_not_there_is_not_found(shop: Place) -> None:
    stubs = shop.stubs("operator")
    for call in missing(stubs):
        failure = await failure_of(call)
        assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    await stubs.channel.close()


def writes(stubs: Stubs) -> list[Any]:
    return [
        stubs.catalog.UpsertProducts(product()),
        stubs.catalog.DeleteProduct(catalog_pb2.DeleteProductRequest(name="products/D-0")),
        stubs.catalog.UpsertCurrencyRates(rate()),
        stubs.catalog.GetImport(catalog_pb2.GetImportRequest(name="imports/x")),
        stubs.catalog.ListImportRejections(catalog_pb2.ListImportRejectionsRequest(parent="imports/x")),
        stubs.catalog.ImportProducts(stream_of([shirt(1)])),
        stubs.ateliers.UpsertAteliers(atelier_service_pb2.UpsertAteliersRequest()),
    ]


async def test_users_may_not_write(shop: Place) -> None:
    stubs = shop.stubs()
    for call in writes(stubs):
        failure = await failure_of(call)
        assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
    await stubs.channel.close()
