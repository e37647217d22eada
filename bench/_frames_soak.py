"""Streams for minutes on end, each ended and opened anew every so often, for `frames.py`: does memory stay flat?"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass

from bench._frames_paced import Phones, Plan, phones
from bench._frames_servers import Bench, Server

_LIFE_S = 30.0
_SAMPLE_S = 2.0
# Pools fill in the first minutes, so the second quarter is what the last is compared with, and of each the least: what
# is left while streams have just ended. In 10 minutes, 10 KiB forgotten per session would be this much, and so would 35
# bytes per frame.
FLAT_MIB = 4.0


@dataclass
class Soak:
    """What a soak measured.

    Attributes:
        minutes: How long.
        streams: Streams at a time, at 10 frames per second.
        sessions: Streams opened and ended.
        frames: Frames sent.
        results: Results of keyframes.
        dropped: Frames that did not end in processed, skipped or same scene.
        start_mib: Resident memory before the first stream.
        peak_mib: The most.
        second_quarter_mib: The least in the second quarter.
        last_quarter_mib: The least in the last quarter.
        growth_mib: From the one to the other.
        samples_mib: A sample of each thirtieth of the time.
    """

    minutes: float
    streams: int
    sessions: int
    frames: int
    results: int
    dropped: int
    start_mib: float
    peak_mib: float
    second_quarter_mib: float
    last_quarter_mib: float
    growth_mib: float
    samples_mib: list[float]


async def soak(bench: Bench, minutes: float, streams: int = 24) -> Soak:
    """Half of the streams over gRPC, half over WebSocket, all with keyframes."""
    lives = max(1, round(minutes * 60 / _LIFE_S))
    plan = Plan(streams // 2, _LIFE_S, lives=lives)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(bench.ours())
        start = _mib(server)
        lines: list[Phones] = []
        for websocket, port in ((False, server.port), (True, server.http_port)):
            half = Plan(plan.streams, plan.seconds, websocket=websocket, lives=lives)
            lines += await stack.enter_async_context(phones(bench, half, [port], prefix=f"soak{int(websocket)}"))
        going = asyncio.gather(*(line.go() for line in lines))
        samples = await _samples(server, going)
        seen = await going
    quarter = max(1, len(samples) // 4)
    second, last = min(samples[quarter : 2 * quarter]), min(samples[-quarter:])
    return Soak(
        minutes=round(lives * _LIFE_S / 60, 1), streams=2 * plan.streams, sessions=2 * plan.streams * lives,
        frames=sum(each["sent"] for each in seen), results=sum(each["results"] for each in seen),
        dropped=sum(each["dropped"] for each in seen),
        start_mib=round(start, 1), peak_mib=round(max(samples), 1),
        second_quarter_mib=round(second, 1), last_quarter_mib=round(last, 1),
        growth_mib=round(last - second, 2),
        samples_mib=[round(each, 1) for each in samples[:: max(1, len(samples) // 30)]],
    )  # fmt: skip


async def _samples(server: Server, going: asyncio.Future[list[dict[str, object]]]) -> list[float]:
    samples, due = [], time.monotonic()
    while not going.done():
        samples.append(_mib(server))
        if len(samples) % 30 == 1:
            print(f"soak: {len(samples) * _SAMPLE_S / 60:.0f} min, {samples[-1]:.1f} MiB", file=sys.stderr, flush=True)
        due += _SAMPLE_S
        await asyncio.wait([going], timeout=max(0.0, due - time.monotonic()))
    return samples


def _mib(server: Server) -> float:
    return float(server.process.memory_info().rss) / 2**20
