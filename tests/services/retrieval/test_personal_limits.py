"""What a person avoids is not found, whatever is asked with; what the search names itself is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from vitrine.retrieval.v1 import product_pb2
from vitrine.retrieval.v1 import search_service_pb2 as pb
from vitrine.type.v1 import garment_pb2, personal_context_pb2

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.test_search import vector

pytestmark = pytest.mark.service
Product = product_pb2.Product


@pytest.fixture
async def user(shop: Place) -> AsyncIterator[Stubs]:
    stubs = shop.stubs()
    yield stubs
    await stubs.channel.close()


async def found(
    user: Stubs, context: dict[str, Any], query: dict[str, Any], **ranking: Any
) -> pb.SearchProductsResponse:
    options = pb.RankingOptions(personal_context=personal_context_pb2.PersonalContext(**context), **ranking)
    return await user.search.SearchProducts(pb.SearchProductsRequest(ranking=options, page_size=100, **query))


def products(answer: pb.SearchProductsResponse) -> list[Product]:
    return [match.product for match in answer.matches]


def colors_of(product: Product) -> list[str]:
    return [color.name for color in product.colors]


AVOIDED = [
    pytest.param({"avoided_brands": ["mare"]}, lambda product: product.brand != "Mare", id="brand"),
    pytest.param({"avoided_colors": ["Navy"]}, lambda product: "navy" not in colors_of(product), id="colour"),
    pytest.param({"avoided_colors": ["blue"]}, lambda product: "navy" not in colors_of(product), id="all shades"),
    pytest.param({"avoided_materials": ["silk"]}, lambda product: "silk" not in product.materials, id="material"),
    pytest.param(
        {"avoided_materials": ["Linen, woollen"]}, lambda product: "Wool" not in product.materials,
        id="material in another form",
    ),
    pytest.param(
        {"departments": ["men"]}, lambda product: product.gender in (product_pb2.GENDER_MEN, product_pb2.GENDER_UNISEX),
        id="departments",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("context", "allowed"), AVOIDED)
async def test_what_is_avoided_is_not_found(user: Stubs, context: dict[str, Any], allowed: Any) -> None:
    everything = products(await found(user, {}, {"embedding": vector("navy")}))
    expected = {product.name for product in everything if allowed(product)}
    assert 0 < len(expected) < len(everything)
    answer = await found(user, context, {"embedding": vector("navy")})
    assert {product.name for product in products(answer)} == expected
    assert answer.certificate.eligible_count == len(expected)
    assert not answer.unused_context
    garment = garment_pb2.Garment(garment_id="g0", embedding=vector("navy"))
    ranking = pb.RankingOptions(personal_context=personal_context_pb2.PersonalContext(**context))
    outfit = await user.search.MatchGarments(pb.MatchGarmentsRequest(garments=[garment], ranking=ranking))
    assert {match.product.name for match in outfit.garments[0].matches} <= expected
    assert outfit.garments[0].matches
    assert not outfit.unused_context


@pytest.mark.parametrize(
    ("context", "text", "named"),
    [
        pytest.param({"departments": ["men"]}, "women's shirt", ["departments"], id="a gender"),
        pytest.param({"avoided_materials": ["wool"]}, "a woollen dress", ["avoided_materials"], id="a material"),
        pytest.param({"avoided_colors": ["navy"]}, "navy dress", ["avoided_colors"], id="a shade"),
        pytest.param({"avoided_colors": ["red"]}, "red dress", [], id="a colour, of which shades are left to avoid"),
    ],
)
async def test_words_count_more_than_what_is_avoided(
    user: Stubs, context: dict[str, Any], text: str, named: list[str]
) -> None:
    plain, personal = await found(user, {}, {"text": text}), await found(user, context, {"text": text})
    assert plain.matches
    assert [product.name for product in products(personal)] == [product.name for product in products(plain)]
    assert list(personal.unused_context) == named
    assert not personal.understood.dropped_fields


async def test_words_are_given_up_where_only_what_is_avoided_has_them_all(user: Stubs) -> None:
    """The one striped navy dress is of Kumo, the plain one of Mare."""
    text = {"text": "navy striped dress"}
    plain, personal = await found(user, {}, text), await found(user, {"avoided_brands": ["Kumo"]}, text)
    assert [(product.brand, product.pattern) for product in products(plain)] == [("Kumo", "striped")]
    assert [(product.brand, product.pattern) for product in products(personal)] == [("Mare", "plain")]
    assert list(personal.understood.dropped_fields) == ["patterns"]


async def test_filter_of_the_request_counts_more_than_what_is_avoided(user: Stubs) -> None:
    wanted = product_pb2.ProductFilter(brands=["Mare"])
    context = {"avoided_brands": ["Mare"], "avoided_colors": ["navy"]}
    answer = await found(user, context, {"embedding": vector("navy")}, filter=wanted)
    assert answer.matches
    assert {product.brand for product in products(answer)} == {"Mare"}
    assert not any("navy" in colors_of(product) for product in products(answer))
    assert list(answer.unused_context) == ["avoided_brands"]


async def test_prices_are_shown_in_the_currency_of_the_person(user: Stubs) -> None:
    answer = await found(user, {"currency_code": "USD"}, {"embedding": vector("navy")})
    assert {match.converted_price.currency_code for match in answer.matches} == {"USD"}
    stated = await found(user, {"currency_code": "USD"}, {"embedding": vector("navy")}, currency_code="GBP")
    assert {match.converted_price.currency_code for match in stated.matches} == {"GBP"}
    assert (list(answer.unused_context), list(stated.unused_context)) == ([], ["currency_code"])
