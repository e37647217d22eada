"""Frames per second of one user: what is let in, and what is said about the rest."""

from __future__ import annotations

import math

import pytest

from ingest_svc.streams.limits.frame_rate import FrameGate, FrameRate, FrameRates

pytestmark = pytest.mark.unit
_S = 1_000_000_000
_FPS, _BURST_S = 10.0, 2.0


def sent(rate: FrameRate, fps: float, seconds: float, start_s: float = 0.0) -> int:
    """Sends at a rate; returns how many frames were let in."""
    return sum(rate.take(round((start_s + i / fps) * _S)) for i in range(round(fps * seconds)))


@pytest.mark.parametrize(
    ("fps", "seconds", "let_in"),
    [
        pytest.param(1, 0, 0, id="nothing"),
        pytest.param(10, 60, 600, id="just the rate"),
        pytest.param(5, 60, 300, id="half the rate"),
        pytest.param(30, 60, 20 + 600, id="three times the rate: the burst, and the rate from then on"),
        pytest.param(10_000, 1, 20 + 10, id="a flood"),
    ],
)
def test_frames_are_let_in(fps: float, seconds: float, let_in: int) -> None:
    assert abs(sent(FrameRate(_FPS, _BURST_S), fps, seconds) - let_in) <= 1


def test_what_a_silence_saves_may_come_at_once_but_not_more() -> None:
    rate = FrameRate(_FPS, _BURST_S)
    assert sent(rate, 1000, 0.1) == 20
    assert sent(rate, 1000, 0.1, start_s=1.1) == 11  # of the second between
    assert sent(rate, 1000, 0.1, start_s=100) == 20


def test_a_process_gives_its_share_and_all_of_it_again() -> None:
    rate = FrameRate(_FPS, _BURST_S)
    rate.share(_FPS / 4, 0)
    assert sent(rate, 100, 60) == pytest.approx(5 + 150, abs=1)
    rate.share(_FPS, 60 * _S)
    assert sent(rate, 100, 60, start_s=60) == pytest.approx(600, abs=1)


def test_infinity_is_no_limit() -> None:
    assert sent(FrameRate(math.inf, _BURST_S), 100_000, 1) == 100_000


def test_a_burst_below_one_frame_lets_single_frames_in() -> None:
    assert sent(FrameRate(0.5, 0.1), 10, 10) == 5


def test_client_is_told_once_in_each_episode() -> None:
    rate = FrameRate(_FPS, _BURST_S)
    gate, other = FrameGate(rate), FrameGate(rate)
    assert gate.complaint() is None

    def flood(start_s: float) -> list[int]:
        told = []
        for i in range(100):
            gate.lets(round((start_s + i / 1000) * _S))
            if gate.complaint() is not None:
                told.append(i)
        return told

    assert flood(0) == [20]
    assert flood(1.0) == []  # it has never been calm
    assert flood(60) == [20]
    while other.lets(round(60.1 * _S)):
        assert other.complaint() is None
    heard = other.complaint()
    assert heard is not None  # another stream of the user hears it too
    assert (heard.reason, heard.retry_after_s) == ("RATE_LIMITED", 1.0)
    assert heard.metadata == {"limit": "10", "scope": "user", "setting": "max_frame_rate_fps"}


def test_a_new_stream_amid_an_episode_is_told_of_its_own_frames_only() -> None:
    rate = FrameRate(_FPS, _BURST_S)
    sent(rate, 1000, 0.1)
    late = FrameGate(rate)
    while late.lets(_S // 10):
        assert late.complaint() is None
    assert rate.episode == 1
    assert late.complaint() is not None
    assert late.complaint() is None


def test_streams_of_a_user_share_the_bucket_and_other_users_do_not() -> None:
    rates = FrameRates(_FPS, _BURST_S)
    with rates.gate("ada", 0) as one, rates.gate("ada", 0) as two, rates.gate("bob", 0) as bobs:
        assert [one.lets(0) for _ in range(20)] == [True] * 20
        assert not two.lets(0)
        assert bobs.lets(0)


def test_coming_back_empties_nothing_and_the_forgotten_cost_no_memory() -> None:
    rates = FrameRates(_FPS, _BURST_S)
    with rates.gate("ada", 0) as gate:
        assert [gate.lets(0) for _ in range(20)] == [True] * 20
    with rates.gate("ada", _S // 100) as again:
        assert not again.lets(_S // 100)
    for number in range(100):
        with rates.gate(f"user-{number}", 10 * _S):
            pass
    with rates.gate("ada", 20 * _S):
        assert len(rates) == 1
