"""Many phones at 10 frames per second, and what a stream takes of memory, for `frames.py`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil

from bench._frames_load import LUMA, Mode, cpu_s
from bench._frames_phones import Orders
from bench._frames_servers import HERE, Bench, Server

_STREAMS_PER_CLIENT = 100  # what one process of phones can serve on time
_MIB = 2**20


@dataclass
class Paced:
    """What paced streams measured.

    Attributes:
        transport: How, and through what.
        mode: How keyframes were chosen.
        streams: How many.
        processes: Server processes.
        frames: Frames sent.
        results: Results of keyframes.
        dropped: Frames that did not end in processed, skipped or same scene.
        cpu_cores: Cores that the servers used.
        envoy_cores: Cores that Envoy used.
        clients_cores: Cores that the phones used.
        ack_p50_ms: From sending a frame to its acknowledgement.
        ack_p99_ms: The same.
        behind_ms: How late the phones sent a frame, at worst: acknowledgements look as much later.
        rss_mib: Resident memory of the servers after it.
        rss_per_stream_kib: What it grew by per stream since before.
    """

    transport: str
    mode: str
    streams: int
    processes: int
    frames: int
    results: int
    dropped: int
    cpu_cores: float
    envoy_cores: float
    clients_cores: float
    ack_p50_ms: float
    ack_p99_ms: float
    behind_ms: float
    rss_mib: float
    rss_per_stream_kib: float


@dataclass(frozen=True)
class Plan:
    """How phones stream.

    Attributes:
        streams: How many.
        seconds: How long.
        processes: Server processes.
        websocket: Over WebSocket, else gRPC.
        envoy: Through Envoy.
        mode: How keyframes are chosen.
        lives: How often each stream is opened anew, each time for `seconds`.
    """

    streams: int
    seconds: float
    processes: int = 1
    websocket: bool = False
    envoy: bool = False
    mode: Mode = LUMA
    lives: int = 1

    @property
    def transport(self) -> str:
        """In words."""
        return ("WebSocket" if self.websocket else "gRPC") + (" through Envoy" if self.envoy else "")


class Phones:
    """One process of phones."""

    def __init__(self, process: asyncio.subprocess.Process, orders: Orders) -> None:
        self._process = process
        self._orders = orders

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    async def open(self) -> None:
        """Opens all streams."""
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(asdict(self._orders)) + "\n").encode())
        assert await self._line() == "open"

    async def go(self) -> dict[str, Any]:
        """Streams to the end; returns what the phones saw."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        seen: dict[str, Any] = json.loads(await self._line())
        return seen

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the phones' process ended"
        return line.decode().strip()


@contextlib.asynccontextmanager
async def phones(bench: Bench, plan: Plan, ports: Sequence[int], prefix: str = "phone") -> AsyncIterator[list[Phones]]:
    """Starts processes of phones; their streams go round the ports in blocks."""
    count = max(len(ports), -(-plan.streams // _STREAMS_PER_CLIENT))
    names = [f"{prefix}-{index}" for index in range(plan.streams)]
    started: list[Phones] = []
    processes: list[asyncio.subprocess.Process] = []
    try:
        for index in range(count):
            users = {name: bench.token(name) for name in names[index::count]}
            orders = Orders(
                ports[index % len(ports)], plan.websocket, plan.mode, users, round(plan.seconds * 10), plan.lives
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", str(HERE / "_frames_phones.py"),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 28,
            )  # fmt: skip
            processes.append(process)
            started.append(Phones(process, orders))
        await asyncio.gather(*(each.open() for each in started))
        yield started
    finally:
        for process in processes:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def paced(bench: Bench, plan: Plan) -> Paced:
    """Streams with the published settings, on servers of their own."""
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(bench.ours()) for _ in range(plan.processes)]
        edge = await stack.enter_async_context(bench.envoy(servers)) if plan.envoy else None
        doors = [edge] if edge else servers
        before = _rss(servers)
        lines = await stack.enter_async_context(phones(bench, plan, [_port(door, plan) for door in doors]))
        measured = [
            [server.process for server in servers],
            [edge.process] if edge else [],
            [psutil.Process(line.pid) for line in lines],
        ]
        spent, began = [sum(map(cpu_s, group)) for group in measured], time.perf_counter()
        seen = await asyncio.gather(*(line.go() for line in lines))
        passed = time.perf_counter() - began
        cores = [round((sum(map(cpu_s, group)) - was) / passed, 3) for group, was in zip(measured, spent, strict=True)]
        return _paced(plan, seen, cores, before, _rss(servers))


def _paced(plan: Plan, seen: Sequence[dict[str, Any]], cores: Sequence[float], before: float, after: float) -> Paced:
    waits = sorted(wait for each in seen for wait in each["waits_ms"])
    missing = round(plan.seconds * 10) * plan.lives * plan.streams - sum(each["sent"] for each in seen)
    return Paced(
        transport=plan.transport, mode="luma" if plan.mode == LUMA else "color", streams=plan.streams,
        processes=plan.processes, frames=sum(each["sent"] for each in seen),
        results=sum(each["results"] for each in seen),
        dropped=sum(each["dropped"] for each in seen) + missing,
        cpu_cores=cores[0], envoy_cores=cores[1], clients_cores=cores[2],
        ack_p50_ms=round(statistics.median(waits), 2), ack_p99_ms=round(waits[int(len(waits) * 0.99)], 2),
        behind_ms=round(max(each["behind_ms"] for each in seen), 1),
        rss_mib=round(after / _MIB, 1), rss_per_stream_kib=round((after - before) / 1024 / plan.streams, 1),
    )  # fmt: skip


async def memory(bench: Bench, steps: Sequence[int], *, websocket: bool = False) -> dict[int, float]:
    """Resident memory of a server with so many idle streams, MiB; 0 streams is before the first."""
    plan = Plan(streams=0, seconds=0, websocket=websocket)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(bench.ours())
        sizes, streams = {0: _rss([server]) / _MIB}, 0
        for step in steps:
            more = replace(plan, streams=step - streams)
            await stack.enter_async_context(phones(bench, more, [_port(server, plan)], prefix=f"idle{step}"))
            streams = step
            await asyncio.sleep(0.5)
            sizes[step] = _rss([server]) / _MIB
        return {step: round(size, 2) for step, size in sizes.items()}


def _port(server: Server, plan: Plan) -> int:
    return server.http_port if plan.websocket else server.port


def _rss(servers: Sequence[Server]) -> float:
    return float(sum(server.process.memory_info().rss for server in servers))
