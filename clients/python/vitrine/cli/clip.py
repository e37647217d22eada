"""A short clip from one photograph, as somebody before a mirror would film it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from vitrine.sdk import Camera, CameraFrame
from vitrine.sdk.frames import Taking

# Centre x, centre y, share of the sides.
_View = tuple[float, float, float]
# Where the camera looks, and for how many seconds: the whole, closer, and back. Between two of them it pans.
_VIEWS: tuple[tuple[_View, float], ...] = (
    ((0.5, 0.5, 1.0), 1.6),
    ((0.5, 0.42, 0.62), 1.6),
    ((0.5, 0.5, 1.0), 1.6),
)
_PAN_S = 0.5
_LONG_SIDE_PX, _QUALITY = 640, 80
_PHOTO_SIDE_PX = 1600
_NOISE_LEVELS = 2.0


def read_photo(path: Path) -> npt.NDArray[np.uint8]:
    """Reads a photograph, scaled down to 1600 pixels on the longer side.

    Args:
        path: A JPEG, PNG or WebP file.

    Returns:
        uint8 HxWx3, BGR.

    Raises:
        ValueError: It is not a picture.
    """
    image_bgr = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if image_bgr is None:
        raise ValueError(f"{path} is not a picture that can be read")
    scale = _PHOTO_SIDE_PX / max(image_bgr.shape[:2])
    if scale < 1:
        image_bgr = cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(image_bgr, np.uint8)


def encode(image_bgr: npt.NDArray[np.uint8], quality: int = 85) -> bytes:
    """Encodes a picture as JPEG.

    Args:
        image_bgr: uint8 HxWx3, BGR.
        quality: 1-100.
    """
    return bytes(cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


async def clip_of(
    photo_bgr: npt.NDArray[np.uint8], *, fps: float = 10.0, paced: bool = True, camera: Camera | None = None
) -> AsyncIterator[CameraFrame]:
    """Films a photograph: holds, moves closer, holds, moves back, with the noise of a sensor.

    Args:
        photo_bgr: uint8 HxWx3, BGR.
        fps: Frames per second.
        paced: Give them in real time; False gives them as fast as they can be made.
        camera: Asked before each frame for lower limits of rate, size and quality.

    Yields:
        The frames.
    """
    limits, noise = camera or Camera(), np.random.default_rng(7)
    started, epoch, due = time.monotonic(), time.time(), 0.0
    pace = limits.fps(fps)
    while (view := _view_at(due)) is not None:
        if paced:
            await asyncio.sleep(max(0.0, started + due - time.monotonic()))
        taking = Taking(pace, limits.long_side_px(_LONG_SIDE_PX), limits.jpeg_quality(_QUALITY))
        frame_bgr = await asyncio.to_thread(_look, photo_bgr, view, taking.long_side_px, noise)
        yield CameraFrame(encode(frame_bgr, taking.jpeg_quality), epoch + due, taking)
        pace = limits.fps(fps)
        due += 1 / pace


def _view_at(at_s: float) -> _View | None:
    """Where the camera looks; None when the clip is over."""
    for index, (view, hold_s) in enumerate(_VIEWS):
        if at_s < hold_s:
            return view
        at_s -= hold_s
        if index + 1 < len(_VIEWS) and at_s < _PAN_S:
            (x, y, share), (to_x, to_y, to_share) = view, _VIEWS[index + 1][0]
            at = at_s / _PAN_S
            return _mix(x, to_x, at), _mix(y, to_y, at), _mix(share, to_share, at)
        at_s -= _PAN_S
    return None


def _mix(a: float, b: float, at: float) -> float:
    return a + (b - a) * at


def _look(
    photo_bgr: npt.NDArray[np.uint8], view: _View, long_side_px: int, noise: np.random.Generator
) -> npt.NDArray[np.uint8]:
    height, width = photo_bgr.shape[:2]
    crop_w, crop_h = round(width * view[2]), round(height * view[2])
    left = min(max(0, round(view[0] * width - crop_w / 2)), width - crop_w)
    top = min(max(0, round(view[1] * height - crop_h / 2)), height - crop_h)
    crop = photo_bgr[top : top + crop_h, left : left + crop_w]
    scale = long_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    frame = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(np.clip(frame + noise.normal(0.0, _NOISE_LEVELS, frame.shape), 0, 255), np.uint8)
