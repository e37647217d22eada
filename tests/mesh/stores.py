"""Everything that the mesh keeps: every table, every object, every point of the index."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.sdk import Vitrine

from tests.support.mesh import client

# What a running mesh writes by itself: who works, and when a periodic task was last due.
_VOLATILE = {"procrastinate_workers", "procrastinate_periodic_defers", "procrastinate_events"}
_ONE_TABLE = sql.SQL(
    "SELECT {label}, count(*), coalesce(md5(string_agg(row.text, '' ORDER BY row.text)), '') "
    "FROM (SELECT each::text AS text FROM {table} AS each) AS row"
)


class Stores:
    """What a mesh keeps, to be compared before and after."""

    def __init__(self, mesh: EmbeddedMesh) -> None:
        self._mesh = mesh
        self._url = mesh.database_url.replace("+psycopg", "")
        self._last: tuple[int, dict[str, Any]] = (-1, {})
        self._kept: psycopg.AsyncConnection[Any] | None = None
        self._caller: Vitrine | None = None
        self._statement: sql.Composed | None = None

    @contextlib.asynccontextmanager
    async def kept_open(self) -> AsyncIterator[Stores]:
        """Keeps its connections within the block, for who looks hundreds of times."""
        async with self._connected() as self._kept, self._calling() as self._caller:
            yield self
        self._kept = self._caller = None

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        if self._kept is not None:
            yield self._kept
            return
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def _calling(self) -> AsyncIterator[Vitrine]:
        if self._caller is not None:
            yield self._caller
            return
        async with client(self._mesh, "stores", ttl_s=3600) as caller:
            yield caller

    async def snapshot(self) -> dict[str, Any]:
        """Returns, by place, how much there is and a fingerprint of its content."""
        return {**await self._tables(), **self._objects(), **await self._index()}

    async def snapshot_at(self, place: int) -> dict[str, Any]:
        """Looks, but for the moment between two tests only once.

        Args:
            place: How many tests were before this moment.
        """
        if self._last[0] != place:
            self._last = (place, await self.snapshot())
        return self._last[1]

    async def settle(self, timeout_s: float = 60.0) -> None:
        """Waits until no job is open and nothing changes any more."""
        deadline, last = time.monotonic() + timeout_s, None
        while last != (last := await self.snapshot()) or await self._open_jobs():
            assert time.monotonic() < deadline, "the mesh does not come to rest"
            await asyncio.sleep(0.2)

    @staticmethod
    def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        """Names the places that are not as they were."""
        return sorted(place for place in before | after if before.get(place) != after.get(place))

    async def _open_jobs(self) -> bool:
        query = "SELECT 1 FROM ingest.procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1"
        return bool(await self.rows(query))

    async def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Runs a query."""
        async with self._connected() as connection:
            return list(await (await connection.execute(query.encode(), arguments)).fetchall())

    async def _tables(self) -> dict[str, Any]:
        async with self._connected() as connection:
            self._statement = self._statement or await _of_tables(connection)
            rows = await (await connection.execute(self._statement)).fetchall()
        return {f"table {label}": (count, digest) for label, count, digest in rows}

    def _objects(self) -> dict[str, Any]:
        files = [path for path in self._mesh.home.objects.rglob("*") if path.is_file()]
        return {f"object {path.relative_to(self._mesh.home.objects)}": _digest(path) for path in files}

    async def _index(self) -> dict[str, Any]:
        async with self._calling() as caller:
            index = await caller.search.GetIndex(search_service_pb2.GetIndexRequest())
        return {"index": (index.product_count, index.vector_count, index.pending_vector_count)}


async def _of_tables(connection: psycopg.AsyncConnection[Any]) -> sql.Composed:
    names = await connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('ingest', 'retrieval', 'profile')"
    )
    parts = [_of_table(*name) for name in sorted(await names.fetchall()) if name[1] not in _VOLATILE]
    return sql.SQL(" UNION ALL ").join(parts)


def _of_table(schema: str, table: str) -> sql.Composable:
    return _ONE_TABLE.format(label=sql.Literal(f"{schema}.{table}"), table=sql.Identifier(schema, table))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
