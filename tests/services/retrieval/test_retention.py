"""What is forgotten after a while: never what an index still needs, and never in silence."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import catalog_service_pb2

from mesh.database import Database
from retrieval_svc.catalog.money import RateTable
from retrieval_svc.index.generation import GenerationState
from retrieval_svc.storage import imports, retention
from retrieval_svc.storage.catalog import delete_product, lock_writes, write_products
from retrieval_svc.storage.imports import ImportState
from retrieval_svc.storage.rejections import Rejection, add_rejections
from retrieval_svc.storage.tables import deleted_products, import_rejections
from retrieval_svc.storage.tables import imports as import_runs
from tests.services.retrieval.conftest import eventually, ready, running
from tests.services.retrieval.rows import shirt
from tests.services.retrieval.vision_stub import VisionStub, draw
from tests.unit.retrieval_svc.catalogue import RATES, make_products

pytestmark = pytest.mark.service

MONTH = dt.timedelta(days=30)


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(postgres.new_database(), "retrieval", "retrieval_svc.migrations")
    await database.migrate()
    yield database
    await database.close()


async def within(database: Database, work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    async with database.begin() as connection:
        return await work(connection, *arguments)


async def delete_all(database: Database, ids: list[str], age: dt.timedelta) -> None:
    """Deletes products, so long ago."""
    async with database.begin() as connection:
        await lock_writes(connection)
        for product_id in ids:
            await delete_product(connection, product_id)
        chosen = deleted_products.c.product_id.in_(ids)
        await connection.execute(sa.update(deleted_products).where(chosen).values(delete_time=sa.func.now() - age))


async def gone(database: Database) -> dict[str, int]:
    """Numbers of the deletions that are remembered, by article number."""
    async with database.begin() as connection:
        rows = await connection.execute(sa.select(deleted_products.c.product_id, deleted_products.c.change_seq))
        return {row.product_id: row.change_seq for row in rows}


async def catalogue(database: Database, count: int) -> list[str]:
    items = [item.product for item in make_products(count)]
    await within(database, write_products, items)
    return [item.product_id for item in items]


async def test_an_empty_catalogue_forgets_nothing(database: Database) -> None:
    assert await within(database, retention.forget_deleted, MONTH, 10**9, 100) == 0
    assert await within(database, retention.forgotten_seq) == 0
    assert await within(database, retention.forget_rejections, MONTH) == 0


async def test_only_what_is_old_and_was_taken_by_the_own_index_is_forgotten(database: Database) -> None:
    ids = await catalogue(database, 6)
    await delete_all(database, ids[:3], 2 * MONTH)
    await delete_all(database, ids[3:5], MONTH / 2)
    known = await gone(database)
    applied = known[ids[1]]
    assert await within(database, retention.forget_deleted, MONTH, applied, 100) == 2
    assert set(await gone(database)) == set(ids[2:5])
    assert await within(database, retention.forgotten_seq) == applied
    assert await within(database, retention.forget_deleted, MONTH, applied, 100) == 0
    assert await within(database, retention.forget_deleted, MONTH, 10**9, 100) == 1  # when the index has come further
    assert set(await gone(database)) == set(ids[3:5])
    assert await within(database, retention.forgotten_seq) == known[ids[2]]


async def test_the_newest_change_is_kept_so_that_a_new_index_comes_beyond_what_is_forgotten(database: Database) -> None:
    ids = await catalogue(database, 3)
    await delete_all(database, ids, 2 * MONTH)
    assert await within(database, retention.forget_deleted, MONTH, 10**9, 1) == 1
    assert await within(database, retention.forget_deleted, MONTH, 10**9, 100) == 1
    assert await within(database, retention.forget_deleted, MONTH, 10**9, 100) == 0
    (left,) = (await gone(database)).values()
    forgotten = await within(database, retention.forgotten_seq)
    assert left > forgotten
    assert state(left).stale_because("m/1", RATES, forgotten) == ""


async def test_a_product_that_comes_back_is_not_gone(database: Database) -> None:
    ids = await catalogue(database, 2)
    await delete_all(database, ids[:1], 2 * MONTH)
    await catalogue(database, 1)
    assert await gone(database) == {}
    await delete_all(database, ids[:1], dt.timedelta(0))
    assert await within(database, retention.forget_deleted, MONTH, 10**9, 100) == 0  # its time begins anew


def state(applied_seq: int, rates: RateTable = RATES) -> GenerationState:
    return GenerationState(1, "m/1", 4, rates, applied_seq, 0, 0, False, dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(("applied", "why"), [(6, "history"), (7, ""), (8, "")], ids=["behind", "just", "beyond"])
def test_an_index_that_missed_what_was_forgotten_is_built_anew(applied: int, why: str) -> None:
    assert state(applied).stale_because("m/1", RATES, 7) == why


async def test_refused_rows_go_and_their_import_says_so(database: Database) -> None:
    for import_id, age in (("old", 100), ("new", 1), ("running", 100)):
        async with database.begin() as connection:
            await imports.begin_import(connection, import_id, "shop.csv", dry_run=False, total_row_count=2)
            await add_rejections(connection, import_id, 0, [Rejection(1, "sku", "INVALID_FIELD", "is required")])
            if import_id != "running":
                await imports.end_import(connection, import_id, ImportState.SUCCEEDED, row_count=0)
                ended = sa.func.now() - dt.timedelta(days=age)
                run = sa.update(import_runs).where(import_runs.c.import_id == import_id)
                await connection.execute(run.values(end_time=ended))
    keep = dt.timedelta(days=90)
    assert await within(database, retention.forget_rejections, keep) == 1
    assert await within(database, retention.forget_rejections, keep) == 0
    async with database.begin() as connection:
        left = set(await connection.scalars(sa.select(import_rejections.c.import_id)))
        runs = {name: await imports.read_import(connection, name) for name in ("old", "new", "running")}
    assert left == {"new", "running"}
    assert {name for name, run in runs.items() if run and run.rejections_purge_time} == {"old"}


async def test_an_index_that_was_away_too_long_is_built_anew(
    tmp_path: Path, postgres: PostgresServer, shared_vision: VisionStub
) -> None:
    url = postgres.new_database()
    async with running(tmp_path, url, shared_vision, retention_pause_s=0.2) as place:
        stubs = place.stubs("operator")
        await stubs.import_rows([shirt(1, [draw("red")]), shirt(2, [draw("navy")])])
        await ready(place, count=2)
        (file,) = (tmp_path / "index").glob("*/state.json")
        before = json.loads(file.read_text())["applied_seq"]
        await stubs.catalog.DeleteProduct(catalog_service_pb2.DeleteProductRequest(name="products/S-2"))
        await stubs.import_rows([shirt(3, [draw("white")])])
        await ready(place, count=2)
        database = Database(url, "retrieval", "retrieval_svc.migrations")
        async with database.begin() as connection:
            await connection.execute(sa.update(deleted_products).values(delete_time=sa.func.now() - 2 * MONTH))

        async def forgotten() -> bool:
            return await gone(database) == {} and await within(database, retention.forgotten_seq) > before

        await eventually(forgotten)
        generation = (await stubs.index()).generation
        await stubs.channel.close()
    # As the file of a process that was stopped before the deletion, and comes back when nobody remembers it.
    file.write_text(json.dumps(json.loads(file.read_text()) | {"applied_seq": before}))
    async with running(tmp_path, url, shared_vision) as place:
        stubs = place.stubs()

        async def newer() -> bool:
            return (await stubs.index()).generation > generation

        await eventually(newer)
        await ready(place, count=2)
        await stubs.channel.close()
    await database.close()
