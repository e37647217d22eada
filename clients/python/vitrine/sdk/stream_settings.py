"""How a live stream is asked to be, and what it says when its connection broke."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.errors import RpcFailure
from vitrine.sdk.witness import Witness


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How to stream.

    Attributes:
        keyframes: How keyframes are chosen; what is not set has the server's default.
        results: What results hold.
        source: What sends the frames, for example ``phone``.
        max_pending_frames: Frames that may wait to be sent; with more, the oldest is dropped (and counted as lost).
        max_unanswered_frames: Frames that may be on their way without an acknowledgement; what is newer waits, so that
            no more than these are old when the line gets narrow.
        resume_token: Of a session to go on with, as `FrameStream.resume_token` gave it to a process that is gone.
        resume_after: The highest number that the process had given, `FrameStream.frame_number`, where that is known.
        give_up_after_s: How long the mesh may be away before the stream fails, in seconds.
        obey_advice: Whether `FrameStream.camera` follows the server's advice. Where frames are taken by it, only a
            second's worth of those that wait is kept when advice comes.
        witness: Told of each frame that is taken, dropped or sent.
    """

    keyframes: frame_pb2.KeyframeConfig = field(default_factory=frame_pb2.KeyframeConfig)
    results: pb.ResultOptions = field(default_factory=pb.ResultOptions)
    source: str = "sdk"
    max_pending_frames: int = 30
    max_unanswered_frames: int = 10
    give_up_after_s: float = 30.0
    resume_token: str = ""
    resume_after: int = 0
    obey_advice: bool = True
    witness: Witness | None = None

    def config(self, user: str, resume_token: str, keyframes: frame_pb2.KeyframeConfig) -> pb.StreamConfig:
        """Makes the first message of a connection.

        Args:
            user: Resource name of the user.
            resume_token: Of the session to go on with; empty for a new one.
            keyframes: How keyframes are chosen by now.
        """
        return pb.StreamConfig(
            parent=user, resume_token=resume_token, keyframes=keyframes, results=self.results, source=self.source
        )


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection broke and was taken up again.

    Attributes:
        cause: Why it broke.
        away_s: How long it was away, in seconds.
        replayed_result_count: Results that come again because they were not acknowledged.
    """

    cause: RpcFailure
    away_s: float
    replayed_result_count: int
