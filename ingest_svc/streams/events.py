"""What a stream says to its client, whatever carries it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest_svc.captures.outfit import OutfitOutcome
from ingest_svc.streams.advice import Advice
from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeReason
from ingest_svc.streams.session import Ack, ResultOptions
from ingest_svc.streams.watch import FlowStats
from ingest_svc.streams.watchdog import Stall
from mesh.errors import VitrineError


@dataclass(frozen=True, slots=True)
class Limits:
    """What this server takes.

    Attributes:
        max_streams: Streams open at once in this process.
        max_streams_per_user: Streams of one user among them.
        max_message_bytes: Largest message, bytes.
        max_frame_pixels: Largest picture, pixels.
        max_session_s: Longest session, seconds.
        max_kept_results: Unacknowledged results that are kept per session.
        resume_window_s: How long after its last connection a session can be resumed, seconds.
        save_interval_s: How often totals are kept, and the session said to live, seconds.
        max_frame_delay_s: How far behind the shortest way a frame may be, seconds.
        max_frame_rate_fps: Frames per second of one user over all streams of this process; infinity for no limit.
        frame_burst_s: How much of that rate may come at once, seconds of it.
        capacity_retry_s: When who found no seat may come again, seconds.
    """

    max_streams: int = 200
    max_streams_per_user: int = 20
    max_message_bytes: int = 16 * 1024 * 1024
    max_frame_pixels: int = 40_000_000
    max_session_s: float = 4 * 3600.0
    max_kept_results: int = 200
    resume_window_s: float = 900.0
    max_frame_delay_s: float = 5.0
    max_frame_rate_fps: float = math.inf
    frame_burst_s: float = 5.0
    capacity_retry_s: float = 5.0
    save_interval_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Ready:
    """The session is open.

    Attributes:
        name: ``users/{user}/streams/{stream}``.
        resume_token: Shows who owns it.
        resumed: Whether an earlier session goes on.
        expires_at_s: Until when it can be used, seconds since 1970.
        keyframes: How keyframes are chosen.
        limits: What the server takes.
        totals: Totals so far, by name.
        replayed: How many results follow from before.
    """

    name: str
    resume_token: str
    resumed: bool
    expires_at_s: float
    keyframes: KeyframeConfig
    limits: Limits
    totals: Mapping[str, int]
    replayed: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a keyframe.

    Attributes:
        event_id: Its id, the same whenever it is made again.
        number: The frame.
        captured_at_s: When the frame was taken, seconds since 1970.
        reason: Why it was chosen.
        outcome: Garments, products and taste.
        face_count: Faces blurred.
        processing_s: From its arrival to this, seconds.
        options: What it holds.
    """

    event_id: str
    number: int
    captured_at_s: float
    reason: KeyframeReason
    outcome: OutfitOutcome
    face_count: int
    processing_s: float
    options: ResultOptions


@dataclass(frozen=True, slots=True)
class KeptResult:
    """A result as it is kept.

    Attributes:
        event_id: Its id.
        number: The frame.
        payload: The result, packed by the codec of the contract; it holds no picture.
    """

    event_id: str
    number: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ResultEvent:
    """A result on its way to the client.

    Attributes:
        kept: The result as it is kept.
        replayed: Whether it may have been sent before.
        blurred_jpeg: The blurred picture; empty unless asked for.
    """

    kept: KeptResult
    replayed: bool = False
    blurred_jpeg: bytes = b""


@dataclass(frozen=True, slots=True)
class Stats:
    """How the session goes.

    Attributes:
        totals: By name.
        keyframes: How keyframes are chosen.
        unacknowledged: Results kept.
        processing_p50_s: Median time to a result, seconds; None before the first.
        duration_s: Since the session began, seconds.
        final: Whether this is the end.
        flow: How the frames of this connection flow.
    """

    totals: Mapping[str, int]
    keyframes: KeyframeConfig
    unacknowledged: int
    processing_p50_s: float | None
    duration_s: float
    final: bool = False
    flow: FlowStats = field(default_factory=FlowStats)


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping.

    Attributes:
        client_ns: What the client sent, nanoseconds since 1970; None when it sent none.
        received_ns: When it arrived, nanoseconds since 1970.
    """

    client_ns: int | None
    received_ns: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong.

    Attributes:
        error: What.
        number: The frame, or 0 for the stream.
        fatal: Whether the stream ends.
    """

    error: VitrineError
    number: int = 0
    fatal: bool = False


Event = Ready | Ack | ResultEvent | Stats | Pong | Trouble | Stall | Advice


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """What a client asks for when it opens or resumes a session.

    Attributes:
        user: The user's id.
        resume_token: Of an earlier session; empty for a new one.
        keyframes: New values by field; None keeps.
        results: What results hold; None keeps.
        source: What sends the frames.
    """

    user: str
    resume_token: str = ""
    keyframes: Mapping[str, float | None] = field(default_factory=dict)
    results: ResultOptions | None = None
    source: str = ""
