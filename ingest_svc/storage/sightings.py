"""Statements on sightings that the profile has yet to be told. Each takes the connection of the caller's transaction.

Whoever adds, tells or removes one holds the lock on the row of its capture.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.storage.tables import captures, jobs, pending_sightings

_capture_id = pending_sightings.c.capture_id


async def add(
    connection: AsyncConnection, capture_id: uuid.UUID, user: str, now: datetime, request: bytes, job_id: int
) -> None:
    """Keeps what the profile shall be told.

    Args:
        connection: The transaction.
        capture_id: Of which capture.
        user: Whose it is.
        now: The time.
        request: Serialized `vitrine.profile.v1.RecordSightingRequest`.
        job_id: The job that tells it.
    """
    values = {"capture_id": capture_id, "user_id": user, "create_time": now, "request": request, "job_id": job_id}
    await connection.execute(sa.insert(pending_sightings).values(values))


async def get(connection: AsyncConnection, capture_id: uuid.UUID) -> bytes | None:
    """Reads what the profile has yet to be told of a capture; None for nothing."""
    query = sa.select(pending_sightings.c.request).where(_capture_id == capture_id)
    request = (await connection.execute(query)).scalar_one_or_none()
    return None if request is None else bytes(request)


async def remove(connection: AsyncConnection, capture_id: uuid.UUID) -> None:
    """Forgets it: the profile knows, or never will."""
    await connection.execute(sa.delete(pending_sightings).where(_capture_id == capture_id))


async def count(connection: AsyncConnection) -> int:
    """Counts what waits."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(pending_sightings))).scalar_one())


async def set_job(connection: AsyncConnection, capture_id: uuid.UUID, job_id: int) -> None:
    """Remembers which job tells the profile."""
    await connection.execute(sa.update(pending_sightings).where(_capture_id == capture_id).values(job_id=job_id))


async def lost(connection: AsyncConnection, made_before: datetime, limit: int = 1000) -> list[uuid.UUID]:
    """Lists captures of which no job will tell the profile, for example after a restored backup."""
    job = (
        sa.select(jobs.c.id)
        .where(jobs.c.id == pending_sightings.c.job_id, jobs.c.status.cast(sa.Text).in_(("todo", "doing")))
        .exists()
    )
    query = (
        sa.select(_capture_id)
        .join(captures, captures.c.id == _capture_id)
        .where(pending_sightings.c.create_time < made_before, captures.c.delete_requested.is_(False), ~job)
    )
    return list((await connection.execute(query.limit(limit))).scalars())
