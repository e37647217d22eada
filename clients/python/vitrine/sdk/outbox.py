"""What waits to be sent: commands and frames in order, of the frames only the newest.

A frame goes once few enough are on their way without an answer. Without that, a narrow line fills with seconds of old
frames, in buffers of the system and of proxies that nobody can empty any more.
"""

from __future__ import annotations

import asyncio
from collections import deque

from vitrine.ingest.v1 import stream_service_pb2 as pb

# A server answers each frame at once. One that does not for so long is not waited for.
_PATIENCE_S = 5.0


class Outbox:
    """A queue whose frames are bounded: a backlog says what was worn then, the newest frame what is worn now."""

    def __init__(self, max_frames: int, max_unanswered: int) -> None:
        """Makes an empty one.

        Args:
            max_frames: Frames that may wait, at least 1.
            max_unanswered: Frames that may be on their way without an answer, at least 1.
        """
        self._max_frames = max(1, max_frames)
        self._max_unanswered = max(1, max_unanswered)
        self._unanswered: set[int] = set()
        self._waiting: deque[pb.StreamFramesRequest] = deque()
        self._frames = 0
        self._changed = asyncio.Event()
        self._ended = False

    @property
    def done(self) -> bool:
        """Whether nothing waits and no frame will come."""
        return self._ended and not self._waiting

    def put(self, message: pb.StreamFramesRequest) -> list[int]:
        """Puts a message last.

        Args:
            message: A frame or a command.

        Returns:
            The numbers of frames that gave way: the oldest that waited.
        """
        self._waiting.append(message)
        self._frames += _is_frame(message)
        self._changed.set()
        return self.trim(self._max_frames)

    def trim(self, frames: int) -> list[int]:
        """Lets only the newest frames wait.

        Args:
            frames: How many.

        Returns:
            The numbers of those that gave way.
        """
        dropped: list[int] = []
        if self._frames <= frames:
            return dropped
        kept: deque[pb.StreamFramesRequest] = deque()
        for message in self._waiting:
            if _is_frame(message) and self._frames > frames:
                self._frames -= 1
                dropped.append(message.frame.frame_number)
            else:
                kept.append(message)
        self._waiting = kept
        return dropped

    def end(self) -> None:
        """Says that no frame will come."""
        self._ended = True
        self._changed.set()

    def answered(self, number: int) -> None:
        """Takes note of an answer.

        Args:
            number: The frame.
        """
        self._unanswered.discard(number)
        self._changed.set()

    def reconnected(self) -> None:
        """Takes note that nothing is on its way any more."""
        self._unanswered.clear()
        self._changed.set()

    async def get(self) -> pb.StreamFramesRequest | None:
        """Waits for a message that may go; None once `done`. Cancellation loses nothing."""
        while not (self._waiting and self._may_go(self._waiting[0])):
            if self.done:
                return None
            self._changed.clear()
            try:
                async with asyncio.timeout(_PATIENCE_S if self._waiting else None):
                    await self._changed.wait()
            except TimeoutError:
                self._unanswered.clear()
        message = self._waiting.popleft()
        if _is_frame(message):
            self._frames -= 1
            self._unanswered.add(message.frame.frame_number)
        return message

    def _may_go(self, message: pb.StreamFramesRequest) -> bool:
        return not _is_frame(message) or len(self._unanswered) < self._max_unanswered


def _is_frame(message: pb.StreamFramesRequest) -> bool:
    return message.WhichOneof("message") == "frame"
