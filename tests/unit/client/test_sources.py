"""What is streamed: described, read, interrupted, and told of where it cannot be read."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from vitrine.cli.streaming import describe, show_stream, until_interrupted
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.sdk import CameraFrame, FrameStream, Vitrine, frames_of
from vitrine.sdk.frames import begun

pytestmark = pytest.mark.unit


async def test_interrupt_ends_the_camera_and_not_the_program() -> None:
    async def camera() -> AsyncIterator[CameraFrame]:
        yield CameraFrame(b"one", 0.0)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)
        yield CameraFrame(b"never", 60.0)

    before = signal.getsignal(signal.SIGINT)
    async with asyncio.timeout(10):
        assert [frame.jpeg async for frame in until_interrupted(camera())] == [b"one"]
    assert signal.getsignal(signal.SIGINT) is before


async def test_camera_that_ends_or_breaks_is_passed_on() -> None:
    async def camera(error: Exception | None) -> AsyncIterator[CameraFrame]:
        yield CameraFrame(b"one", 0.0)
        if error is not None:
            raise error

    assert len([frame async for frame in until_interrupted(camera(None))]) == 1
    with pytest.raises(FileNotFoundError):
        _ = [frame async for frame in until_interrupted(camera(FileNotFoundError()))]


async def test_a_second_ctrl_c_is_heard_while_the_camera_hangs() -> None:
    hangs, told = asyncio.Event(), asyncio.Event()

    async def camera() -> AsyncIterator[CameraFrame]:
        yield CameraFrame(b"one", 0.0)
        try:
            await asyncio.sleep(60)
        finally:
            await hangs.wait()

    before = signal.getsignal(signal.SIGINT)
    frames = until_interrupted(camera(), told.set)
    await anext(frames)
    rest = asyncio.create_task(anext(frames, None))
    await asyncio.sleep(0.05)  # until it waits for the next frame
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(told.wait(), 10)
    assert not rest.done()
    assert signal.getsignal(signal.SIGINT) is before  # the next one ends the program
    hangs.set()
    assert await rest is None


def test_source_is_described_with_its_pace(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.PNG", "notes.txt"):
        (tmp_path / name).touch()
    assert describe(str(tmp_path), 10).startswith(f"2 pictures of {tmp_path} at 10 fps; --fps 1")
    assert describe(str(tmp_path), 0.5) == f"2 pictures of {tmp_path} at 0.5 fps"
    assert describe(str(tmp_path / "a.jpg"), 10) == f"the picture {tmp_path / 'a.jpg'}"
    assert describe("0", 10) == "webcam 0 at 10 fps, until Ctrl-C"
    assert describe("rtsp://10.0.0.2/door", 5) == "rtsp://10.0.0.2/door at 5 fps"
    with pytest.raises(FileNotFoundError, match="webcam is given by its number"):
        describe(str(tmp_path / "c.jpg"), 10)


class BrokenStream(FrameStream):
    """Says a word and breaks."""

    async def events(
        self, frames: AsyncIterator[CameraFrame]
    ) -> AsyncIterator[stream_service_pb2.StreamFramesResponse]:
        self.name = "users/ada/streams/s"
        yield stream_service_pb2.StreamFramesResponse(result=frame_pb2.StreamResult(frame_number=7))
        async for _ in frames:
            pass


async def test_stream_that_breaks_is_summed_up(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        with pytest.raises(FileNotFoundError, match="no file in the folder"):
            await show_stream(BrokenStream(mesh), frames_of(str(tmp_path)), json_output=False)
    assert "users/ada/streams/s" in capsys.readouterr().out


async def test_pictures_that_cannot_be_read_are_skipped_by_name(tmp_path: Path) -> None:
    for name, data in {"a.jpg": b"no", "b.png": _png(), "c.jpg": b"", "d.png": _png()}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "e.jpg").mkdir()
    skipped: list[Path] = []
    frames = [frame async for frame in frames_of(str(tmp_path), paced=False, on_skip=skipped.append)]
    assert len(frames) == 2
    assert [path.name for path in skipped] == ["a.jpg", "c.jpg", "e.jpg"]


def _png() -> bytes:
    return bytes(cv2.imencode(".png", np.zeros((8, 2000, 3), np.uint8))[1].tobytes())


UNREADABLE = {"a.txt": "a.txt is not a video", "b.mp4": "no video at .*b.mp4", "c.jpg": "c.jpg is not a picture"}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_source_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    if name != "b.mp4":
        (tmp_path / name).write_text("words")
    with pytest.raises(FileNotFoundError, match=UNREADABLE[name]):
        await anext(frames_of(str(tmp_path / name)))


async def test_video_without_a_frame_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty:
        def __init__(self, _source: str) -> None: ...

        isOpened, grab = (lambda _self: True), (lambda _self: False)  # noqa: N815
        get, release = (lambda _self, _what: 25.0), (lambda _self: None)

    monkeypatch.setattr(cv2, "VideoCapture", Empty)
    with pytest.raises(FileNotFoundError, match="walk holds no frame that can be read"):
        await begun(frames_of("walk"))


async def test_source_that_has_begun_gives_every_frame(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(_png())
    frames = await begun(frames_of(str(tmp_path), paced=False))
    assert len([frame async for frame in frames]) == 3
