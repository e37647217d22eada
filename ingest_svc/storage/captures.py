"""Statements on the table of captures. Each takes the connection of the caller's transaction.

Whoever changes a row also notifies `CHANNEL`, so that watchers on all replicas see it as soon as it is committed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.captures.capture import Box, Capture, Kind, Stage, State
from ingest_svc.storage.tables import captures, jobs

CHANNEL = "vitrine_ingest_captures"
ERASURE_CHANNEL = "vitrine_ingest_erasures"
OPEN = (State.QUEUED.value, State.PROCESSING.value)

_COLUMNS = [column for column in captures.c if column.name not in ("summary", "job_id")]
_LIST_COLUMNS = [
    *(column for column in _COLUMNS if column.name != "detail"),
    captures.c.summary.label("detail"),
]


@dataclass(frozen=True, slots=True)
class CaptureFilter:
    """Which captures of a user to list; empty fields let everything through.

    Attributes:
        kinds: Only these kinds.
        states: Only these states.
        created_from: Accepted at or after this time.
        created_before: Accepted before this time.
    """

    kinds: Sequence[Kind] = ()
    states: Sequence[State] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None


async def insert(connection: AsyncConnection, capture: Capture) -> None:
    """Adds a capture.

    Raises:
        IntegrityError: From SQLAlchemy, when the user's request id is taken.
    """
    values = {name: getattr(capture, name) for name in _PLAIN}
    await connection.execute(
        sa.insert(captures).values(
            id=capture.capture_id,
            user_id=capture.user,
            kind=capture.kind.value,
            state=capture.state.value,
            stage=capture.stage.value,
            crop_box=_edges(capture.crop_box),
            face_boxes=[edge for box in capture.face_boxes for edge in box],
            degraded_parts=list(capture.degraded_parts),
            summary=b"",
            **values,
        )
    )


async def set_job(connection: AsyncConnection, capture_id: uuid.UUID, job_id: int) -> None:
    """Remembers which job works on a capture."""
    await connection.execute(sa.update(captures).where(captures.c.id == capture_id).values(job_id=job_id))


async def get(
    connection: AsyncConnection, capture_id: uuid.UUID, user: str | None = None, *, lock: bool = False
) -> Capture | None:
    """Reads a capture.

    Args:
        connection: The transaction.
        capture_id: Its id.
        user: Whose it must be; None for anybody's (the worker).
        lock: Whether nobody else may change it until the transaction ends.
    """
    query = sa.select(*_COLUMNS).where(captures.c.id == capture_id)
    if user is not None:
        query = query.where(captures.c.user_id == user)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return None if row is None else _capture(row)


async def version(connection: AsyncConnection, capture_id: uuid.UUID, user: str) -> int | None:
    """Reads the version of a user's capture: bytes, where the capture itself may be megabytes. None without one."""
    query = sa.select(captures.c.version).where(captures.c.id == capture_id, captures.c.user_id == user)
    return (await connection.execute(query)).scalar_one_or_none()


async def find_request(connection: AsyncConnection, user: str, request_id: str) -> Capture | None:
    """Reads the capture that was made by a request id."""
    query = sa.select(*_COLUMNS).where(captures.c.user_id == user, captures.c.request_id == request_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _capture(row)


async def count_open(connection: AsyncConnection, user: str | None = None) -> int:
    """Counts captures that are not final, of one user or of all."""
    query = sa.select(sa.func.count()).select_from(captures).where(captures.c.state.in_(OPEN))
    if user is not None:
        query = query.where(captures.c.user_id == user)
    return int((await connection.execute(query)).scalar_one())


async def list_page(
    connection: AsyncConnection, user: str, wanted: CaptureFilter, *, after: uuid.UUID | None, limit: int
) -> list[Capture]:
    """Reads the newest captures; ids are made in the order of time, so that they order the list.

    Args:
        connection: The transaction.
        user: Whose.
        wanted: Which.
        after: The last one of the page before.
        limit: How many at most.
    """
    query = sa.select(*_LIST_COLUMNS).where(captures.c.user_id == user, *_conditions(wanted))
    if after is not None:
        query = query.where(captures.c.id < after)
    rows = (await connection.execute(query.order_by(captures.c.id.desc()).limit(limit))).mappings()
    return [_capture(row) for row in rows]


async def update(
    connection: AsyncConnection, capture_id: uuid.UUID, now: datetime, *, attempt: int | None = None, **values: object
) -> bool:
    """Changes a capture, counts its version up and tells watchers.

    Args:
        connection: The transaction.
        capture_id: Which.
        now: The time of the change.
        attempt: When given, the change happens only while this attempt is in work: the fence of workers.
        **values: New values by column.

    Returns:
        Whether there was such a capture, in such an attempt.
    """
    statement = sa.update(captures).where(captures.c.id == capture_id)
    if attempt is not None:
        statement = statement.where(
            captures.c.attempt_count == attempt,
            captures.c.state == State.PROCESSING.value,
            captures.c.delete_requested.is_(False),
        )
    result = await connection.execute(statement.values(update_time=now, version=captures.c.version + 1, **values))
    if result.rowcount:
        await notify(connection, capture_id)
    return bool(result.rowcount)


async def delete(connection: AsyncConnection, capture_id: uuid.UUID) -> bool:
    """Removes a capture and its waiting job, and tells watchers.

    A job in work finds nothing and ends by itself.
    """
    job_id = sa.select(captures.c.job_id).where(captures.c.id == capture_id).scalar_subquery()
    await connection.execute(sa.delete(jobs).where(jobs.c.id == job_id, jobs.c.status.cast(sa.Text) == "todo"))
    result = await connection.execute(sa.delete(captures).where(captures.c.id == capture_id))
    await notify(connection, capture_id)
    return bool(result.rowcount)


async def forget_sighting(connection: AsyncConnection, capture_id: uuid.UUID) -> None:
    """Notes that the profile has taken a capture's sighting back. Nobody who watches sees a difference."""
    await connection.execute(sa.update(captures).where(captures.c.id == capture_id).values(sighting_sent=False))


async def notify(connection: AsyncConnection, capture_id: uuid.UUID) -> None:
    """Tells watchers on all replicas that a capture changed, once the transaction is committed."""
    await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, str(capture_id))))


async def lost(connection: AsyncConnection, unchanged_since: datetime) -> list[uuid.UUID]:
    """Lists unfinished captures that no job will finish, for example after a restored backup."""
    job = (
        sa.select(jobs.c.id)
        .where(jobs.c.id == captures.c.job_id, jobs.c.status.cast(sa.Text).in_(("todo", "doing")))
        .exists()
    )
    query = sa.select(captures.c.id).where(captures.c.state.in_(OPEN), captures.c.update_time < unchanged_since, ~job)
    return list((await connection.execute(query.limit(1000))).scalars())


async def half_deleted(connection: AsyncConnection, unchanged_since: datetime) -> list[tuple[str, uuid.UUID]]:
    """Lists user and id of captures whose deletion began and did not end."""
    query = sa.select(captures.c.user_id, captures.c.id).where(
        captures.c.delete_requested, captures.c.update_time < unchanged_since
    )
    return [(user, capture_id) for user, capture_id in (await connection.execute(query.limit(1000)))]


async def existing(connection: AsyncConnection, capture_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Returns those of the ids that name a capture."""
    query = sa.select(captures.c.id).where(captures.c.id.in_(capture_ids))
    return set((await connection.execute(query)).scalars())


_PLAIN = (
    "progress_percent", "request_id", "request_digest", "create_time", "start_time", "update_time", "end_time",
    "capture_time", "width_px", "height_px", "object_key", "max_matches", "skip_taste",
    "skip_personal_ranking", "attempt_count", "version", "sighting_sent", "delete_requested", "detail", "error",
)  # fmt: skip


def _capture(row: sa.RowMapping) -> Capture:
    return Capture(
        capture_id=row["id"],
        user=row["user_id"],
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        stage=Stage(row["stage"]),
        crop_box=Box(*row["crop_box"]),
        face_boxes=_boxes(row["face_boxes"]),
        degraded_parts=tuple(row["degraded_parts"]),
        **{name: row[name] for name in _PLAIN},
    )


def _boxes(flat: Sequence[float]) -> tuple[tuple[float, float, float, float], ...]:
    return tuple((flat[at], flat[at + 1], flat[at + 2], flat[at + 3]) for at in range(0, len(flat), 4))


def _edges(box: Box) -> list[float]:
    return [box.x_min, box.y_min, box.x_max, box.y_max]


def _conditions(wanted: CaptureFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.kinds:
        conditions.append(captures.c.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.states:
        conditions.append(captures.c.state.in_([state.value for state in wanted.states]))
    if wanted.created_from is not None:
        conditions.append(captures.c.create_time >= wanted.created_from)
    if wanted.created_before is not None:
        conditions.append(captures.c.create_time < wanted.created_before)
    return conditions
