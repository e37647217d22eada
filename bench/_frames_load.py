"""The load of `frames.py`: the clock of a process, the clip, the messages, and what else the machine does."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

import cv2
import numpy as np
import psutil
import skimage.data
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2

M = TypeVar("M")
STREAM = "/vitrine.ingest.v1.StreamService/StreamFrames"
# Linux: the clock of a process counts its CPU time by the scheduler; man clock_getcpuclockid.
_CPU_CLOCK = 2
WINDOW = 16  # frames on their way: enough that nobody waits for the network
FRAME_S = 0.1  # between two frames, by the client's clock
_START_NS = 1_800_000_000_000_000_000
LUMA, COLOR = frame_pb2.KEYFRAME_MODE_LUMA, frame_pb2.KEYFRAME_MODE_COLOR
Mode: TypeAlias = "frame_pb2.KeyframeMode.ValueType"  # only the stubs have it
Request = stream_service_pb2.StreamFramesRequest
Response = stream_service_pb2.StreamFramesResponse
STOP = Request(command=stream_service_pb2.StreamCommand(stop=stream_service_pb2.StopCommand())).SerializeToString()


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process in seconds, its threads of now and before: exact on Linux, else in ticks of 10 ms."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return time.clock_gettime((~process.pid << 3) | _CPU_CLOCK)
    times = process.cpu_times()
    return float(times.user + times.system)


class OtherWork:
    """What the machine does beside the benchmark and its servers, from now on."""

    def __init__(self, servers: Iterable[psutil.Process]) -> None:
        self._ours = [psutil.Process(), *servers]
        self._began = self._now()

    def cores(self) -> float:
        """How many cores it kept busy, on average."""
        (at, whole, own), (began, whole_before, own_before) = self._now(), self._began
        return max(0.0, (whole - whole_before - (own - own_before)) / (at - began))

    def _now(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
        return time.perf_counter(), sum(times) - idle, sum(cpu_s(each) for each in self._ours)


def clip(*, moving: bool, frames: int) -> list[bytes]:
    """A walk across a photograph, or the same view with sensor noise; about 34 KB a frame."""
    photo = skimage.data.astronaut()[:, :, ::-1]
    large = cv2.resize(np.ascontiguousarray(photo), (1400, 1400), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(1)
    noise = [rng.normal(0, 4.5, (480, 640, 3)) for _ in range(8)]
    shots = []
    for i in range(frames):
        x, y = (int(380 + 370 * np.sin(i / 17)), int(460 + 440 * np.cos(i / 23))) if moving else (300, 100)
        view = np.clip(large[y : y + 480, x : x + 640] + noise[i % 8], 0, 255).astype(np.uint8)
        shots.append(cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes())
    return shots


def config(user: str = "bench", mode: Mode = LUMA) -> bytes:
    """The first message of a stream."""
    request = Request()
    request.config.parent = f"users/{user}"
    request.config.keyframes.mode = mode
    return request.SerializeToString()


def frame(number: int, data: bytes, at_s: float) -> bytes:
    """A frame, taken `at_s` seconds after the first."""
    request = Request()
    request.frame.frame_number = number
    request.frame.image.data = data
    request.frame.capture_time.FromNanoseconds(_START_NS + round(at_s * 1e9))
    return request.SerializeToString()


def capture_time(number: int) -> str:
    """When a frame was taken, as JSON has it; the same moments as those of `frame`."""
    seconds, rest = divmod(round(number * FRAME_S * 1e9), 1_000_000_000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(_START_NS // 1_000_000_000 + seconds))
    return f"{whole}.{rest:09d}Z"


async def one(read: Callable[[], Awaitable[object]]) -> int:
    """Reads one answer."""
    await read()
    return 1


async def windowed(
    messages: Sequence[M], write: Callable[[M], Awaitable[None]], answer: Callable[[], Awaitable[int]]
) -> None:
    """Sends all messages with at most WINDOW unanswered."""
    room = asyncio.Semaphore(WINDOW)

    async def read() -> None:
        for _ in messages:
            await answer()
            room.release()

    reading = asyncio.create_task(read())
    for message in messages:
        await room.acquire()
        await write(message)
    await reading
