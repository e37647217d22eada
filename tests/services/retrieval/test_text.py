"""What a text says beside its words: filters, and what is said about them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from vitrine.retrieval.v1 import catalog_service_pb2, product_pb2
from vitrine.retrieval.v1 import (
    search_service_pb2 as pb,
)

from tests.services.retrieval.conftest import Place, Stubs
from tests.services.retrieval.rows import shirt
from tests.services.retrieval.test_search import euro

pytestmark = pytest.mark.service


@pytest.fixture
async def user(shop: Place) -> AsyncIterator[Stubs]:
    stubs = shop.stubs()
    yield stubs
    await stubs.channel.close()


async def test_text_is_read_and_said(user: Stubs) -> None:
    text = "navy plain shirt by Nordlys under 500 EUR"
    answer = await user.search.SearchProducts(pb.SearchProductsRequest(text=text, page_size=100))
    understood = answer.understood
    assert list(understood.filter.categories) == ["shirt"]
    assert list(understood.filter.colors) == ["navy"]
    assert list(understood.filter.brands) == ["nordlys"]
    assert understood.filter.max_price == euro(500)
    assert list(understood.filter.patterns) == ["plain"]
    assert [phrase.text for phrase in understood.phrases] == ["navy", "plain", "shirt", "Nordlys", "under 500 EUR"]
    assert answer.matches
    for match in answer.matches:
        assert (match.product.category, match.product.brand) == ("shirt", "Nordlys")
        assert match.product.pattern == "plain"
        assert "navy" in [color.name for color in match.product.colors]
    plain = await user.search.SearchProducts(pb.SearchProductsRequest(text=text, words_only=True, page_size=100))
    assert not plain.HasField("understood")
    assert len(plain.matches) > len(answer.matches)


async def test_a_named_color_is_a_term_of_its_own(user: Stubs) -> None:
    for text, named in (("navy shirt", True), ("shirt", False)):
        answer = await user.search.SearchProducts(pb.SearchProductsRequest(text=text, page_size=100))
        assert answer.matches
        for match in answer.matches:
            values = [term.value for term in match.terms if term.name == "main_color"]
            assert values == ([1.0] if named else [])
            assert match.score == pytest.approx(sum(term.contribution for term in match.terms))
    product = answer.matches[0].product
    stored = await user.catalog.GetProduct(catalog_service_pb2.GetProductRequest(name=product.name))
    assert product.etag == stored.product.etag


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


async def names(user: Stubs, **fields: object) -> set[str]:
    request = pb.SearchProductsRequest(page_size=100, **fields)  # type: ignore[arg-type]
    return {match.product.name for match in (await user.search.SearchProducts(request)).matches}


async def test_negations_exclude_and_say_so(user: Stubs) -> None:
    request = pb.SearchProductsRequest(text="shirt, not navy or red, no stripes", page_size=100)
    answer = await user.search.SearchProducts(request)
    unwanted = answer.understood.filter.exclusions
    assert (list(unwanted.colors), list(unwanted.patterns)) == (["navy", "red"], ["striped"])
    assert [phrase.field for phrase in answer.understood.phrases if phrase.field.startswith("exclusions.")] == [
        "exclusions.colors", "exclusions.colors", "exclusions.patterns",
    ]  # fmt: skip
    found = {(match.product.category, match.product.colors[0].name, match.product.pattern) for match in answer.matches}
    assert found == {("shirt", color, "plain") for color in ("white", "black", "olive", "pink")}


async def test_what_is_said_in_filters_only_shows_all_that_passes(user: Stubs) -> None:
    everything = product_pb2.ProductFilter(exclusions=product_pb2.ProductExclusions(categories=["coat"]))
    listed = await user.catalog.ListProducts(catalog_service_pb2.ListProductsRequest(page_size=200, filter=everything))
    assert await names(user, text="anything but coats") == {product.name for product in listed.products}
    first = (await user.search.SearchProducts(pb.SearchProductsRequest(text="under 30 EUR"))).matches
    assert first
    assert [match.rank for match in first] == list(range(1, len(first) + 1))
    cheap = await user.search.SearchProducts(pb.SearchProductsRequest(text="grmblfx under 30 EUR"))
    assert {match.product.name for match in cheap.matches} == {match.product.name for match in first}


async def test_a_text_of_which_nothing_is_understood_shows_all_and_says_so(user: Stubs) -> None:
    everything = await user.catalog.ListProducts(catalog_service_pb2.ListProductsRequest(page_size=200))
    answer = await user.search.SearchProducts(pb.SearchProductsRequest(text="grmblfx", page_size=100))
    assert {match.product.name for match in answer.matches} == {product.name for product in everything.products}
    assert (list(answer.understood.phrases), answer.understood.filter) == ([], product_pb2.ProductFilter())
    assert await names(user, text="grmblfx", words_only=True) == set()


async def test_a_plain_color_takes_in_its_shades_and_ranks_its_own_name_first(place: Place) -> None:
    stubs = place.stubs("operator")
    colors = ("cognac", "brown", "tan", "navy")
    rows = [shirt(number, title=f"{color} shirt", colors=color) for number, color in enumerate(colors, 1)]
    await stubs.import_rows(rows)
    brown = await stubs.search.SearchProducts(pb.SearchProductsRequest(text="brown shirts"))
    found = [match.product.colors[0].name for match in brown.matches]
    assert (found[0], sorted(found)) == ("brown", ["brown", "cognac", "tan"])
    tan = await stubs.search.SearchProducts(pb.SearchProductsRequest(text="tan shirts"))
    assert [match.product.colors[0].name for match in tan.matches] == ["tan"]
    await stubs.channel.close()


async def test_a_misspelt_word_is_understood(user: Stubs) -> None:
    answer = await user.search.SearchProducts(pb.SearchProductsRequest(text="whte shrit", page_size=100))
    assert (list(answer.understood.filter.colors), list(answer.understood.filter.categories)) == (["white"], ["shirt"])
    assert [phrase.text for phrase in answer.understood.phrases] == ["whte", "shrit"]
    assert {match.product.title for match in answer.matches} == {"white plain shirt", "white striped shirt"}


async def test_a_word_of_the_catalogue_is_not_misspelt(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.import_rows([shirt(1, title="Shift in navy", category="dress"), shirt(2)])
    answer = await stubs.search.SearchProducts(pb.SearchProductsRequest(text="shift"))
    assert not answer.understood.phrases
    assert [match.product.name for match in answer.matches] == ["products/S-1"]
    corrected = await stubs.search.SearchProducts(pb.SearchProductsRequest(text="shirst"))
    assert [match.product.name for match in corrected.matches] == ["products/S-2"]
    await stubs.channel.close()


async def test_of_size_and_color_only_what_does_not_go_together_is_given_up(user: Stubs) -> None:
    # D-0 is navy with sizes 40 and 42; D-1 has S to L.
    ranking = pb.RankingOptions(filter=product_pb2.ProductFilter(categories=["shirt"], patterns=["plain"]))
    request = pb.SearchProductsRequest(text="navy in size M", ranking=ranking, page_size=100)
    answer = await user.search.SearchProducts(request)
    assert list(answer.understood.dropped_fields) == ["sizes"]
    assert {match.product.colors[0].name for match in answer.matches} == {"navy"}
    impossible = pb.SearchProductsRequest(text="navy in size M by Nordlys under 1 EUR", page_size=100)
    nothing = await user.search.SearchProducts(impossible)
    assert (list(nothing.matches), list(nothing.understood.dropped_fields)) == ([], [])
    assert nothing.certificate.complete
