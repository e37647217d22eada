"""Ranked lists over a graph: what the certificate says is true."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.product import point_id
from retrieval_svc.index import edge
from retrieval_svc.index.edge import QdrantEdge
from retrieval_svc.index.generation import GenerationState, OpenGeneration
from retrieval_svc.index.schema import IndexedProduct, index_filter, payload_of, point_of
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.search import candidates
from retrieval_svc.search.candidates import CandidateFinder, with_best_words
from retrieval_svc.search.certificate import RecallMethod
from retrieval_svc.search.counts import FilterCounts
from retrieval_svc.search.likeness import likeness_of
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.ranker import Ranker
from retrieval_svc.search.ranking import Features, Ranking, Weights, best_possible, score_of, terms_of
from tests.unit.retrieval_svc.catalogue import DIMENSION, RATES, make_products

pytestmark = pytest.mark.unit

PRODUCTS = make_products(3000)
WORDS = WordEncoder()


@pytest.fixture(scope="module")
async def generation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenGeneration]:
    patch = pytest.MonkeyPatch()
    patch.setattr(edge, "GRAPH_FROM_KB", 50)  # so that 288 KB of vectors get a graph
    index = QdrantEdge.create(Path(tmp_path_factory.mktemp("graph")) / "shard", DIMENSION)
    patch.undo()
    texts = [WORDS.document(item.product.search_text()) for item in PRODUCTS]
    for start in range(0, len(PRODUCTS), 500):
        batch = zip(PRODUCTS[start : start + 500], texts[start : start + 500], strict=True)
        await index.upsert([point_of(item, text, RATES) for item, text in batch])
    assert index.finish()
    state = GenerationState(1, "m/1", DIMENSION, RATES, 0, 3000, 0, True, dt.datetime.now(dt.UTC))
    yield OpenGeneration(index, state)
    await index.close()


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    return vector / np.linalg.norm(vector)


def plan(seed: int, ranking: Ranking, *, pool: int, text: str = "", taste: int | None = None) -> RankPlan:
    words = WORDS.query(text) if text else None
    return RankPlan(ranking, ProductFilter(), unit(seed), None if taste is None else unit(taste), words, "EUR", pool)


def exact_order(seed: int, ranking: Ranking, taste: int | None = None) -> list[str]:
    """The whole ranking by plain arithmetic."""
    scored = []
    for item in PRODUCTS:
        if item.vector is None:
            continue
        cosine = float(unit(seed) @ np.asarray(item.vector))
        liked = float(unit(taste) @ np.asarray(item.vector)) if taste is not None else 0.0
        features = Features.of_payload(payload_of(item, RATES), cosine, liked, 0.0)
        scored.append((-score_of(terms_of(ranking, features)), item.product.product_id))
    return [product_id for _, product_id in sorted(scored)]


async def test_exact_ranking_equals_arithmetic(generation: OpenGeneration) -> None:
    ranker = Ranker(exact_limit=5000, sample_share=0.0)
    ranking = Ranking(Weights(0.5, 0.2, 0.1, 0.1, taste=0.3), budget_eur=70.0)
    page = await ranker.rank(generation, plan(1, ranking, pool=100, taste=2), 0, 50)
    expected = exact_order(1, ranking, taste=2)
    assert [match.product.product_id for match in page.matches] == expected[:50]
    assert page.certificate.recall.method == RecallMethod.EXACT
    assert page.certificate.complete
    assert page.certificate.eligible_count == page.certificate.candidate_count == 2700


async def test_first_search_on_the_graph_is_measured_and_later_ones_sampled(generation: OpenGeneration) -> None:
    ranker = Ranker(exact_limit=100, sample_share=0.0)
    ranking = Ranking(Weights(1, 0, 0, 0))
    first = await ranker.rank(generation, plan(3, ranking, pool=200), 0, 10)
    second = await ranker.rank(generation, plan(4, ranking, pool=200), 0, 10)
    assert first.certificate.recall.method == RecallMethod.MEASURED
    assert first.certificate.recall.sample_count == 200
    assert first.certificate.recall.value >= 0.95
    assert second.certificate.recall.method == RecallMethod.SAMPLED
    assert second.certificate.recall.lower_bound < second.certificate.recall.value or (
        second.certificate.recall.value == 0
    )


@pytest.mark.parametrize("seed", range(10, 22))
async def test_complete_pages_are_the_true_ones(generation: OpenGeneration, seed: int) -> None:
    """Where the certificate calls a page complete, plain arithmetic over all products gives the same page."""
    ranker = Ranker(exact_limit=100, sample_share=1.0)
    ranking = Ranking(Weights(0.9, 0.05, 0.03, 0.02), budget_eur=60.0)
    page = await ranker.rank(generation, plan(seed, ranking, pool=800), 0, 10)
    expected = exact_order(seed, ranking)[:10]
    found = [match.product.product_id for match in page.matches]
    if page.certificate.complete:
        assert found == expected


@pytest.mark.parametrize("sample_share", [0.0, 1.0], ids=["sampled", "measured"])
async def test_no_page_is_called_complete_that_lacks_a_better_product(
    generation: OpenGeneration, sample_share: float
) -> None:
    """A small pool misses some of the nearest; looks alone count, so the bound says nothing of it."""
    ranker, ranking = Ranker(exact_limit=100, sample_share=sample_share), Ranking(Weights(1, 0, 0, 0))
    wrong = 0
    for seed in range(100, 140):
        page = await ranker.rank(generation, plan(seed, ranking, pool=12), 0, 10)
        true = [match.product.product_id for match in page.matches] == exact_order(seed, ranking)[:10]
        assert true or not page.certificate.complete
        wrong += not true
    assert wrong  # else this test says nothing


async def test_some_pages_are_complete_and_small_pools_are_not(generation: OpenGeneration) -> None:
    ranker = Ranker(exact_limit=100, sample_share=1.0)
    near = Ranking(Weights(0.98, 0.0, 0.01, 0.01))
    wide = [await ranker.rank(generation, plan(seed, near, pool=800), 0, 5) for seed in range(30, 36)]
    narrow = await ranker.rank(generation, plan(30, Ranking(Weights(0.1, 0.7, 0.1, 0.1), 50.0), pool=30), 0, 30)
    assert any(page.certificate.complete for page in wide)
    assert not narrow.certificate.complete
    assert narrow.certificate.unseen_score_bound > narrow.matches[-1].score


async def test_words_and_vectors_on_the_graph_score_every_candidate_by_both(generation: OpenGeneration) -> None:
    ranker = Ranker(exact_limit=100, sample_share=1.0)
    ranking = Ranking(Weights(0.6, 0, 0, 0).shared_with_words(0.5))
    page = await ranker.rank(generation, plan(40, ranking, pool=150, text="olive shirt 2004"), 0, 60)
    keyword = {m.product.product_id: term.value for m in page.matches for term in m.terms if term.name == "keyword"}
    assert max(keyword, key=lambda product_id: keyword[product_id]) == "sku-2004"
    scores = [match.score for match in page.matches]  # from terms, beside the engine's own order
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("text", ["", "olive shirt 2004"], ids=["vector", "vector-and-words"])
async def test_candidates_of_the_rough_graph_are_scored_exactly(generation: OpenGeneration, text: str) -> None:
    """The graph is walked on vectors of one byte a number; the engine's scores are those of the full ones."""
    weights = Weights(0.6, 0.2, 0.1, 0.1)
    ranking = Ranking(weights.shared_with_words(0.5) if text else weights)
    finder = CandidateFinder(exact_limit=100, sample_share=0.0)
    wanted = index_filter(ProductFilter(), RATES, with_vector=False)
    made = await with_best_words(generation, plan(41, ranking, pool=150, text=text), wanted)
    found = await finder.find(generation, made, wanted, 2700, 20)
    ids = [hit.id for hit in found.hits[:50]]
    points = await generation.index.retrieve(ids, with_vector=True)
    bm25 = (await likeness_of(generation, made, ids)).bm25
    for hit in found.hits[:50]:
        vector = points[hit.id].vector
        cosine = float(unit(41) @ np.asarray(vector)) if vector is not None else 0.0
        features = Features.of_payload(points[hit.id].payload, cosine, 0.0, bm25.get(hit.id, 0.0))
        assert hit.score == pytest.approx(score_of(terms_of(made.ranking, features)), abs=1e-5)


async def test_pages_join_without_gap(generation: OpenGeneration) -> None:
    ranker = Ranker(exact_limit=100, sample_share=0.0)
    whole = await ranker.rank(generation, plan(50, Ranking(), pool=300), 0, 90)
    parts = [await ranker.rank(generation, plan(50, Ranking(), pool=300), start, 30) for start in (0, 30, 60)]
    assert [m.product.product_id for part in parts for m in part.matches] == [
        m.product.product_id for m in whole.matches
    ]
    assert [m.rank for m in parts[2].matches] == list(range(61, 91))


async def test_pages_join_beyond_the_nearest_that_are_ranked_first(generation: OpenGeneration) -> None:
    ranker = Ranker(exact_limit=100, sample_share=0.0)
    names: list[str] = []
    for start in range(0, 900, 100):
        page = await ranker.rank(generation, plan(51, Ranking(), pool=800), start, 100)
        names += [match.product.product_id for match in page.matches]
        assert page.has_more == (start < 700)
        assert [match.rank for match in page.matches] == list(range(start + 1, start + 1 + len(page.matches)))
    assert len(names) >= 795  # the graph may know fewer than it was asked for
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        pytest.param(Ranking(), 256, id="published"),
        pytest.param(Ranking(Weights(0.8, 0.05, 0.1, 0.1), 60.0), 256, id="budget-that-counts-little"),
        pytest.param(Ranking(Weights(1.0, 0.0, 0.0, 0.0), 60.0), 256, id="looks-alone"),
        pytest.param(Ranking(Weights(0.3, 0.0, 0.3, 0.4)), 400, id="brand-and-availability"),
    ],
)
async def test_more_are_ranked_where_other_terms_count_more(
    generation: OpenGeneration, ranking: Ranking, expected: int
) -> None:
    ranker = Ranker(exact_limit=100, sample_share=0.0)
    page = await ranker.rank(generation, plan(51, ranking, pool=800), 0, 20)
    assert page.certificate.candidate_count == expected


BUDGETS = [
    pytest.param(Ranking(budget_eur=60.0), id="published"),
    pytest.param(Ranking(budget_eur=15.0), id="a-budget-that-few-prices-are-near"),
    pytest.param(Ranking(Weights(0.4, 0.4, 0.1, 0.1), 60.0), id="price-counts-as-much-as-looks"),
    pytest.param(Ranking(Weights(0.5, 0.4, 0.1, 0.0), 60.0), id="not-whether-it-can-be-had"),
]


@pytest.fixture
def small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fortieth of this catalogue, as they are of a big one."""
    monkeypatch.setattr(candidates, "_NEAR_HEAD_POOL", 64)
    monkeypatch.setattr(candidates, "_FAVOURED_POOL", 64)


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize("ranking", BUDGETS)
async def test_what_a_budget_favours_is_found_behind_the_nearest(generation: OpenGeneration, ranking: Ranking) -> None:
    ranker = Ranker(exact_limit=100, sample_share=0.0)
    found = behind = 0
    for seed in range(200, 205):
        page = await ranker.rank(generation, plan(seed, ranking, pool=800), 0, 20)
        names = [match.product.product_id for match in page.matches]
        scores = [match.score for match in page.matches]
        assert len(set(names)) == 20
        assert all(one >= other - 1e-6 for one, other in pairwise(scores))
        truth = exact_order(seed, ranking)[:20]
        found += len(set(names) & set(truth))
        behind += len(set(truth) - set(nearest(seed, 128)))
    assert behind >= 12  # else this test says nothing
    assert found > 100 - behind  # more than as many of the nearest would hold


def nearest(seed: int, count: int) -> list[str]:
    """The most alike, by plain arithmetic."""
    likeness = {
        item.product.product_id: float(unit(seed) @ np.asarray(item.vector))
        for item in PRODUCTS
        if item.vector is not None
    }
    return sorted(likeness, key=lambda product_id: -likeness[product_id])[:count]


@pytest.mark.parametrize("ranking", BUDGETS)
async def test_bound_holds_for_what_no_budget_favours_and_for_what_one_does(
    generation: OpenGeneration, ranking: Ranking
) -> None:
    finder = CandidateFinder(exact_limit=100, sample_share=1.0)
    wanted = index_filter(ProductFilter(), RATES, with_vector=False)
    for seed in range(220, 222):
        made = plan(seed, ranking, pool=800)
        found = await finder.find(generation, made, wanted, 2700, 20)
        assert 256 < found.count <= 256 + 192
        names = {hit.id for hit in found.hits}
        assert len(names) == found.count
        unseen = [
            item for item in PRODUCTS if item.vector is not None and point_id(item.product.product_id) not in names
        ]
        best = max(score_at(seed, ranking, item) for item in unseen)
        assert best <= found.unseen_bound + 1e-6


def score_at(seed: int, ranking: Ranking, item: IndexedProduct) -> float:
    cosine = float(unit(seed) @ np.asarray(item.vector))
    return score_of(terms_of(ranking, Features.of_payload(payload_of(item, RATES), cosine, 0.0, 0.0)))


async def test_pages_join_where_a_budget_favours_what_is_farther(generation: OpenGeneration) -> None:
    ranker, ranking = Ranker(exact_limit=100, sample_share=0.0), Ranking(budget_eur=60.0)
    pages = [await ranker.rank(generation, plan(5, ranking, pool=800), start, 60) for start in range(0, 780, 60)]
    names = [match.product.product_id for page in pages for match in page.matches]
    assert len(names) == len(set(names)) == 780


@pytest.mark.parametrize("exact_limit", [100, 5000], ids=["graph", "scan"])
async def test_ties_stand_on_one_page_only(generation: OpenGeneration, exact_limit: int) -> None:
    """By availability alone hundreds of products are equal: where the engine cuts a tie must not matter."""
    ranker = Ranker(exact_limit=exact_limit, sample_share=0.0)
    equal = Ranking(Weights(0.0, 0.0, 0.0, 1.0))
    whole = await ranker.rank(generation, plan(52, equal, pool=350), 0, 300)
    parts = [await ranker.rank(generation, plan(52, equal, pool=350), start, 25) for start in range(0, 300, 25)]
    assert [m.product.product_id for part in parts for m in part.matches] == [
        m.product.product_id for m in whole.matches
    ]


async def test_counts_follow_the_index(generation: OpenGeneration) -> None:
    counts, wanted = FilterCounts(2), index_filter(ProductFilter(colors=("navy",)), RATES, with_vector=False)
    now = OpenGeneration(generation.index, generation.state)
    assert await counts.count(now, wanted) == 600
    extra = make_products(3005)[3000]
    assert extra.product.colors[0].name == "navy"
    await now.index.upsert([point_of(extra, WORDS.document("x"), RATES)])
    now.state = now.state.advanced(1, 1)
    assert await counts.count(now, wanted) == 601
    await now.index.delete([point_id(extra.product.product_id)])
    now.state = now.state.advanced(2, 1)
    assert await counts.count(now, wanted) == 600


LOOKS = Ranking(Weights(1.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("seed", range(60, 66))
@pytest.mark.parametrize(
    "ranking",
    [
        pytest.param(LOOKS, id="looks-alone"),
        pytest.param(Ranking(), id="published"),
        pytest.param(Ranking(Weights(0.3, 0.5, 0.1, 0.1, taste=0.2), 60.0), id="budget-and-taste"),
    ],
)
async def test_no_product_beyond_the_candidates_reaches_the_bound(
    generation: OpenGeneration, seed: int, ranking: Ranking
) -> None:
    """The bound rests on a few of the candidates, not on a second search: it must hold, and not be far off."""
    ranker = Ranker(exact_limit=100, sample_share=0.0)
    made = plan(seed, ranking, pool=200, taste=7 if ranking.weights.taste else None)
    page = await ranker.rank(generation, made, 0, 200)
    dense, norm = made.dense() or ([], 0.0)
    likeness = {
        item.product.product_id: norm * float(np.dot(dense, item.vector) / np.linalg.norm(dense))
        for item in PRODUCTS
        if item.vector is not None
    }
    shown = {match.product.product_id for match in page.matches}
    assert len(shown) == 200
    farthest = min(likeness[product_id] for product_id in shown)
    bound = page.certificate.unseen_score_bound
    assert bound >= best_possible(ranking, farthest, 0.0) - 1e-6
    assert bound <= best_possible(ranking, farthest, 0.0) + 0.05
