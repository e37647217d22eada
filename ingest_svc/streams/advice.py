"""What a client is asked to send: a control loop from what is measured to rate, size and quality.

Down at once, by one rung or by several where it is bad; up by one rung after a good stretch. Where a step up has to be
taken back, the next attempt at that rung waits twice as long, so that a full line is tried ever more rarely and nothing
swings. (Trial and error of this kind, for layers of video: McCanne, Jacobson and Vetterli, "Receiver-driven layered
multicast", SIGCOMM 1996.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """What the client is asked to send.

    Attributes:
        fps: Frames per second.
        long_side_px: Pixels on the longer side.
        jpeg_quality: 1-100.
        description: Why, in words.
    """

    fps: float
    long_side_px: int
    jpeg_quality: int
    description: str = ""


# Each costs about half of the one before. Clothes need no rate: the default rule takes a keyframe a second at most, and
# understands it at 640 pixels; so the rate goes first, then what is more than 640, and the size below it last.
LADDER = (
    Advice(30.0, 1280, 85),
    Advice(15.0, 1280, 80),
    Advice(10.0, 960, 80),
    Advice(8.0, 640, 75),
    Advice(5.0, 640, 70),
    Advice(3.0, 640, 60),
    Advice(2.0, 480, 55),
    Advice(1.0, 480, 45),
    Advice(1.0, 320, 40),
)
_DOWN_EVERY_S = 2.0
_DOWN_AFTER = 2  # bad looks in a row: one alone is a hiccup
_APART_S = 2.5  # with so much between them they are not in a row
_DRAINED = 0.97  # while the delay falls from look to look, the last step works and another can wait
_DRAIN_S = 20.0
_UP_AFTER_S = 10.0
_UP_LONGEST_S = 160.0
_TRIAL_S = 20.0  # a step up that is followed by a step down within this was a mistake; after this it was none


@dataclass(frozen=True, slots=True)
class Signals:
    """What was measured over the last seconds.

    Attributes:
        delay_s: Median of how much longer frames took than the quickest, seconds; None where nothing says so.
        loss_rate: Share of numbers that were lost, 0-1.
        shed_rate: Share of frames that were late or superseded, 0-1.
        processing_s: Median time to a keyframe's result, seconds; None before the first.
        loop_lag_s: How late this process is with what it wanted to do, seconds.
        occupancy: Streams that are open, as a share of those that this process takes, 0-1.
        stalls: Silences and bursts within the last minute.
        fps: Frames per second that usually arrive; 0 before that is known.
    """

    delay_s: float | None = None
    loss_rate: float = 0.0
    shed_rate: float = 0.0
    processing_s: float | None = None
    loop_lag_s: float = 0.0
    occupancy: float = 0.0
    stalls: int = 0
    fps: float = 0.0


UNTOLD = Signals(delay_s=0.25)  # neither good nor bad: nothing changes


@dataclass(frozen=True, slots=True)
class _Band:
    """When a measure is good, bad, and bad enough for several rungs; between good and bad nothing changes.

    Attributes:
        good: Up to this.
        bad: From this on.
        worse: From this on two rungs.
        worst: From this on three.
        words: What it says, of the value.
    """

    good: float
    bad: float
    worse: float
    worst: float
    words: str

    def rungs(self, value: float) -> int:
        """Rungs down; 0 where nothing should change; -1 where it is good."""
        if value <= self.good:
            return -1
        return (value >= self.bad) + (value >= self.worse) + (value >= self.worst)


_BANDS = {
    "delay_s": _Band(0.15, 0.4, 1.0, 2.5, "frames take {:.1f} s longer than they could"),
    "loss_rate": _Band(0.01, 0.05, 0.2, 0.5, "{:.0%} of the frames are lost"),
    "shed_rate": _Band(0.02, 0.1, 0.4, 0.8, "{:.0%} of the frames come too late to be looked at"),
    "loop_lag_s": _Band(0.05, 0.15, 0.5, 1.5, "this server is {:.2f} s behind its work"),
    "processing_s": _Band(2.0, 5.0, 15.0, 1e9, "a keyframe takes {:.1f} s"),
    "stalls": _Band(4, 8, 16, 1e9, "frames stalled {} times within a minute"),
    "occupancy": _Band(0.9, 2.0, 2.0, 2.0, "{:.0%} of this server's streams are open"),
}


class Advisor:
    """Advises one client; `look` is called every second or so."""

    def __init__(self, *, spread: float = 0.0, max_fps: float = LADDER[0].fps) -> None:
        """Begins at the top: without a reason nothing is advised.

        Args:
            spread: 0-1, another for each stream, so that not all go up in step.
            max_fps: The most frames per second that are allowed at all.
        """
        self.advice: Advice | None = None
        self._max_fps = max_fps
        self._spread = 1.0 + 0.5 * spread
        self._rung = 0
        self._bad_looks = 0
        self._looked_s = -math.inf
        self._good_since_s: float | None = None
        self._changed_s = -math.inf
        self._raised_s = -math.inf
        self._patience_s = [_UP_AFTER_S] * len(LADDER)  # before a step up to each rung
        self._delay_then_s = math.inf

    def look(self, now_s: float, signals: Signals) -> Advice | None:
        """Looks at what was measured.

        Args:
            now_s: Now, seconds on a clock that never falls.
            signals: What was measured since the last look or a little longer.

        Returns:
            New advice, where there is any.
        """
        if now_s - self._looked_s > _APART_S:
            self._bad_looks = 0
        self._looked_s = now_s
        down, cause = _judge(signals)
        if down > 0:
            self._good_since_s = None
            self._bad_looks += 1
            return self._lower(now_s, down, cause, signals) if self._may_lower(now_s, signals) else None
        self._bad_looks = 0
        if down == 0:
            self._good_since_s = None
            return None
        if self._good_since_s is None:
            self._good_since_s = now_s
        if now_s - self._raised_s >= _TRIAL_S:
            self._patience_s[self._rung] = _UP_AFTER_S
        if self._rung == 0 or now_s - self._good_since_s < self._patience_s[self._rung - 1] * self._spread:
            return None
        return self._raise(now_s)

    def _may_lower(self, now_s: float, signals: Signals) -> bool:
        since_s = now_s - self._changed_s
        if self._bad_looks < _DOWN_AFTER or since_s < _DOWN_EVERY_S or self._rung == len(LADDER) - 1:
            return False
        delay_s = signals.delay_s or 0.0
        drains = since_s < _DRAIN_S and 0 < delay_s < _DRAINED * self._delay_then_s
        self._delay_then_s = delay_s
        return not drains

    def _lower(self, now_s: float, rungs: int, cause: str, signals: Signals) -> Advice:
        if now_s - self._raised_s < _TRIAL_S:
            self._patience_s[self._rung] = min(2 * self._patience_s[self._rung], _UP_LONGEST_S)
            rungs = 1  # it went well there
        if self._rung == 0:  # above what the client sends by itself a step would change nothing
            self._rung = sum(rung.fps >= 0.9 * signals.fps for rung in LADDER[1:]) if signals.fps else 0
        self._rung = min(self._rung + rungs, len(LADDER) - 1)
        self._delay_then_s = math.inf
        return self._say(now_s, cause)

    def _raise(self, now_s: float) -> Advice:
        self._rung -= 1
        self._raised_s = self._good_since_s = now_s
        return self._say(now_s, "it goes well: more may be sent")

    def _say(self, now_s: float, why: str) -> Advice:
        rung = LADDER[self._rung]
        self._changed_s, self._bad_looks = now_s, 0
        self.advice = Advice(min(rung.fps, self._max_fps), rung.long_side_px, rung.jpeg_quality, why)
        return self.advice


def _judge(signals: Signals) -> tuple[int, str]:
    """How many rungs down, and because of what; -1 where all is good."""
    down, cause = -1, ""
    for name, band in _BANDS.items():
        value = getattr(signals, name)
        if value is not None and (rungs := band.rungs(value)) > down:
            down, cause = rungs, band.words.format(value)
    return down, cause
