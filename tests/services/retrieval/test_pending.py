"""The count of products that wait for a vector is kept up by what changed, and is always what a full look says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import event
from vitrine.embedded.postgres import PostgresServer

from mesh.database import Database
from retrieval_svc.catalog.product import Picture
from retrieval_svc.index.schema import IndexedProduct
from retrieval_svc.storage import index_feed
from retrieval_svc.storage.pending import PendingVectors
from tests.services.retrieval.stored import remove, store
from tests.unit.retrieval_svc.catalogue import make_products

pytestmark = pytest.mark.service


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(SecretStr(postgres.new_database()), "retrieval", "retrieval_svc.migrations", pool_size=2)
    await database.migrate()
    yield database
    await database.close()


def pictured(count: int, *, vectors: bool) -> list[IndexedProduct]:
    """Products with a picture each."""
    made = []
    for item in make_products(count):
        product = replace(item.product, pictures=(Picture(image_id=f"picture-{item.product.product_id}"),))
        made.append(IndexedProduct(product, item.vector if vectors else None))
    return made


async def full_look(database: Database) -> int:
    async with database.begin() as connection:
        state = await index_feed.read_model(connection)
        return await index_feed.pending_count(connection, state.wanted_model if state else "")


async def test_count_follows_every_change(database: Database) -> None:
    pending = PendingVectors(database)
    assert await pending.count() == 0
    counted = []

    async def agrees() -> None:
        counted.append(await pending.count())
        assert counted[-1] == await full_look(database)

    await store(database, pictured(20, vectors=False))
    await agrees()
    await store(database, pictured(20, vectors=True)[:12])  # `make_products` leaves every tenth without
    await agrees()
    await remove(database, "sku-15")
    await agrees()
    await remove(database, "sku-1")
    await store(database, pictured(2, vectors=False)[1:])  # deleted, and there again without its vector
    await agrees()
    other = replace(pictured(1, vectors=False)[0].product, pictures=(Picture(image_id="another"),))
    await store(database, [IndexedProduct(other, None)])  # another picture: the vector is of the one before
    await agrees()
    async with database.begin() as connection:
        await index_feed.note_model(connection, "m/2", 24)
    await agrees()
    await store(database, pictured(5, vectors=True), "m/2")
    await agrees()
    assert counted == [20, 9, 8, 9, 10, 19, 14]


async def test_count_that_nothing_changed_reads_no_products(database: Database) -> None:
    pending = PendingVectors(database)
    await store(database, pictured(8, vectors=False))
    assert await pending.count() == 8
    statements: list[str] = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]).lower())

    assert await pending.count() == 8
    assert statements
    assert not [text for text in statements if "product_vectors" in text or "select products.product_id" in text]


async def test_count_without_a_database_is_the_last_one(database: Database, postgres: PostgresServer) -> None:
    await store(database, pictured(3, vectors=False))
    pending = PendingVectors(database)
    assert await pending.count() == 3
    name = database.engine.url.database
    await database.close()
    postgres.drop_database(str(name))
    assert await pending.count() == 3
