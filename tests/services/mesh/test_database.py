"""The database of a service: real PostgreSQL, migrations, and failures in our own words."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from vitrine.embedded.postgres import PostgresServer

from mesh.database import Database, driver_connection
from mesh.errors import AlreadyExistsError, DeadlineExceededError, UnavailableError
from tests.support.waiting import until

pytestmark = pytest.mark.service

FIRST = """
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None

def upgrade() -> None:
    op.create_table("things", sa.Column("id", sa.Integer, primary_key=True))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision = "0002"
down_revision = "0001"

def upgrade() -> None:
    op.add_column("things", sa.Column("name", sa.Text, nullable=False, server_default=""))
    {extra}
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Iterator[Path]:
    """The folder of revisions of a package `probe_migrations`."""
    versions = tmp_path / "probe_migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_first.py").write_text(FIRST)
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    try:
        yield versions
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("probe_migrations", None)


@pytest.fixture(scope="session")
async def url(postgres: PostgresServer) -> str:
    return await asyncio.to_thread(postgres.new_database)


@pytest.fixture
async def database(url: str, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A database with a schema for this test alone."""
    schema = f"s{abs(hash(request.node.name)) % 10**8}"
    made = Database(url, schema, "probe_migrations", statement_timeout_s=1, pool_size=4)
    yield made
    await made.close()


async def columns(database: Database) -> list[str]:
    async with database.begin() as connection:
        rows = await connection.execute(
            sa.text(
                "select column_name from information_schema.columns where table_schema = :s and table_name = 'things'"
            ),
            {"s": database.schema},
        )
        return sorted(row[0] for row in rows)


async def test_migrations_are_applied_once_each(database: Database, migrations: Path) -> None:
    await database.migrate()
    assert await columns(database) == ["id"]
    (migrations / "0002_second.py").write_text(SECOND.format(extra=""))
    await database.migrate()
    await database.migrate()
    assert await columns(database) == ["id", "name"]
    async with database.begin() as connection:
        version = await connection.scalar(sa.text(f'select version_num from "{database.schema}".alembic_version'))  # noqa: S608
    assert version == "0002"


async def test_failed_migration_leaves_nothing_behind(database: Database, migrations: Path) -> None:
    await database.migrate()
    (migrations / "0002_second.py").write_text(SECOND.format(extra="op.execute('select 1/0')"))
    with pytest.raises(sa.exc.DBAPIError):
        await database.migrate()
    assert await columns(database) == ["id"]


@pytest.mark.usefixtures("migrations")
async def test_processes_that_start_together_take_turns(database: Database) -> None:
    await asyncio.gather(*(database.migrate() for _ in range(4)))
    assert await columns(database) == ["id"]


@pytest.mark.usefixtures("migrations")
async def test_two_services_in_one_database_do_not_meet(url: str) -> None:
    left, right = (Database(url, schema, "probe_migrations") for schema in ("left_svc", "right_svc"))
    try:
        for database in (left, right):
            await database.migrate()
        async with left.begin() as connection:
            await connection.execute(sa.text("insert into things values (1)"))
        async with right.begin() as connection:
            assert await connection.scalar(sa.text("select count(*) from things")) == 0
    finally:
        await left.close()
        await right.close()


@pytest.mark.usefixtures("migrations")
async def test_transaction_is_rolled_back_when_the_block_raises(database: Database) -> None:
    await database.migrate()

    async def insert_and_fail() -> None:
        async with database.begin() as connection:
            await connection.execute(sa.text("insert into things values (1)"))
            raise AlreadyExistsError("ours passes untouched")

    with pytest.raises(AlreadyExistsError):
        await insert_and_fail()
    async with database.begin() as connection:
        assert await connection.scalar(sa.text("select count(*) from things")) == 0


@pytest.mark.usefixtures("migrations")
async def test_broken_constraint_passes_untouched_and_quotes_no_values(database: Database) -> None:
    await database.migrate()
    insert = sa.text("insert into things values (:id)")

    async def insert_twice() -> None:
        async with database.begin() as connection:
            for _ in range(2):
                await connection.execute(insert, {"id": 4711})

    with pytest.raises(sa.exc.IntegrityError) as caught:
        await insert_twice()
    assert "parameters hidden" in str(caught.value)


async def test_statement_that_takes_too_long_is_a_deadline(database: Database) -> None:
    async def sleep() -> None:
        async with database.begin() as connection:
            await connection.execute(sa.text("select pg_sleep(10)"))

    with pytest.raises(DeadlineExceededError):
        await sleep()


@pytest.mark.parametrize("port", [1])
async def test_database_that_is_not_there_is_unavailable(port: int) -> None:
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{port}/none", "none", "mesh")
    with pytest.raises(UnavailableError) as caught:
        await database.ping()
    assert (caught.value.reason, caught.value.metadata) == ("DEPENDENCY_UNAVAILABLE", {"dependency": "postgres"})
    await database.close()


async def test_killed_connections_are_replaced(database: Database, url: str) -> None:
    await database.ping()
    await asyncio.to_thread(_kill_others, url, f"vitrine-{database.schema}")
    await database.ping()


async def test_connection_lost_in_a_transaction_is_unavailable(database: Database, url: str) -> None:
    async def lose() -> None:
        async with database.begin() as connection:
            await connection.execute(sa.text("select 1"))
            await asyncio.to_thread(_kill_others, url, f"vitrine-{database.schema}")
            await connection.execute(sa.text("select 1"))

    with pytest.raises(UnavailableError):
        await lose()
    await database.ping()


async def _connected(url: str, database: Database) -> int:
    """How many connections the server has of a database of ours."""
    query = "select count(*) from pg_stat_activity where application_name = %s"
    async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", "")) as connection:
        row = await (await connection.execute(query, [f"vitrine-{database.schema}"])).fetchone()
    assert row is not None
    return int(row[0])


async def test_connection_in_use_while_the_database_is_closed_is_closed_after_it(database: Database, url: str) -> None:
    pool = database.engine.pool  # held, so that no garbage collector closes what comes back to it
    async with database.begin() as connection:
        await database.close()
        assert await connection.scalar(sa.text("select 1")) == 1  # what is in work may end

    async def gone() -> bool:
        return await _connected(url, database) == 0

    await until(gone)
    assert pool is not database.engine.pool


async def test_closed_database_lets_nobody_in(database: Database, url: str) -> None:
    await database.ping()
    await database.close()
    with pytest.raises(UnavailableError) as caught:
        await database.ping()
    assert caught.value.reason == "SHUTTING_DOWN"
    with pytest.raises(UnavailableError):
        async with database.turn(7):
            pass
    assert await _connected(url, database) == 0


def _kill_others(url: str, application: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s", [application]
        )


async def test_turn_is_for_one_at_a_time_and_holds_no_transaction(url: str) -> None:
    one, other = (Database(url, "probe", "probe_migrations", pool_size=2) for _ in range(2))
    for ours, theirs in ((one, other), (other, one)):  # each gets it once the one before is done
        async with ours.turn(7) as first, theirs.turn(7) as second, theirs.turn(8) as another:
            assert (first, second, another) == (True, False, True)
            async with await psycopg.AsyncConnection.connect(url.replace("+psycopg", "")) as connection:
                query = (
                    "SELECT count(*), count(a.xact_start) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.objid = 7"
                )
                assert await (await connection.execute(query)).fetchone() == (1, 0)
    with pytest.raises(KeyError):
        async with one.turn(7):
            raise KeyError
    async with other.turn(7) as again:
        assert again
    await one.close()
    await other.close()


async def test_driver_connection_shares_the_transaction(database: Database) -> None:
    async with database.begin() as connection:
        raw = await driver_connection(connection)
        await raw.execute("create temporary table shared (id int) on commit drop")
        await connection.execute(sa.text("insert into shared values (1)"))
        cursor = await raw.execute("select count(*) from shared")
        assert await cursor.fetchone() == (1,)
