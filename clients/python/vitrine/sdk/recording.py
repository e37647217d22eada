"""Turns a running stream into the records of a session file. Nothing of a frame's picture goes into one but hashes."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from google.protobuf.json_format import MessageToDict
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.profile.v1 import taste_pb2
from vitrine.sdk.frames import CameraFrame, Taking
from vitrine.sdk.outcomes import outcome_name, reason_name
from vitrine.sdk.recording_file import FORMAT, VERSION, Record
from vitrine.sdk.recording_looks import Looker
from vitrine.sdk.stream import Reconnected

_THUMB_SIDE_PX = 96
_THUMB_QUALITY = 70
_MATCHES = 3
# What the server measures of a frame, to so many digits: a share of the picture counts from 0.0008 on.
_DIGITS: dict[Literal["ssim", "pixel_diff", "changed_area"], int] = {"ssim": 4, "pixel_diff": 4, "changed_area": 6}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a recording keeps; by default nothing that tells who it is of.

    Attributes:
        thumbnails: Tiny pictures of keyframes, made from what the server sent back with its faces blurred.
        results: Garments and the products like them.
        taste: What keyframes did to the user's taste.
        ids: The names of user, stream and results. The resume token is never kept.
        looks: Hashes of each frame, by which a replay finds its pictures again.
    """

    thumbnails: bool = False
    results: bool = True
    taste: bool = False
    ids: bool = False
    looks: bool = True


@dataclass(frozen=True, slots=True)
class SourceNote:
    """Where the frames came from, without its name.

    Attributes:
        kind: ``camera``, ``video``, ``pictures``, ``profile`` or ``replay``.
        fps: Frames per second asked for.
        long_side_px: Frames were scaled down to this many pixels on the longer side.
        jpeg_quality: 1-100.
        sha256: Of the file, in hex; empty where there is none.
    """

    kind: str
    fps: float
    long_side_px: int = 640
    jpeg_quality: int = 80
    sha256: str = ""


class Recorder:
    """Told of everything that a stream does, in turn; gives records to whoever keeps them.

    Times in records are seconds since the start.
    """

    def __init__(
        self,
        give: Callable[[Record], None],
        source: SourceNote,
        kept: Kept | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        epoch_s: float | None = None,
    ) -> None:
        """Begins with the head.

        Args:
            give: Keeps a record.
            source: Where the frames come from.
            kept: What is kept.
            now: A clock that never falls, in seconds.
            epoch_s: The time of day at the start, from which capture times count; now by default.
        """
        self._give, self._kept, self._now = give, kept or Kept(), now
        self._start, self._epoch = now(), time.time() if epoch_s is None else epoch_s
        self._waiting: dict[int, Record] = {}
        self._looker = Looker()
        self._source = source
        self._numbered = self._sent = 0
        head: Record = {"t": "head", "format": FORMAT, "version": VERSION}
        head["source"] = {name: getattr(source, name) for name in SourceNote.__slots__ if getattr(source, name)}
        head["kept"] = [name for name in Kept.__slots__ if getattr(self._kept, name)]
        give(head)

    def taken(self, number: int, frame: CameraFrame) -> None:
        """Notes a frame; see `Witness`."""
        self._numbered = max(self._numbered, number)
        # To the nanosecond, as it goes up: a replay shall fall on the same side of an interval.
        captured_s = (round(frame.capture_time_s * 1e9) - round(self._epoch * 1e9)) / 1e9
        record: Record = {"t": "frame", "n": number, "captured": captured_s}
        if frame.taking is not None:  # what advice made of it: a replay takes it so again
            asked = ((name, getattr(frame.taking, name)) for name in Taking.__slots__)
            record |= {name: value for name, value in asked if value != getattr(self._source, name)}
        if frame.jpeg:
            record["bytes"] = len(frame.jpeg)
        if self._kept.looks:
            look = self._looker.look(frame.jpeg)
            record["size"] = [look.width_px, look.height_px]
            record["sha256"] = hashlib.sha256(frame.jpeg).hexdigest()
            record["look"] = f"{look.gradient_hash:016x}"
            record["change"] = look.change
        self._waiting[number] = record

    def dropped(self, number: int) -> None:
        """Notes that a frame is not sent; see `Witness`."""
        self._give(self._waiting.pop(number))

    def sent(self, number: int) -> None:
        """Notes that a frame is sent; see `Witness`."""
        self._sent += 1
        taken = self._waiting.pop(number, None)
        record: Record = {"t": "copy", "n": number} if taken is None else taken
        self._give(record | {"sent": self._at()})

    def take(self, event: pb.StreamFramesResponse | Reconnected) -> None:
        """Notes what the stream gave.

        Args:
            event: It.
        """
        if isinstance(event, Reconnected):
            self._note("reconnect", {"away": round(event.away_s, 4), "replayed": event.replayed_result_count})
            return
        kind = event.WhichOneof("event")
        if kind == "ack":
            self._note("ack", _ack(event.ack))
        elif kind == "result":
            self._note("result", self._result(event.result))
        elif kind == "ready":
            fields = {
                "highest": event.ready.totals.highest_frame_number,
                "keyframes": MessageToDict(event.ready.keyframes),
            }
            self._note("ready", fields | ({"name": event.ready.name} if self._kept.ids else {}))
        elif kind in ("stats", "stall", "quality_advice"):
            self._note(kind, MessageToDict(getattr(event, kind), preserving_proto_field_name=True))
        elif kind == "error":
            self._note("error", {"reason": event.error.reason, "n": event.error.frame_number})

    def close(self, *, ended_well: bool) -> None:
        """Notes frames that were never sent, and the end.

        Args:
            ended_well: Whether the server has said its last word.
        """
        for record in self._waiting.values():
            self._give(record)
        self._waiting.clear()
        self._note("end", {"ended_well": ended_well, "numbered": self._numbered, "sent": self._sent})

    def _note(self, kind: str, fields: Record) -> None:
        self._give({"t": kind, "at": self._at(), **fields})

    def _at(self) -> float:
        return round(self._now() - self._start, 4)

    def _result(self, result: frame_pb2.StreamResult) -> Record:
        record: Record = {"n": result.frame_number, "why": reason_name(result.keyframe_reason)}
        record["ms"] = round(result.processing_time.ToTimedelta().total_seconds() * 1e3, 1)
        if result.replayed:
            record["replayed"] = True
        if result.degraded_parts:
            record["degraded"] = list(result.degraded_parts)
        if self._kept.ids:
            record["event_id"] = result.event_id
        if self._kept.results:
            record["faces"] = result.face_count
            record["garments"] = _garments(result)
        if self._kept.taste and result.HasField("taste_change"):
            record["taste"] = _taste(result.taste_change)
        if self._kept.thumbnails and (thumb := _thumbnail(result.blurred_image.data)):
            record["thumb"] = thumb
        return record


def _ack(ack: frame_pb2.FrameAck) -> Record:
    record: Record = {"n": ack.frame_number, "outcome": outcome_name(ack.outcome)}
    if ack.keyframe_reason:
        record["why"] = reason_name(ack.keyframe_reason)
    if ack.rejected_reason:
        record["reason"] = ack.rejected_reason
    record |= {name: round(getattr(ack, name), digits) for name, digits in _DIGITS.items() if ack.HasField(name)}
    if ack.lost_before_count:
        record["lost_before"] = ack.lost_before_count
    return record


def _garments(result: frame_pb2.StreamResult) -> list[Record]:
    found = {it.garment_id: it.matches for it in result.matches}
    garments = []
    for garment in result.garments:
        box = garment.box
        edges = (box.x_min, box.y_min, box.x_max, box.y_max)
        garments.append(
            {
                "category": garment.category,
                "score": round(garment.score, 3),
                "box": [round(it, 3) for it in edges],
                "colors": [[it.name, it.hex, round(it.share, 2)] for it in garment.attributes.colors],
                "matches": [
                    [match.product.name, round(match.score, 4)]
                    for match in list(found.get(garment.garment_id, ()))[:_MATCHES]
                ],
            }
        )
    return garments


def _taste(change: taste_pb2.TasteChange) -> Record:
    return {
        "deltas": {it.axis: round(it.delta, 3) for it in change.deltas},
        "summaries": [it.summary for it in change.attributions if it.summary],
    }


def _thumbnail(blurred_jpeg: bytes) -> str:
    """Makes a tiny JPEG in base64 of a picture whose faces the server has blurred; empty where it sent none."""
    image = cv2.imdecode(np.frombuffer(blurred_jpeg, np.uint8), cv2.IMREAD_COLOR) if blurred_jpeg else None
    if image is None:
        return ""
    height, width = image.shape[:2]
    scale = min(1.0, _THUMB_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _THUMB_QUALITY])[1]
    return base64.b64encode(jpeg.tobytes()).decode()
