"""What a stream needs from the world around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ingest_svc.captures.outfit import FaceBox, OutfitInput, OutfitOutcome
from ingest_svc.streams.events import Event, KeptResult, Limits, Result
from ingest_svc.streams.keyframes import KeyframeReason
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.limits.elsewhere import OpenStream
from ingest_svc.streams.limits.entry import Entry
from ingest_svc.streams.similarity import GrayImage
from ingest_svc.streams.similarity_light import ColorImage
from ingest_svc.streams.watchdog import StallKind
from mesh.errors import FailedPreconditionError


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it outlives its connection.

    Attributes:
        stream_id: Its UUID.
        user: The user's id.
        generation: Counts its connections; only the newest may write.
        created_at: When it began.
        expires_at: Until when it can be used.
        totals: Totals by name.
        books: What `Books.rows` gives.
        keyframes: Values of `KeyframeConfig` by name.
        options: Values of `ResultOptions` by name.
        connected: Whether its client is there: it counts among its user's open streams.
    """

    stream_id: str
    user: str
    generation: int
    created_at: datetime
    expires_at: datetime
    totals: Mapping[str, int] = field(default_factory=dict)
    books: Mapping[str, Any] = field(default_factory=dict)
    keyframes: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, bool | int] = field(default_factory=dict)
    connected: bool = True


class SessionTakenOverError(Exception):
    """A newer connection of the same session writes now."""


class SessionMovedError(FailedPreconditionError):
    """What the older connection hears: its session goes on in a newer one, so that repeating is no use."""

    def __init__(self) -> None:
        super().__init__("the session goes on in a newer connection", "STATE_CONFLICT")


class SinkClosedError(Exception):
    """The client has gone."""


class SessionStore(Protocol):
    """Keeps sessions and unacknowledged results; `ingest_svc.storage.sessions` implements it."""

    async def create(self, session: StoredSession, token_hash: bytes) -> None:
        """Keeps a new session.

        Args:
            session: The session.
            token_hash: SHA-256 of its resume token.
        """

    async def resume(self, user: str, token_hash: bytes) -> tuple[StoredSession, list[KeptResult]] | None:
        """Takes a session over for a new connection: its generation rises.

        Args:
            user: Who asks.
            token_hash: SHA-256 of the token.

        Returns:
            The session and its unacknowledged results in order of frames; None where there is none to resume.
        """

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

        Results are added even when a newer connection has the session: they were made from frames that it accepted.

        Args:
            session: The session with its present values.
            results: New results.
            acknowledged: Results of these frames are forgotten.
            known: Frames of the other results that this connection knows of.
            keep: Of the others only the newest so many stay.

        Returns:
            Results that this connection does not know, in order: an older one has added them since.

        Raises:
            SessionTakenOverError: When a newer connection has the session.
        """

    async def open_elsewhere(self, users: Collection[str], here: Collection[str]) -> list[OpenStream]:
        """Returns the open streams of users, but for those whose ids are given: they are open in this process."""

    async def end(self, session: StoredSession) -> None:
        """Ends a session for good; its results go."""


class KeyframePipeline(Protocol):
    """Makes garments, products and taste of a blurred picture; `OutfitPipeline` does."""

    async def run(self, seen: OutfitInput) -> OutfitOutcome:
        """Does all of it.

        Raises:
            VitrineError: When nothing can be said about the picture.
        """


@dataclass(frozen=True, slots=True)
class SafePicture:
    """A keyframe that may leave: small, re-encoded, faces blurred.

    Attributes:
        jpeg: The picture.
        face_boxes: Where faces were blurred: `(x0, y0, x1, y1)`, shares of width and height.
    """

    jpeg: bytes
    face_boxes: tuple[FaceBox, ...] = ()

    @property
    def face_count(self) -> int:
        """How many faces were blurred."""
        return len(self.face_boxes)


class Darkroom(Protocol):
    """Everything that touches the pixels of a frame; `ingest_svc.streams.darkroom` does."""

    def glance(self, data: bytes, *, color: bool = False) -> GrayImage | ColorImage | None:
        """Decodes the thumbnail of a frame, grey or in colour; None where that takes long.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
        """

    def hold(self, size_bytes: int) -> AbstractContextManager[None]:
        """Holds a picture that waits for `thumbnail` within the block.

        Raises:
            VitrineError: When too much is held already.
        """

    async def thumbnail(self, take: Callable[[], bytes], *, color: bool = False) -> GrayImage | ColorImage:
        """Decodes the thumbnail of a frame beside the event loop; which frame, `take` says once it begins.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
            VitrineError: When it cannot be decoded now; nothing was taken.
        """

    async def develop(self, data: bytes) -> SafePicture:
        """Decodes a keyframe and blurs its faces.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
            BlurFailedError: When faces cannot be blurred.
        """


class Sink(Protocol):
    """Where events go: a gRPC call or a WebSocket. Sending waits while the client does not read."""

    async def send(self, event: Event) -> None:
        """Sends one event.

        Raises:
            SinkClosedError: When the client has gone.
        """

    def pack(self, result: Result) -> bytes:
        """Packs a result for keeping, without any picture."""


class StreamMetrics(Protocol):
    """Where a stream counts."""

    def frame(self, outcome: Outcome) -> None:
        """Counts a frame that has ended."""

    def dropped(self, queue: str) -> None:
        """Counts a superseded one by what it waited in: ``frames`` or ``keyframes``."""

    def lost(self, count: int) -> None:
        """Counts numbers that did not arrive."""

    def found(self) -> None:
        """Counts a lost one that came after all, or whose result did."""

    def keyframe(self, reason: KeyframeReason) -> None:
        """Counts a keyframe."""

    def failure(self, part: str) -> None:
        """Counts a failure that the client does not see as an error."""

    def stall(self, kind: StallKind) -> None:
        """Counts a stall that has begun."""

    def advice(self, *, lower: bool) -> None:
        """Counts advice to send less, or more."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all streams of a process share.

    Attributes:
        store: Keeps sessions.
        darkroom: Handles pixels.
        pipeline: Understands keyframes.
        metrics: Where it is counted.
        limits: What this server takes.
        entry: Who may open a stream, and how much there is to do.
    """

    store: SessionStore
    darkroom: Darkroom
    pipeline: KeyframePipeline
    metrics: StreamMetrics
    limits: Limits
    entry: Entry
