"""PostgreSQL: one engine and one schema per service, migrations, and failures in our own words."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mesh.errors import DeadlineExceededError, UnavailableError, VitrineError

_CONNECT_TIMEOUT_S = 5
_POOL_TIMEOUT_S = 5.0
# What SQLAlchemy, its pool and psycopg raise when the server is not there, or cannot serve now.
_UNREACHABLE = (
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


class Database:
    """The tables of one service.

    Statements are SQLAlchemy Core. Unqualified names mean the service's schema, then `public` (where extensions are).
    """

    def __init__(
        self,
        url: str | SecretStr,
        schema: str,
        migrations_package: str,
        *,
        pool_size: int = 10,
        statement_timeout_s: float = 30.0,
    ) -> None:
        """Describes the database; nothing is contacted yet.

        Args:
            url: ``postgresql+psycopg://user:password@host:port/database``.
            schema: The schema of the service; `migrate` makes it.
            migrations_package: Package whose folder ``versions`` holds Alembic revisions: ``ingest_svc.migrations``.
            pool_size: Connections to keep open.
            statement_timeout_s: Time after which the server gives a statement up, in seconds.
        """
        self.schema = schema
        self._migrations_package = migrations_package
        settings = f"-c search_path={schema},public -c statement_timeout={round(statement_timeout_s * 1000)}"
        self.engine: AsyncEngine = create_async_engine(
            url.get_secret_value() if isinstance(url, SecretStr) else url,
            pool_pre_ping=True,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL_TIMEOUT_S,
            hide_parameters=True,  # parameters are personal data and do not belong into error texts
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "application_name": f"vitrine-{schema}",
                "options": settings,
            },
        )
        self._closed = False
        sa.event.listen(self.engine.sync_engine, "checkin", self._returned)

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Opens a transaction: committed at the end of the block, rolled back when it raises.

        Yields:
            The connection.

        Raises:
            UnavailableError: DEPENDENCY_UNAVAILABLE when the database does not answer, SHUTTING_DOWN after `close`.
            DeadlineExceededError: When a statement took too long.
        """
        self._check_open()
        with translated():
            async with self.engine.begin() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def turn(self, key: int) -> AsyncIterator[bool]:
        """Takes a turn at work for one process at a time. It may take long: no transaction is open meanwhile.

        The turn is an advisory lock of a session: it ends with the block, or with this process.

        Args:
            key: Names the work within this database.

        Yields:
            Whether it is our turn; else somebody else is at it.

        Raises:
            UnavailableError: As `begin`.
        """
        self._check_open()
        with translated():
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                ours = bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))
                try:
                    yield ours
                finally:
                    if ours:
                        await connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))

    async def ping(self) -> None:
        """Asks the database whether it is there.

        Raises:
            UnavailableError: When it is not.
        """
        async with self.begin() as connection:
            await connection.execute(sa.text("select 1"))

    async def migrate(self, revision: str = "head") -> None:
        """Brings the schema to a revision, in one transaction; processes that start together take turns.

        Args:
            revision: The revision to upgrade to.
        """
        script = ScriptDirectory(str(_folder(self._migrations_package)))
        async with self.begin() as connection:
            await connection.execute(sa.text("set local statement_timeout = 0"))
            await connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _lock_key(self.schema)})
            await connection.execute(sa.schema.CreateSchema(self.schema, if_not_exists=True))
            await connection.run_sync(_upgrade, script, revision, self.schema)

    async def close(self) -> None:
        """Closes all connections, for good; one that is in use is closed once its block has ended."""
        self._closed = True
        await self.engine.dispose()

    def _check_open(self) -> None:
        if self._closed:  # a new connection now would have nobody to close it
            raise UnavailableError("the service is shutting down", "SHUTTING_DOWN", retry_after_s=1.0)

    def _returned(self, _: object, record: sa.pool.ConnectionPoolEntry) -> None:
        """Closes what comes back too late: SQLAlchemy would put it into a pool that it has given up."""
        if self._closed:
            record.invalidate()


async def driver_connection(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """Returns psycopg's own connection below one of SQLAlchemy, with the same transaction (procrastinate wants it).

    Args:
        connection: A connection from `Database.begin`.
    """
    raw = (await connection.get_raw_connection()).driver_connection
    if not isinstance(raw, psycopg.AsyncConnection):
        raise TypeError(f"expected a psycopg connection, got {type(raw).__name__}")
    return raw


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns failures of the database that are nobody's mistake into our errors; others (constraints) pass."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError, psycopg.Error) as error:
        known = database_error(error)
        if known is None:
            raise
        raise known from error


def database_error(error: BaseException) -> VitrineError | None:
    """Returns our error for one of the database, or None when it is a mistake in a statement or a broken constraint.

    Args:
        error: From SQLAlchemy or psycopg.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return DeadlineExceededError("a statement took too long", "DEADLINE_EXCEEDED", {"dependency": "postgres"})
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    operational = isinstance(error, _UNREACHABLE)
    if not (lost or operational):
        return None
    return UnavailableError(
        "the database does not answer", "DEPENDENCY_UNAVAILABLE", {"dependency": "postgres"}, retry_after_s=1.0
    )


def _upgrade(connection: sa.Connection, script: ScriptDirectory, revision: str, schema: str) -> None:
    """Runs Alembic inside the transaction of `connection`; the services need no `env.py` of their own."""

    def steps(current: Any, _: Any) -> Any:
        return script._upgrade_revs(revision, current)  # noqa: SLF001 - what `alembic.command.upgrade` itself calls

    with EnvironmentContext(Config(), script, fn=steps, destination_rev=revision) as environment:
        environment.configure(connection=connection, version_table="alembic_version", version_table_schema=schema)
        environment.run_migrations()


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is no package")
    return Path(spec.submodule_search_locations[0])


def _lock_key(schema: str) -> int:
    """A lock of its own for each schema: 8 bytes of a hash, since advisory locks are numbers."""
    return int.from_bytes(hashlib.sha256(f"vitrine:{schema}".encode()).digest()[:8], "big", signed=True)
