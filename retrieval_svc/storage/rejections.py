"""Rows that imports refused, kept for a while so that they can be listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.storage.tables import import_rejections


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was refused.

    Attributes:
        row_number: Number of the row in its file.
        field: Column or path in the product.
        reason: Name of an `ErrorReason`.
        description: What was expected and what came.
    """

    row_number: int
    field: str
    reason: str
    description: str


async def add_rejections(
    connection: AsyncConnection, import_id: str, first_ordinal: int, rejections: Sequence[Rejection]
) -> None:
    """Notes rows that were refused.

    Args:
        connection: In a transaction.
        import_id: The import.
        first_ordinal: How many were noted before.
        rejections: In the order of the rows.
    """
    if rejections:
        rows = [
            {
                "import_id": import_id,
                "ordinal": first_ordinal + place,
                "row_number": rejection.row_number,
                "field": rejection.field,
                "reason": rejection.reason,
                "description": rejection.description,
            }
            for place, rejection in enumerate(rejections)
        ]
        await connection.execute(sa.insert(import_rejections), rows)


async def count_rejections(connection: AsyncConnection, import_id: str) -> int:
    """Returns how many problems of an import were noted."""
    statement = sa.select(sa.func.count()).select_from(import_rejections)
    return int(await connection.scalar(statement.where(import_rejections.c.import_id == import_id)) or 0)


async def list_rejections(
    connection: AsyncConnection, import_id: str, first_ordinal: int, limit: int
) -> list[Rejection]:
    """Returns refused rows in their order.

    Args:
        connection: In a transaction.
        import_id: The import.
        first_ordinal: How many to skip.
        limit: How many at most.
    """
    table = import_rejections.c
    statement = sa.select(table.row_number, table.field, table.reason, table.description).where(
        table.import_id == import_id, table.ordinal >= first_ordinal
    )
    rows = await connection.execute(statement.order_by(table.ordinal).limit(limit))
    return [Rejection(*row) for row in rows]
