"""When frames were taken: the client's clock between frames, ours where it makes no sense."""

from __future__ import annotations

import itertools

import pytest

from ingest_svc.streams.clock import FrameClock

pytestmark = pytest.mark.unit

_MS = 1_000_000
_S = 1000 * _MS
_YEAR_2031 = 1_930_000_000 * _S


def test_differences_are_those_of_the_clients_clock_whatever_the_network_does() -> None:
    clock = FrameClock()
    arrivals = [0, 190 * _MS, 200 * _MS, 330 * _MS]
    placed = [clock.place(_YEAR_2031 + i * 100 * _MS, 7 * _S + arrival).stream_ns for i, arrival in enumerate(arrivals)]
    assert [place - placed[0] for place in placed] == [0, 100 * _MS, 200 * _MS, 300 * _MS]


def test_without_capture_times_arrival_counts() -> None:
    clock = FrameClock()
    assert [clock.place(None, at).stream_ns for at in (5, 5, 9)] == [5, 5, 9]


@pytest.mark.parametrize("step_s", [-3600, 3600], ids=["back", "forward"])
def test_a_step_of_the_clients_clock_neither_stops_nor_jumps_the_stream(step_s: int) -> None:
    clock = FrameClock()
    times, delays = [], []
    for i in range(20):
        captured = _YEAR_2031 + i * 100 * _MS + (step_s * _S if i >= 10 else 0)
        placed = clock.place(captured, i * 100 * _MS)
        times.append(placed.stream_ns)
        delays.append(placed.delay_ns)
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert steps == [100 * _MS] * 19
    assert max(delays) == 0


def test_time_never_falls_when_the_client_repeats_or_omits_its_clock() -> None:
    clock = FrameClock()
    captures = [1000, 1100, None, 1090, 1200, None, 5]
    times = [
        clock.place(None if capture is None else capture * _MS, i * 100 * _MS).stream_ns
        for i, capture in enumerate(captures)
    ]
    assert times == sorted(times)


def test_a_burst_shows_as_delay_and_ends_as_delay_zero() -> None:
    clock = FrameClock()
    steady = [clock.place(i * 100 * _MS, i * 100 * _MS + 30 * _MS).delay_ns for i in range(10)]
    assert steady == [0] * 10
    # The network stalls for 5 s, then delivers 50 frames at once.
    burst = [clock.place((10 + i) * 100 * _MS, 6 * _S + 30 * _MS).delay_ns for i in range(50)]
    assert burst[0] == 5 * _S
    assert burst[-1] == 100 * _MS


def test_a_way_that_stays_longer_is_believed_after_two_windows() -> None:
    clock = FrameClock()
    clock.place(0, 0)
    late = [clock.place(i * _S, i * _S + 8 * _S).delay_ns for i in range(1, 40)]
    assert late[0] == 8 * _S
    assert late[-1] == 0
