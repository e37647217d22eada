"""What an owner can do with captures beside making them: read, list, cancel, delete."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ingest_svc.captures.capture import Capture, Stage, State
from ingest_svc.captures.jobs import JobQueue
from ingest_svc.storage import captures as store
from ingest_svc.storage.captures import CaptureFilter
from mesh.database import Database
from mesh.errors import AbortedError, FailedPreconditionError, NotFoundError
from mesh.metrics import Metrics
from mesh.objects import ObjectStore


class Undo(Protocol):
    """Takes sightings back; `ingest_svc.clients.profile.ProfileClient` does it."""

    async def undo(self, user: str, event_id: str, *, deadline_s: float) -> bool:
        """Takes a sighting back, and tells whether it counted until now."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went with a capture.

    Attributes:
        taste_undone: Whether a taste event was undone.
        object_count: How many pictures were removed.
    """

    taste_undone: bool
    object_count: int


@dataclass(frozen=True, slots=True)
class KeptImage:
    """The kept picture of a capture.

    Attributes:
        jpeg: The encoded picture.
        width_px: Its width.
        height_px: Its height.
    """

    jpeg: bytes
    width_px: int
    height_px: int


class Captures:
    """The use cases behind Get, List, Cancel, Delete and GetCaptureImage."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        jobs: JobQueue,
        profile: Undo,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        undo_deadline_s: float,
    ) -> None:
        self._database = database
        self._objects = objects
        self._jobs = jobs
        self._profile = profile
        self._metrics = metrics
        self._clock = clock
        self._undo_deadline_s = undo_deadline_s

    async def get(self, user: str, capture_id: uuid.UUID) -> Capture:
        """Reads a capture.

        Args:
            user: Whose it is.
            capture_id: Which.

        Raises:
            NotFoundError: When the user has no such capture.
        """
        async with self._database.begin() as connection:
            return _found(await store.get(connection, capture_id, user))

    async def changed(self, user: str, capture_id: uuid.UUID, seen_version: int) -> Capture | None:
        """Reads a capture unless it is still at a version.

        Args:
            user: Whose it is.
            capture_id: Which.
            seen_version: The version that the caller knows; 0 for none.

        Raises:
            NotFoundError: When the user has no such capture.
        """
        async with self._database.begin() as connection:
            if seen_version and await store.version(connection, capture_id, user) == seen_version:
                return None
            return _found(await store.get(connection, capture_id, user))

    async def list(self, user: str, wanted: CaptureFilter, *, after: uuid.UUID | None, limit: int) -> list[Capture]:
        """Reads the newest captures of a user, without masks and matches.

        Args:
            user: Whose.
            wanted: Which.
            after: The last one of the page before.
            limit: How many at most.
        """
        async with self._database.begin() as connection:
            return await store.list_page(connection, user, wanted, after=after, limit=limit)

    async def image(self, user: str, capture_id: uuid.UUID) -> KeptImage:
        """Reads the kept picture of a capture.

        Args:
            user: Whose it is.
            capture_id: Which.

        Raises:
            NotFoundError: When there is no such capture, or it keeps no picture.
        """
        capture = await self.get(user, capture_id)
        return KeptImage(await self._objects.get(capture.object_key), capture.width_px, capture.height_px)

    async def cancel(self, user: str, capture_id: uuid.UUID, etag: str = "") -> Capture:
        """Stops a capture; one that the profile may have been told of has that taken back by a job.

        Args:
            user: Whose it is.
            capture_id: Which.
            etag: When given, only this version of it.

        Raises:
            NotFoundError: When the user has no such capture.
            AbortedError: When it is another version.
            FailedPreconditionError: When it has SUCCEEDED or FAILED.
        """
        async with self._database.begin() as connection:
            capture = _found(await store.get(connection, capture_id, user, lock=True))
            _check_etag(capture, etag)
            if capture.state is State.CANCELLED:
                return capture
            if capture.state.final:
                raise FailedPreconditionError(
                    f"the capture has {capture.state.name} already", "STATE_CONFLICT", {"state": capture.state.name}
                )
            now = self._clock()
            await store.update(
                connection, capture_id, now, state=State.CANCELLED.value, stage=Stage.DONE.value, end_time=now
            )
            if capture.sighting_sent:
                await self._jobs.undo(connection, capture_id)
            cancelled = _found(await store.get(connection, capture_id))
        self._metrics.captures.labels(capture.kind.value, State.CANCELLED.value).inc()
        return cancelled

    async def delete(self, user: str, capture_id: uuid.UUID, etag: str = "") -> Deleted:
        """Deletes a capture with its job, picture and taste event.

        It is marked first, so that no worker goes on with it, and removed last: when something between fails, calling
        again finishes it, and so does the worker by itself after a while.

        Args:
            user: Whose it is.
            capture_id: Which.
            etag: When given, only this version of it; not looked at once its deletion has begun.

        Raises:
            NotFoundError: When the user has no such capture.
            AbortedError: When it is another version.
            UnavailableError: When the profile or the object store does not answer.
        """
        capture = await self._mark(user, capture_id, etag)
        undone = False
        if capture.sighting_sent:
            undone = await self._profile.undo(user, str(capture_id), deadline_s=self._undo_deadline_s)
        removed = await self._objects.delete(capture.object_key)
        async with self._database.begin() as connection:
            await store.delete(connection, capture_id)
        return Deleted(taste_undone=undone, object_count=int(removed))

    async def take_back(self, capture_id: uuid.UUID) -> None:
        """Takes the sighting of a capture that failed or was cancelled back; the job `ingest.undo_sighting`.

        Args:
            capture_id: Which; nothing happens when it is gone.

        Raises:
            UnavailableError: When the profile does not answer.
        """
        async with self._database.begin() as connection:
            capture = await store.get(connection, capture_id)
        if capture is None or capture.state not in (State.CANCELLED, State.FAILED) or not capture.sighting_sent:
            return
        await self._profile.undo(capture.user, str(capture_id), deadline_s=self._undo_deadline_s)
        async with self._database.begin() as connection:
            await store.forget_sighting(connection, capture_id)

    async def _mark(self, user: str, capture_id: uuid.UUID, etag: str) -> Capture:
        async with self._database.begin() as connection:
            capture = _found(await store.get(connection, capture_id, user, lock=True))
            if capture.delete_requested:
                return capture
            _check_etag(capture, etag)
            now = self._clock()
            ending: dict[str, Any] = {"state": State.CANCELLED.value, "stage": Stage.DONE.value, "end_time": now}
            values = {} if capture.state.final else ending
            await store.update(connection, capture_id, now, delete_requested=True, **values)
        return capture


def _found(capture: Capture | None) -> Capture:
    if capture is None:
        raise NotFoundError("there is no such capture", "RESOURCE_NOT_FOUND")
    return capture


def _check_etag(capture: Capture, etag: str) -> None:
    if etag and etag != capture.etag:
        raise AbortedError("the capture has changed since it was read", "ETAG_MISMATCH")
