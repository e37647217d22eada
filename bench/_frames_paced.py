"""Many phones at 10 frames per second on one process, for `frames.py`."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

import grpc.aio
import psutil
from vitrine.ingest.v1 import frame_pb2

from bench._frames_load import STOP, STREAM, Bench, Call, Response, config, cpu_s, frame


@dataclass
class Paced:
    """What paced streams measured.

    Attributes:
        streams: How many.
        fps: Frames per second of each.
        frames: Frames sent.
        dropped: Frames that did not end in processed, skipped or same scene.
        cpu_share: Of one core, used by the server.
        ack_p50_ms: From sending a frame to its acknowledgement.
        ack_p99_ms: The same.
        rss_mib: Resident memory of the server.
    """

    streams: int
    fps: float
    frames: int
    dropped: int
    cpu_share: float
    ack_p50_ms: float
    ack_p99_ms: float
    rss_mib: float


async def paced(bench: Bench, server: psutil.Process, shots: list[bytes], streams: int, seconds: float) -> Paced:
    """Many streams at 10 fps with the published settings, in step with the clock."""
    waits: list[float] = []
    finals: list[frame_pb2.FrameTotals] = []
    count = int(seconds * 10)
    started, before = time.perf_counter(), cpu_s(server)
    async with asyncio.TaskGroup() as group:
        for index in range(streams):
            group.create_task(_paced_stream(bench, shots, index, streams, count, waits, finals))
    spent, used = time.perf_counter() - started, cpu_s(server) - before
    dropped = sum(
        count - totals.processed_count - totals.skipped_interval_count - totals.skipped_same_scene_count
        for totals in finals
    ) + count * (streams - len(finals))
    ordered = sorted(waits)
    return Paced(
        streams, 10.0, streams * count, dropped, round(used / spent, 3), round(statistics.median(ordered) * 1e3, 2),
        round(ordered[int(len(ordered) * 0.99)] * 1e3, 2), round(server.memory_info().rss / 2**20, 1),
    )  # fmt: skip


async def _paced_stream(
    bench: Bench, shots: list[bytes], index: int, streams: int, count: int, waits: list[float],
    finals: list[frame_pb2.FrameTotals],
) -> None:  # fmt: skip
    sent: dict[int, float] = {}
    await asyncio.sleep(0.1 * index / streams)  # phones are not in step with each other
    async with bench.channel("ours") as channel:
        call: Call = channel.stream_stream(STREAM)(metadata=bench.metadata())
        await call.write(config())

        async def read() -> None:
            while (raw := await call.read()) is not grpc.aio.EOF:
                event = Response.FromString(raw)
                if event.ack.frame_number in sent:
                    waits.append(time.perf_counter() - sent.pop(event.ack.frame_number))
                if event.stats.final:
                    finals.append(event.stats.totals)

        reading = asyncio.create_task(read())
        start = time.perf_counter()
        for number in range(1, count + 1):
            await asyncio.sleep(max(0.0, start + number * 0.1 - time.perf_counter()))
            sent[number] = time.perf_counter()
            await call.write(frame(number, shots[(index + number) % len(shots)], number * 0.1))
        await call.write(STOP)
        await reading
