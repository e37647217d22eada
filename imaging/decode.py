"""Decoding pictures from outside, safely: limits before allocation, one pixel layout after it.

Every function gives 8-bit pixels, upright (EXIF orientation applied), with transparent pixels laid on white. Nothing
else of a picture's metadata is read, and nothing of it survives re-encoding.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.errors import ImageError, ImageReason, corrupt_image
from imaging.header import ImageFormat, ImageHeader, read_header
from imaging.pixels import as_uint8, flatten, upright

ImageBgr = npt.NDArray[np.uint8]
ImageGray = npt.NDArray[np.uint8]

_REDUCED_COLOR = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_REDUCED_GRAY = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
}
# An eighth in grey would change the decisions of the published keyframe rule.
_THUMBNAIL_FACTORS = {True: (4, 2), False: (8, 4, 2)}


@dataclass(frozen=True)
class DecodeLimits:
    """What a picture may be, checked on its header before anything is allocated.

    Attributes:
        max_bytes: Encoded size, bytes.
        max_pixels: Width times height.
        min_side_px: Shorter side.
        max_side_px: Longer side.
    """

    max_bytes: int = 10 * 1024 * 1024
    max_pixels: int = 40_000_000
    min_side_px: int = 16
    max_side_px: int = 16_383


DEFAULT_LIMITS = DecodeLimits()


def check(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> ImageHeader:
    """Checks an encoded picture against the limits without decoding it.

    Args:
        data: A JPEG, PNG or WebP file.
        limits: What is allowed.

    Returns:
        The picture's header.

    Raises:
        ImageError: With the reason why the picture is refused.
    """
    if len(data) > limits.max_bytes:
        raise _outside(ImageReason.TOO_LARGE, "bytes", limits.max_bytes, len(data))
    header = read_header(data)
    longer, shorter = max(header.width_px, header.height_px), min(header.width_px, header.height_px)
    if header.pixels > limits.max_pixels:
        raise _outside(ImageReason.TOO_LARGE, "pixels", limits.max_pixels, header.pixels)
    if longer > limits.max_side_px:
        raise _outside(ImageReason.TOO_LARGE, "pixels on the longer side", limits.max_side_px, longer)
    if shorter < limits.min_side_px:
        raise _outside(ImageReason.TOO_SMALL, "pixels on the shorter side", limits.min_side_px, shorter)
    return header


def decode_bgr(data: bytes, *, limits: DecodeLimits = DEFAULT_LIMITS, max_side_px: int | None = None) -> ImageBgr:
    """Decodes a picture.

    Args:
        data: A JPEG, PNG or WebP file; of an animation the first picture.
        limits: What is allowed.
        max_side_px: Where given, a larger picture is shrunk so that its longer side has this many pixels. A JPEG is
            then decoded at 1/2, 1/4 or 1/8 size where that is enough, which is much faster than decoding all of it.

    Returns:
        uint8 `(H, W, 3)`, channel order BGR, range 0-255, contiguous.

    Raises:
        ImageError: With the reason why the picture is refused.
    """
    header = check(data, limits)
    if header.has_alpha:
        pixels = flatten(_imdecode(data, cv2.IMREAD_UNCHANGED))
    else:
        factor = _reduction(header, max_side_px, (8, 4, 2))
        pixels = _imdecode(data, _REDUCED_COLOR[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    return upright(shrink(pixels, max_side_px), header.orientation)


def decode_gray_thumbnail(
    data: bytes,
    *,
    width_px: int = 160,
    height_px: int = 120,
    limits: DecodeLimits = DEFAULT_LIMITS,
    header: ImageHeader | None = None,
) -> ImageGray:
    """Decodes a small grey copy of a picture, for comparing frames; aspect ratio is not kept.

    A 640x480 JPEG is decoded at quarter size and is then 160x120 without another step: 0.5 ms instead of 1.3 ms, and
    the keyframe decisions are those of the full decode. An eighth is never used: it changes them.

    Args:
        data: A JPEG, PNG or WebP file.
        width_px: Width of the copy.
        height_px: Height of the copy.
        limits: What is allowed.
        header: What `check` gave for this picture, where it was called already: that is a sixth of the cost.

    Returns:
        uint8 `(height_px, width_px)`.

    Raises:
        ImageError: With the reason why the picture is refused.
    """
    return _thumbnail(data, header or check(data, limits), (width_px, height_px), gray=True)


def decode_bgr_thumbnail(
    data: bytes,
    *,
    width_px: int = 160,
    height_px: int = 120,
    limits: DecodeLimits = DEFAULT_LIMITS,
    header: ImageHeader | None = None,
) -> ImageBgr:
    """Decodes a small colour copy: `decode_gray_thumbnail` with uint8 `(height_px, width_px, 3)` BGR.

    Here an eighth is used: of a 640x480 JPEG it gives the mean colour of each block, 80x60 of them, in 0.45 ms.
    """
    return _thumbnail(data, header or check(data, limits), (width_px, height_px), gray=False)


def encode_jpeg(image: npt.NDArray[np.uint8], *, quality: int = 82) -> bytes:
    """Encodes a picture as JPEG without any metadata.

    Args:
        image: uint8 `(H, W, 3)` BGR or `(H, W)` grey.
        quality: 1-100.

    Returns:
        The file.
    """
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """Encodes a picture, uint8 `(H, W, 3)` BGR or `(H, W)` grey, as PNG without any metadata."""
    _, encoded = cv2.imencode(".png", image)
    return encoded.tobytes()


def shrink(image: npt.NDArray[np.uint8], max_side_px: int | None) -> npt.NDArray[np.uint8]:
    """Shrinks a picture, uint8 `(H, W[, 3])`, to at most `max_side_px` on its longer side; never enlarges it."""
    height, width = image.shape[:2]
    if max_side_px is None or max(height, width) <= max_side_px:
        return image
    scale = max_side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return as_uint8(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _thumbnail(data: bytes, header: ImageHeader, size: tuple[int, int], *, gray: bool) -> npt.NDArray[np.uint8]:
    if header.has_alpha:
        flat = flatten(_imdecode(data, cv2.IMREAD_UNCHANGED))
        pixels = as_uint8(cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY)) if gray else flat
    else:
        stored = size[::-1] if header.orientation >= 5 else size
        fits = [
            f
            for f in _THUMBNAIL_FACTORS[gray]
            if header.width_px >= f * stored[0] and header.height_px >= f * stored[1]
        ]
        flags = (_REDUCED_GRAY if gray else _REDUCED_COLOR)[fits[0] if fits else 1]
        pixels = _imdecode(data, flags | cv2.IMREAD_IGNORE_ORIENTATION)
    pixels = upright(pixels, header.orientation)
    if pixels.shape[1::-1] == size:
        return pixels
    return as_uint8(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _reduction(header: ImageHeader, max_side_px: int | None, factors: tuple[int, ...]) -> int:
    if max_side_px is None or header.format is not ImageFormat.JPEG:
        return 1
    longer = max(header.width_px, header.height_px)
    return next((factor for factor in factors if longer >= factor * max_side_px), 1)


def _imdecode(data: bytes, flags: int) -> npt.NDArray[np.uint8]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise corrupt_image("the picture's pixels cannot be decoded") from error
    if pixels is None:
        raise corrupt_image("the picture's pixels cannot be decoded")
    return as_uint8(pixels)


def _outside(reason: ImageReason, what: str, limit: int, actual: int) -> ImageError:
    bound = "at most" if reason is ImageReason.TOO_LARGE else "at least"
    return ImageError(
        reason, f"expected {bound} {limit} {what}, got {actual}", {"limit": str(limit), "actual": str(actual)}
    )
