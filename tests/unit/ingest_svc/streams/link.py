"""A camera that obeys advice, on a line whose capacity changes: the loop around `FlowWatch`, closed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ingest_svc.streams.advice import Advice
from ingest_svc.streams.ledger import Totals
from ingest_svc.streams.watch import FlowWatch, Work

S = 1_000_000_000
_WAITING = 30  # as `StreamSettings.max_pending_frames` of the SDK


@dataclass
class Run:
    """What happened.

    Attributes:
        advice: When it was given, in seconds, and what.
        delays: When each frame arrived, and how long it took, in seconds.
        lost: When each frame was lost that found the queue full.
    """

    advice: list[tuple[float, Advice]] = field(default_factory=list)
    delays: list[tuple[float, float]] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)

    def changes(self, start_s: float, end_s: float) -> int:
        """How often advice changed between two times."""
        return sum(start_s <= at < end_s for at, _ in self.advice)

    def delay_s(self, start_s: float, end_s: float) -> float:
        """The median delay between two times."""
        return float(np.median([delay for at, delay in self.delays if start_s <= at < end_s]))

    def at(self, time_s: float) -> Advice | None:
        """The advice in force."""
        return next((advice for at, advice in reversed(self.advice) if at <= time_s), None)


def frame_bytes(long_side_px: int, quality: int) -> float:
    """About what a JPEG of a scene takes: 45 kB at 640 pixels and quality 80."""
    return 45_000.0 * float((long_side_px / 640) ** 1.7 * (quality / 80) ** 1.6)


def simulate(
    watch: FlowWatch,
    capacity: Callable[[float], float],
    seconds: float,
    *,
    fps: float = 10.0,
    long_side_px: int = 1280,
    quality: int = 85,
    jitter_s: float = 0.01,
    obeys: bool = True,
    lag: Callable[[float], float] = lambda _: 0.0,
    seed: int = 0,
) -> Run:
    """Runs a camera.

    Args:
        watch: What is tested.
        capacity: Bytes per second of the line at a time.
        seconds: How long.
        fps: What the camera gives by itself.
        long_side_px: The same.
        quality: The same.
        jitter_s: Mean of the jitter.
        obeys: Whether it takes advice.
        lag: The server's lag at a time, in seconds.
        seed: Of the jitter.
    """
    run, rng, totals = Run(), np.random.default_rng(seed), Totals()
    waiting: deque[tuple[float, int, float]] = deque()  # capture, number, bytes: not yet on the line
    flying: deque[tuple[float, float, int]] = deque()  # arrival, capture, number
    advice = Advice(fps, long_side_px, quality)
    now, free_at, number, due, last = 0.0, 0.0, 0, 0.0, 0.0
    while now < seconds:
        now += 0.5
        while due < now:
            number += 1
            size = frame_bytes(min(long_side_px, advice.long_side_px), min(quality, advice.jpeg_quality))
            waiting.append((due, number, size))
            due += 1 / min(fps, advice.fps)
            while waiting and max(free_at, waiting[0][0]) < due:
                captured, seen, size = waiting.popleft()
                free_at = max(free_at, captured)
                free_at += size / capacity(free_at)
                last = max(last, free_at + 0.03 + float(rng.exponential(jitter_s)))
                flying.append((last, captured, seen))
            while len(waiting) > _WAITING:
                run.lost.append(waiting.popleft()[0])
        while flying and flying[0][0] <= now:
            arrival, captured, seen = flying.popleft()
            watch.frame(seen, round(captured * S), round(arrival * S))
            run.delays.append((arrival, arrival - captured))
            totals.lost += seen - totals.highest - 1
            totals.highest = seen
        _, new = watch.tick(round(now * S), Work(totals, loop_lag_s=lag(now)))
        if new is not None:
            run.advice.append((now, new))
            if obeys:
                advice = new
                while len(waiting) > new.fps:  # as the SDK: what waits is older than the advice
                    run.lost.append(waiting.popleft()[0])
    return run
