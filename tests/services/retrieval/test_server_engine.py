"""Following the catalogue with the adapter for a Qdrant server, on the client's local mode and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient
from vitrine.embedded.postgres import PostgresServer

from mesh.database import Database
from mesh.metrics import Metrics
from retrieval_svc.index.manager import IndexManager, IndexPhase
from retrieval_svc.index.server_backend import ServerBackend
from retrieval_svc.storage import catalog, index_feed, rates, vectors
from retrieval_svc.storage.catalog import picture_id_of
from retrieval_svc.storage.vectors import VectorWrite
from tests.services.retrieval.conftest import eventually
from tests.unit.retrieval_svc.catalogue import DIMENSION, make_products

pytestmark = pytest.mark.service


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(SecretStr(postgres.new_database()), "retrieval", "retrieval_svc.migrations")
    await database.migrate()
    yield database
    await database.close()


async def write(database: Database, count: int) -> None:
    """Stores products, with vectors of `m/1`."""
    items = make_products(count)
    async with database.begin() as connection:
        await catalog.lock_writes(connection)
        await index_feed.note_model(connection, "m/1", DIMENSION)
        await catalog.write_products(connection, [item.product for item in items])
        writes = [
            VectorWrite(item.product.product_id, picture_id_of(item.product), "m/1", item.vector)
            for item in items
            if item.vector is not None
        ]
        await vectors.write_vectors(connection, writes)


def replica(database: Database, client: AsyncQdrantClient) -> IndexManager:
    backend = ServerBackend(client, database, "test", payload_indexes=False, grace_s=0.0)
    return IndexManager(database, backend, Metrics(), structlog.get_logger(), poll_s=0.05)


async def count(manager: IndexManager) -> int:
    return await manager.active().index.count()


async def test_two_replicas_share_one_index_and_follow_it(database: Database) -> None:
    client = AsyncQdrantClient(":memory:")
    for name in ("test-900", "test-b-1", "test"):  # what a build left that was killed, and what is not ours
        await client.create_collection(name, vectors_config={})
    await write(database, 30)
    first, second = replica(database, client), replica(database, client)
    await first.open()
    running = [asyncio.create_task(first.run())]
    await eventually(lambda: _holds(first, 30))
    await second.open()  # what the first one built
    assert second.active().state.generation == first.active().state.generation
    running.append(asyncio.create_task(second.run()))
    await write(database, 40)
    async with database.begin() as connection:
        await catalog.lock_writes(connection)
        await catalog.delete_product(connection, "sku-0")
    await eventually(lambda: _holds(first, 39))
    await eventually(lambda: _holds(second, 39))
    async with database.begin() as connection:  # new rates make the index stale: one of them builds another
        known = await rates.newest_rates(connection)
        await rates.write_rates(connection, [rates.Rate("USD", known[0].units_per_euro * 2, known[0].date)])
    generation = first.active().state.generation
    await eventually(lambda: _beyond(first, generation))
    await eventually(lambda: _beyond(second, generation))
    assert await count(first) == await count(second) == 39
    for manager in (first, second):
        manager.stop()
    await asyncio.gather(*running)
    collections = {item.name for item in (await client.get_collections()).collections}
    assert len(collections) == 3
    assert collections > {"test-b-1", "test"}
    assert "test-900" not in collections
    await client.close()


async def _holds(manager: IndexManager, expected: int) -> bool:
    if manager.health().phase is IndexPhase.BUILDING:
        return False
    return await count(manager) == expected


async def _beyond(manager: IndexManager, generation: int) -> bool:
    return manager.active().state.generation > generation and manager.health().phase is IndexPhase.READY
