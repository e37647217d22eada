"""The load of `frames.py`: clips, the servers' processes, and clients that drive them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import cv2
import grpc.aio
import numpy as np
import psutil
import skimage.data
import websockets
from vitrine.embedded.ports import free_port
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2

from mesh.keys import SigningKey, key_set

HERE = Path(__file__).resolve().parent
SERVERS = ("ours", "ours_all", "echo", "decode", "published", "published_one")
STREAM = "/vitrine.ingest.v1.StreamService/StreamFrames"
# Linux: the clock of a process counts its CPU time by the scheduler; man clock_getcpuclockid.
_CPU_CLOCK = 2
WINDOW = 16  # frames on their way: enough that nobody waits for the network
Request = stream_service_pb2.StreamFramesRequest
Response = stream_service_pb2.StreamFramesResponse
Send = Callable[[Sequence[bytes]], Awaitable[None]]  # sends frames and waits until each is answered
Session = Callable[[], AbstractAsyncContextManager[Send]]  # opens a stream for them
Call = Any  # grpc.aio.StreamStreamCall of bytes; its stubs miss half of it
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


class Bench:
    """The servers, and a key that they trust."""

    def __init__(self, folder: Path) -> None:
        self._key = SigningKey.generate()
        self._jwks = folder / "jwks.json"
        self._jwks.write_text(key_set([self._key]))
        self.ports = {name: free_port() for name in SERVERS}

    @contextlib.contextmanager
    def servers(self) -> Iterator[dict[str, psutil.Process]]:
        commands = {
            "ours": ["_frames_ours.py", str(self._jwks), str(self.ports["ours"]), "due"],
            "ours_all": ["_frames_ours.py", str(self._jwks), str(self.ports["ours_all"]), "all"],
            "echo": ["_frames_echo.py", str(self.ports["echo"]), "no"],
            "decode": ["_frames_echo.py", str(self.ports["decode"]), "decode"],
            "published": ["_frames_published.py", str(self.ports["published"]), "default"],
            "published_one": ["_frames_published.py", str(self.ports["published_one"]), "1"],
        }
        started = {
            # Without this folder in the path: its `mesh.py` would hide the package.
            name: subprocess.Popen([sys.executable, "-P", str(HERE / script), *words])
            for name, (script, *words) in commands.items()
        }
        try:
            yield {name: psutil.Process(process.pid) for name, process in started.items()}
        finally:
            for process in started.values():
                process.terminate()
            for process in started.values():
                process.wait(timeout=20)

    def metadata(self, user: str = "bench") -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._key.sign(user, [], ttl_s=3600)}"),)

    def channel(self, name: str) -> grpc.aio.Channel:
        # A channel of its own for each stream: streams come from different phones.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", 1 << 24)]
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.ports[name]}", options)

    @contextlib.asynccontextmanager
    async def ours(self, name: str) -> AsyncIterator[Send]:
        async with self.channel(name) as channel:
            call: Call = channel.stream_stream(STREAM)(metadata=self.metadata())
            await call.write(config())
            await call.read()
            count = 0

            async def send(frames: Sequence[bytes]) -> None:
                nonlocal count
                messages = [frame(number, data, number * 0.1) for number, data in enumerate(frames, count + 1)]
                await windowed(messages, call.write, lambda: acks(call))
                count += len(messages)

            yield send
            await call.write(STOP)
            while (raw := await call.read()) is not grpc.aio.EOF:
                final = Response.FromString(raw)
            totals = final.stats.totals
            assert final.stats.final
            assert totals.highest_frame_number == totals.received_count == count, totals

    @contextlib.asynccontextmanager
    async def echo(self, name: str) -> AsyncIterator[Send]:
        async with self.channel(name) as channel:
            call: Call = channel.stream_stream("/bench/echo")()
            yield lambda frames: windowed(frames, call.write, lambda: one(call.read))
            await call.done_writing()

    @contextlib.asynccontextmanager
    async def published(self, name: str, *, every: bool) -> AsyncIterator[Send]:
        url = f"ws://127.0.0.1:{self.ports[name]}/v1/stream?every={int(every)}"
        async with websockets.connect(url, max_size=None, compression=None) as socket:
            yield lambda frames: windowed(frames, socket.send, lambda: one(socket.recv))

    async def ready(self) -> None:
        deadline = time.monotonic() + 30
        for port in self.ports.values():
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, "a server did not start"
                    await asyncio.sleep(0.1)


def config() -> bytes:
    request = Request()
    request.config.parent = "users/bench"
    return request.SerializeToString()


def frame(number: int, data: bytes, at_s: float) -> bytes:
    request = Request()
    request.frame.frame_number = number
    request.frame.image.data = data
    request.frame.capture_time.FromNanoseconds(1_800_000_000_000_000_000 + round(at_s * 1e9))
    return request.SerializeToString()


async def acks(call: Call) -> int:
    """Reads until a frame has been judged; other events pass."""
    while True:
        event = Response.FromString(await call.read())
        if event.WhichOneof("event") == "ack" and event.ack.outcome != frame_pb2.FRAME_OUTCOME_PROCESSED:
            return 1


async def one(read: Callable[[], Awaitable[object]]) -> int:
    await read()
    return 1


async def windowed(
    messages: Sequence[bytes], write: Callable[[bytes], Awaitable[None]], answer: Callable[[], Awaitable[int]]
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
