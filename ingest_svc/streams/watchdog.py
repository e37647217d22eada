"""Notices when frames do not come as they should: none, far fewer, or many at once. Times in, events out."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass

from ingest_svc.streams.burst import Burst, BurstDetector
from ingest_svc.streams.pace import RecentArrivals, UsualPace

_NS = 1_000_000_000
_SILENT_NS = _NS
_SILENT_EARLY_NS = 2 * _NS  # before the usual rate is known
_SILENT_INTERVALS = 4  # usual ones
_SILENT_GAPS = 2.5  # the longer of the last two, so that one frame a second is slow and not silent again and again
_LONG_GAP_NS = 2 * _NS
_OFTEN = 12  # silences within a minute, after which one has to be twice as long to be told
_MINUTE_NS = 60 * _NS
_SLOW_WINDOW_NS = 3 * _NS
_SLOW_INTERVALS = 8
_SLOW_BELOW, _SLOW_UNTIL = 0.4, 0.7  # of the usual rate
_SLOW_LONGEST_NS = 60 * _NS  # then it is the usual


class StallKind(enum.IntEnum):
    """How frames fail to come; values as in `vitrine.ingest.v1.StallKind`."""

    SILENCE = 1
    SLOW = 2
    BURST = 3


@dataclass(frozen=True, slots=True)
class Stall:
    """Frames do not come as they should, or do so again.

    Attributes:
        kind: What it is.
        start_ns: When it began, by the clock of the arrivals.
        duration_ns: How long it has lasted.
        over: Whether it has ended.
        arrival_fps: Frames per second now.
        usual_fps: Frames per second before.
        burst_frames: How many came at once, in a burst.
        description: What happened and what can be done.
    """

    kind: StallKind
    start_ns: int
    duration_ns: int
    over: bool
    arrival_fps: float
    usual_fps: float
    burst_frames: int = 0
    description: str = ""


class Watchdog:
    """Watches one connection. `frame` takes new frames in order; `tick` takes the time, and judges the rate.

    A silence begins after a second or four usual intervals, and ends with a frame; a slow stretch begins below 40 % of
    the usual rate over three seconds, and ends above 70 % or when it has lasted a minute and become the usual. Nothing
    but silence is said of a client that is silent, and nothing before its second frame.

    Attributes:
        counts: Stalls by kind.
    """

    def __init__(self) -> None:
        self.counts = dict.fromkeys(StallKind, 0)
        self._usual = UsualPace()
        self._recent = RecentArrivals()
        self._bursts = BurstDetector()
        self._last_ns: int | None = None
        self._gaps_ns: deque[int] = deque(maxlen=2)
        self._since_ns = 0  # since when frames come, without a silence
        self._silent_since_ns: int | None = None
        self._slow_since_ns: int | None = None
        self._silences_ns: deque[int] = deque()
        self._patience_ns = _SILENT_EARLY_NS
        self._silent_total_ns = 0

    @property
    def usual_fps(self) -> float:
        """Frames per second as they usually come; 0 before that is known."""
        return self._usual.fps or 0.0

    def arrival_fps(self, now_ns: int) -> float:
        """Returns frames per second over the last seconds."""
        return self._recent.fps_lately(now_ns)

    def silent_ns(self, now_ns: int) -> int:
        """Returns how long frames were silent in all, nanoseconds."""
        going_on = 0 if self._silent_since_ns is None else now_ns - self._silent_since_ns
        return self._silent_total_ns + going_on

    def expect(self, fps: float) -> None:
        """Takes note that the client was asked to send no more than this, so that doing so is no stall.

        Args:
            fps: Frames per second.
        """
        if self._usual.fps is not None and self._usual.fps > fps:
            self._usual.settle(fps)

    def frame(self, at_ns: int, taken_ns: int | None, delay_ns: int) -> list[Stall]:
        """Enters a new frame.

        Args:
            at_ns: When it arrived, by a clock that never falls.
            taken_ns: When it was captured, by the client's clock; None where the client does not say.
            delay_ns: How much longer its way was than the shortest.

        Returns:
            What has begun or ended with it.
        """
        stalls: list[Stall] = []
        if self._last_ns is None:
            self._since_ns = at_ns
        else:
            if self._gaps_ns and self._silent_since_ns is None and at_ns - self._last_ns > self._patience_ns:
                stalls.append(self._begin_silence(self._last_ns, at_ns))  # over before anybody looked
            self._gaps_ns.append(at_ns - self._last_ns)
            self._patience_ns = self._patience()
            if self._silent_since_ns is not None:
                stalls.append(self._end_silence(at_ns))
        self._last_ns = at_ns
        self._recent.add(at_ns)
        if taken_ns is not None:
            ended, begun = self._bursts.frame(at_ns, taken_ns, delay_ns)
            stalls += [self._burst(burst, at_ns) for burst in (ended, begun) if burst is not None]
        if self._slow_since_ns is None:
            self._usual.add(at_ns if taken_ns is None else taken_ns, self._patience_ns)
        return stalls

    def tick(self, now_ns: int) -> list[Stall]:
        """Takes note of the time, also when nothing comes.

        Args:
            now_ns: Now.

        Returns:
            What has begun or ended by now.
        """
        if self._last_ns is None or self._silent_since_ns is not None:
            return []
        ended = self._bursts.tick(now_ns)
        stalls = [] if ended is None else [self._burst(ended, now_ns)]
        if self._gaps_ns and now_ns - self._last_ns > self._patience_ns:
            return [*stalls, self._begin_silence(self._last_ns, now_ns)]
        return stalls + self._judge_rate(now_ns)

    def _patience(self) -> int:
        """How long nothing may come before that is a silence."""
        longest_ns = max(self._gaps_ns)
        if self._usual.fps is None:
            return max(_SILENT_EARLY_NS, _SILENT_INTERVALS * longest_ns)
        usual_ns = _SILENT_INTERVALS * _NS / self._usual.fps
        patience_ns = max(_SILENT_NS, usual_ns, _SILENT_GAPS * min(longest_ns, _LONG_GAP_NS))
        return round(patience_ns * (1 + len(self._silences_ns) / _OFTEN))

    def _begin_silence(self, since_ns: int, now_ns: int) -> Stall:
        self.counts[StallKind.SILENCE] += 1
        self._silent_since_ns = since_ns
        self._silences_ns.append(now_ns)
        text = f"no frame for {(now_ns - since_ns) / _NS:.1f} s; the stream stays open, go on with the newest"
        return Stall(StallKind.SILENCE, since_ns, now_ns - since_ns, False, 0.0, self.usual_fps, description=text)

    def _end_silence(self, at_ns: int) -> Stall:
        since_ns = at_ns if self._silent_since_ns is None else self._silent_since_ns
        self._silent_since_ns, self._since_ns = None, at_ns
        self._silent_total_ns += at_ns - since_ns
        while self._silences_ns and at_ns - self._silences_ns[0] > _MINUTE_NS:
            self._silences_ns.popleft()
        text = f"frames come again after {(at_ns - since_ns) / _NS:.1f} s"
        fps = self._recent.fps(at_ns, _SLOW_WINDOW_NS)
        return Stall(StallKind.SILENCE, since_ns, at_ns - since_ns, True, fps, self.usual_fps, description=text)

    def _judge_rate(self, now_ns: int) -> list[Stall]:
        usual = self._usual.fps
        if usual is None:
            return []
        window_ns = max(_SLOW_WINDOW_NS, round(_SLOW_INTERVALS * _NS / usual))
        fps = self._recent.fps(now_ns, window_ns)
        if now_ns - self._since_ns < window_ns:
            return []
        if self._slow_since_ns is None:
            return [] if fps >= _SLOW_BELOW * usual else [self._begin_slow(now_ns, fps, usual, window_ns)]
        if fps >= _SLOW_UNTIL * usual:
            return [self._end_slow(now_ns, fps, usual, f"{fps:.1f} frames per second again")]
        if now_ns - self._slow_since_ns <= _SLOW_LONGEST_NS or fps == 0:
            return []
        over = self._end_slow(now_ns, fps, usual, f"{fps:.1f} frames per second are taken for the usual from now on")
        self._usual.settle(fps)
        return [over]

    def _begin_slow(self, now_ns: int, fps: float, usual: float, window_ns: int) -> Stall:
        self.counts[StallKind.SLOW] += 1
        since_ns = self._slow_since_ns = self._recent.first_gap_ns(2 * _NS / usual, now_ns, window_ns)
        text = f"{fps:.1f} frames per second instead of {usual:.1f}; send smaller frames, or look at the camera"
        return Stall(StallKind.SLOW, since_ns, now_ns - since_ns, False, fps, usual, description=text)

    def _end_slow(self, now_ns: int, fps: float, usual: float, text: str) -> Stall:
        since_ns = now_ns if self._slow_since_ns is None else self._slow_since_ns
        self._slow_since_ns = None
        return Stall(StallKind.SLOW, since_ns, now_ns - since_ns, True, fps, usual, description=text)

    def _burst(self, burst: Burst, now_ns: int) -> Stall:
        over = self._bursts.running is not burst
        if not over:
            self.counts[StallKind.BURST] += 1
        took_ns = burst.end_ns - burst.start_ns
        text = (
            f"{burst.frames} frames captured over {burst.span_ns / _NS:.1f} s came within {took_ns / _NS:.1f} s, the "
            f"first {burst.delay_ns / _NS:.1f} s late; of a backlog send the newest first"
        )
        fps = self._recent.fps(now_ns, _SLOW_WINDOW_NS)
        return Stall(StallKind.BURST, burst.start_ns, took_ns, over, fps, self.usual_fps, burst.frames, text)
