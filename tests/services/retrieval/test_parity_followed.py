"""Both engines follow the catalogue alike: built, kept up, built anew under searches, swapped, and opened again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import structlog
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient
from vitrine.embedded.postgres import PostgresServer

from mesh.database import Database
from mesh.metrics import Metrics
from retrieval_svc.catalog.product import point_id
from retrieval_svc.index.edge_backend import EdgeBackend
from retrieval_svc.index.generation import IndexBackend
from retrieval_svc.index.health import IndexPhase
from retrieval_svc.index.manager import IndexManager
from retrieval_svc.index.schema import IMAGE_VECTOR, WORDS_VECTOR
from retrieval_svc.index.server_backend import ServerBackend
from retrieval_svc.index.vector_index import IndexQuery
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.storage import rates
from tests.services.retrieval.conftest import eventually
from tests.services.retrieval.stored import remove, store
from tests.unit.retrieval_svc.catalogue import DIMENSION, make_products

pytestmark = pytest.mark.service

ITEMS = make_products(40)
BY_LOOKS = IndexQuery(np.random.default_rng(3).normal(size=DIMENSION).tolist(), limit=10, using=IMAGE_VECTOR)
BY_WORDS = IndexQuery(WordEncoder().query("navy shirt"), limit=50, using=WORDS_VECTOR)
MakeManager = Callable[[], IndexManager]


@pytest.fixture(params=["edge", "server"])
async def made(
    request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path
) -> AsyncIterator[tuple[Database, MakeManager]]:
    """A catalogue, and managers over one and the same place for its index."""
    url = SecretStr(postgres.new_database())
    database = Database(url, "retrieval", "retrieval_svc.migrations")
    await database.migrate()
    client = AsyncQdrantClient(":memory:")

    def manager() -> IndexManager:
        backend: IndexBackend = EdgeBackend(tmp_path / "index", url, "retrieval")
        if request.param == "server":
            backend = ServerBackend(client, database, "test", payload_indexes=False, grace_s=1.0)
        return IndexManager(database, backend, Metrics(), structlog.get_logger(), poll_s=0.1)

    yield database, manager
    await client.close()
    await database.close()


async def double_the_dollar(database: Database) -> None:
    """Makes every index stale."""
    async with database.begin() as connection:
        known = {rate.currency: rate for rate in await rates.newest_rates(connection)}["USD"]
        await rates.write_rates(connection, [rates.Rate("USD", known.units_per_euro * 2, known.date)])


async def test_catalogue_is_followed_through_a_rebuild_without_a_failed_search(
    made: tuple[Database, MakeManager],
) -> None:
    database, manager_of = made
    manager = manager_of()
    await store(database, ITEMS[:30])
    await manager.open()
    running = asyncio.create_task(manager.run())
    await eventually(lambda: _holds(manager, 30))
    first = manager.active().state.generation
    counts: list[int] = []
    searching = asyncio.create_task(_search(manager, counts))
    await store(database, ITEMS[28:])  # two of them again
    await remove(database, "sku-7")
    await eventually(lambda: _holds(manager, 39))
    assert manager.active().state.generation == first
    await double_the_dollar(database)
    await eventually(lambda: _beyond(manager, first))
    await store(database, ITEMS[7:8])  # it comes back while the new generation answers
    await eventually(lambda: _holds(manager, 40))
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):  # whatever a search raised would come out here instead
        await searching
    assert counts
    assert set(counts) == {10}
    known = manager.active().state
    found = await _found(manager)
    manager.stop()
    await running
    again = manager_of()
    await again.open()
    assert again.active().state == known
    assert await _found(again) == found
    stored = await again.active().index.retrieve([point_id("sku-7"), point_id("sku-nobody")], with_vector=True)
    assert list(stored) == [point_id("sku-7")]
    assert stored[point_id("sku-7")].vector == pytest.approx(list(ITEMS[7].vector or ()), abs=1e-6)
    again.stop()
    await again.run()


async def _search(manager: IndexManager, counts: list[int]) -> None:
    while True:
        counts.append(len(await manager.active().index.query(BY_LOOKS)))
        await asyncio.sleep(0.01)


async def _found(manager: IndexManager) -> list[list[tuple[str, float]]]:
    index = manager.active().index
    return [[(hit.id, round(hit.score, 5)) for hit in await index.query(query)] for query in (BY_LOOKS, BY_WORDS)]


async def _holds(manager: IndexManager, expected: int) -> bool:
    return manager.health().current is not None and await manager.active().index.count() == expected


async def _beyond(manager: IndexManager, generation: int) -> bool:
    return manager.active().state.generation > generation and manager.health().phase is IndexPhase.READY
