"""Which products wait for a vector, without looking at all of them each time somebody asks."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import UnavailableError
from retrieval_svc.storage import index_feed
from retrieval_svc.storage.change_log import last_change
from retrieval_svc.storage.tables import deleted_products, product_vectors, products


class PendingVectors:
    """Counts products that wait for a vector of the model that is wanted.

    The first count looks at every product. Later ones look at what changed since: whatever gives a product a picture or
    a vector, or takes it away, gives the product a new change number too, and these become visible in their order.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._model = ""
        self._seq = -1
        self._waiting: set[str] = set()

    async def count(self) -> int:
        """Returns how many there are; while the database does not answer, how many there were."""
        try:
            async with self._turn, self._database.begin() as connection:
                state = await index_feed.read_model(connection)
                await self._follow(connection, state.wanted_model if state else "")
        except UnavailableError:
            pass
        return len(self._waiting)

    async def _follow(self, connection: AsyncConnection, model: str) -> None:
        newest = await last_change(connection)  # before the rest: what comes meanwhile is read again the next time
        if model != self._model or self._seq < 0:
            self._waiting = await _waiting(connection, model)
        elif newest > self._seq:
            self._waiting -= await _touched(connection, self._seq)
            self._waiting |= await _waiting(connection, model, self._seq)
        self._model, self._seq = model, newest


async def _touched(connection: AsyncConnection, after: int) -> set[str]:
    """Returns the article numbers of products that changed or were deleted after a number."""
    found: set[str] = set()
    for table in (products, deleted_products):
        found |= set(await connection.scalars(sa.select(table.c.product_id).where(table.c.change_seq > after)))
    return found


async def _waiting(connection: AsyncConnection, model: str, after: int | None = None) -> set[str]:
    """Returns the article numbers of products that lack a vector, among those that changed after a number, or all."""
    vectors = product_vectors.c
    stands = sa.exists().where(
        vectors.product_id == products.c.product_id,
        vectors.model == model,
        vectors.picture_id == products.c.picture_id,
    )
    statement = sa.select(products.c.product_id).where(products.c.picture_id != "", ~stands)
    if after is not None:
        statement = statement.where(products.c.change_seq > after)
    return set(await connection.scalars(statement))
