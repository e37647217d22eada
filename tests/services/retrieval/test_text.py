"""What a text says beside its words: filters, and what is said about them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from vitrine.retrieval.v1 import product_pb2
from vitrine.retrieval.v1 import (
    search_service_pb2 as pb,
)

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.test_search import euro

pytestmark = pytest.mark.service


@pytest.fixture
async def user(shop: Place) -> AsyncIterator[Stubs]:
    stubs = shop.stubs()
    yield stubs
    await stubs.channel.close()


async def test_text_is_read_and_said(user: Stubs) -> None:
    text = "navy striped shirt by Nordlys under 500 EUR"
    answer = await user.search.SearchProducts(pb.SearchProductsRequest(text=text, page_size=100))
    understood = answer.understood
    assert list(understood.filter.categories) == ["shirt"]
    assert list(understood.filter.colors) == ["navy"]
    assert list(understood.filter.brands) == ["nordlys"]
    assert understood.filter.max_price == euro(500)
    assert [phrase.text for phrase in understood.phrases] == ["navy", "shirt", "Nordlys", "under 500 EUR"]
    assert answer.matches
    for match in answer.matches:
        assert (match.product.category, match.product.brand) == ("shirt", "Nordlys")
        assert "navy" in [color.name for color in match.product.colors]
    plain = await user.search.SearchProducts(pb.SearchProductsRequest(text=text, words_only=True, page_size=100))
    assert not plain.HasField("understood")
    assert len(plain.matches) > len(answer.matches)


async def test_a_color_that_no_such_product_has_is_given_up(user: Stubs) -> None:
    ranking = pb.RankingOptions(filter=product_pb2.ProductFilter(sizes=["42"], brands=["Mare"]))
    everything = await user.search.SearchProducts(
        pb.SearchProductsRequest(text="shirt", ranking=ranking, page_size=100)
    )
    there = {color.name for match in everything.matches for color in match.product.colors}
    (missing, *_) = sorted({"navy", "red", "white", "black", "olive", "pink"} - there)
    request = pb.SearchProductsRequest(text=f"{missing} shirt", ranking=ranking, page_size=100)
    answer = await user.search.SearchProducts(request)
    assert list(answer.understood.dropped_fields) == ["colors"]
    assert not answer.understood.filter.colors
    assert {match.product.name for match in answer.matches} == {match.product.name for match in everything.matches}
