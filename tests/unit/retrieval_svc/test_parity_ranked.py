"""Whole ranked lists are the same on both engines; `test_parity.py` looks at their single operations.

The local mode of the client stands for a Qdrant server: the same requests in the same words, answered by other code. It
does not show a graph of a server: it scans, as the in-process engine does below 10 MB of vectors.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.product import point_id
from retrieval_svc.catalog.vocabulary import Bucket
from retrieval_svc.index.edge import QdrantEdge
from retrieval_svc.index.generation import GenerationState, OpenGeneration
from retrieval_svc.index.schema import IndexedProduct, payload_of, point_of
from retrieval_svc.index.server import QdrantServer
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.search.person import Person
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.query import RankedPage
from retrieval_svc.search.ranker import Ranker
from retrieval_svc.search.ranking import Features, Ranking, Weights, score_of, terms_of
from tests.unit.retrieval_svc.catalogue import DIMENSION, RATES, make_products

pytestmark = [
    pytest.mark.unit,
    # It says that it always scans, which is why it can stand for a server here.
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]

WORDS = WordEncoder()
PRODUCTS = make_products(150)
STATE = GenerationState(1, "m/1", DIMENSION, RATES, 0, 150, 0, False, dt.datetime.now(dt.UTC))


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    return vector / np.linalg.norm(vector)


@dataclass
class Pair:
    """The same products in both engines."""

    edge: OpenGeneration
    server: OpenGeneration
    products: list[IndexedProduct] = field(default_factory=list)

    async def write(self, products: list[IndexedProduct]) -> None:
        """Stores products in both."""
        points = [point_of(item, WORDS.document(item.product.search_text()), RATES) for item in products]
        for generation in (self.edge, self.server):
            await generation.index.upsert(points)
            generation.state = generation.state.advanced(generation.state.applied_seq + 1, len(points))

    async def remove(self, product_ids: list[str]) -> None:
        """Removes products from both."""
        for generation in (self.edge, self.server):
            await generation.index.delete([point_id(product_id) for product_id in product_ids])
            generation.state = generation.state.advanced(generation.state.applied_seq + 1, len(product_ids))


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    client = AsyncQdrantClient(":memory:")
    edge = QdrantEdge.create(tmp_path_factory.mktemp("pair") / "shard", DIMENSION)
    server = await QdrantServer.create(client, "products", DIMENSION, payload_indexes=False)
    made = Pair(OpenGeneration(edge, STATE), OpenGeneration(server, STATE))
    await made.write(PRODUCTS)
    yield made
    await edge.close()
    await client.close()


def plan(ranking: Ranking | None = None, *, text: str = "", looks: bool = True, **more: object) -> RankPlan:
    words = WORDS.query(text) if text else None
    made = RankPlan(ranking or Ranking(), ProductFilter(), unit(1) if looks else None, None, words, "EUR", 150)
    return replace(made, **more)  # type: ignore[arg-type]


SHARED = Weights().shared_with_words(0.8)
CASES = [
    pytest.param(plan(), id="looks"),
    pytest.param(plan(Ranking(budget_eur=60.0)), id="budget"),
    pytest.param(plan(Ranking(Weights(0.5, 0.1, 0.1, 0.1, taste=0.4)), taste=unit(2)), id="taste"),
    pytest.param(plan(Ranking(preferred_brands=frozenset({"mare"}))), id="preferred-brand"),
    pytest.param(plan(Ranking(Weights(size=0.4), person=Person({int(Bucket.TOP): "m"}))), id="size"),
    pytest.param(plan(filter=ProductFilter(colors=("navy",), excluded=("sku-0", "sku-5"))), id="color-but-not-these"),
    pytest.param(plan(filter=ProductFilter(brands=("no such brand",))), id="nothing-passes"),
    pytest.param(plan(Ranking(SHARED), text="red shirts"), id="looks-and-words"),
    pytest.param(plan(Ranking(Weights().shared_with_words(0.0)), text="white dresses", looks=False), id="words-alone"),
    pytest.param(plan(Ranking(SHARED), text="coat", filter=ProductFilter(sizes=("m",))), id="words-and-filter"),
    pytest.param(plan(diversity=0.4), id="diverse"),
    pytest.param(plan(collapse_duplicates=True), id="one-of-each"),
]


def seen(page: RankedPage) -> list[tuple[str, int]]:
    return [(match.product.product_id, match.rank) for match in page.matches]


def assert_alike(ours: RankedPage, theirs: RankedPage) -> None:
    assert seen(ours) == seen(theirs)
    for one, other in zip(ours.matches, theirs.matches, strict=True):
        assert {term.name: term.value for term in one.terms} == pytest.approx(
            {term.name: term.value for term in other.terms}, abs=1e-4
        )
        assert one.product == other.product
    for name in ("closest", "lower", "premium"):
        first, second = getattr(ours.tiers, name), getattr(theirs.tiers, name)
        assert (first and first.product.product_id) == (second and second.product.product_id)
    known, told = ours.certificate, theirs.certificate
    assert known.recall.method == told.recall.method
    assert (known.eligible_count, known.candidate_count) == (told.eligible_count, told.candidate_count)
    assert known.complete == told.complete
    assert known.unseen_score_bound == pytest.approx(told.unseen_score_bound, abs=1e-4)
    assert ours.has_more == theirs.has_more


@pytest.mark.parametrize("exact_limit", [1000, 20], ids=["scan", "candidates"])
@pytest.mark.parametrize("wanted", CASES)
async def test_pages_are_alike(pair: Pair, wanted: RankPlan, exact_limit: int) -> None:
    ours, theirs = (Ranker(exact_limit=exact_limit, sample_share=1.0, seed=1) for _ in range(2))
    for offset in (0, 15, 45):
        assert_alike(await ours.rank(pair.edge, wanted, offset, 15), await theirs.rank(pair.server, wanted, offset, 15))


@pytest.mark.parametrize("engine", ["edge", "server"])
async def test_pages_are_those_of_plain_arithmetic(pair: Pair, engine: str) -> None:
    ranking = Ranking(Weights(0.5, 0.3, 0.1, 0.1), 70.0)
    scored = []
    for item in PRODUCTS:
        if item.vector is not None:
            cosine = float(unit(1) @ np.asarray(item.vector))
            terms = terms_of(ranking, Features.of_payload(payload_of(item, RATES), cosine, 0.0, 0.0))
            scored.append((-score_of(terms), item.product.product_id))
    expected = [product_id for _, product_id in sorted(scored)]
    generation: OpenGeneration = getattr(pair, engine)
    for offset in (0, 20, 40):
        page = await Ranker(exact_limit=1000, sample_share=0.0).rank(generation, plan(ranking), offset, 20)
        assert [match.product.product_id for match in page.matches] == expected[offset : offset + 20]


async def test_changes_are_seen_alike(pair: Pair) -> None:
    """Products that come, change and go; an id that nobody knows is passed over."""
    extra = make_products(156)[150:]
    moved = replace(PRODUCTS[4], vector=PRODUCTS[6].vector)
    ranker = Ranker(exact_limit=1000, sample_share=0.0)

    async def whole() -> list[str]:
        ours, theirs = [await ranker.rank(generation, plan(), 0, 200) for generation in (pair.edge, pair.server)]
        assert_alike(ours, theirs)
        return [match.product.product_id for match in ours.matches]

    before = await whole()
    try:
        await pair.write([*extra, moved])
        await pair.remove([before[0], "sku-nobody"])
        after = await whole()
        assert before[0] not in after
        assert {item.product.product_id for item in extra if item.vector is not None} & set(after)
    finally:
        await pair.remove([item.product.product_id for item in extra])
        await pair.write(PRODUCTS)
    assert await whole() == before
