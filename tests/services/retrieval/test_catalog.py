"""Products by request: all of them or none, and a search right after finds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import psycopg
import pytest
from google.type import date_pb2, money_pb2
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import product_pb2
from vitrine.retrieval.v1 import search_service_pb2 as search_pb2
from vitrine.type.v1 import image_pb2

from tests.services.retrieval.conftest import Place, eventually
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.vision_stub import draw

pytestmark = pytest.mark.service


def upsert(product_id: str, *images: bytes, **changes: Any) -> pb.ProductUpsert:
    fields = {
        "name": f"products/{product_id}",
        "title": "Navy shirt",
        "category": "shirt",
        "price": money_pb2.Money(currency_code="EUR", units=20),
    } | changes
    pictures = [image_pb2.Image(data=data) for data in images]
    return pb.ProductUpsert(product=product_pb2.Product(**fields), images=pictures)


async def test_upsert_is_found_at_once_and_deleted_at_once(place: Place) -> None:
    stubs = place.stubs("operator")
    request = pb.UpsertProductsRequest(
        products=[upsert("A", draw("navy")), upsert("B", draw("red"), title="Red shirt"), upsert("C")]
    )
    stored = (await stubs.catalog.UpsertProducts(request)).products
    assert [product.name for product in stored] == ["products/A", "products/B", "products/C"]
    assert [product.vector_state for product in stored] == [3, 3, 1]
    search = search_pb2.SearchProductsRequest(image=image_pb2.Image(data=draw("red")))
    found = await stubs.search.SearchProducts(search)
    assert [match.product.name for match in found.matches] == ["products/B", "products/A"]
    changed = pb.UpsertProductsRequest(products=[upsert("B", price=money_pb2.Money(currency_code="EUR", units=7))])
    await stubs.catalog.UpsertProducts(changed)
    found = await stubs.search.SearchProducts(search)
    assert found.matches[0].product.price.units == 7
    assert found.matches[0].product.images  # it kept its picture
    await stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/B"))
    found = await stubs.search.SearchProducts(search)
    assert [match.product.name for match in found.matches] == ["products/A"]
    assert len(place.files()) == 1
    await stubs.channel.close()


async def test_one_bad_product_stores_none(place: Place) -> None:
    stubs = place.stubs("operator")
    request = pb.UpsertProductsRequest(products=[upsert("A", draw("navy")), upsert("B", draw("red"), b"no picture")])
    failure = await failure_of(stubs.catalog.UpsertProducts(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_FORMAT_UNSUPPORTED")
    assert failure.fields == ("products[1].images[1].data",)
    assert (await stubs.catalog.ListProducts(pb.ListProductsRequest())).total_count == 0
    assert place.files() == set()
    await stubs.channel.close()


async def test_picture_shared_by_two_products_outlives_one_of_them(place: Place) -> None:
    stubs = place.stubs("operator")
    both = pb.UpsertProductsRequest(products=[upsert("A", draw("navy")), upsert("B", draw("navy"))])
    stored = (await stubs.catalog.UpsertProducts(both)).products
    assert len(place.files()) == 1
    await stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/A"))
    assert len(place.files()) == 1
    image = await stubs.catalog.GetProductImage(pb.GetProductImageRequest(name=stored[1].images[0].name))
    assert image.image.data[:2] == b"\xff\xd8"
    failure = await failure_of(stubs.catalog.GetProductImage(pb.GetProductImageRequest(name=stored[0].images[0].name)))
    assert failure.code == grpc.StatusCode.NOT_FOUND
    await stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/B"))
    assert place.files() == set()
    await stubs.channel.close()


async def test_delete_minds_etag_and_absence(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.catalog.UpsertProducts(pb.UpsertProductsRequest(products=[upsert("A")]))
    stale = await failure_of(stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/A", etag="0")))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    product = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/A"))).product
    await stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/A", etag=product.etag))
    gone = await failure_of(stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/A")))
    assert (gone.code, gone.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    await stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/A", allow_missing=True))
    await stubs.channel.close()


async def test_list_gives_every_product_once(place: Place) -> None:
    stubs = place.stubs("operator")
    names = [f"p-{number:02d}" for number in range(23)]
    await stubs.catalog.UpsertProducts(pb.UpsertProductsRequest(products=[upsert(name) for name in names]))
    listed, token = [], ""
    while True:
        page = await stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=5, page_token=token))
        assert page.total_count == 23
        listed += [product.name for product in page.products]
        token = page.next_page_token
        if not token:
            break
    assert listed == [f"products/{name}" for name in names]
    await stubs.channel.close()


async def test_new_rates_change_conversions(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.catalog.UpsertProducts(
        pb.UpsertProductsRequest(
            products=[upsert("A", draw("navy"), price=money_pb2.Money(currency_code="USD", units=30))]
        )
    )
    rate = pb.CurrencyRate(
        currency_code="USD", units_per_euro=2.0, date=date_pb2.Date(year=2026, month=1, day=2), source="test"
    )
    await stubs.catalog.UpsertCurrencyRates(pb.UpsertCurrencyRatesRequest(rates=[rate]))
    listed = (await stubs.catalog.ListCurrencyRates(pb.ListCurrencyRatesRequest())).rates
    assert next(item for item in listed if item.currency_code == "USD") == rate
    search = search_pb2.SearchProductsRequest(image=image_pb2.Image(data=draw("navy")))

    async def converted() -> bool:
        answer = await stubs.search.SearchProducts(search)
        return bool(answer.matches[0].converted_price.units == 15 and answer.rates_date.year == 2026)

    await eventually(converted)
    assert (await stubs.index()).generation > 1
    await stubs.channel.close()


@pytest.fixture
async def lasting_rates(place: Place) -> AsyncIterator[None]:
    """Puts the rates back as they were: the tests that come share the database."""
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        await connection.execute("create table retrieval.kept_rates as table retrieval.currency_rates")
    yield
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        await connection.execute("delete from retrieval.currency_rates")
        await connection.execute("insert into retrieval.currency_rates table retrieval.kept_rates")
        await connection.execute("drop table retrieval.kept_rates")


@pytest.mark.usefixtures("lasting_rates")
async def test_day_of_an_answer_is_the_oldest_of_the_rates_it_used(place: Place) -> None:
    stubs = place.stubs("operator")
    prices = {"A": "USD", "B": "EUR"}
    products = [
        upsert(name, draw("navy"), price=money_pb2.Money(currency_code=currency, units=30))
        for name, currency in prices.items()
    ]
    await stubs.catalog.UpsertProducts(pb.UpsertProductsRequest(products=products))
    # No price is in yen; and what an older version let in of a day that is still to come counts no longer.
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        await connection.execute("delete from retrieval.currency_rates")
        await connection.execute(
            "insert into retrieval.currency_rates (currency, date, units_per_euro) values"
            " ('USD', '2020-01-01', 2), ('JPY', '2024-05-06', 2), ('USD', '2990-01-01', 99), ('GBP', '2022-02-02', 0.5)"
        )
    # Tells that rates have changed; it is in the table already, since another build may begin at any moment.
    rate = pb.CurrencyRate(currency_code="GBP", units_per_euro=0.5, date=date_pb2.Date(year=2022, month=2, day=2))
    await stubs.catalog.UpsertCurrencyRates(pb.UpsertCurrencyRatesRequest(rates=[rate]))

    async def day_in(currency: str, product: str = "A") -> tuple[int, int, int, int]:
        ranking = search_pb2.RankingOptions(currency_code=currency)
        ranking.filter.categories.append("shirt")
        ranking.filter.max_price.CopyFrom(money_pb2.Money(currency_code="EUR", units=20 if product == "A" else 100))
        ranking.filter.min_price.CopyFrom(money_pb2.Money(currency_code="EUR", units=1 if product == "A" else 25))
        request = search_pb2.SearchProductsRequest(image=image_pb2.Image(data=draw("navy")), ranking=ranking)
        answer = await stubs.search.SearchProducts(request)
        assert [match.product.name for match in answer.matches] == [f"products/{product}"]
        day = answer.rates_date
        return day.year, day.month, day.day, answer.matches[0].converted_price.units

    async def rebuilt() -> bool:
        return await day_in("EUR") == (2020, 1, 1, 15)

    await eventually(rebuilt)
    assert await day_in("JPY") == (2020, 1, 1, 30)
    assert await day_in("JPY", "B") == (2024, 5, 6, 60)
    assert await day_in("GBP", "B") == (2022, 2, 2, 15)
    assert await day_in("EUR", "B") == (2024, 5, 6, 30)  # nothing converted: the newest in use
    await stubs.channel.close()
