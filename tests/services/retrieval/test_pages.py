"""Pages of a list that changes while somebody pages through it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from vitrine.retrieval.v1 import catalog_service_pb2
from vitrine.retrieval.v1 import search_service_pb2 as pb

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import shirt
from tests.services.retrieval.test_search import vector
from tests.services.retrieval.vision_stub import draw

pytestmark = pytest.mark.service


@pytest.fixture
async def operator(place: Place) -> AsyncIterator[Stubs]:
    stubs = place.stubs("operator")
    yield stubs
    await stubs.channel.close()


async def page(stubs: Stubs, token: str, **fields: object) -> tuple[list[str], str]:
    request = pb.SearchProductsRequest(embedding=vector("red"), page_size=4, page_token=token, **fields)  # type: ignore[arg-type]
    answer = await stubs.search.SearchProducts(request)
    return [match.product.name for match in answer.matches], answer.next_page_token


@pytest.mark.parametrize("collapse", [False, True], ids=["as-ranked", "one-of-each"])
async def test_pages_go_on_where_they_were_although_the_catalogue_changes(operator: Stubs, collapse: bool) -> None:
    pictures = [draw("red", stripes=1 + number % 5, size=(60 + number, 90)) for number in range(10)]
    await operator.import_rows([shirt(number, [data], title=f"No {number}") for number, data in enumerate(pictures, 1)])
    ranking = pb.RankingOptions(collapse_duplicates=collapse)
    first, token = await page(operator, "", ranking=ranking)
    await operator.import_rows([shirt(11, [draw("red")]), shirt(12, [draw("red", size=(61, 90))])])  # before all others
    for name in (first[1], first[3]):
        await operator.catalog.DeleteProduct(catalog_service_pb2.DeleteProductRequest(name=name))
    rest: list[str] = []
    while token:
        found, token = await page(operator, token, ranking=ranking)
        rest += found
    old = {f"products/S-{number}" for number in range(1, 11)}
    assert sorted(name for name in rest if name in old) == sorted(old - set(first))
    assert len(rest) == len(set(rest))


async def test_a_token_holds_for_its_own_search_only(operator: Stubs) -> None:
    await operator.import_rows([shirt(number, [draw("red", size=(50 + number, 90))]) for number in range(1, 8)])
    _, token = await page(operator, "")
    other = pb.SearchProductsRequest(embedding=vector("navy"), page_size=4, page_token=token)
    assert (await failure_of(operator.search.SearchProducts(other))).reason == "INVALID_PAGE_TOKEN"
    listed = catalog_service_pb2.ListProductsRequest(page_token=token)
    assert (await failure_of(operator.catalog.ListProducts(listed))).reason == "INVALID_PAGE_TOKEN"
    assert len((await page(operator, token))[0]) == 3
