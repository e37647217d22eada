"""Products written straight into the catalogue, for tests of what stands on it."""

from __future__ import annotations

from collections.abc import Sequence

from mesh.database import Database
from retrieval_svc.index.schema import IndexedProduct
from retrieval_svc.storage import catalog, index_feed, vectors
from retrieval_svc.storage.catalog import picture_id_of
from retrieval_svc.storage.vectors import VectorWrite
from tests.unit.retrieval_svc.catalogue import DIMENSION


async def store(database: Database, items: Sequence[IndexedProduct], model: str = "m/1") -> None:
    """Stores products, and vectors of a model for those that have one."""
    async with database.begin() as connection:
        await catalog.lock_writes(connection)
        await index_feed.note_model(connection, model, DIMENSION)
        await catalog.write_products(connection, [item.product for item in items])
        writes = [
            VectorWrite(item.product.product_id, picture_id_of(item.product), model, item.vector)
            for item in items
            if item.vector is not None
        ]
        await vectors.write_vectors(connection, writes)


async def remove(database: Database, product_id: str) -> None:
    """Deletes a product."""
    async with database.begin() as connection:
        await catalog.lock_writes(connection)
        await catalog.delete_product(connection, product_id)
