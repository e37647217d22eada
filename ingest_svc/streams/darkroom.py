"""The pixels of frames: thumbnails for judging, and keyframes that may leave once their faces are blurred."""

from __future__ import annotations

import asyncio

from imaging.decode import DecodeLimits, check, decode_bgr, decode_gray_thumbnail, encode_jpeg
from imaging.header import ImageFormat, ImageHeader
from ingest_svc.captures.room import PictureRoom
from ingest_svc.privacy.blur import FaceBlur
from ingest_svc.streams.keyframes import THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX
from ingest_svc.streams.ports import SafePicture
from ingest_svc.streams.similarity import GrayImage
from mesh.executor import ModelExecutor

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

    async def thumbnail(self, data: bytes) -> GrayImage:
        """Decodes the grey thumbnail of a frame.

        A camera's usual frame is decoded at once: 0.5 ms for a JPEG of 640x480, less than a way to a thread and back.
        What would hold up all streams goes to the executor: a larger JPEG, and the other formats, which cannot be
        decoded at a fraction of their size (a PNG of 1280x960 takes 20 ms).

        Args:
            data: A JPEG, PNG or WebP file.

        Raises:
            imaging.errors.ImageError: When it cannot be used.
            ResourceExhaustedError: When the executor's queue is full, in pictures or in bytes.
        """
        header = check(data, self._limits)
        if header.format is ImageFormat.JPEG and header.pixels <= _INLINE_PIXELS:
            return _thumbnail(data, header)
        with self._room.hold(len(data)):
            async with self._line:
                return await self._executor.run(_thumbnail, data, header)

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


def _thumbnail(data: bytes, header: ImageHeader) -> GrayImage:
    return decode_gray_thumbnail(data, width_px=THUMBNAIL_WIDTH_PX, height_px=THUMBNAIL_HEIGHT_PX, header=header)
