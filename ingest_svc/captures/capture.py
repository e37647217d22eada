"""What a capture is, and which steps of its life are allowed. Pure: no I/O, no clock, no protobuf."""

from __future__ import annotations

import enum
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UUID_TIME_SHIFT = 80  # RFC 9562, section 5.7: the 48 high bits of a UUIDv7 are milliseconds since 1970
_UUID_VERSION = 7 << 76
_UUID_VARIANT = 2 << 62
_LOW_BITS = (1 << 62) - 1
_MIDDLE_BITS = (1 << 12) - 1


class Kind(enum.StrEnum):
    """What a capture is for."""

    OUTFIT = "outfit"
    FACE = "face"
    BODY = "body"


class State(enum.StrEnum):
    """Where a capture is in its life."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Stage(enum.StrEnum):
    """What is being done; the value is the word of the contract."""

    QUEUED = "queued"
    ANALYZE = "analyze"
    MATCH = "match"
    TASTE = "taste"
    WAITING = "waiting"
    DONE = "done"

    @property
    def progress_percent(self) -> int:
        """How much of the work is done when this stage begins, 0-100; by the time that the stages take."""
        return _PROGRESS[self]


_PROGRESS = {Stage.QUEUED: 0, Stage.WAITING: 0, Stage.ANALYZE: 10, Stage.MATCH: 60, Stage.TASTE: 85, Stage.DONE: 100}


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, each edge a share of its width or height, 0-1 from the top-left corner."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
# The frame that the phone draws: 0.55 of the width and 0.70 of the height, centred (mission, section 1).
RETICLE = Box(0.225, 0.15, 0.775, 0.85)


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture as it is kept.

    Attributes:
        capture_id: Its id.
        user: Whose it is (the `sub` of their token).
        kind: What it is for.
        state: Where it is in its life.
        stage: What is being done.
        progress_percent: How much is done, 0-100.
        request_id: The client's id of the request; None when it gave none.
        request_digest: Digest of the request's arguments, see `digest_of`.
        create_time: When it was accepted.
        start_time: When a worker first began.
        update_time: When it last changed.
        end_time: When it became final.
        capture_time: When the picture was taken, as the client said.
        crop_box: The part of the sent picture that was taken.
        width_px: Width of the kept picture.
        height_px: Height of the kept picture.
        face_boxes: Where faces were blurred in it: `(x0, y0, x1, y1)`, shares of width and height.
        object_key: Where the picture is in the object store.
        max_matches: Products to keep per garment, 1-30.
        skip_taste: Whether it may not move the taste.
        skip_personal_ranking: Whether its products are ranked as for anybody.
        attempt_count: Attempts begun. The number of an attempt is also its fence: a worker that was taken for dead
            finds another number and stops.
        version: Grows with every change.
        sighting_sent: Whether the profile may have been told, so that it must be told again when the capture goes.
        delete_requested: Whether its deletion has begun.
        degraded_parts: What is missing or weak.
        detail: Serialized `vitrine.ingest.v1.Capture` with `models` and the result only; empty before. In lists without
            masks and matches.
        error: Serialized `google.rpc.Status`; empty without one.
    """

    capture_id: uuid.UUID
    user: str
    kind: Kind
    state: State
    stage: Stage
    progress_percent: int
    request_id: str | None
    request_digest: bytes
    create_time: datetime
    start_time: datetime | None
    update_time: datetime
    end_time: datetime | None
    capture_time: datetime | None
    crop_box: Box
    width_px: int
    height_px: int
    face_boxes: tuple[tuple[float, float, float, float], ...]
    object_key: str
    max_matches: int
    skip_taste: bool
    skip_personal_ranking: bool
    attempt_count: int
    version: int
    sighting_sent: bool
    delete_requested: bool
    degraded_parts: tuple[str, ...]
    detail: bytes
    error: bytes

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"users/{self.user}/captures/{self.capture_id}"

    @property
    def blurred_face_count(self) -> int:
        """How many faces were blurred in it."""
        return len(self.face_boxes)

    @property
    def etag(self) -> str:
        """Its version as an opaque string."""
        return etag_of(self.capture_id, self.version)

    @property
    def observed_at(self) -> datetime:
        """When the outfit was seen: as the client said, else when the picture arrived."""
        return self.capture_time or self.create_time

    def in_work(self, attempt: int) -> bool:
        """Whether one attempt, and no other, works on it."""
        return self.state is State.PROCESSING and self.attempt_count == attempt and not self.delete_requested


def etag_of(capture_id: uuid.UUID, version: int) -> str:
    """Returns the etag of one version of a capture.

    Args:
        capture_id: Its id.
        version: The version, from 1.
    """
    return hashlib.sha256(f"{capture_id}/{version}".encode()).hexdigest()[:16]


def new_capture_id(now: datetime, randomness: bytes) -> uuid.UUID:
    """Makes a UUIDv7 (RFC 9562): ids sort by time, which keeps the index of the newest captures small.

    Args:
        now: The time, timezone-aware.
        randomness: 10 random bytes.
    """
    milliseconds = int(now.timestamp() * 1000)
    random_bits = int.from_bytes(randomness[:10], "big")
    middle, low = (random_bits >> 62) & _MIDDLE_BITS, random_bits & _LOW_BITS
    return uuid.UUID(int=milliseconds << _UUID_TIME_SHIFT | _UUID_VERSION | middle << 64 | _UUID_VARIANT | low)


def time_of(capture_id: uuid.UUID) -> datetime:
    """Returns when a capture's id was made, to the millisecond."""
    return datetime.fromtimestamp((capture_id.int >> _UUID_TIME_SHIFT) / 1000, UTC)


def object_key_of(capture_id: uuid.UUID) -> str:
    """Returns the key of a capture's picture: the id alone, in 256 folders; nothing of the user is in it."""
    return f"captures/{capture_id.hex[-2:]}/{capture_id}.jpg"


def digest_of(image: bytes, arguments: Mapping[str, object]) -> bytes:
    """Returns a digest by which two requests with the same `request_id` are told to be the same or not.

    Args:
        image: The sent bytes.
        arguments: All other arguments that make a difference, as JSON values.

    Returns:
        32 bytes.
    """
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(hashlib.sha256(image).digest() + text.encode()).digest()


def retry_delay(attempt: int, *, first_s: float, longest_s: float, jitter: float) -> timedelta:
    """Returns how long to wait before the next attempt: doubled each time, and spread so that crowds come apart.

    Args:
        attempt: The attempt that failed, from 1.
        first_s: Wait after the first one, in seconds.
        longest_s: The longest wait, in seconds.
        jitter: A random number, 0-1; the wait varies by +-20 % with it.
    """
    wait_s = min(longest_s, first_s * 2.0 ** min(attempt - 1, 30))
    return timedelta(seconds=wait_s * (0.8 + 0.4 * jitter))
