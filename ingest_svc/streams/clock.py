"""When a frame was taken, in one time for the whole stream.

Clients send the time of capture by their own clock. What that clock says between two frames is better than the times of
arrival, which carry the network's jitter; what it says about the world is not to be trusted: it may be off by years,
step, or stand still.

What a frame's delay is, is told twice, on purpose. Here it decides a frame's fate, so that a shortest way which is not
to be had any more must be forgotten within seconds: else all that comes is late. `skew` measures: a queue that stands
for a minute is still a delay, which advice is to bring down, and drift shows over minutes only.
"""

from __future__ import annotations

from dataclasses import dataclass

_NS = 1_000_000_000
# The shortest way seen within this time is taken for a way without queueing. A step of the client's clock is forgotten
# after twice that.
_WINDOW_NS = 10 * _NS
# Two frames cannot be further apart on the client's clock than on ours by more than this; else the clock has stepped.
_MAX_STEP_NS = 60 * _NS


@dataclass(frozen=True, slots=True)
class FrameTime:
    """When a frame was taken.

    Attributes:
        stream_ns: In the stream's own time: never falls; differences are those of the client's clock where that can be.
        delay_ns: How much longer its way was than the shortest lately; 0 where the client's clock says nothing.
        by_client: Whether the client's clock was used.
    """

    stream_ns: int
    delay_ns: int
    by_client: bool


class FrameClock:
    """Turns capture times and arrivals of one stream into `FrameTime`."""

    def __init__(self) -> None:
        self._base_ns: int | None = None  # arrival minus capture of the frame that the client's clock was set by
        self._last_stream_ns: int | None = None
        self._last_arrival_ns = 0
        self._window_start_ns = 0
        self._shortest_ns: int | None = None
        self._shortest_before_ns: int | None = None

    def place(self, capture_ns: int | None, arrival_ns: int) -> FrameTime:
        """Places the next frame in time.

        Args:
            capture_ns: When it was taken by the client's clock; None when the client does not say.
            arrival_ns: When it arrived, on a clock of ours that never falls.
        """
        if capture_ns is None:
            return self._advance(self._by_arrival(arrival_ns), arrival_ns, 0, by_client=False)
        offset_ns = arrival_ns - capture_ns
        if self._base_ns is None or not self._makes_sense(capture_ns + self._base_ns, arrival_ns):
            # The first word of this clock, or it has stepped: it counts from here on.
            stream_ns = self._by_arrival(arrival_ns)
            self._base_ns = stream_ns - capture_ns
            self._shortest_ns = self._shortest_before_ns = None
            self._shortest(offset_ns, arrival_ns)
            return self._advance(stream_ns, arrival_ns, 0, by_client=False)
        delay_ns = offset_ns - self._shortest(offset_ns, arrival_ns)
        return self._advance(capture_ns + self._base_ns, arrival_ns, delay_ns, by_client=True)

    def _makes_sense(self, stream_ns: int, arrival_ns: int) -> bool:
        if self._last_stream_ns is None:
            return True
        passed_ns = stream_ns - self._last_stream_ns
        return 0 <= passed_ns <= (arrival_ns - self._last_arrival_ns) + _MAX_STEP_NS

    def _by_arrival(self, arrival_ns: int) -> int:
        if self._last_stream_ns is None:
            return arrival_ns
        return self._last_stream_ns + max(0, arrival_ns - self._last_arrival_ns)

    def _advance(self, stream_ns: int, arrival_ns: int, delay_ns: int, *, by_client: bool) -> FrameTime:
        self._last_stream_ns, self._last_arrival_ns = stream_ns, arrival_ns
        return FrameTime(stream_ns, delay_ns, by_client)

    def _shortest(self, offset_ns: int, arrival_ns: int) -> int:
        """Returns the least offset of the present and the last window."""
        if self._shortest_ns is None or arrival_ns - self._window_start_ns > _WINDOW_NS:
            self._shortest_before_ns, self._shortest_ns = self._shortest_ns, offset_ns
            self._window_start_ns = arrival_ns
        self._shortest_ns = min(self._shortest_ns, offset_ns)
        before = self._shortest_before_ns
        return self._shortest_ns if before is None else min(before, self._shortest_ns)
