"""How an import begins: anew, or behind the rows of one that broke."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.errors import AbortedError, AlreadyExistsError, FailedPreconditionError, NotFoundError
from retrieval_svc.storage import catalog, imports, vectors
from retrieval_svc.storage.imports import ImportCounts, ImportRun, ImportState
from retrieval_svc.storage.rejections import Rejection, count_rejections, list_rejections

# An import that made no progress for so long has lost its process or its client.
ABANDONED_AFTER = dt.timedelta(minutes=10)
# For so long after it failed it is known which article numbers an import has stored.
RESUMABLE_FOR = dt.timedelta(days=7)
# What the response of an import may hold; ListImportRejections has all.
MAX_REPORTED = 10_000


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What holds for a whole import; fields as in `vitrine.retrieval.v1.ImportConfig`, `resume` being an id."""

    source: str = ""
    dry_run: bool = False
    total_row_count: int = 0
    brand_scores: Mapping[str, float] = field(default_factory=dict)
    request_id: str = ""
    resume: str = ""
    done_row_count: int = 0


@dataclass(slots=True)
class Progress:
    """How far an import is.

    Attributes:
        import_id: The import.
        order: What holds for all of it.
        counts: Of its rows.
        reported: Refused rows for the response, up to `MAX_REPORTED` problems.
        noted: How many problems were noted.
        stored_row_count: How many rows the database counts, by what this stream knows. Where it counts others, another
            stream goes on with the import.
    """

    import_id: str
    order: ImportOrder
    counts: ImportCounts = field(default_factory=ImportCounts)
    reported: list[Rejection] = field(default_factory=list)
    noted: int = 0
    stored_row_count: int = 0


async def start_import(connection: AsyncConnection, order: ImportOrder) -> Progress:
    """Notes that an import begins or goes on.

    Args:
        connection: In a transaction.
        order: What holds for all of it.

    Raises:
        VitrineError: There is no such import to resume, it cannot be resumed, or the id is taken.
    """
    if order.brand_scores and not order.dry_run:
        await catalog.lock_writes(connection)  # before the import is locked, as where rows are stored
        await vectors.write_brand_scores(connection, order.brand_scores)
    await imports.end_abandoned(connection, ABANDONED_AFTER, RESUMABLE_FOR)
    if order.resume:
        return await _resume(connection, order)
    progress = Progress(order.request_id or str(uuid.uuid4()), order)
    if await imports.read_import(connection, progress.import_id) is not None:
        raise AlreadyExistsError(f"there is an import imports/{progress.import_id}", "RESOURCE_EXISTS")
    await imports.begin_import(
        connection, progress.import_id, order.source, dry_run=order.dry_run, total_row_count=order.total_row_count
    )
    return progress


async def _resume(connection: AsyncConnection, order: ImportOrder) -> Progress:
    run = await imports.read_import(connection, order.resume, lock=True)
    if run is None:
        raise NotFoundError(f"no import imports/{order.resume}", "RESOURCE_NOT_FOUND")
    _check(run, order)
    await imports.reopen_import(connection, run.import_id)
    reported = await list_rejections(connection, run.import_id, 0, MAX_REPORTED)
    noted = await count_rejections(connection, run.import_id)
    return Progress(run.import_id, order, run.counts, reported, noted, run.counts.row_count)


def _check(run: ImportRun, order: ImportOrder) -> None:
    name = f"imports/{run.import_id}"
    if run.state is ImportState.SUCCEEDED:
        raise FailedPreconditionError(f"{name} has succeeded", "STATE_CONFLICT")
    if run.end_time is not None and dt.datetime.now(dt.UTC) - run.end_time > RESUMABLE_FOR:
        raise FailedPreconditionError(f"{name} failed more than {RESUMABLE_FOR.days} days ago", "STATE_CONFLICT")
    if run.dry_run is not order.dry_run:
        raise FailedPreconditionError(f"{name} was {'a' if run.dry_run else 'no'} dry run", "STATE_CONFLICT")
    if run.counts.row_count != order.done_row_count:
        text = f"{name} has {run.counts.row_count} rows behind it, config.done_row_count says {order.done_row_count}"
        raise AbortedError(text, "ETAG_MISMATCH", {"row_count": str(run.counts.row_count)})
