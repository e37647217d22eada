"""The loop closed over real sockets: the service advises, the SDK obeys, and a narrow line is relieved."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from statistics import median
from typing import cast

import numpy as np
import pytest
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import CameraFrame, FrameStream, StreamSettings, Vitrine

from tests.services.ingest.streams.conftest import Ingest

pytestmark = pytest.mark.service

_FPS, _BYTES = 20.0, 20_000  # what the camera gives by itself: 400 kB/s
_NARROW_BYTES_PER_S = 100_000


class _Line:
    """A line to a port on this machine that can be narrow. Little waits in it; the rest waits at the sender."""

    def __init__(self, port: int) -> None:
        self.bytes_per_s = 1e9
        self._port = port
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._serving = {
            asyncio.create_task(self._carry(reader, far_writer, narrow=True)),
            asyncio.create_task(self._carry(far_reader, writer, narrow=False)),
        }
        await asyncio.wait(self._serving)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, narrow: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
                if narrow:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
        writer.close()


async def _camera(stream: FrameStream, taken_s: list[float]) -> AsyncIterator[CameraFrame]:
    """Gives as many bytes in place of pictures as those would take."""
    noise = np.random.default_rng(0).bytes(_BYTES)
    while True:
        taken_s.append(time.monotonic())
        yield CameraFrame(noise[: round(_size(stream))], time.time())
        await asyncio.sleep(1 / stream.camera.fps(_FPS))


async def test_a_line_that_narrows_is_relieved_by_a_client_that_obeys(ingest: Ingest, user: str) -> None:
    line = _Line(ingest.replicas[0].server.port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0, limit=4096)
    port = server.sockets[0].getsockname()[1]
    taken_s: list[float] = []
    delays_s: list[float] = []  # of the frames that were taken after the last advice
    worst_s, advised_s = 0.0, float("inf")
    async with server, Vitrine(f"127.0.0.1:{port}", user=user, token=ingest.token(user)) as mesh:
        stream = FrameStream(mesh, StreamSettings(source="test"))
        events = cast("AsyncGenerator[pb.StreamFramesResponse, None]", stream.events(_camera(stream, taken_s)))
        async with asyncio.timeout(60), contextlib.aclosing(events):
            async for event in events:
                if event.WhichOneof("event") == "quality_advice":
                    advised_s = time.monotonic()
                    delays_s.clear()
                elif event.WhichOneof("event") == "ack":
                    taken = taken_s[event.ack.frame_number - 1]
                    delay_s = time.monotonic() - taken
                    worst_s = max(worst_s, delay_s)
                    delays_s += [delay_s] if taken > advised_s else []
                    if event.ack.frame_number == 60:  # three seconds: the usual rate is known
                        line.bytes_per_s = _NARROW_BYTES_PER_S
                if len(delays_s) >= 5 and median(delays_s[-5:]) < 0.5:
                    break
        assert worst_s > 1, "the line was not narrow"
        assert stream.camera.fps(_FPS) * _size(stream) < 1.2 * _NARROW_BYTES_PER_S
        assert stream.dropped_count > 0  # the oldest of those that waited: they would have been late


def _size(stream: FrameStream) -> float:
    """About what a picture takes at the advised size and quality."""
    return _BYTES * float((stream.camera.long_side_px(640) / 640) ** 1.7 * (stream.camera.jpeg_quality(80) / 80) ** 1.6)
