"""Both engines answer alike, and as exact arithmetic says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender, key
from retrieval_svc.index.edge import QdrantEdge
from retrieval_svc.index.schema import IMAGE_VECTOR, WORDS_VECTOR, IndexedProduct, index_filter, payload_of, point_of
from retrieval_svc.index.server import QdrantServer
from retrieval_svc.index.vector_index import IndexQuery, VectorIndex
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.search.person import Person
from retrieval_svc.search.ranking import Features, Ranking, Weights, formula_of, score_of, terms_of
from tests.unit.retrieval_svc.catalogue import DIMENSION, RATES, make_products

pytestmark = pytest.mark.unit

PRODUCTS = make_products(120)
WORDS = WordEncoder()
QUERY = np.random.default_rng(7).normal(size=DIMENSION).astype(np.float32)
QUERY /= np.linalg.norm(QUERY)


@pytest.fixture(scope="module", params=["edge", "server"])
async def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VectorIndex]:
    points = [point_of(item, WORDS.document(item.product.search_text()), RATES) for item in PRODUCTS]
    if request.param == "edge":
        index: VectorIndex = QdrantEdge.create(Path(tmp_path_factory.mktemp("edge")) / "shard", DIMENSION)
        await index.upsert(points)
        yield index
        await index.close()
        return
    client = AsyncQdrantClient(":memory:")
    index = await QdrantServer.create(client, "products", DIMENSION, payload_indexes=False)
    await index.upsert(points)
    yield index
    await client.close()


def test_a_price_without_a_rate_passes_no_price_filter() -> None:
    product = replace(PRODUCTS[0].product, price=Money("XTS", Decimal(5)))
    price = payload_of(IndexedProduct(product, None), RATES)["price_eur"]
    above, below = Money("EUR", Decimal(1)), Money("EUR", Decimal(10**9))
    for wanted in (ProductFilter(min_price=above), ProductFilter(max_price=below)):
        (condition,) = index_filter(wanted, RATES, with_vector=False).must or []
        assert isinstance(condition, models.FieldCondition)
        assert isinstance(condition.range, models.Range)
        low, high = condition.range.gte or 0.0, condition.range.lte
        assert high is not None
        assert not low <= price <= high


def cosine(item: IndexedProduct) -> float:
    return 0.0 if item.vector is None else float(np.dot(QUERY, np.asarray(item.vector)))


def point_ids(items: list[IndexedProduct]) -> set[str]:
    return {str(point_of(item, models.SparseVector(indices=[], values=[]), RATES).id) for item in items}


FILTERS = [
    pytest.param(ProductFilter(), lambda _: True, id="nothing"),
    pytest.param(ProductFilter(brands=("nordlys",)), lambda p: p.brand == "Nordlys", id="brand"),
    pytest.param(
        ProductFilter(categories=("shirt", "coat")), lambda p: p.category in ("shirt", "coat"), id="categories"
    ),
    pytest.param(ProductFilter(buckets=(Bucket.SHOES,)), lambda p: p.bucket == Bucket.SHOES, id="bucket"),
    pytest.param(
        ProductFilter(genders=(Gender.MEN,)), lambda p: p.gender in (Gender.MEN, Gender.UNISEX), id="men-and-unisex"
    ),
    pytest.param(ProductFilter(colors=("navy",)), lambda p: "navy" in [c.name for c in p.colors], id="color"),
    pytest.param(ProductFilter(sizes=("m",)), lambda p: "M" in p.sizes, id="size-any-case"),
    pytest.param(
        ProductFilter(availabilities=(Availability.IN_STOCK,)),
        lambda p: p.availability == Availability.IN_STOCK,
        id="availability",
    ),
    pytest.param(
        ProductFilter(max_price=Money("USD", RATES.units_per_euro["USD"] * 50)),
        lambda p: RATES.to_euro(p.price) <= 50,
        id="most-price-in-another-currency",
    ),
    pytest.param(
        ProductFilter(min_price=PRODUCTS[3].product.price),
        lambda p: RATES.to_euro(p.price) >= RATES.to_euro(PRODUCTS[3].product.price),
        id="least-price-of-a-product",
    ),
    pytest.param(ProductFilter(patterns=("striped",)), lambda p: p.pattern == "Stripes", id="stated-pattern"),
    pytest.param(
        ProductFilter(patterns=("floral", "plain")),
        lambda p: p.pattern == "" and p.seen_pattern != "",
        id="seen-pattern-where-none-is-stated",
    ),
    pytest.param(ProductFilter(materials=("linen",)), lambda p: p.materials != (), id="material"),
    pytest.param(
        ProductFilter(exclusions=Exclusions(patterns=("striped", "floral"), colors=("red",))),
        lambda p: (
            p.pattern != "Stripes"
            and (p.pattern != "" or p.seen_pattern != "floral")
            and "red" not in [c.name for c in p.colors]
        ),
        id="exclusions",
    ),
    pytest.param(
        ProductFilter(
            exclusions=Exclusions(
                brands=("mare",), categories=("bag",), buckets=(Bucket.SHOES,), genders=(Gender.MEN,),
                materials=("linen",),
            )
        ),
        lambda p: (
            p.brand != "Mare"
            and p.category != "bag"
            and p.bucket != Bucket.SHOES
            and p.gender != Gender.MEN
            and not p.materials
        ),
        id="other-exclusions-and-unisex-stays",
    ),
    pytest.param(
        ProductFilter(excluded=("sku-3", "sku-4")), lambda p: p.product_id not in ("sku-3", "sku-4"), id="excluded"
    ),
    pytest.param(
        ProductFilter(brands=("nordlys",), buckets=(Bucket.TOP,)),
        lambda p: p.brand == "Nordlys" and p.bucket == Bucket.TOP,
        id="two-fields",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "keeps"), FILTERS)
async def test_filter_lets_through_what_it_says(index: VectorIndex, wanted: ProductFilter, keeps: object) -> None:
    expected = [item for item in PRODUCTS if keeps(item.product)]  # type: ignore[operator]
    made = index_filter(wanted, RATES, with_vector=False)
    assert await index.count(made) == len(expected)
    found = await index.query(
        IndexQuery(QUERY.tolist(), limit=200, using=IMAGE_VECTOR, filter=index_filter(wanted, RATES, with_vector=True))
    )
    assert {hit.id for hit in found} == point_ids([item for item in expected if item.vector is not None])


async def test_nearest_matches_exact_arithmetic(index: VectorIndex) -> None:
    hits = await index.query(IndexQuery(QUERY.tolist(), limit=20, using=IMAGE_VECTOR))
    expected = sorted((cosine(item) for item in PRODUCTS if item.vector is not None), reverse=True)[:20]
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-5)


RANKINGS = [
    pytest.param(Ranking(), id="published-without-budget"),
    pytest.param(Ranking(budget_eur=60.0), id="published-with-budget"),
    pytest.param(Ranking(budget_eur=0.5), id="tiny-budget"),
    pytest.param(
        Ranking(Weights(0.1, 0.5, 0.3, 0.1), 80.0, frozenset({"mare", "no such brand"})), id="preferred-brands"
    ),
    pytest.param(Ranking(Weights(0, 0, 0, 0)), id="all-weights-zero"),
    pytest.param(Ranking(Weights(size=0.4), person=Person({int(Bucket.TOP): "m", int(Bucket.SHOES): "l"})), id="sizes"),
    pytest.param(Ranking(Weights(color_season=0.3), person=Person({}, frozenset({"navy", "red"}))), id="color-season"),
    pytest.param(Ranking(Weights(main_color=0.1), main_colors=frozenset({"navy", "red"})), id="main-color"),
]


@pytest.mark.parametrize("ranking", RANKINGS)
async def test_formula_of_the_engine_equals_the_terms(index: VectorIndex, ranking: Ranking) -> None:
    nearest = models.Prefetch(query=QUERY.tolist(), using=IMAGE_VECTOR, limit=len(PRODUCTS))
    formula = formula_of(ranking, dense_norm=ranking.weights.cosine, words=False)
    hits = await index.query(IndexQuery(formula, limit=len(PRODUCTS), prefetch=(nearest,)))
    expected = {
        str(point_of(item, models.SparseVector(indices=[], values=[]), RATES).id): score_of(
            terms_of(ranking, Features.of_payload(payload_of(item, RATES), cosine(item), 0.0, 0.0))
        )
        for item in PRODUCTS
        if item.vector is not None
    }
    assert {hit.id: hit.score for hit in hits} == pytest.approx(expected, abs=2e-5)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


async def test_words_find_stems_and_take_part_in_the_formula(index: VectorIndex) -> None:
    words = WORDS.query("navy shirts")
    bm25 = {hit.id: hit.score for hit in await index.query(IndexQuery(words, limit=200, using=WORDS_VECTOR))}
    with_shirt = {item.product.product_id for item in PRODUCTS if "shirt" in item.product.search_text().lower()}
    assert len(bm25) >= len(with_shirt) > 0
    ranking = Ranking(Weights().shared_with_words(1.0), best_bm25=max(bm25.values()))
    prefetch = (
        models.Prefetch(query=QUERY.tolist(), using=IMAGE_VECTOR, limit=200),
        models.Prefetch(query=words, using=WORDS_VECTOR, limit=200),
    )
    formula = formula_of(ranking, dense_norm=ranking.weights.cosine, words=True)
    hits = {hit.id: hit.score for hit in await index.query(IndexQuery(formula, limit=200, prefetch=prefetch))}
    for item in PRODUCTS:
        point = str(point_of(item, models.SparseVector(indices=[], values=[]), RATES).id)
        features = Features.of_payload(payload_of(item, RATES), cosine(item), 0.0, bm25.get(point, 0.0))
        if item.vector is not None or point in bm25:
            assert hits[point] == pytest.approx(score_of(terms_of(ranking, features)), abs=2e-5)


async def test_values_of_a_field_are_its_words(index: VectorIndex) -> None:
    products = [item.product for item in PRODUCTS]
    assert sorted(await index.values("brand", 100)) == sorted({key(product.brand) for product in products})
    assert sorted(await index.values("sizes", 100)) == sorted({key(size) for p in products for size in p.sizes})
    assert len(await index.values("colors", 2)) == 2


async def test_upsert_and_delete_are_visible_at_once(index: VectorIndex) -> None:
    new = make_products(121)[-1]
    point = point_of(new, WORDS.document("one more"), RATES)
    await index.upsert([point])
    try:
        stored = await index.retrieve([str(point.id)], with_vector=True)
        assert stored[str(point.id)].vector == pytest.approx(list(new.vector or ()), abs=1e-6)
        assert stored[str(point.id)].payload["brand"] == new.product.brand.lower()
    finally:
        await index.delete([str(point.id)])
    assert await index.retrieve([str(point.id)]) == {}
    assert await index.count() == len(PRODUCTS)
