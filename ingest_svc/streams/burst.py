"""Frames that were captured over seconds and arrive at once: told frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

_NS = 1_000_000_000
_LEAST_SPAN_NS = 2 * _NS  # captured over this at least
_LEAST_DELAY_NS = 2 * _NS  # and the first of them late by this: otherwise the client's clock has stepped
_LEAST_FRAMES = 3
_SQUEEZE = 4  # so many times faster than they were captured
_SAME_STAMP_NS = 20_000_000  # frames with one and the same stamp count as squeezed when they arrive closer than this
_PATIENCE_FRAMES = 5  # so many frames at their own pace end it
_PATIENCE_NS = _NS // 2  # or so long a silence


@dataclass(slots=True)
class Burst:
    """Frames in a row that arrived faster than they were captured.

    Attributes:
        start_ns: When the first arrived.
        captured_ns: When it was captured.
        delay_ns: How late it was.
        frames: How many there are.
        end_ns: When the last arrived.
        span_ns: Over what time they were captured.
        told: Whether they have been taken for a burst.
    """

    start_ns: int
    captured_ns: int
    delay_ns: int
    frames: int = 1
    end_ns: int = 0
    span_ns: int = 0
    told: bool = False

    @property
    def is_burst(self) -> bool:
        """Whether it is more than jitter."""
        return (
            self.frames >= _LEAST_FRAMES
            and self.span_ns >= _LEAST_SPAN_NS
            and self.delay_ns >= _LEAST_DELAY_NS
            and (self.end_ns - self.start_ns) * _SQUEEZE <= self.span_ns
        )


class BurstDetector:
    """Finds bursts."""

    def __init__(self) -> None:
        self._run: Burst | None = None
        self._idle = 0
        self._last_at_ns = self._last_taken_ns = self._last_delay_ns = 0
        self._seen = False

    @property
    def running(self) -> Burst | None:
        """The one that has not ended."""
        return self._run

    def frame(self, at_ns: int, taken_ns: int, delay_ns: int) -> tuple[Burst | None, Burst | None]:
        """Enters a frame.

        Args:
            at_ns: When it arrived.
            taken_ns: When it was captured, by the client's clock.
            delay_ns: How much longer its way was than the shortest.

        Returns:
            The burst that has ended with it, and the one that has begun.
        """
        gap_ns, taken_gap_ns = at_ns - self._last_at_ns, taken_ns - self._last_taken_ns
        squeezed = self._seen and (
            gap_ns * _SQUEEZE <= taken_gap_ns if taken_gap_ns > 0 else taken_gap_ns == 0 and gap_ns <= _SAME_STAMP_NS
        )
        ended = begun = None
        if squeezed:
            begun = self._extend(at_ns, taken_ns)
        elif self._run is not None:
            self._idle += 1
            if self._idle >= _PATIENCE_FRAMES or gap_ns > _PATIENCE_NS or taken_gap_ns < 0:
                ended = self._end()
        self._last_at_ns, self._last_taken_ns, self._last_delay_ns, self._seen = at_ns, taken_ns, delay_ns, True
        return ended, begun

    def tick(self, now_ns: int) -> Burst | None:
        """Returns the burst that has ended by now, because nothing followed."""
        if self._run is None or now_ns - self._last_at_ns <= _PATIENCE_NS:
            return None
        return self._end()

    def _extend(self, at_ns: int, taken_ns: int) -> Burst | None:
        run = self._run
        if run is None:
            run = self._run = Burst(self._last_at_ns, self._last_taken_ns, self._last_delay_ns)
        run.frames += 1 + self._idle
        self._idle = 0
        run.end_ns, run.span_ns = at_ns, taken_ns - run.captured_ns
        if run.told or not run.is_burst:
            return None
        run.told = True
        return run

    def _end(self) -> Burst | None:
        run, self._run, self._idle = self._run, None, 0
        return run if run is not None and run.told else None
