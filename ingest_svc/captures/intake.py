"""Taking a photo in.

Nothing is kept before its faces are blurred; and row, job and picture are there together or not at all.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from imaging.decode import DEFAULT_LIMITS, DecodeLimits
from ingest_svc.captures.capture import (
    RETICLE,
    Box,
    Capture,
    Kind,
    Stage,
    State,
    digest_of,
    new_capture_id,
    object_key_of,
)
from ingest_svc.captures.jobs import JobQueue
from ingest_svc.captures.picture import Blur, SafePicture, prepare
from ingest_svc.captures.room import PictureRoom
from ingest_svc.storage import captures as store
from mesh.database import Database
from mesh.errors import AbortedError, AlreadyExistsError, NotImplementedYetError, ResourceExhaustedError
from mesh.executor import ModelExecutor
from mesh.metrics import Metrics
from mesh.objects import ObjectStore

MAX_MATCHES = 30
_BUSY_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class NewCapture:
    """A photo that somebody sends.

    Attributes:
        user: Whose it is.
        kind: What it is for.
        image: The encoded picture.
        crop_box: The part to take; None takes the reticle of an outfit.
        request_id: Makes the call safe to repeat; None when it is not.
        capture_time: When it was taken, if that is known.
        skip_taste: Whether it may not move the taste.
        skip_personal_ranking: Whether its products are ranked as for anybody.
        max_matches: Products to keep per garment, 1-30; 0 stands for 30.
    """

    user: str
    kind: Kind
    image: bytes
    crop_box: Box | None = None
    request_id: str | None = None
    capture_time: datetime | None = None
    skip_taste: bool = False
    skip_personal_ranking: bool = False
    max_matches: int = 0

    def digest(self) -> bytes:
        """Returns the digest by which a repeated request is known to be the same."""
        box = None if self.crop_box is None else list(asdict(self.crop_box).values())
        time = None if self.capture_time is None else self.capture_time.isoformat()
        options = {"skip_taste": self.skip_taste, "max_matches": self.max_matches}
        if self.skip_personal_ranking:  # newer than the first digests, which must stay what they are
            options["skip_personal_ranking"] = True
        return digest_of(self.image, {"kind": self.kind.value, "box": box, "time": time, **options})


class Intake:
    """The use case behind CreateCapture."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        executor: ModelExecutor,
        blur: Blur,
        jobs: JobQueue,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        queue_limit: int,
        room: PictureRoom,
        limits: DecodeLimits = DEFAULT_LIMITS,
    ) -> None:
        self._database = database
        self._objects = objects
        self._executor = executor
        self._blur = blur
        self._jobs = jobs
        self._metrics = metrics
        self._clock = clock
        self._queue_limit = queue_limit
        self._room = room
        self._limits = limits

    async def create(self, new: NewCapture) -> Capture:
        """Takes a photo in.

        Args:
            new: The photo.

        Returns:
            The queued capture; or, when its request id was used before, the capture made then as it is now.

        Raises:
            ImageError: When the picture is refused.
            BlurFailedError: When faces cannot be looked for; nothing is kept.
            AlreadyExistsError: REQUEST_ID_REUSED, when the request id was used with other arguments.
            ResourceExhaustedError: When the user has too many captures in work, or too many pictures, or bytes of
                them, wait for the executor.
            UnavailableError: When the database or the object store does not answer; nothing is kept.
        """
        if new.kind is not Kind.OUTFIT:
            raise NotImplementedYetError(
                f"captures of kind {new.kind.name} are not served by this version", "NOT_IMPLEMENTED_YET"
            )
        with self._room.hold(len(new.image)):  # from here on: all that follows keeps it in memory
            return await self._create(new)

    async def _create(self, new: NewCapture) -> Capture:
        digest = new.digest()
        made_before = await self._admit(new, digest)
        if made_before is not None:
            return made_before
        box = new.crop_box or RETICLE
        picture = await self._executor.run(prepare, new.image, box, self._blur, self._limits)
        return await self._keep(new, digest, box, picture)

    async def _admit(self, new: NewCapture, digest: bytes) -> Capture | None:
        async with self._database.begin() as connection:
            if new.request_id is not None:
                found = await store.find_request(connection, new.user, new.request_id)
                if found is not None:
                    return _same(found, digest)
            if await store.count_open(connection, new.user) >= self._queue_limit:
                raise ResourceExhaustedError(
                    f"{self._queue_limit} captures of this user wait already",
                    "CAPACITY_REACHED",
                    {"limit": str(self._queue_limit)},
                    retry_after_s=_BUSY_RETRY_S,
                )
        return None

    async def _keep(self, new: NewCapture, digest: bytes, box: Box, picture: SafePicture) -> Capture:
        capture = self._capture(new, digest, box, picture)
        try:
            await self._objects.put(capture.object_key, picture.jpeg, "image/jpeg")
            await self._commit(capture)
        except IntegrityError:  # the same request came twice at once, and the other one was first
            await self._take_back(capture)
            return await self._winner(new, digest)
        except BaseException:
            await self._take_back(capture)
            raise
        self._metrics.captures.labels(capture.kind.value, capture.state.value).inc()
        return capture

    async def _commit(self, capture: Capture) -> None:
        async with self._database.begin() as connection:
            await store.insert(connection, capture)
            await store.set_job(
                connection, capture.capture_id, await self._jobs.process(connection, capture.capture_id)
            )

    async def _take_back(self, capture: Capture) -> None:
        """Removes the picture of a capture that did not come to be, also when the call was cancelled meanwhile.

        The answer to a commit can be lost, so the row is looked for first; what cannot be told now, the sweeper tells.
        """
        await asyncio.shield(asyncio.ensure_future(self._remove_unowned(capture)))

    async def _remove_unowned(self, capture: Capture) -> None:
        try:
            async with self._database.begin() as connection:
                owned = await store.get(connection, capture.capture_id) is not None
            if not owned:
                await self._objects.delete(capture.object_key)
        except Exception:  # noqa: BLE001 - the caller is told of the first failure, not of this one
            self._metrics.failures.labels("capture_take_back").inc()

    async def _winner(self, new: NewCapture, digest: bytes) -> Capture:
        async with self._database.begin() as connection:
            found = await store.find_request(connection, new.user, new.request_id or "")
        if found is None:
            raise AbortedError("the same request came twice at once; send it again", "ETAG_MISMATCH")
        return _same(found, digest)

    def _capture(self, new: NewCapture, digest: bytes, box: Box, picture: SafePicture) -> Capture:
        now = self._clock()
        capture_id: uuid.UUID = new_capture_id(now, secrets.token_bytes(10))
        return Capture(
            capture_id=capture_id,
            user=new.user,
            kind=new.kind,
            state=State.QUEUED,
            stage=Stage.QUEUED,
            progress_percent=Stage.QUEUED.progress_percent,
            request_id=new.request_id,
            request_digest=digest,
            create_time=now,
            start_time=None,
            update_time=now,
            end_time=None,
            capture_time=new.capture_time,
            crop_box=box,
            width_px=picture.width_px,
            height_px=picture.height_px,
            face_boxes=picture.face_boxes,
            object_key=object_key_of(capture_id),
            max_matches=new.max_matches or MAX_MATCHES,
            skip_taste=new.skip_taste,
            skip_personal_ranking=new.skip_personal_ranking,
            attempt_count=0,
            version=1,
            sighting_sent=False,
            delete_requested=False,
            degraded_parts=(),
            detail=b"",
            error=b"",
        )


def _same(found: Capture, digest: bytes) -> Capture:
    if found.request_digest != digest:
        raise AlreadyExistsError("the request id was used with other arguments", "REQUEST_ID_REUSED")
    return found
