"""Frames that need no check of the contract's rules, because they keep them at a glance.

There is one for every tenth of a second of every stream, and the whole check costs as much as all that is then done
with a frame which is skipped.
"""

from __future__ import annotations

from vitrine.ingest.v1 import stream_service_pb2

# The rules of `Frame.frame_number` and `Image.data`; a test compares with the contract.
_MAX_NUMBER = (1 << 53) - 1
_MAX_BYTES = 10 * 1024 * 1024


def plain_frame(message: stream_service_pb2.StreamFramesRequest, size: int) -> bool:
    """Tells whether a message is a frame that keeps every rule; any other is for the whole check.

    Args:
        message: The message.
        size: Its encoded size, bytes: the picture is smaller.
    """
    if size > _MAX_BYTES or message.WhichOneof("message") != "frame":
        return False
    frame = message.frame
    return frame.HasField("image") and 0 < frame.frame_number <= _MAX_NUMBER
