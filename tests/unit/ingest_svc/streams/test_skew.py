"""The client's clock against ours: offset, drift and delay, through jitter, queues and steps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ingest_svc.streams.skew import ClientClock, Envelope, drift_of, lower_hull
from tests.unit.ingest_svc.streams.feeds import Clock, Feed, S, sent, steady

pytestmark = pytest.mark.unit


def _delays_s(feed: Feed, clock: ClientClock) -> list[float]:
    return [clock.frame(captured, arrived) / S for captured, arrived in feed]


@pytest.mark.parametrize("offset_s", [0.0, 7 * 3600.0, -7 * 3600.0, 1e9], ids=["none", "behind", "ahead", "decades"])
def test_offset_is_that_of_the_clock_and_the_shortest_way(offset_s: float) -> None:
    clock = ClientClock()
    assert clock.offset_ns(0) is None
    delays = _delays_s(sent(steady(10, 0, 60), Clock(offset_s), way_s=0.03, jitter_s=0.01), clock)
    assert clock.offset_ns(60 * S) == pytest.approx((offset_s + 0.03) * S, abs=3e6)
    assert clock.drift_ppm is None  # a minute is not enough
    assert np.mean(delays) == pytest.approx(0.01, abs=0.003)


@pytest.mark.parametrize("ppm", [-300, -50, 0, 50, 300])
def test_drift_is_found_through_jitter(ppm: float) -> None:
    clock = ClientClock()
    delays = _delays_s(sent(steady(10, 0, 600), Clock(123.0, ppm), jitter_s=0.02), clock)
    assert clock.drift_ppm == pytest.approx(ppm, abs=5)
    assert clock.offset_ns(600 * S) == pytest.approx((123.03 + 600 * ppm * 1e-6) * S, abs=8e6)
    assert max(delays[3000:]) < 0.3
    assert np.mean(delays[3000:]) == pytest.approx(0.02, abs=0.005)


def test_a_queue_is_delay_and_not_drift() -> None:
    """Minutes of congestion in the middle of the stream, up to two seconds of it."""
    clock = ClientClock()
    feed = sent(steady(10, 0, 400), held=lambda at: at + max(0.0, 2.0 - abs(at - 200) / 30))
    delays = _delays_s(feed, clock)
    assert clock.drift_ppm == pytest.approx(0, abs=30)
    assert delays[2000] == pytest.approx(2.0, abs=0.3)
    assert np.mean(delays[3000:]) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("step_s", [-3600, -3, -0.5, 0.5, 3, 3600])
def test_a_step_starts_anew_and_is_no_drift(step_s: float) -> None:
    clock = ClientClock()
    delays = _delays_s(sent(steady(10, 0, 400), Clock(step_s=step_s, step_at_s=200)), clock)
    assert clock.offset_ns(400 * S) == pytest.approx((0.03 - step_s) * S, abs=5e6)
    assert clock.drift_ppm == pytest.approx(0, abs=10)
    assert max(delays) < 0.1


def test_a_clock_set_back_during_a_pause_is_believed_after_four_windows() -> None:
    clock = ClientClock()
    captures = steady(10, 0, 60) + steady(10, 100, 160)
    delays = _delays_s(sent(captures, Clock(step_s=-8, step_at_s=80)), clock)
    assert delays[600] == pytest.approx(8, abs=0.1)
    assert delays[-1] < 0.1
    assert clock.offset_ns(160 * S) == pytest.approx(8.03 * S, abs=5e6)


def test_pings_tell_the_offset_where_frames_say_nothing_and_sharpen_it_where_they_do() -> None:
    alone, both, foreign = ClientClock(), ClientClock(), ClientClock()
    for second in range(10):
        for clock in (alone, both):
            clock.ping(second * S, second * S + 70_000_000)
        both.frame(second * S, second * S + 95_000_000)
        foreign.frame(second * S, second * S + 95_000_000)
        foreign.ping(second * S - 500 * S, second * S)
    assert alone.offset_ns(10 * S) == both.offset_ns(10 * S) == 70_000_000
    assert foreign.offset_ns(10 * S) == 95_000_000
    assert both.frame(11 * S, 11 * S + 95_000_000) == 0  # a ping is no measure for a frame


def test_the_line_below_is_the_best_of_all_lines_through_two_points() -> None:
    """Against brute force over every pair of points."""
    rng = np.random.default_rng(2)
    points = [(i * 5 * S, int(i * 5 * S * 4e-5 + rng.exponential(2e7))) for i in range(60)]
    middle = sum(at for at, _ in points) / len(points)
    best = max(
        (a[1] + (b[1] - a[1]) / (b[0] - a[0]) * (middle - a[0]), (b[1] - a[1]) / (b[0] - a[0]))
        for a, b in itertools.combinations(points, 2)
        if all((b[1] - a[1]) * (at - a[0]) <= (low - a[1]) * (b[0] - a[0]) for at, low in points)
    )
    assert drift_of(points) == pytest.approx(best[1])
    assert lower_hull(points)[0] == points[0]
    assert lower_hull(points)[-1] == points[-1]
    assert drift_of(points[:5]) is None


def test_memory_is_bounded() -> None:
    line = Envelope()
    for second in range(4000):
        line.add(second * S, second * S + 5)
    assert len(line._closed) <= 120
