"""How far the catalogue has come, and what has stood still since."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.storage.tables import deleted_products, products


async def last_change(connection: AsyncConnection) -> int:
    """Returns the number of the newest change, 0 before the first; a look at the ends of two indexes."""
    newest = [
        await connection.scalar(sa.select(sa.func.max(table.c.change_seq))) for table in (products, deleted_products)
    ]
    return max(int(number or 0) for number in newest)


async def unchanged_documents(connection: AsyncConnection, up_to: int, limit: int) -> dict[str, dict[str, Any]]:
    """Returns what the shop says about products that have not changed since a number, by article number.

    Args:
        connection: In a transaction.
        up_to: Number of a change.
        limit: How many at most; those that changed last before it.
    """
    statement = sa.select(products.c.product_id, products.c.doc).where(products.c.change_seq <= up_to)
    rows = await connection.execute(statement.order_by(products.c.change_seq.desc()).limit(limit))
    return {row.product_id: row.doc for row in rows}
