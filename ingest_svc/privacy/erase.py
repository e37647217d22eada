"""Erasing a user from the whole mesh.

The order matters. First ingest's own captures are marked, and the open streams ended on every replica, so that nobody
tells the profile anything more; then the profile erases its part; then pictures. This is done again until no capture
has come meanwhile; then rows go, together with the receipt in one transaction. A capture that comes after that is a new
beginning and stays whole. Each step can be repeated: when one fails the caller hears UNAVAILABLE and calls again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from vitrine.profile.v1 import profile_service_pb2

from ingest_svc.privacy.receipt import Erased, Receipt, Store, entries, ids_digest, make_receipt
from ingest_svc.privacy.records import erase_rows, personal_tables
from ingest_svc.storage import captures as store
from ingest_svc.storage.stream_tables import streams
from ingest_svc.storage.tables import captures, erasure_receipts, jobs, pending_sightings
from mesh.database import Database
from mesh.objects import ObjectStore

SERVICE = "ingest"
_PROFILE = "profile"

# Rows that belong to a capture: they go with those that are known, so that what came later stays whole.
_CAPTURE_ID = {"captures": captures.c.id, "pending_sightings": pending_sightings.c.capture_id}

# Captures that go: the key of the picture of each by the capture's id.
Gone = dict[uuid.UUID, str]


class ProfilePart(Protocol):
    """Erases the profile; `ingest_svc.clients.profile.ProfileClient` does it."""

    async def erase(self, user: str, *, deadline_s: float) -> profile_service_pb2.EraseProfileResponse:
        """Removes everything that the profile keeps about a user."""


class Eraser:
    """The use case behind EraseUser."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        profile: ProfilePart,
        *,
        clock: Callable[[], datetime],
        deadline_s: float,
        end_sessions: Callable[[str], int] | None = None,
    ) -> None:
        """Describes how to erase.

        Args:
            database: Ingest's own.
            objects: Where pictures are.
            profile: Erases its part.
            clock: Tells the time.
            deadline_s: Time limit of the profile's part, in seconds.
            end_sessions: Ends the open sessions of a user in this process and returns how many there were.
        """
        self._database = database
        self._objects = objects
        self._profile = profile
        self._clock = clock
        self._deadline_s = deadline_s
        self._end_sessions = end_sessions

    async def erase(self, user: str) -> Receipt:
        """Erases a user.

        Args:
            user: Whose everything.

        Returns:
            The receipt; a copy is kept.

        Raises:
            UnavailableError: When a part of the mesh does not answer. Call again.
        """
        start = self._clock()
        erased: list[Erased] = []
        if self._end_sessions is not None:
            count = self._end_sessions(user)
            erased.append(Erased(SERVICE, Store.MEMORY, "sessions", count, "", self._clock()))
        await self._tell_replicas(user)
        gone = await self._stop_captures(user, {})
        erased += await self._erase_profile(user)
        pictures = await self._remove_pictures(gone)
        again = await self._has_streams(user)
        # A stream that ended on another replica may have told the profile of its last keyframe meanwhile, and a worker
        # of a capture that was accepted meanwhile. The deadline of the call bounds the rounds.
        while (late := await self._stop_captures(user, gone)) or again:
            erased += [entry for entry in await self._erase_profile(user) if entry.item_count]
            pictures += await self._remove_pictures(late)
            gone, again = gone | late, False
        erased.append(Erased.of(SERVICE, Store.OBJECTS, "pictures", pictures, self._clock()))
        return await self._remove_rows(user, gone, start, erased)

    async def _tell_replicas(self, user: str) -> None:
        async with self._database.begin() as connection:
            await connection.execute(sa.select(sa.func.pg_notify(store.ERASURE_CHANNEL, user)))

    async def _stop_captures(self, user: str, known: Gone) -> Gone:
        """Marks the captures that are not known yet, waiting for those whose taste is being told right now."""
        async with self._database.begin() as connection:
            query = sa.select(captures.c.id, captures.c.object_key).where(
                captures.c.user_id == user, captures.c.id.not_in(known)
            )
            rows = (await connection.execute(query.order_by(captures.c.id).with_for_update())).all()
            for capture_id, _ in rows:
                await store.update(connection, capture_id, self._clock(), delete_requested=True)
        return {row.id: row.object_key for row in rows}

    async def _erase_profile(self, user: str) -> list[Erased]:
        return _profile_part(await self._profile.erase(user, deadline_s=self._deadline_s))

    async def _remove_pictures(self, gone: Gone) -> list[str]:
        return [key for key in gone.values() if await self._objects.delete(key)]

    async def _has_streams(self, user: str) -> bool:
        async with self._database.begin() as connection:
            query = sa.select(sa.exists().where(streams.c.user_id == user))
            return bool((await connection.execute(query)).scalar_one())

    async def _remove_rows(self, user: str, gone: Gone, start: datetime, erased: list[Erased]) -> Receipt:
        async with self._database.begin() as connection:
            job_ids = await _remove_jobs(connection, gone)
            erased.append(Erased.of(SERVICE, Store.ROWS, "jobs", job_ids, self._clock()))
            for table in personal_tables():
                only = [_CAPTURE_ID[table.name].in_(gone)] if table.name in _CAPTURE_ID else []
                ids = await erase_rows(connection, table, user, *only)
                erased.append(Erased.of(SERVICE, Store.ROWS, table.name, ids, self._clock()))
            for capture_id in gone:
                await store.notify(connection, capture_id)
            receipt = make_receipt(uuid.uuid4(), start, self._clock(), erased)
            await _keep(connection, receipt)
        return receipt


async def _remove_jobs(connection: AsyncConnection, gone: Gone) -> list[str]:
    """Removes the waiting jobs of captures; one in work finds nothing and ends by itself."""
    statement = sa.delete(jobs).where(
        jobs.c.args["capture_id"].astext.in_([str(capture_id) for capture_id in gone]),
        sa.cast(jobs.c.status, sa.Text) == "todo",
    )
    return [str(job_id) for job_id in (await connection.execute(statement.returning(jobs.c.id))).scalars()]


async def _keep(connection: AsyncConnection, receipt: Receipt) -> None:
    await connection.execute(
        sa.insert(erasure_receipts).values(
            receipt_id=receipt.receipt_id,
            start_time=receipt.start_time,
            end_time=receipt.end_time,
            erased=entries(receipt.erased),
            sha256=receipt.sha256,
        )
    )


def _profile_part(answer: profile_service_pb2.EraseProfileResponse) -> list[Erased]:
    time = answer.erase_time.ToDatetime(tzinfo=UTC)
    return [
        Erased(
            _PROFILE,
            Store.VECTORS if "vector" in items.kind else Store.ROWS,
            items.kind,
            items.count,
            ids_digest(items.keys),
            time,
        )
        for items in answer.items
    ]
