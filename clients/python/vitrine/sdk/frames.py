"""Frames to stream: from a webcam, a video file, a folder of pictures, or one picture."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from vitrine.sdk.camera import Camera
from vitrine.sdk.webcam import webcam_pictures

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Taking:
    """How a frame was taken: as asked for, or as little as was advised.

    Attributes:
        fps: Frames per second at which it followed the one before.
        long_side_px: Most pixels on the longer side.
        jpeg_quality: 1-100.
    """

    fps: float
    long_side_px: int
    jpeg_quality: int


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One frame as a camera gives it.

    Attributes:
        jpeg: The encoded picture.
        capture_time_s: When it was taken, in seconds since the epoch.
        taking: How it was taken; None where the source does not say.
    """

    jpeg: bytes
    capture_time_s: float
    taking: Taking | None = None


async def frames_of(
    source: str,
    *,
    fps: float = 10.0,
    long_side_px: int = 640,
    jpeg_quality: int = 80,
    paced: bool = True,
    on_skip: Callable[[Path], None] = lambda _: None,
    camera: Camera | None = None,
) -> AsyncGenerator[CameraFrame, None]:
    """Reads frames and paces them as a camera would.

    Args:
        source: Number of a webcam, a video file, a picture, or a folder of pictures (in order of their names).
        fps: Frames per second to give; a video's or webcam's frames between them are left out.
        long_side_px: Frames are scaled down to this many pixels on the longer side.
        jpeg_quality: 1-100.
        paced: Wait between frames; False gives them as fast as they can be read. A webcam paces itself.
        on_skip: Told of each file in a folder that is left out because it is not a picture that can be read.
        camera: Asked before each frame for lower limits of rate, size and quality, such as `FrameStream.camera`. What a
            lower rate leaves out of a video is never decoded; the pictures of a folder come more slowly.

    Yields:
        The frames.

    Raises:
        FileNotFoundError: There is no such file, folder or camera, or no picture in the folder; or the camera has gone.
    """
    limits = camera or Camera()
    pace = limits.fps(fps)

    async def encoded(frame_bgr: np.ndarray, at_s: float) -> CameraFrame:
        taking = Taking(pace, limits.long_side_px(long_side_px), limits.jpeg_quality(jpeg_quality))
        return CameraFrame(await asyncio.to_thread(_encode, frame_bgr, taking), at_s, taking)

    if source.isdigit():
        async with contextlib.aclosing(webcam_pictures(int(source), lambda: limits.fps(fps))) as pictures:
            async for frame_bgr, taken_s in pictures:
                pace = limits.fps(fps)
                yield await encoded(frame_bgr, taken_s)
        return
    frames = _pictures(Path(source), on_skip) if _is_pictures(source) else _video(source, lambda: pace)
    started, epoch, due = time.monotonic(), time.time(), 0.0
    while (frame := await asyncio.to_thread(next, frames, None)) is not None:
        if paced and (wait := started + due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        yield await encoded(frame, epoch + due)
        pace = limits.fps(fps)  # once, so that what is left out and how long it takes agree
        due += 1 / pace


async def begun(frames: AsyncIterator[CameraFrame]) -> AsyncGenerator[CameraFrame, None]:
    """Waits until a source has given its first frame, so that one that cannot be read is told before it is needed.

    Args:
        frames: As of `frames_of`.

    Returns:
        The same frames, the first among them.
    """
    first = await anext(frames, None)

    async def all_of_them() -> AsyncGenerator[CameraFrame, None]:
        if first is not None:
            yield first
        async for frame in frames:
            yield frame

    return all_of_them()


def _is_pictures(source: str) -> bool:
    path = Path(source)
    return path.is_dir() or path.suffix.lower() in PICTURES


def pictures_in(folder: Path) -> list[Path]:
    """Lists the pictures of a folder in order of their names.

    Args:
        folder: The folder.

    Raises:
        FileNotFoundError: There is none.
    """
    files = sorted(it for it in folder.iterdir() if it.suffix.lower() in PICTURES)
    if not files:
        raise FileNotFoundError(f"no picture (JPEG, PNG or WebP) in the folder {folder}")
    return files


def _pictures(path: Path, on_skip: Callable[[Path], None]) -> Iterator[np.ndarray]:
    read = 0
    for file in pictures_in(path) if path.is_dir() else [path]:
        frame_bgr = _read(file)
        if frame_bgr is not None:
            read += 1
            yield frame_bgr
        elif path.is_dir():
            on_skip(file)
        else:
            raise FileNotFoundError(f"{file} is not a picture that can be read")
    if not read:
        raise FileNotFoundError(f"no file in the folder {path} is a picture that can be read")


def _read(file: Path) -> np.ndarray | None:
    try:
        data = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError:
        return None
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None


def _video(source: str, fps: Callable[[], float]) -> Iterator[np.ndarray]:
    video = cv2.VideoCapture(source)
    if not video.isOpened():
        there = Path(source).is_file()
        raise FileNotFoundError(f"{source} is not a video that can be read" if there else f"no video at {source}")
    try:
        native_fps = video.get(cv2.CAP_PROP_FPS)
        number, wanted = 0, 0.0
        while video.grab():
            if number >= wanted:
                ok, frame_bgr = video.retrieve()
                if not ok:
                    return
                yield frame_bgr
                wanted += max(1.0, native_fps / fps())
            number += 1
        if not number:
            raise FileNotFoundError(f"{source} holds no frame that can be read")
    finally:
        video.release()


def _encode(frame_bgr: np.ndarray, taking: Taking) -> bytes:
    height, width = frame_bgr.shape[:2]
    scale = taking.long_side_px / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame_bgr = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA)
    ok, encoded = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, taking.jpeg_quality])
    if not ok:
        raise ValueError(f"a frame of {width}x{height} pixels could not be encoded")
    return encoded.tobytes()
