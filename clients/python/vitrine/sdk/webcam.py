"""A webcam: it gives frames at its own rate, whatever is asked of it, and the newest is the one that counts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable

import cv2
import numpy as np


class _Device:
    """A camera that nobody lets go while a frame is read; reading waits for the next frame."""

    def __init__(self, number: int) -> None:
        self._video = cv2.VideoCapture(number)
        self._lock = threading.Lock()
        if not self._video.isOpened():
            raise FileNotFoundError(f"no camera has the number {number}")

    def grab(self) -> float:
        """Waits for the next frame, without decoding it; gives the time of day, in seconds, and 0 where none came."""
        with self._lock:
            return time.time() if self._video.grab() else 0.0

    def retrieve(self) -> np.ndarray | None:
        """Decodes the frame that was grabbed last."""
        with self._lock:
            ok, frame_bgr = self._video.retrieve()
        return frame_bgr if ok else None

    def close(self) -> None:
        with self._lock:
            self._video.release()


async def webcam_pictures(number: int, fps: Callable[[], float]) -> AsyncGenerator[tuple[np.ndarray, float], None]:
    """Reads a webcam until it is closed. What is not asked for is read all the same, so that nothing old waits.

    Args:
        number: The camera.
        fps: Frames per second to give, asked again with each frame of the camera.

    Yields:
        The picture, uint8 HxWx3 in BGR order, and when it was taken, in seconds since the epoch.

    Raises:
        FileNotFoundError: There is no such camera, or it gives no more.
    """
    device = await asyncio.to_thread(_Device, number)
    last_s, now_s = float("-inf"), time.monotonic()
    try:
        while taken_s := await asyncio.to_thread(device.grab):
            before_s, now_s, step_s = now_s, time.monotonic(), 1 / fps()
            due_s = last_s + step_s
            if now_s + (now_s - before_s) / 2 < due_s:  # the camera's next one will be nearer to it
                continue
            last_s = due_s if now_s - due_s < step_s else now_s  # the mean rate is kept where frames come in between
            frame_bgr = await asyncio.to_thread(device.retrieve)
            if frame_bgr is None:
                break
            yield frame_bgr, taken_s
        raise FileNotFoundError(f"the camera {number} gives no more frames")
    finally:
        await asyncio.to_thread(device.close)
