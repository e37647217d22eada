"""Patterns that the shop leaves out come from its pictures, where vision is sure of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import catalog_service_pb2, product_pb2
from vitrine.retrieval.v1 import search_service_pb2 as pb

from mesh.database import Database
from retrieval_svc.storage.tables import change_seq, products
from tests.services.retrieval.conftest import Place, Stubs, eventually
from tests.services.retrieval.rows import shirt
from tests.services.retrieval.test_search import vector
from tests.services.retrieval.vision_stub import draw

pytestmark = pytest.mark.service

STRIPED, PLAIN = draw("red", stripes=4), draw("red")


@pytest.fixture
async def operator(place: Place) -> AsyncIterator[Stubs]:
    stubs = place.stubs("operator")
    yield stubs
    place.vision.pattern_confidence = 0.9
    await stubs.channel.close()


async def searched(stubs: Stubs, *patterns: str) -> set[str]:
    wanted = product_pb2.ProductFilter(patterns=patterns)
    request = pb.SearchProductsRequest(embedding=vector("red"), ranking=pb.RankingOptions(filter=wanted))
    return {match.product.name for match in (await stubs.search.SearchProducts(request)).matches}


async def found(stubs: Stubs, *patterns: str) -> set[str]:
    """What is found, by the search and by the list alike."""
    wanted = product_pb2.ProductFilter(patterns=patterns)
    listed = await stubs.catalog.ListProducts(catalog_service_pb2.ListProductsRequest(filter=wanted))
    there = await searched(stubs, *patterns)
    assert {product.name for product in listed.products} == there
    return there


async def test_what_the_shop_leaves_out_is_seen(operator: Stubs) -> None:
    rows = [shirt(1, [STRIPED]), shirt(2, [PLAIN]), shirt(3, [STRIPED], pattern="Solid"), shirt(4)]
    assert not (await operator.import_rows(rows)).rejections
    assert await found(operator, "striped") == {"products/S-1"}
    assert await found(operator, "plain") == {"products/S-2", "products/S-3"}
    request = catalog_service_pb2.GetProductRequest(name="products/S-1")
    product = (await operator.catalog.GetProduct(request)).product
    assert (product.pattern, product.seen_pattern) == ("", "striped")
    answer = await operator.search.SearchProducts(pb.SearchProductsRequest(text="a striped shirt"))
    assert [match.product.seen_pattern for match in answer.matches] == ["striped"]
    assert list(answer.understood.filter.patterns) == ["striped"]


async def test_a_new_picture_is_looked_at_anew_and_a_new_price_is_not(place: Place, operator: Stubs) -> None:
    await operator.import_rows([shirt(1, [STRIPED])])
    looked = place.vision.described
    await operator.import_rows([shirt(1, [STRIPED], price="12.00 EUR")])
    assert (await found(operator, "striped"), place.vision.described) == ({"products/S-1"}, looked)
    await operator.import_rows([shirt(1, [PLAIN])])
    assert (await found(operator, "striped"), await found(operator, "plain")) == (set(), {"products/S-1"})


async def test_what_is_not_sure_is_not_found_by(place: Place, operator: Stubs) -> None:
    place.vision.pattern_confidence = 0.6
    await operator.import_rows([shirt(1, [STRIPED])])
    assert await found(operator, "striped", "plain") == set()


async def test_products_whose_pictures_nobody_looked_at_are_looked_at_later(place: Place, operator: Stubs) -> None:
    await operator.import_rows([shirt(1, [STRIPED]), shirt(2, [PLAIN], pattern="checked")])
    database = Database(place.database_url, "retrieval", "retrieval_svc.migrations")
    looked = place.vision.described
    async with database.begin() as connection:  # as an earlier version of this service left them
        await connection.execute(sa.update(products).values(seen_pattern=None, change_seq=change_seq.next_value()))

    async def seen() -> bool:
        return place.vision.described > looked and await searched(operator, "striped") == {"products/S-1"}

    await eventually(seen)
    assert place.vision.described == looked + 1
    assert await found(operator, "checked") == {"products/S-2"}
    await database.close()


async def test_an_old_catalogue_gets_its_patterns_and_materials(postgres: PostgresServer) -> None:
    database = Database(postgres.new_database(), "retrieval", "retrieval_svc.migrations")
    await database.migrate("0002")
    stated = {
        "S-1": '{"pattern": "polka dots", "materials": ["Merino  Wool", "silk"]}',
        "S-2": '{"pattern": "camouflage", "materials": []}',
        "S-3": '{"pattern": "printed", "materials": []}',
    }
    insert = sa.text(
        "insert into products (product_id, doc, etag, brand_key, category_key, bucket, gender, color_keys, size_keys,"
        " tag_keys, availability, currency, amount, picture_id, change_seq) values (:id, cast(:doc as jsonb), '', '',"
        " '', 1, 0, '{}', '{}', '{}', 1, 'EUR', 1, '', nextval('change_seq'))"
    )
    async with database.begin() as connection:
        for product_id, document in stated.items():
            await connection.execute(insert, {"id": product_id, "doc": document})
    await database.migrate()
    async with database.begin() as connection:
        columns = (products.c.product_id, products.c.pattern_name, products.c.material_keys, products.c.seen_pattern)
        rows = {row.product_id: tuple(row)[1:] for row in await connection.execute(sa.select(*columns))}
    assert rows == {
        "S-1": ("dotted", ["merino wool", "silk"], None), "S-2": ("camouflage", [], None), "S-3": ("", [], None),
    }  # fmt: skip
    await database.close()
