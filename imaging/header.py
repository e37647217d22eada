"""Reading the head of a picture (format, size, orientation) before a decoder allocates anything for it."""

import enum
import struct
from dataclasses import dataclass

from imaging import exif, jpeg
from imaging.errors import ImageError, ImageReason, corrupt_image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_ALPHA_COLOR_TYPES = (4, 6)


class ImageFormat(enum.StrEnum):
    """The formats that are read, told apart by their bytes."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


@dataclass(frozen=True)
class ImageHeader:
    """What a picture says of itself.

    Attributes:
        format: How it is encoded.
        width_px: Stored width, before its orientation is applied.
        height_px: Stored height, before its orientation is applied.
        orientation: EXIF orientation, 1-8.
        has_alpha: Whether pixels can be transparent.
    """

    format: ImageFormat
    width_px: int
    height_px: int
    orientation: int = 1
    has_alpha: bool = False

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width_px * self.height_px


def read_header(data: bytes) -> ImageHeader:
    """Reads the header of an encoded picture and checks that its container is whole.

    Only the container is walked: nothing is decompressed, so the cost does not grow with the pixels.

    Args:
        data: The encoded picture.

    Returns:
        Its format, size and orientation.

    Raises:
        ImageError: `IMAGE_EMPTY`, `IMAGE_FORMAT_UNSUPPORTED`, or `IMAGE_CORRUPT` where the container is cut or broken.
    """
    if not data:
        raise ImageError(ImageReason.EMPTY, "expected an encoded picture, got no bytes")
    try:
        if data[:3] == b"\xff\xd8\xff":
            return _jpeg_header(data)
        if data[:8] == _PNG_SIGNATURE:
            return _png_header(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_header(data)
    except (struct.error, IndexError) as error:
        raise corrupt_image("the picture ends inside its header") from error
    raise ImageError(ImageReason.FORMAT_UNSUPPORTED, "expected a JPEG, PNG or WebP picture, got other bytes")


def _jpeg_header(data: bytes) -> ImageHeader:
    structure = jpeg.read_structure(data)
    turn = exif.orientation(structure.exif) if structure.exif else 1
    return ImageHeader(ImageFormat.JPEG, structure.width_px, structure.height_px, turn)


def _png_header(data: bytes) -> ImageHeader:
    width, height, _, color_type = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or width == 0 or height == 0:
        raise corrupt_image("the PNG has no valid IHDR chunk")
    turn, alpha, position = 1, color_type in _PNG_ALPHA_COLOR_TYPES, 8
    while True:
        (length,) = struct.unpack_from(">I", data, position)
        kind, start = data[position + 4 : position + 8], position + 8
        if start + length + 4 > len(data):
            raise corrupt_image("the PNG is truncated: a chunk is longer than the data")
        if kind == b"IEND":
            return ImageHeader(ImageFormat.PNG, width, height, turn, alpha)
        if kind == b"eXIf":
            turn = exif.orientation(data[start : start + length])
        alpha = alpha or kind == b"tRNS"
        position = start + length + 4


def _webp_header(data: bytes) -> ImageHeader:
    (riff_length,) = struct.unpack_from("<I", data, 4)
    end = riff_length + 8
    if end > len(data) or riff_length < 12:
        raise corrupt_image(f"the WebP is truncated: it announces {end} bytes, {len(data)} came")
    size, turn, alpha, position = (0, 0), 1, False, 12
    while position + 8 <= end:
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        start = position + 8
        if start + length > end:
            raise corrupt_image("the WebP is truncated: a chunk is longer than the data")
        if kind == b"EXIF":
            turn = exif.orientation(data[start : start + length])
        elif kind in (b"VP8X", b"VP8 ", b"VP8L") and size == (0, 0):
            size, alpha = _webp_size(kind, data[start : start + length])
        position = start + length + (length & 1)
    if 0 in size:
        raise corrupt_image("the WebP holds no picture")
    return ImageHeader(ImageFormat.WEBP, *size, turn, alpha)


def _webp_size(kind: bytes, body: bytes) -> tuple[tuple[int, int], bool]:
    """Reads size and alpha of a WebP bitstream chunk (RFC 9649, sections 2.5, 2.6 and 2.7)."""
    if kind == b"VP8X":
        width = int.from_bytes(body[4:7], "little") + 1
        height = int.from_bytes(body[7:10], "little") + 1
        return (width, height), bool(body[0] & 0x10)
    if kind == b"VP8L":
        if body[0] != 0x2F:
            raise corrupt_image("the WebP's lossless signature is wrong")
        (bits,) = struct.unpack_from("<I", body, 1)
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), bool(bits >> 28 & 1)
    if body[3:6] != b"\x9d\x01\x2a":
        raise corrupt_image("the WebP's start code is wrong")
    width, height = struct.unpack_from("<HH", body, 6)
    return (width & 0x3FFF, height & 0x3FFF), False
