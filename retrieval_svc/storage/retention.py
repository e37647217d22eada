"""Forgetting what was kept long enough: products that are gone, and rows that imports refused.

An index that was away for longer than deleted products are kept could never learn that they are gone. So the number of
the last change that was forgotten stays, and an index that had not come so far is built anew (`GenerationState`).
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.storage.tables import deleted_products, feed_horizon, import_rejections, imports, products


async def forgotten_seq(connection: AsyncConnection) -> int:
    """Returns the number of the last change that was forgotten, 0 before the first."""
    return int(await connection.scalar(sa.select(feed_horizon.c.forgotten_seq)) or 0)


async def forget_deleted(connection: AsyncConnection, older_than: dt.timedelta, applied_seq: int, limit: int) -> int:
    """Forgets products that were deleted long ago and that the own index has taken out.

    The newest change of all is kept, so that every index that is built gets beyond what was forgotten.

    Args:
        connection: In a transaction.
        older_than: How long a deleted product is kept.
        applied_seq: Number of the last change that the own index has taken.
        limit: How many at most.

    Returns:
        How many were forgotten.
    """
    gone = deleted_products.c
    newest = [sa.select(sa.func.max(column)).scalar_subquery() for column in (products.c.change_seq, gone.change_seq)]
    old = (
        sa.select(gone.product_id)
        .where(
            gone.delete_time < sa.func.now() - older_than,
            gone.change_seq <= applied_seq,
            gone.change_seq < sa.func.greatest(*newest),
        )
        .order_by(gone.change_seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = sa.delete(deleted_products).where(gone.product_id.in_(old)).returning(gone.change_seq)
    forgotten = list(await connection.scalars(deleted))
    if forgotten:
        horizon = sa.func.greatest(feed_horizon.c.forgotten_seq, max(forgotten))
        await connection.execute(sa.update(feed_horizon).values(forgotten_seq=horizon))
    return len(forgotten)


async def forget_rejections(connection: AsyncConnection, older_than: dt.timedelta) -> int:
    """Forgets the refused rows of one import that ended long ago; the import itself and its counts stay.

    Returns:
        How many imports that were: 1, or 0 when none is due.
    """
    table = imports.c
    due = (
        sa.select(table.import_id)
        .where(table.end_time < sa.func.now() - older_than, table.rejections_purge_time.is_(None))
        .order_by(table.end_time)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    import_id = await connection.scalar(due)
    if import_id is None:
        return 0
    await connection.execute(sa.delete(import_rejections).where(import_rejections.c.import_id == import_id))
    noted = sa.update(imports).where(table.import_id == import_id)
    await connection.execute(noted.values(rejections_purge_time=sa.func.now()))
    return 1
