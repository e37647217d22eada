"""Searches, checked against arithmetic of their own."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from google.type import money_pb2
from vitrine.retrieval.v1 import (
    atelier_service_pb2,
    catalog_service_pb2,
    match_pb2,
    product_pb2,
)
from vitrine.retrieval.v1 import (
    search_service_pb2 as pb,
)
from vitrine.type.v1 import garment_pb2, image_pb2, model_pb2, personal_context_pb2

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import demo_rows
from tests.services.retrieval.vision_stub import DIMENSION, draw, embed

pytestmark = pytest.mark.service

# Czech National Bank, fixing of 20 December 2024: koruna for one unit (100 yen).
KORUNA = {"EUR": 25.120, "USD": 24.168, "GBP": 30.274, "JPY": 0.15418}
BRAND_SCORES = {"Nordlys": 0.9, "Mare": 0.2, "Kumo": 0.5}
AVAILABILITY = {"in_stock": 1.0, "out_of_stock": 0.0, "low_stock": 0.8}


@pytest.fixture
async def user(shop: Place) -> AsyncIterator[Stubs]:
    stubs = shop.stubs()
    yield stubs
    await stubs.channel.close()


def euro(amount: float) -> money_pb2.Money:
    return money_pb2.Money(currency_code="EUR", units=int(amount), nanos=round((amount - int(amount)) * 1e9))


def vector(color: str, stripes: int = 0) -> model_pb2.Embedding:
    return model_pb2.Embedding(values=embed(draw(color, stripes=stripes)), model="stub/1")


def price_eur(row: Any) -> float:
    return float(row.raw.columns["price"]) * KORUNA[row.raw.columns["currency"]] / KORUNA["EUR"]


def as_kept(png: bytes) -> bytes:
    """The copy that the service keeps: a JPEG of quality 85."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def expected_score(row: Any, query: list[float], budget: float | None) -> float:
    """The published formula, written down again."""
    columns = row.raw.columns
    cosine = float(np.dot(query, embed(as_kept(row.images[0].data))))
    price = 0.5 if budget is None else max(0.0, 1 - abs(price_eur(row) - budget) / budget)
    return (
        0.6 * cosine + 0.2 * price + 0.1 * BRAND_SCORES[columns["brand"]]
        + 0.1 * AVAILABILITY[columns["availability"]]
    )  # fmt: skip


@pytest.mark.parametrize("budget", [None, 60.0], ids=["without-budget", "with-budget"])
async def test_scores_follow_the_published_formula(user: Stubs, budget: float | None) -> None:
    ranking = pb.RankingOptions(budget=euro(budget)) if budget else pb.RankingOptions()
    request = pb.SearchProductsRequest(embedding=vector("navy"), ranking=ranking, page_size=100)
    answer = await user.search.SearchProducts(request)
    rows = {f"products/{row.raw.columns['sku']}": row for row in demo_rows()}
    assert {match.product.name for match in answer.matches} == set(rows)
    query = list(request.embedding.values)
    for place, match in enumerate(answer.matches):
        assert match.rank == place + 1
        assert match.score == pytest.approx(expected_score(rows[match.product.name], query, budget), abs=1e-5)
        assert match.score == pytest.approx(math.fsum(term.contribution for term in match.terms), abs=1e-12)
        assert all(term.contribution == pytest.approx(term.weight * term.value) for term in match.terms)
        assert [term.name for term in match.terms] == ["cosine", "price", "brand", "availability"]
    scores = [match.score for match in answer.matches]
    assert scores == sorted(scores, reverse=True)


async def test_picture_finds_its_own_product_first(user: Stubs) -> None:
    weights = match_pb2.RankingWeights(cosine=1, price=0, brand=0, availability=0)
    request = pb.SearchProductsRequest(
        image=image_pb2.Image(data=draw("pink", stripes=4)), ranking=pb.RankingOptions(weights=weights)
    )
    answer = await user.search.SearchProducts(request)
    assert [match.product.title.split()[:2] for match in answer.matches[:4]] == [["pink", "striped"]] * 4
    assert {use.model for use in answer.models} == {"stub/1"}
    assert len(answer.matches) == 20
    assert answer.certificate.method == match_pb2.RECALL_METHOD_EXACT
    assert answer.certificate.complete
    assert answer.certificate.eligible_count == answer.certificate.candidate_count == 48


async def test_text_joins_words_and_vectors(user: Stubs) -> None:
    weights = match_pb2.RankingWeights(brand=0, availability=0)
    request = pb.SearchProductsRequest(text="red striped dresses", ranking=pb.RankingOptions(weights=weights))
    answer = await user.search.SearchProducts(request)
    best = answer.matches[0]
    assert best.product.title == "red striped dress"
    terms = {term.name: term for term in best.terms}
    # A third of the words is understood by the stub: a sixth of the weight goes to the vectors, the rest to the words.
    assert terms["cosine"].weight == pytest.approx(0.1)
    assert terms["keyword"].weight == pytest.approx(0.5)
    assert terms["keyword"].value == pytest.approx(1.0)


async def test_similar_products_leave_the_product_itself_out(user: Stubs) -> None:
    answer = await user.search.SearchProducts(pb.SearchProductsRequest(product="products/D-0", page_size=100))
    names = [match.product.name for match in answer.matches]
    assert "products/D-0" not in names
    assert len(names) == 47


def garment(garment_id: str, color: str, bucket: garment_pb2.GarmentBucket.ValueType) -> garment_pb2.Garment:
    return garment_pb2.Garment(garment_id=garment_id, bucket=bucket, embedding=vector(color))


async def test_match_garments_keeps_order_and_bucket(user: Stubs) -> None:
    garments = [
        garment("g1", "red", garment_pb2.GARMENT_BUCKET_BOTTOM),
        garment("g0", "navy", garment_pb2.GARMENT_BUCKET_TOP),
        garment("g2", "navy", garment_pb2.GARMENT_BUCKET_SHOES),
    ]
    answer = await user.search.MatchGarments(pb.MatchGarmentsRequest(garments=garments))
    assert [found.garment_id for found in answer.garments] == ["g1", "g0", "g2"]
    assert {match.product.category for match in answer.garments[0].matches} == {"trousers"}
    assert {match.product.category for match in answer.garments[1].matches} == {"shirt"}
    assert answer.garments[1].matches[0].product.colors[0].name == "navy"
    assert not answer.garments[2].matches
    assert not answer.garments[2].HasField("tiers") or not answer.garments[2].tiers.HasField("closest")
    assert (answer.rates_date.year, answer.rates_date.month, answer.rates_date.day) == (2024, 12, 20)


async def test_tiers_compare_prices_across_currencies(user: Stubs) -> None:
    request = pb.SearchProductsRequest(embedding=vector("white"), ranking=pb.RankingOptions(currency_code="GBP"))
    answer = await user.search.SearchProducts(request)
    everything = await user.search.SearchProducts(pb.SearchProductsRequest(embedding=vector("white"), page_size=100))
    rows = {f"products/{row.raw.columns['sku']}": row for row in demo_rows()}
    prices = [price_eur(rows[match.product.name]) for match in everything.matches]
    lower = next(place for place, price in enumerate(prices) if price <= 0.8 * prices[0])
    premium = next(place for place, price in enumerate(prices) if price >= 1.2 * prices[0])
    tiers = answer.tiers
    assert (tiers.closest.rank, tiers.lower.rank, tiers.premium.rank) == (1, lower + 1, premium + 1)
    for tier in (tiers.closest, tiers.lower, tiers.premium):
        assert tier.converted_price.currency_code == "GBP"
        pounds = tier.converted_price.units + tier.converted_price.nanos / 1e9
        assert pounds == pytest.approx(price_eur(rows[tier.product.name]) * KORUNA["EUR"] / KORUNA["GBP"], abs=0.006)


async def test_counterfactual_comes_true(user: Stubs) -> None:
    ranking = pb.RankingOptions(budget=euro(15))
    request = pb.SearchProductsRequest(embedding=vector("navy"), ranking=ranking, page_size=100)
    answer = await user.search.SearchProducts(request)
    best = answer.matches[0].score
    assert not answer.matches[0].HasField("counterfactual")
    told = [match for match in answer.matches if match.counterfactual.term == "price"]
    assert told
    for match in told:
        decrease = match.counterfactual.price_decrease
        cheaper = float(match.converted_price.units + match.converted_price.nanos / 1e9)
        cheaper -= decrease.units + decrease.nanos / 1e9
        terms = {term.name: term for term in match.terms}
        price = max(0.0, 1 - abs(cheaper - 15) / 15)
        reached = match.score + terms["price"].weight * (price - terms["price"].value)
        assert reached >= best - 1e-3
        assert match.counterfactual.description == f"{_text(decrease)} EUR less would make it first"


def _text(money: money_pb2.Money) -> str:
    return f"{money.units + money.nanos / 1e9:.2f}"


async def test_pages_give_everything_once_and_in_order(user: Stubs) -> None:
    whole = await user.search.SearchProducts(pb.SearchProductsRequest(embedding=vector("black"), page_size=100))
    names, token, pages = [], "", 0
    while True:
        request = pb.SearchProductsRequest(embedding=vector("black"), page_size=7, page_token=token)
        page = await user.search.SearchProducts(request)
        names += [match.product.name for match in page.matches]
        assert page.HasField("tiers") == (pages == 0)
        pages += 1
        token = page.next_page_token
        if not token:
            break
    assert pages == 7
    assert names == [match.product.name for match in whole.matches]


FILTERS = [
    pytest.param({"brands": ["nordlys"]}, lambda p: p.brand == "Nordlys", id="brand-any-case"),
    pytest.param({"categories": ["coat"]}, lambda p: p.category == "coat", id="category"),
    pytest.param({"genders": [product_pb2.GENDER_WOMEN]}, lambda p: p.gender in (1, 3), id="women-and-unisex"),
    pytest.param({"colors": ["red", "navy"]}, lambda p: p.colors[0].name in ("red", "navy"), id="colors"),
    pytest.param({"sizes": ["42"]}, lambda p: "42" in p.sizes, id="size"),
    pytest.param({"availabilities": [product_pb2.AVAILABILITY_IN_STOCK]}, lambda p: p.availability == 1, id="stock"),
    pytest.param({"patterns": ["Stripes"]}, lambda p: p.pattern == "striped", id="pattern-by-another-name"),
    pytest.param({"patterns": ["plain", "dotted"]}, lambda p: p.pattern == "plain", id="one-of-two-patterns"),
    pytest.param({"materials": ["WOOL"]}, lambda p: "Wool" in p.materials, id="material"),
    pytest.param(
        {"exclusions": product_pb2.ProductExclusions(patterns=["striped"], colors=["Red"], materials=["wool"])},
        lambda p: p.pattern != "striped" and p.colors[0].name != "red" and "Wool" not in p.materials,
        id="not-striped-not-red-no-wool",
    ),
    pytest.param(
        {
            "exclusions": product_pb2.ProductExclusions(
                brands=["MARE"],
                categories=["coat"],
                buckets=[garment_pb2.GARMENT_BUCKET_DRESS],
                genders=[product_pb2.GENDER_MEN],
                tags=["summer"],
            )
        },
        lambda p: not (p.brand == "Mare" or p.category in ("coat", "dress") or p.gender == 2 or "summer" in p.tags),
        id="every-other-exclusion",
    ),
    pytest.param(
        {"categories": ["coat", "shirt"], "exclusions": product_pb2.ProductExclusions(categories=["coat"])},
        lambda p: p.category == "shirt",
        id="an-exclusion-counts-more",
    ),
    pytest.param({"tags": ["Summer"]}, lambda p: "summer" in p.tags, id="tag"),
    pytest.param({"excluded_products": ["products/D-1"]}, lambda p: p.name != "products/D-1", id="excluded"),
]


@pytest.mark.parametrize(("fields", "keeps"), FILTERS)
async def test_filters_are_real_in_search_and_list(user: Stubs, fields: dict[str, Any], keeps: Any) -> None:
    wanted = product_pb2.ProductFilter(**fields)
    everything = await user.catalog.ListProducts(catalog_service_pb2.ListProductsRequest(page_size=200))
    expected = {product.name for product in everything.products if keeps(product)}
    assert 0 < len(expected) < 48
    listed = await user.catalog.ListProducts(catalog_service_pb2.ListProductsRequest(page_size=200, filter=wanted))
    assert {product.name for product in listed.products} == expected
    assert listed.total_count == len(expected)
    request = pb.SearchProductsRequest(embedding=vector("red"), ranking=pb.RankingOptions(filter=wanted), page_size=100)
    found = await user.search.SearchProducts(request)
    assert {match.product.name for match in found.matches} == expected


async def test_price_filter_converts_currencies(user: Stubs) -> None:
    wanted = product_pb2.ProductFilter(max_price=money_pb2.Money(currency_code="USD", units=50))
    request = pb.SearchProductsRequest(embedding=vector("red"), ranking=pb.RankingOptions(filter=wanted), page_size=100)
    found = {match.product.name for match in (await user.search.SearchProducts(request)).matches}
    limit = 50 * KORUNA["USD"] / KORUNA["EUR"]
    assert found == {f"products/{row.raw.columns['sku']}" for row in demo_rows() if price_eur(row) <= limit}


async def test_taste_moves_the_order_and_says_so(user: Stubs) -> None:
    context = personal_context_pb2.PersonalContext(
        taste=vector("red"), color_season="dark winter", preferred_brands=["mare"], budget=euro(40)
    )
    ranking = pb.RankingOptions(
        personal_context=context, weights=match_pb2.RankingWeights(cosine=0.2, taste=0.6, price=0, brand=0.1)
    )
    request = pb.SearchProductsRequest(embedding=vector("navy"), ranking=ranking, page_size=100)
    answer = await user.search.SearchProducts(request)
    assert answer.matches[0].product.colors[0].name == "red"
    assert sorted(answer.unused_context) == ["budget", "color_season"]
    for match in answer.matches:
        terms = {term.name: term for term in match.terms}
        assert terms["taste"].weight == pytest.approx(0.6)
        assert terms["brand"].value == (1.0 if match.product.brand == "Mare" else BRAND_SCORES[match.product.brand])
    scores = [match.score for match in answer.matches]
    assert scores == sorted(scores, reverse=True)


async def test_taste_without_weight_is_reported_as_unused(user: Stubs) -> None:
    context = personal_context_pb2.PersonalContext(taste=vector("red"))
    request = pb.SearchProductsRequest(embedding=vector("navy"), ranking=pb.RankingOptions(personal_context=context))
    answer = await user.search.SearchProducts(request)
    assert list(answer.unused_context) == ["taste"]
    assert answer.matches[0].product.colors[0].name == "navy"


async def test_no_product_passes_the_filter(user: Stubs) -> None:
    ranking = pb.RankingOptions(filter=product_pb2.ProductFilter(brands=["no such brand"]))
    answer = await user.search.SearchProducts(pb.SearchProductsRequest(embedding=vector("red"), ranking=ranking))
    assert not answer.matches
    assert answer.next_page_token == ""
    assert answer.certificate.complete


async def test_index_says_what_it_holds(user: Stubs) -> None:
    index = await user.index()
    assert (index.engine, index.model, index.dimension) == ("qdrant-edge", "stub/1", DIMENSION)
    assert (index.product_count, index.vector_count, index.pending_vector_count) == (48, 48, 0)
    assert index.last_error == ""


async def test_ateliers_are_not_served_yet(user: Stubs) -> None:
    failure = await failure_of(user.ateliers.GetAtelier(atelier_service_pb2.GetAtelierRequest(name="ateliers/a")))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET")
