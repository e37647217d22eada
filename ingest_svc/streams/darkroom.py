"""The pixels of frames: thumbnails for judging, and keyframes that may leave once their faces are blurred."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

from imaging.decode import (
    DecodeLimits,
    check,
    decode_bgr,
    decode_bgr_thumbnail,
    decode_gray_thumbnail,
    encode_jpeg,
)
from imaging.header import ImageFormat, ImageHeader
from ingest_svc.captures.room import PictureRoom
from ingest_svc.privacy.blur import FaceBlur
from ingest_svc.streams.keyframes import THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX
from ingest_svc.streams.ports import SafePicture
from ingest_svc.streams.similarity import GrayImage
from ingest_svc.streams.similarity_light import ColorImage
from mesh.executor import ModelExecutor

# Cells on the longer side of a colour thumbnail, and of how many the shorter side is a multiple. A camera's usual frame
# of 640x480 has 80x60 blocks: its thumbnail is their means, without another step.
_COLOR_LONG_CELLS, _COLOR_CELL_STEP = 80, 4
_COLOR_LEAST_CELLS = 20

# A JPEG of so many pixels takes about 2 ms.
_INLINE_PIXELS = 1280 * 960

# Pictures that are on the executor at once. The others stand in line here, first come first served, so that many
# streams that begin together neither fill the executor's queue, which captures use too, nor are refused by it.
_AT_ONCE = 8


class FrameDarkroom:
    """Implements `ingest_svc.streams.ports.Darkroom`. Nothing is written anywhere."""

    def __init__(
        self,
        executor: ModelExecutor,
        blur: FaceBlur,
        limits: DecodeLimits,
        room: PictureRoom,
        *,
        long_side_px: int = 640,
        jpeg_quality: int = 82,
    ) -> None:
        """Describes the darkroom.

        Args:
            executor: Where keyframes are developed.
            blur: Blurs faces.
            limits: What a frame may be.
            room: Where pictures wait; captures use it too.
            long_side_px: Longer side of what leaves, in pixels.
            jpeg_quality: Quality of what leaves, 1-100.
        """
        self._executor = executor
        self._limits = limits
        self._long_side_px = long_side_px
        self._jpeg_quality = jpeg_quality
        self._line = asyncio.Semaphore(_AT_ONCE)
        self._blur = blur
        self._room = room

    def glance(self, data: bytes, *, color: bool = False) -> GrayImage | ColorImage | None:
        """Decodes the thumbnail of a frame at once, where that is quick.

        That is a camera's usual frame: 0.5 ms for a JPEG of 640x480, less than a way to a thread and back. What would
        hold up all streams is left for `thumbnail`: a larger JPEG, and the other formats, which cannot be decoded at a
        fraction of their size (a PNG of 1280x960 takes 20 ms).

        Args:
            data: A JPEG, PNG or WebP file.
            color: Whether in colour, for mode `color`.

        Returns:
            As `decoded_thumbnail`; None where it takes long.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
        """
        header = check(data, self._limits)
        if header.format is not ImageFormat.JPEG or header.pixels > _INLINE_PIXELS:
            return None
        return decoded_thumbnail(data, header, color=color)

    def hold(self, size_bytes: int) -> AbstractContextManager[None]:
        """As `PictureRoom.hold`: for frames that wait for `thumbnail`."""
        return self._room.hold(size_bytes)

    async def thumbnail(self, take: Callable[[], bytes], *, color: bool = False) -> GrayImage | ColorImage:
        """Decodes the thumbnail of a frame on the executor.

        Args:
            take: Gives a JPEG, PNG or WebP file; called on the executor, in the moment in which it has a hand for it.
            color: Whether in colour, for mode `color`.

        Returns:
            As `decoded_thumbnail`.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
            ResourceExhaustedError: When the executor's queue is full; nothing was taken.
        """
        async with self._line:
            return await self._executor.run(self._thumbnail, take, color)

    def _thumbnail(self, take: Callable[[], bytes], color: bool) -> GrayImage | ColorImage:
        data = take()
        return decoded_thumbnail(data, check(data, self._limits), color=color)

    async def develop(self, data: bytes) -> SafePicture:
        """Decodes a keyframe and blurs its faces, on the executor.

        Args:
            data: A JPEG, PNG or WebP file.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
            BlurFailedError: When faces cannot be blurred.
            ResourceExhaustedError: When the executor's queue is full, in pictures or in bytes.
            UnavailableError: When the face detector is not loaded yet.
        """
        with self._room.hold(len(data)):
            async with self._line:
                return await self._executor.run(self._develop, data)

    def _develop(self, data: bytes) -> SafePicture:
        image_bgr = decode_bgr(data, limits=self._limits, max_side_px=self._long_side_px)
        blurred = self._blur.blur(image_bgr)
        return SafePicture(encode_jpeg(blurred.pixels_bgr, quality=self._jpeg_quality), blurred.face_boxes)


def decoded_thumbnail(data: bytes, header: ImageHeader, *, color: bool) -> GrayImage | ColorImage:
    """Decodes the thumbnail that a mode judges by.

    In colour aspect ratio is kept: how far something moves counts the same across and down.

    Args:
        data: A JPEG, PNG or WebP file.
        header: Its header, checked.
        color: Whether in colour, for mode `color`.

    Returns:
        uint8: grey `(120, 160)`, or BGR with 80 cells on the longer side.

    Raises:
        imaging.errors.ImageError: When it cannot be decoded.
    """
    if not color:
        return decode_gray_thumbnail(data, width_px=THUMBNAIL_WIDTH_PX, height_px=THUMBNAIL_HEIGHT_PX, header=header)
    width, height = header.width_px, header.height_px
    if header.orientation >= 5:
        width, height = height, width
    steps = round(_COLOR_LONG_CELLS / _COLOR_CELL_STEP * min(width, height) / max(width, height))
    short = max(steps * _COLOR_CELL_STEP, _COLOR_LEAST_CELLS)
    size = (_COLOR_LONG_CELLS, short) if width >= height else (short, _COLOR_LONG_CELLS)
    return decode_bgr_thumbnail(data, width_px=size[0], height_px=size[1], header=header)
