"""Imports: how far each is, and which rows it has stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.storage.tables import import_rows, imports


class ImportState(IntEnum):
    """Life of an import; numbers as in `vitrine.retrieval.v1.Import.State`."""

    RUNNING = 1
    SUCCEEDED = 2
    FAILED = 3


@dataclass(slots=True)
class ImportCounts:
    """How far an import is."""

    row_count: int = 0
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0
    rejected_count: int = 0
    pending_vector_count: int = 0


@dataclass(frozen=True, slots=True)
class ImportRun:
    """An import, running or ended; fields as in `vitrine.retrieval.v1.Import`."""

    import_id: str
    state: ImportState
    source: str
    dry_run: bool
    total_row_count: int
    counts: ImportCounts
    create_time: dt.datetime
    end_time: dt.datetime | None
    error: str
    rejections_purge_time: dt.datetime | None = None


_COUNTS = tuple(ImportCounts.__slots__)


async def begin_import(
    connection: AsyncConnection, import_id: str, source: str, *, dry_run: bool, total_row_count: int
) -> None:
    """Notes that an import begins."""
    await connection.execute(
        sa.insert(imports).values(
            import_id=import_id,
            state=int(ImportState.RUNNING),
            source=source,
            dry_run=dry_run,
            total_row_count=total_row_count,
        )
    )


async def noted_rows(connection: AsyncConnection, import_id: str, product_ids: Sequence[str]) -> dict[str, int]:
    """Returns in which rows of an import article numbers stand that were stored already; others are left out."""
    table = import_rows.c
    statement = sa.select(table.product_id, table.row_number).where(
        table.import_id == import_id, table.product_id.in_(product_ids)
    )
    return {row.product_id: row.row_number for row in await connection.execute(statement)}


async def note_rows(connection: AsyncConnection, import_id: str, rows: Mapping[str, int]) -> None:
    """Notes in which rows article numbers stand, in the transaction that stores these rows.

    Args:
        connection: In a transaction.
        import_id: The import.
        rows: Number of the row by article number, none of them noted before.
    """
    values = [
        {"import_id": import_id, "product_id": product_id, "row_number": number} for product_id, number in rows.items()
    ]
    if values:
        await connection.execute(sa.insert(import_rows), values)


async def save_progress(
    connection: AsyncConnection, import_id: str, counts: ImportCounts, row_count_before: int
) -> bool:
    """Notes how far an import is, in the transaction of the rows that it counts.

    Args:
        connection: In a transaction.
        import_id: The import.
        counts: What it counts now.
        row_count_before: How many rows it counted before.

    Returns:
        False, and nothing is noted, where it has ended or counts other rows: another stream goes on with it.
    """
    values: dict[str, Any] = {name: getattr(counts, name) for name in _COUNTS}
    result = await connection.execute(_running(import_id, row_count_before).values(**values, update_time=sa.func.now()))
    return bool(result.rowcount)


def _running(import_id: str, row_count: int) -> sa.Update:
    table = imports.c
    return sa.update(imports).where(
        table.import_id == import_id, table.state == int(ImportState.RUNNING), table.row_count == row_count
    )


async def end_import(
    connection: AsyncConnection, import_id: str, state: ImportState, error: str = "", *, row_count: int
) -> bool:
    """Notes how an import ended.

    Args:
        connection: In a transaction.
        import_id: The import.
        state: How it ended.
        error: Why it failed.
        row_count: How many rows it counts.

    Returns:
        False, and nothing is noted, where it has ended or counts other rows: another stream goes on with it.
    """
    ended = _running(import_id, row_count).values(
        state=int(state), error=error, end_time=sa.func.now(), update_time=sa.func.now()
    )
    if not (await connection.execute(ended)).rowcount:
        return False
    if state is ImportState.SUCCEEDED:
        await connection.execute(sa.delete(import_rows).where(import_rows.c.import_id == import_id))
    return True


async def reopen_import(connection: AsyncConnection, import_id: str) -> None:
    """Notes that an import goes on."""
    statement = sa.update(imports).where(imports.c.import_id == import_id)
    running = int(ImportState.RUNNING)
    await connection.execute(statement.values(state=running, error="", end_time=None, update_time=sa.func.now()))


async def end_abandoned(connection: AsyncConnection, older_than: dt.timedelta, resumable: dt.timedelta) -> int:
    """Ends imports whose process died: running, and without progress for so long.

    Args:
        connection: In a transaction.
        older_than: How long.
        resumable: For how long an import that failed may go on; then its article numbers are forgotten.

    Returns:
        How many there were.
    """
    statement = sa.update(imports).where(
        imports.c.state == int(ImportState.RUNNING), imports.c.update_time < sa.func.now() - older_than
    )
    result = await connection.execute(
        statement.values(
            state=int(ImportState.FAILED),
            error="the server or its database went away while it ran",
            end_time=imports.c.update_time,
        )
    )
    final = sa.select(imports.c.import_id).where(imports.c.end_time < sa.func.now() - resumable)
    await connection.execute(sa.delete(import_rows).where(import_rows.c.import_id.in_(final)))
    return int(result.rowcount)


async def read_import(connection: AsyncConnection, import_id: str, *, lock: bool = False) -> ImportRun | None:
    """Returns an import, or None when there is none.

    Args:
        connection: In a transaction.
        import_id: The import.
        lock: Keep others from changing it until the transaction ends.
    """
    statement = sa.select(imports).where(imports.c.import_id == import_id)
    row = (await connection.execute(statement.with_for_update() if lock else statement)).first()
    if row is None:
        return None
    counts = ImportCounts(**{name: getattr(row, name) for name in _COUNTS})
    return ImportRun(
        row.import_id, ImportState(row.state), row.source, row.dry_run, row.total_row_count, counts,
        row.create_time, row.end_time, row.error, row.rejections_purge_time,
    )  # fmt: skip
