"""What happens to a chosen frame: faces blurred, then garments, products and taste."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest_svc.captures.outfit import OutfitInput, OutfitOutcome
from ingest_svc.captures.pipeline import TRANSIENT
from ingest_svc.streams.events import Result
from ingest_svc.streams.flow import LatestSlot
from ingest_svc.streams.keyframes import KeyframeReason
from ingest_svc.streams.ports import Darkroom, KeyframePipeline, SafePicture
from ingest_svc.streams.session import ResultOptions

_DEFAULT_MATCHES = 10
# A keyframe whose services are away is tried again until a newer one takes its place, or this time has passed.
_RETRY_FIRST_S = 0.25
_RETRY_MAX_S = 2.0
_GIVE_UP_S = 30.0
# A client's clock that is further off than this says nothing about when an outfit was worn.
_MAX_CLOCK_ERROR_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A chosen frame on its way.

    Attributes:
        event_id: The id of its result.
        number: The frame.
        data: The encoded picture; only in memory.
        reason: Why it was chosen.
        captured_at_s: When it was taken, seconds since 1970.
        arrival_ns: When it arrived, by the monotonic clock.
        options: What its result shall hold.
    """

    event_id: str
    number: int
    data: bytes
    reason: KeyframeReason
    captured_at_s: float
    arrival_ns: int
    options: ResultOptions


@dataclass(frozen=True, slots=True)
class Understood:
    """What came of a keyframe.

    Attributes:
        picture: Its picture, faces blurred.
        outcome: Garments, products and taste.
    """

    picture: SafePicture
    outcome: OutfitOutcome


class KeyframeWork:
    """Processes the keyframes of one stream, one at a time."""

    def __init__(self, darkroom: Darkroom, pipeline: KeyframePipeline, user: str, stream: str) -> None:
        """Names the stream.

        Args:
            darkroom: Handles pixels.
            pipeline: Understands them.
            user: The user's id.
            stream: ``users/{user}/streams/{stream}``.
        """
        self.waiting: LatestSlot[Keyframe] = LatestSlot()
        self._darkroom = darkroom
        self._pipeline = pipeline
        self._user = user
        self._stream = stream

    async def do(self, keyframe: Keyframe) -> Understood | None:
        """Processes one keyframe; while services are away it tries again.

        Args:
            keyframe: The keyframe.

        Returns:
            What came of it; None when a newer one waits and this one gave way.

        Raises:
            imaging.errors.ImageError: When the picture cannot be used.
            VitrineError: When faces cannot be blurred, or vision refuses the picture or stays away.
        """
        picture: SafePicture | None = None
        wait_s, give_up = _RETRY_FIRST_S, time.monotonic() + _GIVE_UP_S
        while True:
            try:
                picture = picture or await self._darkroom.develop(keyframe.data)
                return Understood(picture, await self._pipeline.run(self._seen(keyframe, picture)))
            except TRANSIENT:
                if self.waiting.closed or time.monotonic() + wait_s > give_up:
                    raise
            if await self.waiting.filled_within(wait_s):
                return None
            wait_s = min(2 * wait_s, _RETRY_MAX_S)

    def _seen(self, keyframe: Keyframe, picture: SafePicture) -> OutfitInput:
        options = keyframe.options
        return OutfitInput(
            user=self._user,
            event_id=keyframe.event_id,
            source=self._stream,
            image_jpeg=picture.jpeg,
            face_boxes=picture.face_boxes,
            observed_at=datetime.fromtimestamp(keyframe.captured_at_s, UTC),
            max_matches=0 if options.skip_matches else options.match_count or _DEFAULT_MATCHES,
            record_taste=not options.skip_taste,
            rank_personally=not options.skip_personal_ranking,
        )


def result_of(keyframe: Keyframe, understood: Understood) -> Result:
    """Makes the result of a keyframe that has just been understood.

    Args:
        keyframe: The keyframe.
        understood: What came of it.
    """
    return Result(
        event_id=keyframe.event_id,
        number=keyframe.number,
        captured_at_s=keyframe.captured_at_s,
        reason=keyframe.reason,
        outcome=understood.outcome,
        face_count=understood.picture.face_count,
        processing_s=(time.monotonic_ns() - keyframe.arrival_ns) / 1e9,
        options=keyframe.options,
    )


def captured_at_s(capture_ns: int | None) -> float:
    """Returns when a frame was taken, seconds since 1970: by the client's clock where that can be, else now.

    Args:
        capture_ns: What the client says, nanoseconds since 1970, or None.
    """
    now_s = time.time()
    if capture_ns is None or abs(capture_ns / 1e9 - now_s) > _MAX_CLOCK_ERROR_S:
        return now_s
    return capture_ns / 1e9
