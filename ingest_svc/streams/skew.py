"""How a client's clock goes against ours, told from below: of all frames the quickest knew least of the network.

Arrival minus capture is offset + way + queueing, and queueing is never negative. So the line that lies below all of
them is offset + shortest way, and its slope is the drift. The line is the edge of the lower convex hull that has the
mean time above it: of all lines below the points the one that is closest to them in sum (Moon, Skelly and Towsley,
"Estimation and removal of clock skew from network delay measurements", INFOCOM 1999).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

_NS = 1_000_000_000
_WINDOW_NS = 5 * _NS  # of each window only its quickest frame counts
_WINDOWS = 120  # ten minutes: what a drift of some ppm needs to show through the jitter
# A way that has been longer for two minutes is the way now.
_FLOOR_NS = 120 * _NS
# A frame can be quicker than the quickest by little; by more than this, the client's clock was set forward.
_STEP_NS = 100_000_000
# Captures may be stamped a little out of order; by more than this, the clock was set back.
_BACK_NS = 50_000_000
# Queues breathe. A way that is longer by more than _RISE_NS, and the same to _STILL_NS over _STILL windows, is a clock
# that was set back while nothing came, or another way; no queue.
_RISE_NS = 250_000_000
_STILL_NS = 30_000_000
_STILL = 4
# Below a minute jitter hides the drift; quartz is off by 100 ppm at worst, so that beyond 1000 nothing is a drift.
_DRIFT_SPAN_NS = 60 * _NS
_DRIFT_EDGE_NS = 40 * _NS
_MAX_DRIFT = 1e-3
# Pings whose clock is further than this from that of the frames are stamped by another clock.
_SAME_CLOCK_NS = 5 * _NS

Point = tuple[int, int]  # time of arrival, arrival minus capture; nanoseconds


class Envelope:
    """The line below all offsets of one clock; it forgets, and starts anew where the clock steps."""

    def __init__(self) -> None:
        self._closed: deque[Point] = deque(maxlen=_WINDOWS)
        self._open: Point | None = None
        self._opened_ns = 0
        self._last_capture_ns: int | None = None
        self._floor: Point | None = None
        self._slope = 0.0
        self._drift: float | None = None

    @property
    def known(self) -> bool:
        """Whether anything has been seen."""
        return self._open is not None or bool(self._closed)

    @property
    def drift(self) -> float | None:
        """Nanoseconds that the client's clock loses on ours in each; None before it can be told."""
        return self._drift

    def floor_ns(self, at_ns: int) -> int | None:
        """Returns offset plus shortest way at a time, nanoseconds; None before anything was seen.

        Args:
            at_ns: The time, by our clock.
        """
        lowest = None if self._floor is None else self._floor[1] + round(self._slope * (at_ns - self._floor[0]))
        if self._open is None:
            return lowest
        return self._open[1] if lowest is None else min(lowest, self._open[1])

    def add(self, capture_ns: int, arrival_ns: int) -> int:
        """Enters a frame.

        Args:
            capture_ns: When it was taken, by the client's clock.
            arrival_ns: When it arrived, by a clock of ours that never falls.

        Returns:
            How much longer its way was than the shortest, nanoseconds; never negative.
        """
        offset_ns = arrival_ns - capture_ns
        floor_ns = self.floor_ns(arrival_ns)
        back = self._last_capture_ns is not None and capture_ns < self._last_capture_ns - _BACK_NS
        if back or (floor_ns is not None and offset_ns < floor_ns - _STEP_NS):
            self._restart()
            floor_ns = None
        self._last_capture_ns = capture_ns
        if self._open is not None and arrival_ns - self._opened_ns > _WINDOW_NS:
            self._close()
        if self._open is None:
            self._open, self._opened_ns = (arrival_ns, offset_ns), arrival_ns
        elif offset_ns < self._open[1]:
            self._open = (arrival_ns, offset_ns)
        return 0 if floor_ns is None else max(0, offset_ns - floor_ns)

    def _restart(self) -> None:
        self._closed.clear()
        self._open = self._floor = self._drift = None
        self._slope = 0.0

    def _close(self) -> None:
        if self._open is None:
            return
        self._closed.append(self._open)
        self._open = None
        if self._floor is not None and self._has_moved(self._floor):
            kept = list(self._closed)[-_STILL:]
            self._closed.clear()
            self._closed.extend(kept)
        self._drift = drift_of(self._closed)
        if self._drift is not None:
            self._slope = self._drift
        now_ns = self._closed[-1][0]
        recent = [point for point in self._closed if now_ns - point[0] <= _FLOOR_NS]
        self._floor = (now_ns, min(low + round(self._slope * (now_ns - at)) for at, low in recent))

    def _has_moved(self, floor: Point) -> bool:
        last = list(self._closed)[-_STILL:]
        above = [low - floor[1] - self._slope * (at - floor[0]) for at, low in last]
        return len(last) == _STILL and min(above) > _RISE_NS and max(above) - min(above) < _STILL_NS


def drift_of(points: Sequence[Point]) -> float | None:
    """Returns the slope of the line below points, in nanoseconds per nanosecond.

    Args:
        points: In order of time.

    Returns:
        The slope; None where the points cannot tell it.
    """
    if len(points) < 2 or points[-1][0] - points[0][0] < _DRIFT_SPAN_NS:
        return None
    middle = sum(at for at, _ in points) / len(points)
    hull = lower_hull(points)
    for (at, low), (next_at, next_low) in pairwise(hull):
        if at <= middle <= next_at:
            slope = (next_low - low) / (next_at - at)
            return slope if next_at - at >= _DRIFT_EDGE_NS and abs(slope) <= _MAX_DRIFT else None
    return None


def lower_hull(points: Sequence[Point]) -> list[Point]:
    """Returns the corners of the lower convex hull of points that are in order of time (Andrew's monotone chain)."""
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_down(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) <= (b[1] - a[1]) * (c[0] - a[0])


class ClientClock:
    """The clock of one client: of its frames, and of its pings, which are smaller and so quicker."""

    def __init__(self) -> None:
        self._frames = Envelope()
        self._pings = Envelope()

    def frame(self, capture_ns: int, arrival_ns: int) -> int:
        """Enters a frame; arguments and return as `Envelope.add`."""
        return self._frames.add(capture_ns, arrival_ns)

    def ping(self, sent_ns: int, arrival_ns: int) -> None:
        """Enters a ping; it tells of the clock, but not of how quick a frame can be.

        Args:
            sent_ns: When it was sent, by the client's clock.
            arrival_ns: When it arrived.
        """
        self._pings.add(sent_ns, arrival_ns)

    def offset_ns(self, at_ns: int) -> int | None:
        """Returns how far the client's clock is behind ours at most, nanoseconds; negative where it is ahead.

        Args:
            at_ns: Now, by the clock of the arrivals.
        """
        frames, pings = self._frames.floor_ns(at_ns), self._pings.floor_ns(at_ns)
        if frames is None or pings is None:
            return pings if frames is None else frames
        return min(frames, pings) if abs(frames - pings) < _SAME_CLOCK_NS else frames

    @property
    def drift_ppm(self) -> float | None:
        """Parts per million that the client's clock runs slow against ours; None before it can be told."""
        drift = self._frames.drift if self._frames.known else self._pings.drift
        return None if drift is None else drift * 1e6
