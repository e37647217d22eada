"""Stream sessions and their unacknowledged results in PostgreSQL: any replica can go on where another stopped."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.storage import stream_leases
from ingest_svc.storage.stream_leases import LeasePolicy
from ingest_svc.storage.stream_tables import stream_results, streams
from ingest_svc.streams.events import KeptResult
from ingest_svc.streams.limits.elsewhere import OpenStream
from ingest_svc.streams.ports import SessionTakenOverError, StoredSession
from mesh.database import Database


class PostgresSessionStore:
    """Implements `ingest_svc.streams.ports.SessionStore`."""

    def __init__(
        self,
        database: Database,
        *,
        resume_window_s: float,
        max_result_age_s: float = 3600.0,
        leases: LeasePolicy | None = None,
    ) -> None:
        """Names the place.

        Args:
            database: The database of ingest.
            resume_window_s: How long after its last sign of life a session can be resumed, seconds.
            max_result_age_s: How long a result waits to be acknowledged, seconds; at least as long as its session.
            leases: How many streams a user may have open.
        """
        self._database = database
        self._window = timedelta(seconds=resume_window_s)
        self._result_age = timedelta(seconds=max(max_result_age_s, resume_window_s))
        self._leases = leases or LeasePolicy()

    async def create(self, session: StoredSession, token_hash: bytes) -> None:
        """Keeps a new session.

        Args:
            session: The session.
            token_hash: SHA-256 of its resume token.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED, when the user has too many streams open, in whichever process.
            UnavailableError: When the database does not answer.
        """
        async with self._database.begin() as connection:
            await stream_leases.take_turn(connection, session.user)
            await stream_leases.check(connection, session.user, uuid.UUID(session.stream_id), self._leases)
            await connection.execute(
                sa.insert(streams).values(
                    id=uuid.UUID(session.stream_id),
                    user_id=session.user,
                    token_hash=token_hash,
                    generation=session.generation,
                    create_time=session.created_at,
                    expire_time=session.expires_at,
                    **self._changing(session),
                )
            )

    async def resume(self, user: str, token_hash: bytes) -> tuple[StoredSession, list[KeptResult]] | None:
        """Takes a session over for a new connection.

        Args:
            user: Who asks; a session of somebody else is not found.
            token_hash: SHA-256 of the token.

        Returns:
            The session with its new generation, and its unacknowledged results in order; None where there is none.

        Raises:
            ResourceExhaustedError: As `create`; the session stays as it is.
            UnavailableError: When the database does not answer.
        """
        statement = (
            sa.update(streams)
            .where(
                streams.c.token_hash == token_hash,
                streams.c.user_id == user,
                streams.c.resume_until_time > sa.func.now(),
            )
            .values(generation=streams.c.generation + 1, connected_until_time=self._lease())
            .returning(streams)
        )
        async with self._database.begin() as connection:
            await stream_leases.take_turn(connection, user)
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                return None
            await stream_leases.check(connection, user, row.id, self._leases)
            return _session(row), await _results(connection, row.id)

    async def save(
        self,
        session: StoredSession,
        results: Sequence[KeptResult] = (),
        *,
        acknowledged: Collection[int] = (),
        known: Collection[int] = (),
        keep: int,
    ) -> list[KeptResult]:
        """Saves totals and settings, adds results and forgets acknowledged ones.

        Args:
            session: The session with its present values.
            results: New results; one that is kept already changes nothing.
            acknowledged: Results of these frames are forgotten. Those alone: an older connection may add one of an
                earlier frame at any time, which nobody has seen.
            known: Frames of the other results that this connection knows of.
            keep: Of the others only the newest so many stay.

        Returns:
            Results that this connection does not know, in order: an older one has added them since.

        Raises:
            SessionTakenOverError: When a newer connection has the session, or it has ended; results are added first
                where the session still is.
            UnavailableError: When the database does not answer.
        """
        stream_id = uuid.UUID(session.stream_id)
        async with self._database.begin() as connection:
            generation = await connection.scalar(
                sa.select(streams.c.generation).where(streams.c.id == stream_id).with_for_update()
            )
            if generation is not None:
                await _add(connection, session, results, self._result_age)
            if generation == session.generation:
                await connection.execute(
                    sa.update(streams).where(streams.c.id == stream_id).values(**self._changing(session))
                )
                await _forget(connection, stream_id, acknowledged, keep)
                return await _results(connection, stream_id, known)
        raise SessionTakenOverError

    async def open_elsewhere(self, users: Collection[str], here: Collection[str]) -> list[OpenStream]:
        """As `stream_leases.open_elsewhere`.

        Args:
            users: The users.
            here: The ids of the streams that are open in this process.

        Raises:
            UnavailableError: When the database does not answer.
        """
        async with self._database.begin() as connection:
            return await stream_leases.open_elsewhere(connection, users, here)

    async def end(self, session: StoredSession) -> None:
        """Ends a session for good: it and its results go.

        Args:
            session: The session; nothing happens when a newer connection has it.

        Raises:
            UnavailableError: When the database does not answer.
        """
        async with self._database.begin() as connection:
            await connection.execute(
                sa.delete(streams).where(
                    streams.c.id == uuid.UUID(session.stream_id), streams.c.generation == session.generation
                )
            )

    def _lease(self) -> sa.ColumnElement[datetime]:
        """By the database's clock, as all processes read it."""
        return sa.func.now() + timedelta(seconds=self._leases.lease_s)

    def _changing(self, session: StoredSession) -> dict[str, Any]:
        return {
            "connected_until_time": self._lease() if session.connected else None,
            "resume_until_time": min(datetime.now(UTC) + self._window, session.expires_at),
            "totals": dict(session.totals),
            "books": dict(session.books),
            "keyframes": dict(session.keyframes),
            "options": dict(session.options),
        }


async def _add(
    connection: AsyncConnection, session: StoredSession, results: Sequence[KeptResult], age: timedelta
) -> None:
    if not results:
        return
    now = datetime.now(UTC)
    rows = [
        {
            "stream_id": uuid.UUID(session.stream_id), "frame_number": result.number, "user_id": session.user,
            "event_id": result.event_id, "create_time": now, "expire_time": now + age, "payload": result.payload,
        }
        for result in results
    ]  # fmt: skip
    await connection.execute(postgresql.insert(stream_results).on_conflict_do_nothing(), rows)


async def _forget(connection: AsyncConnection, stream_id: uuid.UUID, acknowledged: Collection[int], keep: int) -> None:
    mine = stream_results.c.stream_id == stream_id
    newest = (
        sa.select(stream_results.c.frame_number)
        .where(mine)
        .order_by(stream_results.c.frame_number.desc())
        .limit(keep)
        .scalar_subquery()
    )
    number = stream_results.c.frame_number
    await connection.execute(
        sa.delete(stream_results).where(mine, sa.or_(number.in_(acknowledged), number.not_in(newest)))
    )


async def _results(connection: AsyncConnection, stream_id: uuid.UUID, but: Collection[int] = ()) -> list[KeptResult]:
    statement = (
        sa.select(stream_results.c.event_id, stream_results.c.frame_number, stream_results.c.payload)
        .where(stream_results.c.stream_id == stream_id, stream_results.c.frame_number.not_in(but))
        .order_by(stream_results.c.frame_number)
    )
    rows = await connection.execute(statement)
    return [KeptResult(row.event_id, row.frame_number, bytes(row.payload)) for row in rows]


def _session(row: sa.Row[Any]) -> StoredSession:
    return StoredSession(
        stream_id=str(row.id),
        user=row.user_id,
        generation=row.generation,
        created_at=row.create_time,
        expires_at=row.expire_time,
        totals=row.totals,
        books=row.books,
        keyframes=row.keyframes,
        options=row.options,
    )
