"""The tables and targets of `frames.py`."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import psutil

from bench._frames_paced import Paced
from bench._frames_rows import Row, ratios_of
from bench._frames_soak import FLAT_MIB, Soak

# At most, or at least, this; a figure that was not measured is not judged.
TARGETS = {
    "ours_all_over_floor": ("<=", 1.3),
    "ws_over_grpc": ("<=", 1.0),
    "every_over_ours_all": (">=", 4.0),
    "rule_over_ours_all": (">=", 1.6),
    "every_over_ours": (">=", 4.0),
    "dropped": ("<=", 0),
    "cores_per_100_streams": ("<=", 1.0),
    "ack_p99_ms": ("<=", 60.0),
    "soak_growth_mib": ("<=", FLAT_MIB),
}
# Waits say something about the server only while nobody else uses the machine.
_IDLE_CORES = 0.2


@dataclass
class Measured:
    """All that a run measured.

    Attributes:
        groups: Rows that took turns.
        other_work_cores: What else ran on the machine meanwhile.
        idle_mib: Resident memory by idle streams.
        paced: Paced streams.
        soak: The soak.
    """

    groups: tuple[Mapping[str, Row], ...] = ()
    other_work_cores: float = 0.0
    idle_mib: dict[int, float] = field(default_factory=dict)
    paced: list[Paced] = field(default_factory=list)
    soak: Soak | None = None

    @property
    def rows(self) -> dict[str, Row]:
        """All rows; of one that stands in two groups, that of the first."""
        return {key: row for group in reversed(self.groups) for key, row in group.items()}

    @property
    def kib_per_idle_stream(self) -> float | None:
        """From the first step to the last: what a process needs for any stream at all is not counted."""
        steps = sorted(self.idle_mib)
        if len(steps) < 2:
            return None
        first, last = steps[0 if len(steps) == 2 else 1], steps[-1]
        return round((self.idle_mib[last] - self.idle_mib[first]) * 1024 / (last - first), 1)


def figures(measured: Measured) -> dict[str, float]:
    """The figures that targets are about."""
    values = {name: statistics.median(ratios) for name, ratios in ratios_of(*measured.groups).items()}
    if measured.paced:
        values["dropped"] = sum(each.dropped for each in measured.paced)
        values["cores_per_100_streams"] = max(each.cpu_cores / each.streams * 100 for each in measured.paced)
        values["ack_p99_ms"] = max(each.ack_p99_ms for each in measured.paced)
    if measured.soak:
        values["soak_growth_mib"] = measured.soak.growth_mib
        values["dropped"] = values.get("dropped", 0) + measured.soak.dropped
    return values


def missed(values: Mapping[str, float]) -> list[str]:
    """The targets that were missed."""
    return [
        name for name, (relation, goal) in TARGETS.items()
        if name in values and not (values[name] <= goal if relation == "<=" else values[name] >= goal)
    ]  # fmt: skip


def answer(measured: Measured) -> dict[str, object]:
    """The last line."""
    values, rows = figures(measured), measured.rows
    return {
        "bench": "frames",
        "cpu_us_per_frame": {key: round(row.typical_us, 1) for key, row in rows.items()},
        "envoy_us_per_frame": {key: round(row.typical_edge_us, 1) for key, row in rows.items() if row.edge},
        "ratios_least_and_most": {
            name: [round(each[0], 2), round(each[-1], 2)] for name, each in ratios_of(*measured.groups).items()
        },
        "figures": {name: round(value, 3) for name, value in values.items()},
        "targets": {
            name: {"value": round(values[name], 3), "target": f"{relation} {goal:g}"}
            for name, (relation, goal) in TARGETS.items() if name in values
        },
        "idle_mib_by_streams": measured.idle_mib,
        "kib_per_idle_stream": measured.kib_per_idle_stream,
        "paced": [vars(each) for each in measured.paced],
        "soak": vars(measured.soak) if measured.soak else None,
        "opencv_threads": {"published": cv2.getNumThreads(), "ours": 1},
        "other_work_cores": round(measured.other_work_cores, 2),
        "missed": missed(values),
    }  # fmt: skip


def show(measured: Measured) -> None:
    """Prints the tables."""
    if measured.groups:
        print(f"{'server CPU per frame':40} {'us':>7} {'Envoy':>7} {'fps':>7}")
        for row in measured.rows.values():
            edge = f"{row.typical_edge_us:7.0f}" if row.edge else f"{'':7}"
            print(f"{row.name:40} {row.typical_us:7.0f} {edge} {max(row.fps):7.0f}")
        print(f"\n{'ratio':40} {'median':>7} {'least':>7} {'most':>7}")
        for name, values in ratios_of(*measured.groups).items():
            print(f"{name:40} {statistics.median(values):6.2f}x {values[0]:6.2f}x {values[-1]:6.2f}x")
        print(f"\nother work on this machine meanwhile: {measured.other_work_cores:.2f} of {psutil.cpu_count()} cores")
        if measured.other_work_cores > _IDLE_CORES:
            print("the machine is not idle: ratios hold, absolute figures and waits do not")
    if measured.idle_mib:
        sizes = ", ".join(f"{step}: {size:.1f}" for step, size in measured.idle_mib.items())
        print(f"MiB by idle streams: {sizes}; {measured.kib_per_idle_stream} KiB each")
    for each in measured.paced:
        _show_paced(each)
    if measured.soak:
        soak = measured.soak
        print(
            f"soak of {soak.minutes:g} min: {soak.streams} streams at 10 fps, {soak.sessions} sessions, {soak.frames}"
            f" frames, {soak.results} results, {soak.dropped} dropped; MiB {soak.start_mib} at start,"
            f" {soak.peak_mib} at most, between streams {soak.second_quarter_mib} in the second quarter and"
            f" {soak.last_quarter_mib} in the last"
        )
    for name in missed(figures(measured)):
        relation, goal = TARGETS[name]
        print(f"missed: {name} {figures(measured)[name]:.3g}, wanted {relation} {goal:g}")


def _show_paced(each: Paced) -> None:
    envoy = f" + Envoy {each.envoy_cores:.2f}" if each.envoy_cores else ""
    print(
        f"{each.streams} streams at 10 fps, {each.transport}, mode {each.mode}, {each.processes} process(es):"
        f" {each.frames} frames, {each.results} results, {each.dropped} dropped, {each.cpu_cores:.2f} cores{envoy}"
        f" (phones {each.clients_cores:.2f}), ack p50 {each.ack_p50_ms} ms, p99 {each.ack_p99_ms} ms"
        f" (phones up to {each.behind_ms} ms behind), {each.rss_mib} MiB, {each.rss_per_stream_kib} KiB per stream"
    )
