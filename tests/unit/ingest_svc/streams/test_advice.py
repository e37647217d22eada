"""The loop: it goes down where the line narrows, stays still, and comes back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest_svc.streams.advice import LADDER, Advice, Advisor, Signals
from ingest_svc.streams.ledger import Totals
from ingest_svc.streams.watch import FlowWatch, Work
from ingest_svc.streams.watchdog import StallKind
from tests.unit.ingest_svc.streams.feeds import S, holding, sent, steady
from tests.unit.ingest_svc.streams.link import frame_bytes, simulate

pytestmark = pytest.mark.unit

MB = 1e6


def test_each_rung_costs_less_than_the_one_before() -> None:
    costs = [rung.fps * frame_bytes(rung.long_side_px, rung.jpeg_quality) for rung in LADDER]
    assert all(0.3 < b / a < 0.85 for a, b in itertools.pairwise(costs))
    assert all(1 <= rung.jpeg_quality <= 100 and rung.fps > 0 for rung in LADDER)


@pytest.mark.parametrize("jitter_s", [0.001, 0.02, 0.08])
def test_a_good_line_gets_no_advice(jitter_s: float) -> None:
    run = simulate(FlowWatch(), lambda _: 5 * MB, 300, jitter_s=jitter_s)
    assert run.advice == []


@pytest.mark.parametrize(
    ("low", "fps"),
    [(0.4 * MB, 10), (0.4 * MB, 24), (0.15 * MB, 5), (0.15 * MB, 24), (0.04 * MB, 10), (0.015 * MB, 24)],
)
def test_a_line_that_narrows_is_followed_down_and_up_again(low: float, fps: float) -> None:
    def capacity(at: float) -> float:
        return low if 60 <= at < 360 else 6 * MB

    run = simulate(FlowWatch(), capacity, 760, fps=fps)
    assert run.changes(0, 60) == 0
    assert 60 < run.advice[0][0] < 68 + 3 * frame_bytes(1280, 85) / low  # noticed: after two frames at least
    assert run.delay_s(80, 360) < 0.5 + 1.5 * frame_bytes(320, 40) / low  # the queue is gone, and stays so
    assert run.changes(100, 360) <= 14  # trials, ever more rarely
    assert run.changes(230, 360) <= 8
    at_end = run.at(760)
    assert at_end is not None
    assert (at_end.fps, at_end.long_side_px) == (30, 1280)
    assert run.changes(640, 760) == 0
    rate = sum(640 < at < 760 for at, _ in run.delays) / 120
    assert rate == pytest.approx(fps, rel=0.02)


@pytest.mark.parametrize("seed", range(2))
def test_a_line_that_is_always_narrow_is_settled_on(seed: int) -> None:
    run = simulate(FlowWatch(spread=seed / 3), lambda _: 0.12 * MB, 900, jitter_s=0.03, seed=seed)
    assert run.delay_s(30, 900) < 0.5
    assert run.changes(0, 900) < 40
    assert run.changes(500, 900) <= 10
    asked = [advice for at in range(500, 900) if (advice := run.at(at)) is not None]
    used = sum(frame_bytes(each.long_side_px, each.jpeg_quality) * each.fps for each in asked)
    assert used / 400 > 0.3 * 0.12 * MB  # and not by sending next to nothing


def test_a_wavering_line_makes_no_swing() -> None:
    """Half a megabyte, more or less, another every five seconds."""
    waves = np.random.default_rng(5).uniform(0.3, 0.7, 1000) * MB
    run = simulate(FlowWatch(), lambda at: float(waves[int(at / 5)]), 800)
    assert run.changes(100, 800) < 30
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(run.advice)]
    assert min(gaps) >= 2


@pytest.mark.parametrize("late_s", [1.5, 4, 15])
def test_a_stall_and_its_burst_are_no_reason_to_send_less(late_s: float) -> None:
    watch, told, now, totals = FlowWatch(), list[Advice](), 0, Totals()
    for number, (captured, arrived) in enumerate(sent(steady(10, 0, 300), held=holding(100, 100 + late_s)), 1):
        while now < arrived:
            now += S // 2
            told += [advice for advice in watch.tick(now, Work(totals))[1:] if advice is not None]
        watch.frame(number, captured, arrived)
        totals.highest = number
        totals.late += arrived - captured > 5 * S
    assert told == []
    assert watch.stats(now).counts[StallKind.SILENCE] == 1
    assert watch.stats(now).counts[StallKind.BURST] == (late_s > 2)


def test_a_client_that_does_not_obey_is_told_a_few_times_and_then_left_alone() -> None:
    run = simulate(FlowWatch(), lambda _: 0.1 * MB, 600, obeys=False)
    assert run.changes(0, 600) <= len(LADDER)
    last = run.advice[-1][1]
    assert (last.fps, last.long_side_px) == (LADDER[-1].fps, LADDER[-1].long_side_px)


def test_a_server_behind_its_work_asks_for_less_and_takes_it_back() -> None:
    run = simulate(FlowWatch(), lambda _: 9 * MB, 300, lag=lambda at: 0.3 if 50 <= at < 60 else 0.0)
    assert 50 < run.advice[0][0] < 55
    assert "behind its work" in run.advice[0][1].description
    last = run.at(300)
    assert last is not None
    assert last.fps == 30


CAUSES: dict[str, tuple[Signals, str]] = {
    "delay": (Signals(delay_s=0.6), "0.6 s longer"),
    "loss": (Signals(loss_rate=0.08), "8% of the frames are lost"),
    "shed": (Signals(shed_rate=0.2), "20% of the frames come too late"),
    "lag": (Signals(loop_lag_s=0.2), "0.20 s behind"),
    "keyframes": (Signals(processing_s=6.0), "a keyframe takes 6.0 s"),
    "stalls": (Signals(stalls=9), "stalled 9 times"),
    "the worst of several": (Signals(delay_s=0.6, loss_rate=0.3), "30% of the frames are lost"),
}


@pytest.mark.parametrize(("signals", "words"), CAUSES.values(), ids=CAUSES.keys())
def test_advice_says_why(signals: Signals, words: str) -> None:
    advisor = Advisor()
    assert advisor.look(0, signals) is None  # once may be a hiccup
    advice = advisor.look(1, signals)
    assert advice is not None
    assert words in advice.description
    assert advisor.advice is advice


def test_advice_stays_below_what_is_allowed_at_all_and_below_what_is_sent() -> None:
    advisor = Advisor(max_fps=4)
    advisor.look(0, Signals(delay_s=0.5, fps=24))
    advice = advisor.look(1, Signals(delay_s=0.5, fps=24))
    assert advice is not None
    assert advice.fps == 4
    slow = Advisor()
    slow.look(0, Signals(delay_s=0.5, fps=5))
    advice = slow.look(1, Signals(delay_s=0.5, fps=5))
    assert advice is not None
    assert advice.fps < 5


def test_between_good_and_bad_nothing_changes() -> None:
    advisor = Advisor()
    _down(advisor, 10)
    rung = advisor.advice
    for at in range(20, 400):
        advisor.look(at, Signals(delay_s=0.25))
    assert advisor.advice is rung


def test_a_full_server_lets_nobody_up() -> None:
    advisor = Advisor()
    _down(advisor, 10)
    assert all(advisor.look(at, Signals(delay_s=0.0, occupancy=0.95)) is None for at in range(20, 100))
    assert any(advisor.look(at, Signals(delay_s=0.0, occupancy=0.5)) for at in range(100, 120))


def _down(advisor: Advisor, until_s: int, signals: Callable[[], Signals] = lambda: Signals(delay_s=0.5)) -> None:
    for at in range(until_s):
        advisor.look(at, signals())


def test_the_page_on_streams_has_the_ladder_and_the_limits_as_they_are() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs/streams.md").read_text()
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]] for cells in map(_cells, page.splitlines()) if cells
    }
    assert rows["frames per second"] == [f"{rung.fps:g}" for rung in LADDER]
    assert rows["longer side, pixels"] == [str(rung.long_side_px) for rung in LADDER]
    assert rows["JPEG quality"] == [str(rung.jpeg_quality) for rung in LADDER]
    for name, measure in {
        "delay_s": "delay above the shortest way, s", "loss_rate": "lost", "shed_rate": "late or superseded",
        "loop_lag_s": "event loop behind, s", "processing_s": "a keyframe takes, s", "stalls": "stalls within a minute",
    }.items():  # fmt: skip
        limits = [
            float(cell.removesuffix(" %")) / (100 if "%" in cell else 1) for cell in rows[measure] if cell[0].isdigit()
        ]
        good, *rungs = limits
        assert _rungs(name, good) == 0
        assert [_rungs(name, limit) for limit in rungs] == list(range(1, len(rungs) + 1))
        assert [_rungs(name, limit - 1e-6) for limit in rungs] == list(range(len(rungs)))


def _cells(line: str) -> list[str]:
    return line.split("|") if line.startswith("| ") else []


def _rungs(name: str, value: float) -> int:
    """How many rungs a measure costs, from the top."""
    advisor = Advisor()
    measured: dict[str, Any] = {name: value}
    signals = Signals(**measured)
    advisor.look(0, signals)
    advice = advisor.look(1, signals)
    return 0 if advice is None else next(i for i, rung in enumerate(LADDER) if rung.fps == advice.fps)
