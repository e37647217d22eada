"""Each part of a personal context: visible in the score, in the right direction, and switched off by its weight."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from vitrine.retrieval.v1 import match_pb2
from vitrine.retrieval.v1 import (
    search_service_pb2 as pb,
)
from vitrine.type.v1 import personal_context_pb2

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.test_search import euro, vector

pytestmark = pytest.mark.service


@pytest.fixture
async def user(shop: Place) -> AsyncIterator[Stubs]:
    stubs = shop.stubs()
    yield stubs
    await stubs.channel.close()


# Every part of a context with the weight that lets it count, and what it raises above the base.
PARTS = [
    pytest.param({"sizes": {"top": "XXL"}}, {"size": 0.2}, "size", id="sizes"),
    pytest.param({"color_season": "dark winter"}, {"color_season": 0.2}, "color_season", id="color-season"),
    pytest.param({"taste": vector("red")}, {"taste": 0.2}, "taste", id="taste"),
    pytest.param({"preferred_brands": ["Mare"]}, {"brand": 0.1}, "brand", id="brands"),
    pytest.param({"budget": euro(30)}, {"price": 0.2}, "price", id="budget"),
]


async def ranked(user: Stubs, context: dict[str, Any], weights: dict[str, float]) -> pb.SearchProductsResponse:
    ranking = pb.RankingOptions(
        personal_context=personal_context_pb2.PersonalContext(**context), weights=match_pb2.RankingWeights(**weights)
    )
    return await user.search.SearchProducts(
        pb.SearchProductsRequest(embedding=vector("navy"), ranking=ranking, page_size=100)
    )


@pytest.mark.parametrize(("context", "weights", "term"), PARTS)
async def test_each_part_of_a_context_is_a_term_that_moves_the_order(
    user: Stubs, context: dict[str, Any], weights: dict[str, float], term: str
) -> None:
    base, personal = await ranked(user, {}, weights), await ranked(user, context, weights)
    assert not personal.unused_context
    before = {match.product.name: match.score for match in base.matches}
    gains = {}
    for match in personal.matches:
        (own,) = [found for found in match.terms if found.name == term]
        assert own.weight == pytest.approx(weights[term])
        assert match.score == pytest.approx(math.fsum(part.contribution for part in match.terms), abs=1e-9)
        gains[match.product.name] = (own.value, match.score - before[match.product.name])
    assert len({value for value, _ in gains.values()}) > 1
    assert [m.product.name for m in personal.matches] != [m.product.name for m in base.matches]
    by_value = sorted(gains.values())
    assert by_value[-1][1] > by_value[0][1]  # what has more of the term gained more


@pytest.mark.parametrize(("context", "weights", "term"), PARTS)
async def test_a_part_of_a_context_without_weight_changes_nothing(
    user: Stubs, context: dict[str, Any], weights: dict[str, float], term: str
) -> None:
    off = dict.fromkeys(weights, 0.0)
    base, personal = await ranked(user, {}, off), await ranked(user, context, off)
    assert [(m.product.name, m.score) for m in personal.matches] == [(m.product.name, m.score) for m in base.matches]
    assert len(personal.unused_context) == 1
    assert not any(part.weight for match in personal.matches for part in match.terms if part.name == term)
