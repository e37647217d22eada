"""How the frames of one connection flow: stalls, delay, the client's clock, losses, and what follows from them.

Times in, events out; `ingest_svc.streams.watching` brings the times.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ingest_svc.streams.advice import LADDER, UNTOLD, Advice, Advisor, Signals
from ingest_svc.streams.ledger import Totals
from ingest_svc.streams.skew import ClientClock
from ingest_svc.streams.watchdog import Stall, StallKind, Watchdog

_NS = 1_000_000_000
_DELAYS = 256
_LATELY_NS = 30 * _NS
_NOW_NS = 2 * _NS
_LOOK_NS = _NS
_LOOKS = 11  # totals of the last ten seconds
_LOOKS_NOW = 4
# One silence with its burst says nothing about the rate that the line bears; what was measured in it is left out.
_AFTER_STALL_NS = 3 * _NS
_FEW_STALLS = 2
_MINUTE_NS = 60 * _NS
# Frames that were taken before the last advice tell nothing of what it does. They are waited for, but not for ever.
_OBEYED_NS = _NS // 5
_OBEYED_LONGEST_NS = 15 * _NS


@dataclass(frozen=True, slots=True)
class FlowStats:
    """How the frames of a connection flow.

    Attributes:
        counts: Stalls by kind.
        silent_s: How long frames were silent in all, seconds.
        delay_p50_s: How much longer frames took lately than the quickest, median, seconds; None where nothing says so.
        delay_p95_s: The same, 95th percentile.
        clock_offset_s: How far the client's clock is behind ours at most, seconds; None where it says no times.
        clock_drift_ppm: Parts per million that it runs slow; None before that can be told.
        loss_rate: Share of numbers that were lost lately, 0-1.
        advice: What the client is asked to send; None before the first.
        arrival_fps: Frames per second over the last seconds.
    """

    counts: dict[StallKind, int] = field(default_factory=lambda: dict.fromkeys(StallKind, 0))
    silent_s: float = 0.0
    delay_p50_s: float | None = None
    delay_p95_s: float | None = None
    clock_offset_s: float | None = None
    clock_drift_ppm: float | None = None
    loss_rate: float = 0.0
    advice: Advice | None = None
    arrival_fps: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """How this process does, beside what the frames say.

    Attributes:
        totals: The books of the session.
        processing_s: Median time to a keyframe's result, seconds; None before the first.
        loop_lag_s: How late this process is with what it wanted to do, seconds.
        occupancy: Streams that are open, as a share of those that it takes, 0-1.
    """

    totals: Totals
    processing_s: float | None = None
    loop_lag_s: float = 0.0
    occupancy: float = 0.0


@dataclass(frozen=True, slots=True)
class _Count:
    """Totals at a time: numbers so far, and those of them that were lost, and that came too late to be looked at."""

    highest: int
    lost: int
    shed: int


class FlowWatch:
    """Watches the flow of one connection; `frame` for each frame, `tick` twice a second or so."""

    def __init__(self, *, spread: float = 0.0, max_fps: float = LADDER[0].fps) -> None:
        """Begins to watch; arguments as of `Advisor`."""
        self._dog = Watchdog()
        self._clock = ClientClock()
        self._advisor = Advisor(spread=spread, max_fps=max_fps)
        self._delays: deque[tuple[int, int]] = deque(maxlen=_DELAYS)
        self._counts: deque[_Count] = deque(maxlen=_LOOKS)
        self._stalled_ns: deque[int] = deque(maxlen=128)
        self._silent = False
        self._highest = 0
        self._looked_ns = 0
        self._advised_ns: int | None = None

    def frame(self, number: int, capture_ns: int | None, at_ns: int) -> Sequence[Stall]:
        """Enters a frame that arrives; copies and stragglers do not count.

        Args:
            number: The client's number.
            capture_ns: When it was taken, by the client's clock; None where the client does not say.
            at_ns: When it arrived, by a clock of ours that never falls.

        Returns:
            Stalls that have begun or ended with it.
        """
        if number <= self._highest:
            return ()
        self._highest = number
        delay_ns = 0
        if capture_ns is not None:
            delay_ns = self._clock.frame(capture_ns, at_ns)
            self._delays.append((at_ns, delay_ns))
        stalls = self._dog.frame(at_ns, capture_ns, delay_ns)
        return self._noted(stalls, at_ns) if stalls else ()

    def ping(self, sent_ns: int, at_ns: int) -> None:
        """Enters a ping.

        Args:
            sent_ns: When it was sent, by the client's clock.
            at_ns: When it arrived.
        """
        self._clock.ping(sent_ns, at_ns)

    def tick(self, now_ns: int, work: Work) -> tuple[Sequence[Stall], Advice | None]:
        """Takes note of the time.

        Args:
            now_ns: Now.
            work: How this process does.

        Returns:
            Stalls that have begun or ended by now, and new advice, where there is any.
        """
        stalls = self._noted(self._dog.tick(now_ns), now_ns)
        if now_ns - self._looked_ns < _LOOK_NS:
            return stalls, None
        self._looked_ns = now_ns
        totals = work.totals
        self._counts.append(_Count(totals.highest, totals.lost, totals.late + totals.superseded))
        if self._silent or not self._highest:
            return stalls, None
        advice = self._advisor.look(now_ns / _NS, self._signals(now_ns, work))
        if advice is not None:
            self._advised_ns = now_ns
            self._dog.expect(advice.fps)
        return stalls, advice

    def stats(self, now_ns: int) -> FlowStats:
        """Returns how it goes.

        Args:
            now_ns: Now.
        """
        delays = [delay for at, delay in self._delays if now_ns - at <= _LATELY_NS]
        offset_ns = self._clock.offset_ns(now_ns)
        return FlowStats(
            counts=dict(self._dog.counts),
            silent_s=self._dog.silent_ns(now_ns) / _NS,
            delay_p50_s=_percentile_s(delays, 0.5),
            delay_p95_s=_percentile_s(delays, 0.95),
            clock_offset_s=None if offset_ns is None else offset_ns / _NS,
            clock_drift_ppm=self._clock.drift_ppm,
            loss_rate=self._share("lost", _LOOKS),
            advice=self._advisor.advice,
            arrival_fps=self._dog.arrival_fps(now_ns),
        )

    def _noted(self, stalls: list[Stall], now_ns: int) -> list[Stall]:
        for stall in stalls:
            if stall.kind is StallKind.SILENCE:
                self._silent = not stall.over
            if stall.kind is not StallKind.SLOW and stall.over:
                self._stalled_ns.append(now_ns)
        return stalls

    def _signals(self, now_ns: int, work: Work) -> Signals:
        while self._stalled_ns and now_ns - self._stalled_ns[0] > _MINUTE_NS:
            self._stalled_ns.popleft()
        stalls = len(self._stalled_ns)
        fps = self._dog.usual_fps
        if 0 < stalls <= _FEW_STALLS and now_ns - self._stalled_ns[-1] < _AFTER_STALL_NS:
            return UNTOLD
        delays = [(at, delay) for at, delay in self._delays if now_ns - at <= _NOW_NS]
        if delays and self._advised_ns is not None and now_ns - self._advised_ns < _OBEYED_LONGEST_NS:
            delays = [(at, delay) for at, delay in delays if at - delay >= self._advised_ns + _OBEYED_NS]
            if not delays:
                return UNTOLD
        return Signals(
            delay_s=_percentile_s([delay for _, delay in delays], 0.5),
            loss_rate=self._share("lost", _LOOKS_NOW),
            shed_rate=self._share("shed", _LOOKS_NOW),
            processing_s=work.processing_s,
            loop_lag_s=work.loop_lag_s,
            occupancy=work.occupancy,
            stalls=stalls,
            fps=fps,
        )

    def _share(self, name: Literal["lost", "shed"], looks: int) -> float:
        """Of the numbers since some looks ago, how many were lost or shed."""
        if not self._counts:
            return 0.0
        first, last = self._counts[max(0, len(self._counts) - looks)], self._counts[-1]
        numbers = last.highest - first.highest
        if numbers <= 0:
            return 0.0
        more = last.lost - first.lost if name == "lost" else last.shed - first.shed
        return min(1.0, max(0, more) / numbers)


def _percentile_s(delays_ns: Sequence[int], share: float) -> float | None:
    """The nearest-rank percentile, in seconds; None without values."""
    if not delays_ns:
        return None
    return sorted(delays_ns)[max(0, math.ceil(share * len(delays_ns)) - 1)] / _NS
