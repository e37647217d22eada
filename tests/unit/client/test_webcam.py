"""A webcam: its newest frame counts, at the rate that is asked for, with the time when it was taken."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import cv2
import numpy as np
import pytest
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Camera, CameraFrame, frames_of
from vitrine.sdk import webcam as module

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]
EPOCH = 1_800_000_000.0


class Device:
    """A webcam at 20 frames a second that does not say so; each frame is as bright as its number. Time is its own."""

    made: list[Device]

    def __init__(self, number: int) -> None:
        self.number, self.grabbed, self.released = number, 0, False
        self.left: Any = itertools.count()
        self.busy = threading.Lock()
        Device.made.append(self)

    def isOpened(self) -> bool:  # noqa: N802
        return self.number == 0

    def get(self, _what: int) -> float:
        return 0.0

    def grab(self) -> bool:
        with self.busy:
            assert not self.released
            self.grabbed += 1
            return next(self.left, None) is not None

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.full((120, 160, 3), self.grabbed, np.uint8)

    def release(self) -> None:
        assert not self.busy.locked(), "a camera that is let go while it is read takes the program with it"
        self.released = True

    def monotonic(self) -> float:
        return self.grabbed / 20

    def time(self) -> float:
        return EPOCH + self.grabbed / 20


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    class Clock:
        def __getattr__(self, name: str) -> Any:
            return getattr(Device.made[-1], name)

    Device.made = []
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    monkeypatch.setattr(module, "time", Clock())
    return Device.made


def number_of(frame: CameraFrame) -> int:
    image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return round(float(image.mean()))


async def filmed(count: int, fps: float, camera: Camera | None = None) -> list[CameraFrame]:
    frames, seen = frames_of("0", fps=fps, camera=camera), []
    async for frame in frames:
        seen.append(frame)
        if len(seen) == count // 2 and camera is not None:
            camera.obey(pb.QualityAdvice(frame_rate_fps=2, long_side_px=80, jpeg_quality=90))
        if len(seen) == count:
            break
    await frames.aclose()
    return seen


@pytest.mark.parametrize(
    ("fps", "numbers"),
    [
        pytest.param(10, [1, 3, 5, 7, 9, 11], id="half of them"),
        pytest.param(60, [1, 2, 3, 4, 5, 6], id="more than there are"),
        pytest.param(7, [1, 4, 7, 10, 12, 15], id="the mean rate is kept"),
    ],
)
async def test_the_frames_that_are_due_are_given_with_their_own_time(fps: float, numbers: list[int]) -> None:
    seen = await filmed(6, fps)
    assert [number_of(frame) for frame in seen] == numbers
    assert [frame.capture_time_s for frame in seen] == pytest.approx([EPOCH + number / 20 for number in numbers])


async def test_advice_counts_from_the_next_frame_on() -> None:
    seen = await filmed(6, 10, Camera())
    assert [number_of(frame) for frame in seen] == [1, 3, 5, 15, 25, 35]
    taken = [(frame.taking.fps, frame.taking.long_side_px) for frame in seen if frame.taking]
    assert taken == [(10, 640)] * 3 + [(2, 80)] * 3


async def test_camera_is_let_go_and_one_that_goes_away_is_told(devices: list[Device]) -> None:
    await filmed(2, 10)
    assert devices[0].released
    frames = frames_of("0", fps=20)
    await anext(frames)
    devices[1].left = iter(())
    with pytest.raises(FileNotFoundError, match="camera 0 gives no more frames"):
        await anext(frames)
    assert devices[1].released
    with pytest.raises(FileNotFoundError, match="no camera has the number 3"):
        await anext(frames_of("3"))
