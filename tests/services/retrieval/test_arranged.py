"""Diversity and one of each, as a caller asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from vitrine.retrieval.v1 import search_service_pb2 as pb

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.test_search import vector

pytestmark = pytest.mark.service


@pytest.fixture
async def user(shop: Place) -> AsyncIterator[Stubs]:
    stubs = shop.stubs()
    yield stubs
    await stubs.channel.close()


async def test_diversity_shows_other_colors_sooner(user: Stubs) -> None:
    colors = {}
    for diversity in (0.0, 0.6):
        request = pb.SearchProductsRequest(embedding=vector("navy"), page_size=8)
        request.ranking.diversity = diversity
        matches = (await user.search.SearchProducts(request)).matches
        assert len(matches) == 8
        colors[diversity] = {match.product.colors[0].name for match in matches}
    assert len(colors[0.6]) > len(colors[0.0])


async def test_one_picture_is_shown_once_and_pages_join(user: Stubs) -> None:
    names: list[str] = []
    pictures: list[str] = []
    token = ""
    while True:
        request = pb.SearchProductsRequest(embedding=vector("red"), page_size=7, page_token=token)
        request.ranking.collapse_duplicates = True
        answer = await user.search.SearchProducts(request)
        names += [match.product.name for match in answer.matches]
        pictures += [match.product.images[0].name.rpartition("/")[2] for match in answer.matches]
        token = answer.next_page_token
        if not token:
            break
    # Of 48 products those of one colour and pattern share a picture where their sizes in pixels agree too.
    assert len(names) == len(set(names)) == len(set(pictures))
    assert len(names) < 48


async def test_diversity_is_a_share(user: Stubs) -> None:
    request = pb.SearchProductsRequest(embedding=vector("red"))
    request.ranking.diversity = 1.5
    failure = await failure_of(user.search.SearchProducts(request))
    assert failure.reason == "INVALID_FIELD"
