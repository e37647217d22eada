"""Frames per second of one user over all of their streams: a bucket of tokens in each process, one for each frame.

What of the rate a process may give is told to it from time to time (`FrameRates.share`); see `elsewhere`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

from mesh.errors import ResourceExhaustedError

# Who waits so long may then send as many frames at once as the rate allows in that time.
_RETRY_AFTER_S = 1.0


class FrameRate:
    """What one user may send; their streams share it.

    Attributes:
        fps: Frames per second in the long run, over all processes.
        episode: Counts the times at which frames began to be too many; the next begins once the bucket has been full.
    """

    def __init__(self, fps: float, burst_s: float) -> None:
        """Fills the bucket.

        Args:
            fps: Frames per second in the long run; infinity for no limit.
            burst_s: How much of it may come at once after a silence, in seconds of that rate.
        """
        self.fps = fps
        self.episode = 0
        self._burst_s = burst_s
        self._here_fps = fps
        self._capacity = max(1.0, fps * burst_s)
        self._tokens = self._capacity
        self._at_ns: int | None = None
        self._calm = True

    def take(self, now_ns: int) -> bool:
        """Counts a frame.

        Args:
            now_ns: Now, on a clock that never falls.

        Returns:
            Whether the user may send it.
        """
        if math.isinf(self.fps):
            return True
        self._refill(now_ns)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return True
        self.episode += self._calm
        self._calm = False
        return False

    def share(self, here_fps: float, now_ns: int) -> None:
        """Sets how much of it this process may give.

        Args:
            here_fps: Frames per second in the long run.
            now_ns: Now.
        """
        if here_fps == self._here_fps:
            return
        self._refill(now_ns)
        self._here_fps = here_fps
        self._capacity = max(1.0, here_fps * self._burst_s)
        self._tokens = min(self._tokens, self._capacity)

    def is_full(self, now_ns: int) -> bool:
        """Whether it is as if nothing had been sent.

        Args:
            now_ns: Now.
        """
        self._refill(now_ns)
        return self._tokens >= self._capacity

    def _refill(self, now_ns: int) -> None:
        passed_s = 0.0 if self._at_ns is None else max(0, now_ns - self._at_ns) / 1e9
        self._at_ns = now_ns
        self._tokens = min(self._capacity, self._tokens + passed_s * self._here_fps)
        self._calm = self._calm or self._tokens >= self._capacity


class FrameGate:
    """The rate as one stream meets it: its client is told once in each episode, however many frames are refused."""

    def __init__(self, rate: FrameRate) -> None:
        """Shares a rate.

        Args:
            rate: The user's.
        """
        self._rate = rate
        self._told = 0  # a stream that begins amid an episode has heard nothing yet
        self._shut = False

    def lets(self, now_ns: int) -> bool:
        """Counts a frame.

        Args:
            now_ns: Now, on a clock that never falls.

        Returns:
            Whether it may be looked at.
        """
        passed = self._rate.take(now_ns)
        self._shut = not passed
        return passed

    def complaint(self) -> ResourceExhaustedError | None:
        """Returns what the client is to hear about the frame before; None where it was let in, or has been told."""
        if not self._shut or self._told == self._rate.episode:
            return None
        self._told = self._rate.episode
        return ResourceExhaustedError(
            f"a user may send {self._rate.fps:g} frames per second over all streams; those above are rejected",
            "RATE_LIMITED",
            {"limit": f"{self._rate.fps:g}", "scope": "user", "setting": "max_frame_rate_fps"},
            retry_after_s=_RETRY_AFTER_S,
        )


class FrameRates:
    """The rates of all users. Who leaves and comes back at once meets the same bucket, as empty as they left it."""

    def __init__(self, fps: float, burst_s: float) -> None:
        """Describes the limit.

        Args:
            fps: Frames per second of one user; infinity for no limit.
            burst_s: Seconds of it that may come at once.
        """
        self._fps = fps
        self._burst_s = burst_s
        self._rates: dict[str, FrameRate] = {}
        self._streams: dict[str, int] = {}

    def __len__(self) -> int:
        """How many users are remembered."""
        return len(self._rates)

    @contextlib.contextmanager
    def gate(self, user: str, now_ns: int) -> Iterator[FrameGate]:
        """Opens the gate of a stream within the block.

        Args:
            user: Whose stream.
            now_ns: Now, on a clock that never falls.
        """
        self._forget(now_ns)
        rate = self._rates.setdefault(user, FrameRate(self._fps, self._burst_s))
        self._streams[user] = self._streams.get(user, 0) + 1
        try:
            yield FrameGate(rate)
        finally:
            self._streams[user] -= 1
            if not self._streams[user]:
                del self._streams[user]

    def share(self, user: str, here_fps: float, now_ns: int) -> None:
        """Sets how much of a user's rate this process may give.

        Args:
            user: The user; nothing happens where nothing is remembered of them.
            here_fps: Frames per second.
            now_ns: Now.
        """
        if user in self._rates:
            self._rates[user].share(here_fps, now_ns)

    def _forget(self, now_ns: int) -> None:
        """Forgets users without a stream whose bucket is full: a new one is the same."""
        gone = [user for user, rate in self._rates.items() if user not in self._streams and rate.is_full(now_ns)]
        for user in gone:
            del self._rates[user]
