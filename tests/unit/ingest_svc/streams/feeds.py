"""Feeds of simulated cameras: when frames were captured, by a clock that need not be ours, and when they arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ingest_svc.streams.skew import ClientClock
from ingest_svc.streams.watchdog import Stall, Watchdog

S = 1_000_000_000
TICK_NS = S // 2

Feed = list[tuple[int, int]]  # capture by the client's clock, arrival by ours; in order of arrival


@dataclass(frozen=True)
class Clock:
    """A client's clock.

    Attributes:
        offset_s: How far it is behind ours at the start.
        drift_ppm: How much it runs slow.
        step_s: What it is set forward by, at `step_at_s`.
        step_at_s: When, by ours.
    """

    offset_s: float = 0.0
    drift_ppm: float = 0.0
    step_s: float = 0.0
    step_at_s: float = float("inf")

    def at(self, ours_s: float) -> int:
        stepped = self.step_s if ours_s >= self.step_at_s else 0.0
        return round((ours_s * (1 - self.drift_ppm * 1e-6) - self.offset_s + stepped) * S)


def steady(fps: float, start_s: float, end_s: float) -> list[float]:
    """Times of capture at an even pace."""
    return [start_s + i / fps for i in range(round((end_s - start_s) * fps))]


def sent(
    captures_s: Iterable[float],
    clock: Clock | None = None,
    *,
    way_s: float = 0.03,
    jitter_s: float = 0.004,
    held: Callable[[float], float] = lambda at: at,
    seed: int = 1,
) -> Feed:
    """Sends frames over a way with jitter.

    Args:
        captures_s: When they are captured, by our clock.
        clock: The client's.
        way_s: The shortest way.
        jitter_s: Mean of what comes on top, exponentially distributed.
        held: When a frame captured at a time leaves; in order.
        seed: Of the jitter.
    """
    rng, last, feed = np.random.default_rng(seed), 0.0, []
    for captured in captures_s:
        last = max(last + 0.001, held(captured) + way_s + float(rng.exponential(jitter_s)))
        feed.append(((clock or Clock()).at(captured), round(last * S)))
    return feed


def holding(start_s: float, end_s: float) -> Callable[[float], float]:
    """What is captured between two times leaves at the second: a burst."""
    return lambda at: end_s if start_s <= at < end_s else at


def stalls_of(feed: Feed, *, until_s: float | None = None, with_captures: bool = True) -> tuple[list[Stall], Watchdog]:
    """Shows a feed to a watchdog that ticks twice a second."""
    dog, clock, told = Watchdog(), ClientClock(), list[Stall]()
    now = TICK_NS
    for captured, arrived in feed:
        while now < arrived:
            told += dog.tick(now)
            now += TICK_NS
        delay = clock.frame(captured, arrived) if with_captures else 0
        told += dog.frame(arrived, captured if with_captures else None, delay)
    while now <= (until_s or 0.0) * S:
        told += dog.tick(now)
        now += TICK_NS
    return told, dog
