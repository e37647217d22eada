"""What a frame costs: our StreamFrames beside the published stack and beside raw gRPC, in one run.

    python bench/frames.py [--quick] [--streams 100] [--seconds 15]

Measured is the CPU time of the server process per frame (user + system, all threads; 640x480 JPEG, quality 75). In a
round all stacks get the same clip, each on one stream, in slices of a few frames that take turns, so that whatever else
the machine does meets all of them alike. A ratio is taken within a round; the median of the rounds counts.

All with the published settings (1 s, 10 s, 0.06, 0.85), frames 0.1 s apart by the client's clock. `every frame decoded`
is our path without its laziness: it normally leaves frames inside the minimum interval undecoded.

The published stack is measured twice: as its users run it, where OpenCV has a thread per core that its code never
asks for, and with OpenCV on one thread, as ours has it. Those threads wait by spinning, so the first figure depends on
the cores, and on what else runs; the targets are about it. The second tells how much of the ratio is theirs.

Prints tables, then one line of JSON; exit code 1 when a target is missed: with every frame decoded 4x less than the
published stack with SSIM on every frame and 1.6x less than with its rule's short-circuit; as we run, 4x less than with
SSIM on every frame; no drop among paced 10-fps streams on one process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.pop(0)  # this folder: its `mesh.py` would hide the package

import cv2
import psutil

from bench._frames_load import Bench, OtherWork, Send, Session, clip, cpu_s
from bench._frames_paced import Paced, paced

# Of which rows a ratio is made: how much more the first costs than the second.
RATIOS = {
    "every_over_ours_all": ("every", "ours_all"),
    "rule_over_ours_all": ("rule", "ours_all"),
    "every_over_ours": ("every", "ours"),
    "rule_over_ours": ("rule", "ours"),
    "every_one_thread_over_ours_all": ("every_one_thread", "ours_all"),
    "rule_one_thread_over_ours_all": ("rule_one_thread", "ours_all"),
    "static_every_over_ours": ("every_still", "ours_still"),
    "static_rule_over_ours": ("rule_still", "ours_still"),
    "ours_all_over_floor": ("ours_all", "decode"),
}
FRAMES, WARM_UP, SLICE = 240, 60, 20  # frames
SETTLE_S = 0.005  # so long threads may go on spinning after a slice; that is their stack's own time
LEAST = {"every_over_ours_all": 4.0, "rule_over_ours_all": 1.6, "every_over_ours": 4.0}


@dataclass
class Row:
    """One thing that is measured.

    Attributes:
        name: What.
        server: Its process.
        session: Opens a stream.
        shots: The clip.
        cpu_us: CPU per frame of each round, microseconds.
        fps: Frames per second of each round.
    """

    name: str
    server: psutil.Process
    session: Session
    shots: list[bytes]
    cpu_us: list[float] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)

    @property
    def typical_us(self) -> float:
        return statistics.median(self.cpu_us)

    async def slice(self, send: Send, start: int) -> tuple[float, float]:
        """Sends a slice of the clip; returns the server's CPU time and the time that passed, in seconds."""
        before, began = cpu_s(self.server), time.perf_counter()
        await send(self.shots[start : start + SLICE])
        passed = time.perf_counter() - began
        await asyncio.sleep(SETTLE_S)
        return cpu_s(self.server) - before, passed


def all_rows(bench: Bench, servers: dict[str, psutil.Process], moving: list[bytes]) -> tuple[dict[str, Row], ...]:
    """The rows of the moving clip, and those of the static one."""
    still = clip(moving=False, frames=FRAMES)

    def published(name: str, server: str, shots: list[bytes], *, every: bool) -> Row:
        return Row(name, servers[server], lambda: bench.published(server, every=every), shots)

    def ours(name: str, server: str, shots: list[bytes]) -> Row:
        return Row(name, servers[server], lambda: bench.ours(server), shots)

    def raw(name: str, server: str) -> Row:
        return Row(name, servers[server], lambda: bench.echo(server), moving)

    return {
        "every": published("published, SSIM on every frame", "published", moving, every=True),
        "ours_all": ours("ours, every frame decoded", "ours_all", moving),
        "rule": published("published, as far as the rule must", "published", moving, every=False),
        "ours": ours("ours", "ours", moving),
        "every_one_thread": published("one thread: published, SSIM on every", "published_one", moving, every=True),
        "rule_one_thread": published("one thread: published, its rule", "published_one", moving, every=False),
        "echo": raw("raw gRPC echo", "echo"),
        "decode": raw("raw gRPC echo + 1/4 grey decode", "decode"),
    }, {
        "every_still": published("static clip: published, SSIM on every", "published", still, every=True),
        "rule_still": published("static clip: published", "published", still, every=False),
        "ours_still": ours("static clip: ours", "ours", still),
    }  # fmt: skip


async def measure(groups: tuple[dict[str, Row], ...], rounds: tuple[int, ...]) -> dict[str, Row]:
    """Measures groups of rows, each in its number of rounds."""
    for rows, count in zip(groups, rounds, strict=True):
        await one_round(list(rows.values()), WARM_UP)
        for row in rows.values():
            row.cpu_us.clear()
            row.fps.clear()
        for _ in range(count):
            await one_round(list(rows.values()), FRAMES)
    return {key: row for rows in groups for key, row in rows.items()}


async def one_round(rows: list[Row], frames: int) -> None:
    """Gives every row the first frames of its clip, in turns; each other turn goes the other way about."""
    async with contextlib.AsyncExitStack() as stack:
        sends = [(row, await stack.enter_async_context(row.session())) for row in rows]
        spent = {row.name: [0.0, 0.0] for row in rows}
        for start in range(0, frames, SLICE):
            for row, send in sends if start // SLICE % 2 else reversed(sends):
                cpu, wall = await row.slice(send, start)
                spent[row.name][0] += cpu
                spent[row.name][1] += wall
    for row in rows:
        cpu, wall = spent[row.name]
        row.cpu_us.append(cpu / frames * 1e6)
        row.fps.append(frames / wall)


def ratios_of(rows: dict[str, Row]) -> dict[str, list[float]]:
    """Every ratio, of each round, the smallest first."""
    return {
        name: sorted(a / b for a, b in zip(rows[more].cpu_us, rows[less].cpu_us, strict=True))
        for name, (more, less) in RATIOS.items()
    }


def show(rows: dict[str, Row], ratios: dict[str, list[float]], load: Paced, others: float) -> None:
    print(f"{'server CPU per frame':40} {'us':>7} {'fps':>7}")
    for row in rows.values():
        print(f"{row.name:40} {row.typical_us:7.0f} {max(row.fps):7.0f}")
    print(f"\n{'ratio':40} {'median':>7} {'least':>7} {'most':>7}")
    for name, values in ratios.items():
        print(f"{name:40} {statistics.median(values):6.2f}x {values[0]:6.2f}x {values[-1]:6.2f}x")
    print(
        f"\n{load.streams} streams at 10 fps: {load.frames} frames, {load.dropped} dropped, {load.cpu_share:.2f} cores,"
        f" ack p50 {load.ack_p50_ms} ms, p99 {load.ack_p99_ms} ms, {load.rss_mib} MiB"
    )
    print(f"threads of OpenCV: published {cv2.getNumThreads()} (its default), ours 1")
    print(f"other work on this machine meanwhile: {others:.2f} of {psutil.cpu_count()} cores")


def report(rows: dict[str, Row], load: Paced, others: float) -> dict[str, object]:
    ratios = ratios_of(rows)
    show(rows, ratios, load, others)
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    targets = {name: {"value": round(medians[name], 2), "target": f">= {goal:g}"} for name, goal in LEAST.items()}
    targets["dropped"] = {"value": load.dropped, "target": "<= 0"}
    missed = [name for name, goal in LEAST.items() if medians[name] < goal]
    return {
        "bench": "frames",
        "cpu_us_per_frame": {key: round(row.typical_us, 1) for key, row in rows.items()},
        "ratios": {name: round(value, 2) for name, value in medians.items()},
        "ratios_least_and_most": {name: [round(v[0], 2), round(v[-1], 2)] for name, v in ratios.items()},
        "opencv_threads": {"published": cv2.getNumThreads(), "published_one_thread": 1, "ours": 1},
        "other_work_cores": round(others, 2),
        "paced": vars(load),
        "targets": targets,
        "missed": missed + ["dropped"] * (load.dropped > 0),
    }


async def run(arguments: argparse.Namespace) -> int:
    rounds = (4, 2) if arguments.quick else (15, 5)
    streams = arguments.streams or (50 if arguments.quick else 100)
    seconds = arguments.seconds or (4.0 if arguments.quick else 15.0)
    moving = clip(moving=True, frames=FRAMES)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        with bench.servers() as servers:
            await bench.ready()
            groups, others = all_rows(bench, servers, moving), OtherWork(servers.values())
            rows = await measure(groups, rounds)
            load = await paced(bench, servers["ours"], moving, streams, seconds)
            others_cores = others.cores()
    answer = report(rows, load, others_cores)
    print(json.dumps(answer))
    return 1 if answer["missed"] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and streams; below 50 s")
    parser.add_argument("--streams", type=int, help="paced streams (default 100, 50 with --quick)")
    parser.add_argument("--seconds", type=float, help="length of the paced streams (default 15, 4 with --quick)")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
