"""What waits to be sent: commands and frames in order, of the frames only the newest."""

from __future__ import annotations

import asyncio
from collections import deque

from vitrine.ingest.v1 import stream_service_pb2 as pb


class Outbox:
    """A queue whose frames are bounded: a backlog says what was worn then, the newest frame what is worn now."""

    def __init__(self, max_frames: int) -> None:
        """Makes an empty one.

        Args:
            max_frames: Frames that may wait, at least 1.
        """
        self._max_frames = max(1, max_frames)
        self._waiting: deque[pb.StreamFramesRequest] = deque()
        self._frames = 0
        self._filled = asyncio.Event()
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
        self._filled.set()
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
        self._filled.set()

    async def get(self) -> pb.StreamFramesRequest | None:
        """Waits for a message; None once `done`. Cancellation loses nothing."""
        while not self._waiting:
            if self._ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        message = self._waiting.popleft()
        self._frames -= _is_frame(message)
        return message


def _is_frame(message: pb.StreamFramesRequest) -> bool:
    return message.WhichOneof("message") == "frame"
