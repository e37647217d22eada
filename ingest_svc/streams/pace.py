"""How fast frames come: now, and usually."""

from __future__ import annotations

from collections import deque
from itertools import pairwise, takewhile
from statistics import median

_NS = 1_000_000_000
# A block of frames is long enough that jitter does not matter, and of ten blocks a stall of a few spoils none.
_BLOCK_NS = _NS
_BLOCK_FRAMES = 4
_BLOCKS = 10
_BLOCKS_TO_KNOW = 3
_MOST_ARRIVALS = 1024
_LATELY_NS = 5 * _NS


class UsualPace:
    """Frames per second as they usually come; stretches without any do not count."""

    def __init__(self) -> None:
        self._rates: deque[float] = deque(maxlen=_BLOCKS)
        self._last_ns: int | None = None
        self._spent_ns = 0
        self._count = 0
        self._fps: float | None = None

    @property
    def fps(self) -> float | None:
        """The usual rate; None before it is known."""
        return self._fps

    def add(self, time_ns: int, longest_gap_ns: int) -> None:
        """Enters a frame.

        Args:
            time_ns: When it was taken, or arrived.
            longest_gap_ns: A gap beyond this is a pause and does not count.
        """
        last_ns, self._last_ns = self._last_ns, time_ns
        if last_ns is None or not 0 <= time_ns - last_ns <= longest_gap_ns:
            return
        self._count += 1
        self._spent_ns += time_ns - last_ns
        if self._spent_ns >= _BLOCK_NS and self._count >= _BLOCK_FRAMES:
            self._rates.append(self._count * _NS / self._spent_ns)
            self._spent_ns = self._count = 0
            if len(self._rates) >= _BLOCKS_TO_KNOW:
                self._fps = median(self._rates)

    def settle(self, fps: float) -> None:
        """Takes a rate as usual from now on.

        Args:
            fps: Frames per second.
        """
        self._rates.clear()
        self._rates.extend([fps] * _BLOCKS_TO_KNOW)
        self._spent_ns = self._count = 0
        self._fps = fps


class RecentArrivals:
    """The arrivals of the last seconds."""

    def __init__(self) -> None:
        self._times_ns: deque[int] = deque(maxlen=_MOST_ARRIVALS)

    def add(self, at_ns: int) -> None:
        """Enters an arrival."""
        self._times_ns.append(at_ns)

    def fps(self, now_ns: int, window_ns: int) -> float:
        """Returns frames per second over a window that ends now.

        Args:
            now_ns: Now.
            window_ns: Its length.
        """
        return len(self._since(now_ns - window_ns)) * _NS / window_ns

    def fps_lately(self, now_ns: int) -> float:
        """Returns frames per second over the last five seconds, or since the last two where these are longer ago.

        Args:
            now_ns: Now.

        Returns:
            The rate; 0 before the second frame.
        """
        if len(self._times_ns) < 2:
            return 0.0
        lately = self._since(now_ns - _LATELY_NS - 1)
        if len(lately) < 2:
            lately = [self._times_ns[-2], self._times_ns[-1]]
        return (len(lately) - 1) * _NS / max(now_ns - lately[0], 1)

    def first_gap_ns(self, beyond_ns: float, now_ns: int, window_ns: int) -> int:
        """Returns when the first gap began that is longer than `beyond_ns`; now where there is none.

        Args:
            beyond_ns: How long a gap must be.
            now_ns: Now, where the last gap ends.
            window_ns: How far back to look.
        """
        times = [*self._since(now_ns - window_ns), now_ns]
        return next((a for a, b in pairwise(times) if b - a > beyond_ns), now_ns)

    def _since(self, start_ns: int) -> list[int]:
        """The arrivals after a time, in order."""
        recent = list(takewhile(lambda at_ns: at_ns > start_ns, reversed(self._times_ns)))
        recent.reverse()
        return recent
