"""Following the catalogue with the adapter for a Qdrant server, on the client's local mode and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient
from vitrine.embedded.postgres import PostgresServer

from mesh.database import Database
from mesh.errors import UnavailableError
from mesh.metrics import Metrics
from retrieval_svc.index.generation import BuildPlan, OpenGeneration
from retrieval_svc.index.health import IndexPhase
from retrieval_svc.index.manager import IndexManager
from retrieval_svc.index.server import QdrantServer
from retrieval_svc.index.server_backend import ServerBackend
from retrieval_svc.index.vector_index import IndexQuery
from retrieval_svc.storage import catalog, index_feed, rates, vectors
from retrieval_svc.storage.catalog import picture_id_of
from retrieval_svc.storage.tables import index_generations
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


@pytest.fixture
async def client() -> AsyncIterator[AsyncQdrantClient]:
    client = AsyncQdrantClient(":memory:")
    yield client
    await client.close()


def backend_of(database: Database, client: AsyncQdrantClient, *, grace_s: float = 0.0) -> ServerBackend:
    return ServerBackend(client, database, "test", payload_indexes=False, grace_s=grace_s)


def manager_of(database: Database, backend: ServerBackend) -> IndexManager:
    return IndexManager(database, backend, Metrics(), structlog.get_logger(), poll_s=0.05)


def replica(database: Database, client: AsyncQdrantClient) -> IndexManager:
    return manager_of(database, backend_of(database, client))


async def collections(client: AsyncQdrantClient) -> set[str]:
    return {item.name for item in (await client.get_collections()).collections}


async def double_the_dollar(database: Database) -> None:
    """Makes every index stale."""
    async with database.begin() as connection:
        known = {rate.currency: rate for rate in await rates.newest_rates(connection)}["USD"]
        await rates.write_rates(connection, [rates.Rate("USD", known.units_per_euro * 2, known.date)])


async def plan_of(database: Database) -> BuildPlan:
    async with database.begin() as connection:
        number = await index_feed.begin_generation(connection, "qdrant-server", "m/1", DIMENSION)
        return BuildPlan(number, "m/1", DIMENSION, rates.table_of(await rates.newest_rates(connection)))


async def count(manager: IndexManager) -> int:
    return await manager.active().index.count()


async def test_two_replicas_share_one_index_and_follow_it(database: Database, client: AsyncQdrantClient) -> None:
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
    generation = first.active().state.generation
    await double_the_dollar(database)  # one of them builds another, and the other one takes it over
    await eventually(lambda: _beyond(first, generation))
    await eventually(lambda: _beyond(second, generation))
    assert await count(first) == await count(second) == 39
    newest = first.active().state.generation
    await eventually(lambda: _are(client, {"test-b-1", "test", f"test-{newest}"}))
    assert second.active().state.generation == newest
    for manager in (first, second):
        manager.stop()
    await asyncio.gather(*running)
    assert await collections(client) == {"test-b-1", "test", f"test-{newest}"}
    assert await unfinished(database) == []


async def test_second_build_for_the_same_reason_takes_the_first_one_over(
    database: Database, client: AsyncQdrantClient
) -> None:
    await write(database, 12)
    first, second = backend_of(database, client), backend_of(database, client)
    plans = [await plan_of(database), await plan_of(database)]  # both began before either had its turn
    built = await first.build(plans[0])
    taken = await second.build(plans[1])
    assert built is not None
    assert taken is not None
    assert taken.state == built.state
    assert await taken.index.count() == 12
    assert await collections(client) == {f"test-{plans[0].generation}"}


async def test_build_while_another_replica_builds_is_left_to_it(database: Database, client: AsyncQdrantClient) -> None:
    await write(database, 3)
    backend, waiting = backend_of(database, client), replica(database, client)
    async with backend.turn() as mine:
        assert mine
        running = asyncio.create_task(waiting.run())
        await asyncio.sleep(0.5)  # ten times the pause between its attempts
        with pytest.raises(UnavailableError):
            waiting.active()
        assert waiting.health().last_error == ""  # nothing failed
    await eventually(lambda: _holds(waiting, 3))
    waiting.stop()
    await running
    assert await unfinished(database) == []
    async with database.begin() as connection:  # attempts that were not made leave no trace
        assert await connection.scalar(sa.select(sa.func.count()).select_from(index_generations)) == 1


class _SeenEarly(ServerBackend):
    """A backend whose owner looks for new generations between the end of a build and the swap."""

    manager: IndexManager

    async def build(self, plan: BuildPlan) -> OpenGeneration | None:
        """Builds, and lets a pass find it."""
        built = await super().build(plan)
        await self.manager.sync()
        return built


async def test_generation_that_a_pass_took_over_before_the_swap_is_not_retired(
    database: Database, client: AsyncQdrantClient
) -> None:
    await write(database, 5)
    backend = _SeenEarly(client, database, "test", payload_indexes=False, grace_s=0.0)
    backend.manager = manager = manager_of(database, backend)
    running = asyncio.create_task(manager.run())
    await eventually(lambda: _holds(manager, 5))
    first = manager.active().state.generation
    await double_the_dollar(database)
    await eventually(lambda: _beyond(manager, first))
    assert await collections(client) == {f"test-{manager.active().state.generation}"}
    assert await count(manager) == 5
    manager.stop()
    await running


async def test_retirement_that_was_cut_off_is_finished_by_the_next_one_who_opens(
    database: Database, client: AsyncQdrantClient
) -> None:
    await write(database, 5)
    manager = manager_of(database, backend_of(database, client, grace_s=600))
    running = asyncio.create_task(manager.run())
    await eventually(lambda: _holds(manager, 5))
    first = manager.active().state.generation
    await double_the_dollar(database)

    async def swapped() -> bool:
        return manager.active().state.generation > first

    await eventually(swapped)
    newest = manager.active().state.generation
    manager.stop()  # in the middle of the ten minutes
    await running
    assert await collections(client) == {f"test-{first}", f"test-{newest}"}
    opened = await backend_of(database, client, grace_s=600).open()
    assert opened is not None
    assert await collections(client) == {f"test-{first}", f"test-{newest}"}  # others may search it still
    opened = await backend_of(database, client).open()
    assert opened is not None
    assert await collections(client) == {f"test-{newest}"}
    assert opened.state.generation == newest


async def test_collection_deleted_on_the_server_is_built_anew(database: Database, client: AsyncQdrantClient) -> None:
    await write(database, 7)
    manager = replica(database, client)
    running = asyncio.create_task(manager.run())
    await eventually(lambda: _holds(manager, 7))
    lost = manager.active().state.generation
    await client.delete_collection(f"test-{lost}")

    async def lives_again() -> bool:
        state = manager.health()
        return state.current is not None and state.current.state.generation > lost and state.phase is IndexPhase.READY

    await eventually(lives_again)
    assert await count(manager) == 7
    assert await collections(client) == {f"test-{manager.active().state.generation}"}
    manager.stop()
    await running


ANSWERS = [
    pytest.param(b"HTTP/1.1 404 Not Found", "INDEX_NOT_READY", id="collection-gone"),
    pytest.param(b"HTTP/1.1 500 Internal Server Error", "DEPENDENCY_UNAVAILABLE", id="failing"),
    pytest.param(b"HTTP/1.1 503 Service Unavailable", "DEPENDENCY_UNAVAILABLE", id="starting"),
    pytest.param(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1", "DEPENDENCY_UNAVAILABLE", id="busy"),
    pytest.param(b"", "DEPENDENCY_UNAVAILABLE", id="hangs-up"),
]


@pytest.mark.parametrize(("answer", "reason"), ANSWERS)
async def test_failures_of_the_server_are_unavailable(answer: bytes, reason: str) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer + b"\r\ncontent-length: 2\r\n\r\n{}" if answer else b"")
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = AsyncQdrantClient(f"http://127.0.0.1:{port}", check_compatibility=False)
        with pytest.raises(UnavailableError) as caught:
            await QdrantServer(client, "test-1").query(IndexQuery([0.1, 0.2], limit=1, using="image"))
        assert caught.value.reason == reason
        assert caught.value.retry_after_s is not None
        await client.close()


async def unfinished(database: Database) -> list[int]:
    """Generations that began, and of which nobody knows how they ended."""
    table = index_generations.c
    async with database.begin() as connection:
        return list(await connection.scalars(sa.select(table.generation).where(table.end_time.is_(None))))


async def _are(client: AsyncQdrantClient, wanted: set[str]) -> bool:
    return await collections(client) == wanted


async def _holds(manager: IndexManager, expected: int) -> bool:
    if manager.health().phase is IndexPhase.BUILDING:
        return False
    return await count(manager) == expected


async def _beyond(manager: IndexManager, generation: int) -> bool:
    return manager.active().state.generation > generation and manager.health().phase is IndexPhase.READY
