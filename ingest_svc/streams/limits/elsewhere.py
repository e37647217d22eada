"""What users send through other processes, told from what these save of their streams: nobody asks anybody."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A stream that is open in another process, as it was last saved.

    Attributes:
        stream_id: Which.
        user: Whose.
        saved_at_s: When it was saved, seconds from any fixed moment of the database's clock.
        received: Frames that had arrived by then.
    """

    stream_id: str
    user: str
    saved_at_s: float
    received: int


class Elsewhere:
    """The open streams of other processes and how fast their frames come."""

    def __init__(self) -> None:
        self._streams: dict[str, OpenStream] = {}
        self._fps: dict[str, float] = {}

    def see(self, streams: Sequence[OpenStream]) -> None:
        """Takes note of all that are open elsewhere now.

        Args:
            streams: Those of every user who has one here.
        """
        self._fps = {it.stream_id: self._rate(it) for it in streams}
        self._streams = {it.stream_id: it for it in streams}

    def allowed_fps(self, user: str, limit_fps: float, here: int) -> float:
        """Returns what a user may send through this process, so that all processes together keep the limit.

        That is what the others leave of it, but at least the share of the streams that are open here; idle streams
        elsewhere cost nothing. Where the rates do not change, processes that each take no more than this take no more
        than the limit in sum. It is known only from saves: streams that were idle when they were last saved leave
        every process all of it, until each has saved what it began to send and the others have asked.

        Args:
            user: The user.
            limit_fps: What they may send in all, frames per second.
            here: Streams that they have open in this process.
        """
        others = [it.stream_id for it in self._streams.values() if it.user == user]
        if not others or math.isinf(limit_fps):
            return limit_fps
        left_fps = limit_fps - sum(self._fps[it] for it in others)
        return max(left_fps, limit_fps * here / (here + len(others)))

    def _rate(self, now: OpenStream) -> float:
        """Between its last two saves; without end for one that is new here, until it is saved again."""
        before = self._streams.get(now.stream_id)
        if before is None:
            return math.inf
        if now.saved_at_s <= before.saved_at_s:
            return self._fps[now.stream_id]
        return max(0, now.received - before.received) / (now.saved_at_s - before.saved_at_s)
