"""Stalls: silence, slow, burst; begun and ended once each, and nobody is accused of what did not happen."""

from __future__ import annotations

import numpy as np
import pytest

from ingest_svc.streams.watchdog import Stall, StallKind
from tests.unit.ingest_svc.streams.feeds import Clock, S, holding, sent, stalls_of, steady

pytestmark = pytest.mark.unit

SILENCE, SLOW, BURST = StallKind.SILENCE, StallKind.SLOW, StallKind.BURST
CLOCKS = {
    "right": Clock(),
    "hours behind": Clock(offset_s=5 * 3600.0),
    "years ahead": Clock(offset_s=-9e7),
    "drifts by 300 ppm": Clock(drift_ppm=300),
    "set forward by 3 s": Clock(step_s=3, step_at_s=8),
    "set back by an hour": Clock(step_s=-3600, step_at_s=8),
}
with_clocks = pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())


def _kinds(told: list[Stall]) -> list[tuple[StallKind, bool]]:
    return [(stall.kind, stall.over) for stall in told]


@with_clocks
@pytest.mark.parametrize("fps", [1, 5, 10, 24, 60])
def test_a_steady_feed_is_left_alone_whatever_its_clock_says(fps: float, clock: Clock) -> None:
    told, dog = stalls_of(sent(steady(fps, 0, 60), clock, jitter_s=0.02), until_s=60)
    assert told == []
    assert dog.usual_fps == pytest.approx(fps, rel=0.1)
    assert dog.arrival_fps(60 * S) == pytest.approx(fps, rel=0.25)


def test_nothing_is_said_of_an_empty_or_hardly_begun_stream() -> None:
    assert stalls_of([], until_s=100)[0] == []
    assert stalls_of(sent([1.0]), until_s=100)[0] == []


@with_clocks
@pytest.mark.parametrize("stall_s", [1.2, 2, 3, 4])
def test_glasses_that_stall_are_silent_once_each_time(stall_s: float, clock: Clock) -> None:
    captures = [at for start in (0, 12, 24) for at in steady(24, start + (stall_s if start else 0), start + 12)]
    told, dog = stalls_of(sent(captures, clock), until_s=36)
    assert _kinds(told) == [(SILENCE, False), (SILENCE, True)] * 2
    begun, over = told[:2]
    assert begun.start_ns == over.start_ns
    assert begun.start_ns / S == pytest.approx(12, abs=0.1)
    assert begun.duration_ns <= 1.6 * S  # noticed within half a second of the first
    assert over.duration_ns / S == pytest.approx(stall_s, abs=0.15)
    assert begun.usual_fps == pytest.approx(24, rel=0.1)
    assert begun.arrival_fps == 0
    assert dog.silent_ns(40 * S) / S == pytest.approx(2 * stall_s, abs=0.3)


@with_clocks
def test_glasses_that_fall_from_24_to_1_fps_are_slow_until_they_recover(clock: Clock) -> None:
    captures = steady(24, 0, 20) + steady(1, 20, 45) + steady(24, 45, 60)
    told, dog = stalls_of(sent(captures, clock), until_s=60)
    slow = [stall for stall in told if stall.kind is SLOW]
    assert _kinds(slow) == [(SLOW, False), (SLOW, True)]
    assert slow[0].start_ns == slow[1].start_ns
    assert slow[0].start_ns / S == pytest.approx(20, abs=1.1)
    assert (slow[0].start_ns + slow[0].duration_ns) / S < 24.5
    assert slow[0].usual_fps == pytest.approx(24, rel=0.15)
    assert slow[0].arrival_fps < 10
    assert slow[1].duration_ns / S == pytest.approx(27, abs=2)
    assert dog.counts[SILENCE] <= 1  # the first second of it; after that frames do come
    assert len(told) <= 4


def test_a_slower_rate_that_stays_becomes_the_usual() -> None:
    told, dog = stalls_of(sent(steady(20, 0, 20) + steady(2, 20, 180)), until_s=180)
    assert _kinds(told) == [(SLOW, False), (SLOW, True)]
    assert told[1].duration_ns / S == pytest.approx(60, abs=2)
    assert dog.usual_fps == pytest.approx(2, rel=0.2)


def test_who_obeys_advice_is_not_slow() -> None:
    feed = sent(steady(20, 0, 20) + steady(2, 20, 60))
    told, dog = stalls_of(feed[: 20 * 20])
    dog.expect(2)
    told += [stall for captured, arrived in feed[20 * 20 :] for stall in dog.frame(arrived, captured, 0)]
    assert told == []


@pytest.mark.parametrize("late_s", [5, 10, 15])
@pytest.mark.parametrize(
    "clock", [it for name, it in CLOCKS.items() if "set" not in name], ids=[it for it in CLOCKS if "set" not in it]
)
def test_glasses_that_burst_are_silent_and_then_burst(late_s: float, clock: Clock) -> None:
    feed = sent(steady(24, 0, 60), clock, held=holding(20, 20 + late_s))
    told, dog = stalls_of(feed, until_s=60)
    assert _kinds(told) == [(SILENCE, False), (SILENCE, True), (BURST, False), (BURST, True)]
    begun, over = told[2:]
    assert begun.start_ns == over.start_ns
    assert begun.start_ns / S == pytest.approx(20 + late_s, abs=0.1)
    assert over.burst_frames == pytest.approx(24 * late_s, abs=30)
    assert over.duration_ns < S
    assert dog.counts == {SILENCE: 1, SLOW: 0, BURST: 1}
    assert dog.usual_fps == pytest.approx(24, rel=0.1)


def test_bursts_again_and_again_are_told_one_by_one() -> None:
    """A feed that arrives ten seconds at a time."""
    feed = sent(steady(24, 0, 100), held=lambda at: at if at < 20 else (at // 10 + 1) * 10)
    _, dog = stalls_of(feed, until_s=100)
    assert dog.counts[BURST] == dog.counts[SILENCE] == 8
    assert dog.counts[SLOW] == 0


@with_clocks
def test_a_client_that_pauses_is_silent_and_nothing_else(clock: Clock) -> None:
    told, _ = stalls_of(sent(steady(10, 0, 20) + steady(10, 140, 160), clock), until_s=160)
    assert _kinds(told) == [(SILENCE, False), (SILENCE, True)]
    assert told[1].duration_ns / S == pytest.approx(120, abs=0.5)


def test_silence_goes_on_without_another_word() -> None:
    told, dog = stalls_of(sent(steady(10, 0, 10)), until_s=1000)
    assert _kinds(told) == [(SILENCE, False)]
    assert dog.silent_ns(1000 * S) / S == pytest.approx(990, abs=1)


def test_without_capture_times_silence_and_slow_are_told_and_no_burst() -> None:
    captures = steady(24, 0, 20) + steady(24, 25, 40) + steady(1, 40, 60)
    told, dog = stalls_of(sent(captures, held=holding(30, 36)), until_s=60, with_captures=False)
    assert dog.counts[SILENCE] >= 2
    assert dog.counts[SLOW] == 1
    assert dog.counts[BURST] == 0
    assert all(stall.burst_frames == 0 for stall in told)


def test_a_feed_that_stutters_all_the_time_makes_no_storm() -> None:
    rng = np.random.default_rng(4)
    at, captures = 0.0, list[float]()
    while at < 300:
        captures += steady(20, at, at + 0.3)
        at += 0.3 + float(rng.uniform(1.1, 1.6))
    told, _ = stalls_of(sent(captures), until_s=300)
    assert len(told) / 5 < 60  # a minute; one for every stall would be 76
    ends = [stall for stall in told if stall.over]
    assert len(told) - 1 <= 2 * len(ends) <= len(told)
    assert all(stall.duration_ns >= S for stall in ends if stall.kind is SILENCE)


@pytest.mark.parametrize("seed", range(8))
def test_what_begins_ends_once_with_the_same_start(seed: int) -> None:
    """Whatever the network does: pauses, collapses, bursts, a stepping clock, in any order."""
    rng = np.random.default_rng(seed)
    at, captures = 0.0, list[float]()
    while at < 300:
        captures += steady(float(rng.choice([0.5, 1, 5, 10, 24, 60])), at, at + float(rng.uniform(0.5, 15)))
        at = captures[-1] + float(rng.choice([0.01, 0.5, 2, 20]))
    clock = Clock(step_s=float(rng.normal(0, 5)), step_at_s=150)
    feed = sent(captures, clock, jitter_s=0.05, held=lambda time: time if time % 40 > 10 else (time // 40) * 40 + 10)
    told, dog = stalls_of(feed, until_s=400)
    for kind in StallKind:
        mine = [stall for stall in told if stall.kind is kind]
        assert [stall.over for stall in mine] == [i % 2 == 1 for i in range(len(mine))]
        assert all(a.start_ns == b.start_ns for a, b in zip(mine[::2], mine[1::2], strict=False))
        assert dog.counts[kind] == (len(mine) + 1) // 2
        assert all(stall.duration_ns >= 0 for stall in mine)
