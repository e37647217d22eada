"""A capture as the message of the contract."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.ingest.v1 import capture_pb2
from vitrine.type.v1 import geometry_pb2

from ingest_svc.captures.capture import Box, Capture, Kind, State
from ingest_svc.captures.detail import read, read_error

KINDS = {
    Kind.OUTFIT: capture_pb2.CAPTURE_KIND_OUTFIT,
    Kind.FACE: capture_pb2.CAPTURE_KIND_FACE,
    Kind.BODY: capture_pb2.CAPTURE_KIND_BODY,
}
STATES = {
    State.QUEUED: capture_pb2.Capture.STATE_QUEUED,
    State.PROCESSING: capture_pb2.Capture.STATE_PROCESSING,
    State.SUCCEEDED: capture_pb2.Capture.STATE_SUCCEEDED,
    State.FAILED: capture_pb2.Capture.STATE_FAILED,
    State.CANCELLED: capture_pb2.Capture.STATE_CANCELLED,
}
_TIMES = ("create_time", "start_time", "update_time", "end_time", "capture_time")


def message_of(capture: Capture) -> capture_pb2.Capture:
    """Makes the message that the owner of a capture reads.

    Args:
        capture: The capture; from a list its result has no masks and matches.
    """
    message = read(capture.detail) if capture.state is State.SUCCEEDED else capture_pb2.Capture()
    message.name = capture.name
    message.kind = KINDS[capture.kind]
    message.state = STATES[capture.state]
    message.progress_percent = capture.progress_percent
    message.stage = capture.stage.value
    message.request_id = capture.request_id or ""
    for field in _TIMES:
        _set_time(getattr(message, field), getattr(capture, field))
    message.crop_box.CopyFrom(_box(capture.crop_box))
    message.width_px, message.height_px = capture.width_px, capture.height_px
    message.blurred_face_count = capture.blurred_face_count
    message.attempt_count = capture.attempt_count
    message.degraded = bool(capture.degraded_parts)
    message.degraded_parts.extend(capture.degraded_parts)
    message.etag = capture.etag
    if capture.error and capture.state not in (State.SUCCEEDED, State.CANCELLED):
        message.error.CopyFrom(read_error(capture.error))
    return message


def _box(box: Box) -> geometry_pb2.NormalizedBox:
    return geometry_pb2.NormalizedBox(x_min=box.x_min, y_min=box.y_min, x_max=box.x_max, y_max=box.y_max)


def _set_time(field: Timestamp, time: datetime | None) -> None:
    if time is not None:
        field.FromDatetime(time)
