"""The clip that the demo films of a photograph."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from vitrine.cli import app
from vitrine.cli.clip import clip_of, read_photo
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Camera

pytestmark = pytest.mark.unit
assert app  # it brings the module of the demo


async def test_clip_holds_moves_and_comes_back(tmp_path: Path) -> None:
    photo = np.zeros((200, 100, 3), np.uint8)
    photo[:100] = 255
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), photo)
    frames = [frame async for frame in clip_of(read_photo(path), fps=8, paced=False)]
    first, last = (cv2.imdecode(np.frombuffer(frames[at].jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) for at in (0, -1))
    assert first is not None
    assert first.shape == (640, 320)
    assert last is not None
    assert np.abs(first.astype(int) - last.astype(int)).mean() < 4
    times = [frame.capture_time_s for frame in frames]
    assert np.allclose(np.diff(times), 1 / 8, atol=1e-4)
    (tmp_path / "text.png").write_text("no")
    with pytest.raises(ValueError, match="not a picture"):
        read_photo(tmp_path / "text.png")


@pytest.mark.parametrize("kind", ["photo", "video"])
async def test_demo_obeys_advice(tmp_path: Path, kind: str) -> None:
    path, camera = tmp_path / "photo.png", Camera()
    cv2.imwrite(str(path), np.full((600, 800, 3), 90, np.uint8))
    demo = sys.modules["vitrine.cli.demo"]  # the package's name for it is the command
    frames = demo._frames(path if kind == "photo" else None, str(path), camera)
    frame = await anext(frames)
    assert camera.asked
    assert (frame.taking.fps, frame.taking.long_side_px, frame.taking.jpeg_quality) == (10, 640, 80)
    camera.obey(pb.QualityAdvice(frame_rate_fps=5, long_side_px=320, jpeg_quality=50))
    if kind == "photo":
        small = await anext(frames)
        assert (small.taking.fps, small.taking.long_side_px, small.taking.jpeg_quality) == (5, 320, 50)
        image = cv2.imdecode(np.frombuffer(small.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert max(image.shape) == 320
        assert small.capture_time_s - frame.capture_time_s == pytest.approx(0.2, abs=1e-3)
