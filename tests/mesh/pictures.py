"""Pictures, good and bad."""

from __future__ import annotations

import base64
import functools
import struct
import zlib

import cv2
import numpy as np
import skimage.data


@functools.cache
def photo() -> bytes:
    """A photograph of a dressed person with a visible face, as JPEG."""
    return _encoded(".jpg", cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR))


@functools.cache
def other_photo() -> bytes:
    """Another scene: the same photograph, upside down and smaller."""
    picture = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return _encoded(".jpg", cv2.flip(cv2.resize(picture, (320, 320)), 0))


def truncated() -> bytes:
    """A JPEG that breaks off in its middle."""
    return photo()[: len(photo()) // 2]


def not_an_image() -> bytes:
    """Bytes of no picture format."""
    return b"%PDF-1.7 this is no picture" * 20


def too_small() -> bytes:
    """A picture of 4 by 4 pixels."""
    return _encoded(".png", np.full((4, 4, 3), 128, np.uint8))


def bomb(side_px: int = 7072) -> bytes:
    """A valid PNG of few bytes that unpacks to 50 megapixels."""
    rows = zlib.compressobj(9)
    line = bytes(1 + 3 * side_px)
    packed = b"".join(rows.compress(line) for _ in range(side_px)) + rows.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def text_of(data: bytes) -> str:
    """Writes bytes as proto JSON does."""
    return base64.b64encode(data).decode()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _encoded(suffix: str, picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(suffix, picture)[1].tobytes())
