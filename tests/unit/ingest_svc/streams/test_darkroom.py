"""Where frames are decoded: small ones at once, what takes long beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from threading import Event, get_ident
from typing import Any

import cv2
import numpy as np
import pytest

from imaging import decode
from imaging.decode import DecodeLimits
from imaging.errors import ImageError
from ingest_svc.captures.room import PictureRoom
from ingest_svc.privacy.blur import FaceBlur
from ingest_svc.streams import darkroom as module
from ingest_svc.streams.darkroom import FrameDarkroom
from mesh.errors import ResourceExhaustedError
from mesh.executor import ModelExecutor

pytestmark = pytest.mark.unit


def picture(width: int, height: int, suffix: str) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return cv2.imencode(suffix, cv2.resize(pixels, (width, height)))[1].tobytes()


@pytest.fixture
async def executor() -> AsyncIterator[ModelExecutor]:
    made = ModelExecutor(1, queue_limit=1)
    yield made
    made.close()


def darkroom_on(executor: ModelExecutor, limit_bytes: int = 1 << 30) -> FrameDarkroom:
    return FrameDarkroom(executor, FaceBlur(), DecodeLimits(), PictureRoom(limit_bytes))


async def look(darkroom: FrameDarkroom, data: bytes) -> Any:
    """Decodes a thumbnail as a stream does: at once, or beside it."""
    thumbnail = darkroom.glance(data)
    if thumbnail is None:
        with darkroom.hold(len(data)):
            thumbnail = await darkroom.thumbnail(lambda: data)
    return thumbnail


@pytest.mark.parametrize(
    ("width", "height", "suffix", "inline"),
    [(640, 480, ".jpg", True), (1920, 1080, ".jpg", False), (640, 480, ".png", False), (640, 480, ".webp", False)],
)
async def test_only_a_small_jpeg_is_decoded_on_the_event_loop(
    executor: ModelExecutor, monkeypatch: pytest.MonkeyPatch, width: int, height: int, suffix: str, inline: bool
) -> None:
    threads: list[int] = []

    def spied(*arguments: Any, **options: Any) -> Any:
        threads.append(get_ident())
        return decode.decode_gray_thumbnail(*arguments, **options)

    monkeypatch.setattr(module, "decode_gray_thumbnail", spied)
    data = picture(width, height, suffix)
    gray = await look(darkroom_on(executor), data)
    np.testing.assert_array_equal(gray, decode.decode_gray_thumbnail(data))
    assert (threads == [get_ident()]) == inline


async def test_a_frame_that_is_no_picture_is_refused_at_once(executor: ModelExecutor) -> None:
    with pytest.raises(ImageError):
        await look(darkroom_on(executor), b"nothing")


async def test_a_full_executor_refuses_a_large_frame(executor: ModelExecutor) -> None:
    release = Event()
    busy = [asyncio.create_task(executor.run(release.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(ResourceExhaustedError):
            await look(darkroom_on(executor), picture(640, 480, ".png"))
    finally:
        release.set()
        await asyncio.gather(*busy)


async def test_pictures_that_wait_are_bounded_in_bytes(executor: ModelExecutor) -> None:
    data, room, release = picture(640, 480, ".png"), PictureRoom(len(picture(640, 480, ".png")) * 3 // 2), Event()
    darkroom = FrameDarkroom(executor, FaceBlur(), DecodeLimits(), room)
    busy = asyncio.create_task(executor.run(release.wait))
    waiting = asyncio.create_task(look(darkroom, data))
    await asyncio.sleep(0)
    try:
        for refused in (look(darkroom, data), darkroom.develop(data)):
            with pytest.raises(ResourceExhaustedError) as caught:
                await refused
            assert (caught.value.reason, caught.value.metadata["unit"]) == ("CAPACITY_REACHED", "bytes")
    finally:
        release.set()
        await asyncio.gather(busy, waiting)
    assert room.held_bytes == 0
    assert (await look(darkroom, data)).shape == (120, 160)
