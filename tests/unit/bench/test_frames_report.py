"""What the frames benchmark makes of its figures: missed targets, ratios within a round, memory per stream."""

from __future__ import annotations

import psutil
import pytest

from bench._frames_report import Measured, answer, figures, missed
from bench._frames_rows import Row, ratios_of
from bench._frames_soak import Soak

pytestmark = pytest.mark.unit


def row(*cpu_us: float, edge_us: float | None = None) -> Row:
    process = psutil.Process()
    made = Row("row", process, lambda: pytest.fail("nothing is sent"), [], process if edge_us is not None else None)
    made.cpu_us, made.fps = list(cpu_us), [1.0] * len(cpu_us)
    made.edge_us = [edge_us or 0.0] * len(cpu_us)
    return made


def soaked(growth_mib: float, dropped: int = 0) -> Soak:
    return Soak(10.0, 2, 40, 1000, 90, dropped, 100.0, 140.0, 120.0, 120.0 + growth_mib, growth_mib, [120.0])


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, []),
        ({"ours_all_over_floor": 1.3, "ws_over_grpc": 1.0, "every_over_ours": 4.0, "dropped": 0}, []),
        ({"ours_all_over_floor": 1.31}, ["ours_all_over_floor"]),
        ({"every_over_ours": 3.9, "ack_p99_ms": 61.0}, ["every_over_ours", "ack_p99_ms"]),
        ({"color_over_luma": 9.0}, []),
    ],
    ids=["nothing measured", "just met", "too much", "too little and too late", "no target"],
)
def test_a_target_is_missed_on_its_wrong_side_alone(values: dict[str, float], names: list[str]) -> None:
    assert missed(values) == names


def test_a_ratio_is_taken_within_a_round_and_a_group() -> None:
    ours, floor, alone = row(100, 300, 220), row(100, 200, 200), row(1, 1, 1)
    ratios = ratios_of({"ours_all": ours, "floor_all": floor}, {"ws": alone})
    assert ratios == {"ours_all_over_floor": [1.0, 1.1, 1.5]}
    assert figures(Measured(groups=({"ours_all": ours, "floor_all": floor},)))["ours_all_over_floor"] == 1.1


@pytest.mark.parametrize(
    ("sizes", "kib"),
    [({}, None), ({0: 100.0}, None), ({0: 100.0, 50: 110.0}, 204.8), ({0: 1.0, 50: 110.0, 200: 125.0}, 102.4)],
    ids=["none", "one", "from the start", "from the first step"],
)
def test_memory_of_a_stream_leaves_out_what_the_first_of_all_costs(sizes: dict[int, float], kib: float | None) -> None:
    assert Measured(idle_mib=sizes).kib_per_idle_stream == kib


@pytest.mark.parametrize(
    ("soak", "names"),
    [(soaked(0.5), []), (soaked(9.0), ["soak_growth_mib"]), (soaked(0.0, dropped=1), ["dropped"])],
    ids=["flat", "grows", "drops"],
)
def test_a_soak_is_judged(soak: Soak, names: list[str]) -> None:
    assert answer(Measured(soak=soak))["missed"] == names


def test_envoys_share_is_shown_where_frames_came_through_it() -> None:
    rows = {"ours": row(100.0), "envoy": row(110.0, edge_us=30.0)}
    assert answer(Measured(groups=(rows,)))["envoy_us_per_frame"] == {"envoy": 30.0}
