"""Diversity and duplicates: what the list becomes, and that its pages join."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import point_of
from retrieval_svc.search.arrange import diverse_order
from retrieval_svc.search.ranker import Ranker
from retrieval_svc.search.ranking import Ranking
from tests.unit.retrieval_svc.catalogue import RATES
from tests.unit.retrieval_svc.test_ranker import PRODUCTS, WORDS, generation, plan

__all__ = ["generation"]  # the fixture
pytestmark = pytest.mark.unit
EXACT = Ranker(exact_limit=5000, sample_share=0.0)
GRAPH = Ranker(exact_limit=100, sample_share=0.0)


def test_order_by_marginal_relevance() -> None:
    right, same, up = np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    # Second: 0.5 * 0.9 - 0.5 * 1 = -0.05 for the copy, 0.5 * 0.5 - 0 = 0.25 for the other.
    assert diverse_order([1.0, 0.9, 0.5], [right, same, up], 0.5) == [0, 2, 1]
    assert diverse_order([1.0, 0.9, 0.5], [right, same, up], 0.0) == [0, 1, 2]
    assert diverse_order([1.0, 0.9, 0.5], [right, None, up], 0.5) == [0, 1, 2]  # no vector: like nothing
    assert diverse_order([], [], 0.5) == []


def likeness(names: list[str]) -> float:
    """Mean cosine between the products, each with each other."""
    by_name = {item.product.product_id: item.vector for item in PRODUCTS}
    vectors = np.array([by_name[name] for name in names])
    return float((vectors @ vectors.T)[np.triu_indices(len(names), 1)].mean())


async def names(ranker: Ranker, generation: OpenGeneration, diversity: float, start: int, size: int) -> list[str]:
    wanted = replace(plan(60, Ranking(), pool=600), diversity=diversity)
    page = await ranker.rank(generation, wanted, start, size)
    assert [match.rank for match in page.matches] == list(range(start + 1, start + 1 + len(page.matches)))
    return [match.product.product_id for match in page.matches]


@pytest.mark.parametrize("ranker", [EXACT, GRAPH], ids=["scan", "graph"])
async def test_diversity_spreads_the_first_and_keeps_the_pages(generation: OpenGeneration, ranker: Ranker) -> None:
    plain, spread = await names(ranker, generation, 0.0, 0, 150), await names(ranker, generation, 0.5, 0, 150)
    assert spread[0] == plain[0]
    assert likeness(spread[:10]) < likeness(plain[:10])
    if ranker is EXACT:  # the graph's list has other candidates when it is asked for all of them
        assert set(spread[:100]) == set(plain[:100])
        assert spread[100:] == plain[100:]
    pages = [await names(ranker, generation, 0.5, start, 30) for start in range(0, 150, 30)]
    assert [name for page in pages for name in page] == spread


async def test_one_of_the_same_things_is_shown(generation: OpenGeneration) -> None:
    first = (await names(EXACT, generation, 0.0, 0, 1))[0]
    (best,) = [item for item in PRODUCTS if item.product.product_id == first]
    twins = [
        replace(best, product=replace(best.product, product_id=f"{first}-{size}", sizes=(size,))) for size in "SML"
    ]
    points = [point_of(item, WORDS.document(item.product.search_text()), RATES) for item in twins]
    await generation.index.upsert(points)
    try:
        ranker = Ranker(exact_limit=5000, sample_share=0.0)  # counts anew
        wanted = plan(60, Ranking(), pool=600)
        every = await ranker.rank(generation, wanted, 0, 20)
        once = await ranker.rank(generation, replace(wanted, collapse_duplicates=True), 0, 20)
        titles = [match.product.title for match in once.matches]
        assert [match.product.title for match in every.matches].count(best.product.title) == 4
        assert len(titles) == len(set(titles)) == 20
        assert titles[0] == best.product.title
        rest = await ranker.rank(generation, replace(wanted, collapse_duplicates=True), 20, 20)
        assert not set(titles) & {match.product.title for match in rest.matches}
    finally:
        await generation.index.delete([str(point.id) for point in points])
