"""Advice on its way from the server to the camera: obeyed, unless somebody said not to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import grpc.aio
import numpy as np
import pytest
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Camera, CameraFrame, FrameStream, StreamSettings, Vitrine, frames_of
from vitrine.sdk.outbox import Outbox

from tests.unit.client.servers import client_of, streaming

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

_ADVICE = pb.QualityAdvice(frame_rate_fps=3, long_side_px=320, jpeg_quality=50, description="slow line")


def _frame(number: int) -> pb.StreamFramesRequest:
    request = pb.StreamFramesRequest()
    request.frame.frame_number = number
    return request


_PING = pb.StreamFramesRequest(command=pb.StreamCommand(ping=pb.PingCommand()))


def test_without_advice_nothing_is_limited_and_advice_never_asks_for_more() -> None:
    camera = Camera()
    assert (camera.fps(10), camera.long_side_px(640), camera.jpeg_quality(80)) == (10, 640, 80)
    camera.obey(_ADVICE)
    assert (camera.fps(10), camera.long_side_px(640), camera.jpeg_quality(80)) == (3, 320, 50)
    assert (camera.fps(2), camera.long_side_px(160), camera.jpeg_quality(40)) == (2, 160, 40)
    camera.obey(pb.QualityAdvice(frame_rate_fps=5))
    assert (camera.fps(10), camera.long_side_px(640), camera.jpeg_quality(80)) == (5, 640, 80)
    camera.release()
    assert camera.fps(10) == 10


async def test_of_the_frames_that_wait_the_oldest_give_way_and_commands_stay_in_order() -> None:
    outbox = Outbox(3, 10)
    assert [outbox.put(_frame(1)), outbox.put(_PING), outbox.put(_frame(2)), outbox.put(_frame(3))] == [[]] * 4
    assert outbox.put(_frame(4)) == [1]
    assert outbox.trim(1) == [2, 3]
    assert outbox.trim(1) == []
    outbox.end()
    assert not outbox.done
    assert [await outbox.get() for _ in range(3)] == [_PING, _frame(4), None]
    assert outbox.done


async def test_who_waits_for_a_message_gets_it_and_loses_none_when_it_gives_up() -> None:
    outbox = Outbox(3, 10)
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    outbox.put(_frame(1))
    assert await outbox.get() == _frame(1)
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.end()
    assert await waiting is None


async def test_a_frame_waits_for_answers_while_enough_are_on_their_way_and_is_replaced_meanwhile() -> None:
    outbox = Outbox(1, 2)
    for number in (1, 2):
        outbox.put(_frame(number))
        assert await outbox.get() == _frame(number)
    outbox.put(_frame(3))
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0.01)
    assert outbox.put(_frame(4)) == [3]
    outbox.answered(7)  # another connection's
    await asyncio.sleep(0.01)
    assert not waiting.done()
    outbox.answered(1)
    assert await waiting == _frame(4)
    outbox.put(_frame(5))
    outbox.reconnected()
    assert await outbox.get() == _frame(5)


async def test_a_server_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrine.sdk.outbox._PATIENCE_S", 0.02)
    outbox = Outbox(5, 1)
    outbox.put(_frame(1))
    outbox.put(_frame(2))
    outbox.put(_PING)
    assert [await outbox.get() for _ in range(3)] == [_frame(1), _frame(2), _PING]


@pytest.fixture
def video(tmp_path: Path) -> str:
    """Two seconds at 30 fps; each frame is as bright as its number."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (160, 120))
    grain = np.random.default_rng(0).choice([-8, 8], (120, 160, 1))
    for i in range(60):
        writer.write(np.broadcast_to(grain + 8 + i * 4, (120, 160, 3)).astype(np.uint8))
    writer.release()
    return str(path)


def _shown(frame: CameraFrame) -> tuple[int, int]:
    """Which frame of the video it is, and its width."""
    image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return round((float(image.mean()) - 8) / 4), image.shape[1]


async def test_a_video_leaves_out_what_is_advised_against_from_the_next_frame_on(video: str) -> None:
    camera, seen, times = Camera(), [], []
    async for frame in frames_of(video, fps=10, paced=False, camera=camera):
        seen.append(_shown(frame))
        times.append(frame.capture_time_s)
        if len(seen) == 4:
            camera.obey(pb.QualityAdvice(frame_rate_fps=3, long_side_px=80, jpeg_quality=90))
        if len(seen) == 6:
            camera.release()
    assert [number for number, _ in seen] == pytest.approx(
        [0, 3, 6, 9, 19, 29, 32, 35, 38, 41, 44, 47, 50, 53, 56, 59], abs=1
    )
    assert [width for _, width in seen] == [160] * 4 + [80] * 2 + [160] * 10
    gaps = np.diff(times)
    assert gaps == pytest.approx([0.1] * 3 + [1 / 3] * 2 + [0.1] * 10, abs=1e-3)


async def test_quality_is_obeyed_and_the_pace_is_kept(video: str) -> None:
    free, limited = Camera(), Camera()
    limited.obey(pb.QualityAdvice(frame_rate_fps=4, jpeg_quality=5))
    fine = [frame async for frame in frames_of(video, fps=30, paced=False, camera=free)]
    began = time.monotonic()
    coarse = [frame async for frame in frames_of(video, fps=30, camera=limited)]
    assert len(coarse) == 8
    assert time.monotonic() - began > 1.7
    assert max(len(frame.jpeg) for frame in coarse) < min(len(frame.jpeg) for frame in fine)


class _Server:
    """Gives advice once it is asked for the totals, hangs up on a ping, and says goodbye to `stop`."""

    def __init__(self) -> None:
        self.frames: list[int] = []

    async def StreamFrames(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802
        async for request in requests:
            kind = request.WhichOneof("message")
            command = request.command.WhichOneof("command")
            if kind == "config":
                yield pb.StreamFramesResponse(ready=pb.StreamReady(resume_token="t"))  # noqa: S106
            elif kind == "frame":
                self.frames.append(request.frame.frame_number)
            elif command == "stats":
                yield pb.StreamFramesResponse(quality_advice=_ADVICE)
            elif command == "configure":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            elif command == "stop":
                yield pb.StreamFramesResponse(stats=pb.StreamStats(final=True))


@pytest.fixture
async def mesh() -> AsyncIterator[Vitrine]:
    async with client_of(streaming(_Server())) as client:
        yield client


@pytest.mark.parametrize("obeys", [True, False])
async def test_a_stream_hands_advice_to_its_camera_until_the_connection_ends(mesh: Vitrine, obeys: bool) -> None:
    stream, go_on = FrameStream(mesh, StreamSettings(obey_advice=obeys)), asyncio.Event()
    rates: list[float] = []

    async def camera() -> AsyncIterator[CameraFrame]:
        yield CameraFrame(b"jpeg", 0.0)
        await go_on.wait()

    async for event in stream.events(camera()):
        if not isinstance(event, pb.StreamFramesResponse):  # reconnected
            rates.append(stream.camera.fps(10))
            go_on.set()
        elif event.WhichOneof("event") == "ready" and not rates:
            stream.ask_stats()
        elif event.WhichOneof("event") == "quality_advice":
            assert event.quality_advice == _ADVICE
            rates.append(stream.camera.fps(10))
            stream.configure(pb.ConfigureCommand().keyframes)
    assert rates == [3 if obeys else 10, 10]
