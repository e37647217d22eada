"""What is mostly of a colour that a text names stands before what has a little of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.product import ColorTag, main_color
from retrieval_svc.index.edge import QdrantEdge
from retrieval_svc.index.generation import GenerationState, OpenGeneration
from retrieval_svc.index.schema import IndexedProduct, payload_of, point_of
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.ranker import Ranker
from retrieval_svc.search.ranking import MAIN_COLOR, Ranking, Weights
from tests.unit.retrieval_svc.catalogue import DIMENSION, RATES, make_products

pytestmark = pytest.mark.unit

WORDS = WordEncoder()
(ITEM,) = make_products(1)


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        ((), ""),
        ((ColorTag("Navy"),), "navy"),
        ((ColorTag("white", share=0.3), ColorTag("blue", share=0.7)), "blue"),
        ((ColorTag("white", share=0.5), ColorTag("blue", share=0.5)), "white"),
        ((ColorTag("red"), ColorTag("blue")), "red"),
    ],
    ids=["none", "one", "largest-share", "equal-shares", "no-shares"],
)
def test_main_color(colors: tuple[ColorTag, ...], expected: str) -> None:
    product = replace(ITEM.product, colors=colors)
    assert main_color(product) == expected
    assert payload_of(IndexedProduct(product, None), RATES)["main_color"] == expected


def dress(number: int, *colors: ColorTag) -> IndexedProduct:
    """The same blue dress, but for its number and colours."""
    return replace(ITEM, product=replace(ITEM.product, product_id=f"dress-{number}", title="Blue dress", colors=colors))


async def test_what_is_mostly_blue_comes_before_a_blue_accent(tmp_path: Path) -> None:
    blue, white = ColorTag("blue", share=0.8), ColorTag("white", share=0.9)
    accent = replace(blue, share=0.1)
    dresses = [dress(n, white, accent) if n % 2 else dress(n, blue) for n in range(8)]
    index = QdrantEdge.create(tmp_path / "shard", DIMENSION)
    await index.upsert([point_of(item, WORDS.document(item.product.search_text()), RATES) for item in dresses])
    generation = OpenGeneration(
        index, GenerationState(1, "m/1", DIMENSION, RATES, 0, 8, 0, False, dt.datetime.now(dt.UTC))
    )
    named = Ranking(Weights(main_color=MAIN_COLOR).shared_with_words(0.0), main_colors=frozenset({"blue", "sky blue"}))
    wanted = ProductFilter(colors=("blue", "sky blue"))
    plan = RankPlan(named, wanted, None, None, WORDS.query("blue dress"), "EUR", 100)
    page = await Ranker(exact_limit=2000, sample_share=0.0).rank(generation, plan, 0, 8)
    await index.close()
    values = [next(term.value for term in match.terms if term.name == "main_color") for match in page.matches]
    assert values == [1.0] * 4 + [0.0] * 4
    assert {match.product.product_id for match in page.matches[:4]} == {"dress-0", "dress-2", "dress-4", "dress-6"}
    assert page.matches[0].score - page.matches[4].score == pytest.approx(MAIN_COLOR, abs=0.05)
    assert [match.etag for match in page.matches] == [match.product.etag for match in page.matches]
