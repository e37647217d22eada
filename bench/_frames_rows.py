"""What `frames.py` measures frame by frame: rows, their rounds, and the ratios between them."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from bench._frames_load import COLOR, LUMA, clip, cpu_s
from bench._frames_servers import Bench, Server
from bench._frames_talk import (
    Send,
    Session,
    echo_session,
    grpc_session,
    json_session,
    published_session,
    socket_session,
)

# Of which rows a ratio is made: how much more the first costs than the second.
RATIOS = {
    "ours_all_over_floor": ("ours_all", "floor_all"),
    "ours_over_floor": ("ours", "floor"),
    "ours_still_over_floor": ("ours_still", "floor_still"),
    "ws_over_grpc": ("ws", "ours"),
    "ws_json_over_grpc": ("ws_json", "ours"),
    "color_over_luma": ("color", "ours"),
    "color_over_luma_still": ("color_still", "ours_still"),
    "every_over_ours_all": ("every", "ours_all"),
    "rule_over_ours_all": ("rule", "ours_all"),
    "every_over_ours": ("every", "ours"),
    "rule_over_ours": ("rule", "ours"),
    "every_one_thread_over_ours_all": ("every_one_thread", "ours_all"),
    "rule_one_thread_over_ours_all": ("rule_one_thread", "ours_all"),
}
FRAMES, WARM_UP, SLICE = 240, 60, 20  # frames
SETTLE_S = 0.005  # so long threads may go on spinning after a slice; that is their stack's own time


@dataclass
class Row:
    """One thing that is measured.

    Attributes:
        name: What.
        server: Its process.
        session: Opens a stream.
        shots: The clip.
        edge: Envoy's process, where frames come through it.
        cpu_us: CPU of the server per frame of each round, microseconds.
        edge_us: The same of Envoy.
        fps: Frames per second of each round.
    """

    name: str
    server: psutil.Process
    session: Session
    shots: Sequence[bytes]
    edge: psutil.Process | None = None
    cpu_us: list[float] = field(default_factory=list)
    edge_us: list[float] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)

    @property
    def typical_us(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.cpu_us)

    @property
    def typical_edge_us(self) -> float:
        """The median of the rounds; 0 without Envoy."""
        return statistics.median(self.edge_us) if self.edge else 0.0

    def clear(self) -> None:
        """Forgets the rounds so far."""
        for values in (self.cpu_us, self.edge_us, self.fps):
            values.clear()

    async def slice(self, send: Send, start: int) -> tuple[float, float, float]:
        """Sends a slice of the clip; returns CPU time of server and Envoy and the time that passed, in seconds."""
        before, began = self._spent(), time.perf_counter()
        await send(self.shots[start : start + SLICE])
        passed = time.perf_counter() - began
        await asyncio.sleep(SETTLE_S)
        after = self._spent()
        return after[0] - before[0], after[1] - before[1], passed

    def _spent(self) -> tuple[float, float]:
        return cpu_s(self.server), cpu_s(self.edge) if self.edge else 0.0


async def all_rows(
    bench: Bench, stack: contextlib.AsyncExitStack, *, published: bool
) -> tuple[dict[str, Row], dict[str, Row]]:
    """Starts the servers and makes the rows: our paths with their floors, and the published stack's.

    Args:
        bench: Starts servers.
        stack: Ends them.
        published: Whether the published stack is also measured as if it had asked for one thread.
    """
    moving, still = clip(moving=True, frames=FRAMES), clip(moving=False, frames=FRAMES)
    ours, ours_all = await stack.enter_async_context(bench.ours()), await stack.enter_async_context(bench.ours("all"))
    echo = await stack.enter_async_context(bench.echo())
    envoy = await stack.enter_async_context(bench.envoy([ours]))
    floors = {
        "floor_all": _flagged(moving, range(1, FRAMES + 1)),
        "floor": _flagged(moving, await _judged(bench, ours, moving)),
        "floor_still": _flagged(still, await _judged(bench, ours, still)),
    }

    def row(name: str, server: Server, session: Session, shots: Sequence[bytes], edge: Server | None = None) -> Row:
        return Row(name, server.process, session, shots, edge.process if edge else None)

    paths = {
        "echo": row("floor: raw gRPC", echo, echo_session(echo), _flagged(moving, ())),
        "floor_all": row("floor: raw gRPC + 1/4 decode", echo, echo_session(echo), floors["floor_all"]),
        "ours_all": row("ours, every frame decoded", ours_all, grpc_session(bench, ours_all), moving),
        "floor": row("floor, decodes what ours does", echo, echo_session(echo), floors["floor"]),
        "ours": row("ours", ours, grpc_session(bench, ours, LUMA), moving),
        "color": row("ours, mode color", ours, grpc_session(bench, ours, COLOR), moving),
        "ws": row("ours, WebSocket", ours, socket_session(bench, ours), moving),
        "ws_json": row("ours, WebSocket, JSON", ours, json_session(bench, ours), moving),
        "envoy": row("ours, gRPC through Envoy", ours, grpc_session(bench, envoy), moving, envoy),
        "envoy_ws": row("ours, WebSocket through Envoy", ours, socket_session(bench, envoy), moving, envoy),
        "floor_still": row("static clip: floor", echo, echo_session(echo), floors["floor_still"]),
        "ours_still": row("static clip: ours", ours, grpc_session(bench, ours, LUMA), still),
        "color_still": row("static clip: ours, mode color", ours, grpc_session(bench, ours, COLOR), still),
    }
    theirs = await stack.enter_async_context(bench.published("default"))
    other = {
        "every": row("published, SSIM on every frame", theirs, published_session(theirs, every=True), moving),
        "rule": row("published, as far as the rule must", theirs, published_session(theirs, every=False), moving),
    }
    if published:
        one = await stack.enter_async_context(bench.published("1"))
        other |= {
            "every_one_thread": row("the same on one thread", one, published_session(one, every=True), moving),
            "rule_one_thread": row("the same, its rule", one, published_session(one, every=False), moving),
        }
    return paths, other | {key: _again(paths[key]) for key in ("ours_all", "ours")}


def _again(row: Row) -> Row:
    """The same row, to be measured in another group: ratios are taken within a group's rounds."""
    return Row(row.name, row.server, row.session, row.shots, row.edge)


def _flagged(shots: Sequence[bytes], decoded: Sequence[int] | set[int]) -> list[bytes]:
    return [bytes([number in decoded]) + data for number, data in enumerate(shots, 1)]


async def _judged(bench: Bench, server: Server, shots: Sequence[bytes]) -> set[int]:
    judged: set[int] = set()
    async with grpc_session(bench, server, LUMA, judged)() as send:
        await send(shots)
    return judged


async def measure(rows: Mapping[str, Row], rounds: int) -> None:
    """Measures rows in some rounds, after a warm-up."""
    await one_round(list(rows.values()), WARM_UP)
    for row in rows.values():
        row.clear()
    for _ in range(rounds):
        await one_round(list(rows.values()), FRAMES)


async def one_round(rows: Sequence[Row], frames: int) -> None:
    """Gives every row the first frames of its clip, in turns; each other turn goes the other way about."""
    async with contextlib.AsyncExitStack() as stack:
        sends = [(row, await stack.enter_async_context(row.session())) for row in rows]
        spent = {row.name: [0.0, 0.0, 0.0] for row in rows}
        for start in range(0, frames, SLICE):
            for row, send in sends if start // SLICE % 2 else reversed(sends):
                for index, value in enumerate(await row.slice(send, start)):
                    spent[row.name][index] += value
    for row in rows:
        cpu, edge, wall = spent[row.name]
        row.cpu_us.append(cpu / frames * 1e6)
        row.edge_us.append(edge / frames * 1e6)
        row.fps.append(frames / wall)


def ratios_of(*groups: Mapping[str, Row]) -> dict[str, list[float]]:
    """Every ratio whose rows stand in one group, of each round, the smallest first."""
    return {
        name: sorted(a / b for a, b in zip(rows[more].cpu_us, rows[less].cpu_us, strict=True))
        for name, (more, less) in RATIOS.items()
        for rows in groups
        if more in rows and less in rows
    }
