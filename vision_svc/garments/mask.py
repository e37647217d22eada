"""Masks that callers send along with a picture."""

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import check, decode_bgr
from imaging.errors import ImageError
from imaging.header import ImageFormat
from vision_svc.garments.region import Region, cut
from vision_svc.people.types import BoolMask

_INSIDE = 128
# Where IHDR, the first chunk of every PNG, tells bits per sample and colour type; 0 is grey (PNG, section 11.2.1).
_DEPTH_AND_COLOR = slice(24, 26)
_GREY_8_BIT = bytes((8, 0))
# Sides are whole pixels: a mask that was shrunk may be so much longer or shorter than the picture's shape wants it.
_ROUNDING_PX = 1.0


class MaskError(Exception):
    """The mask of an item cannot be used; the text says what was expected."""


def cut_mask(png: bytes, size: tuple[int, int], region: Region | None, shape: tuple[int, ...]) -> BoolMask:
    """Decodes a mask over a whole picture, cuts a region out of it and brings it to the size of the cut picture.

    Args:
        png: An 8-bit grey PNG in the shape of the picture; 128 and above is inside.
        size: `(width, height)` of the whole picture, upright.
        region: The region; None for the whole.
        shape: `(H, W)` of the picture that was cut out, which may be shrunk.

    Returns:
        bool `(H, W)`; at least one pixel is inside.

    Raises:
        MaskError: It is no such PNG, has another shape, or is empty within the region.
    """
    gray = _decode(png)
    height, width = gray.shape
    if not _same_shape((width, height), size):
        wanted = f"{size[0]} x {size[1]} pixels or smaller in the same shape"
        raise MaskError(f"expected a mask of {wanted}, got {width} x {height}")
    mask = cv2.resize(cut(gray, region), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) >= _INSIDE
    if not mask.any():
        raise MaskError(f"expected at least one pixel of {_INSIDE} or more inside the region, got none")
    return np.asarray(mask)


def _decode(png: bytes) -> npt.NDArray[np.uint8]:
    try:
        header = check(png)
        if header.format is not ImageFormat.PNG:
            raise MaskError(f"expected an 8-bit grey PNG, got a {header.format.upper()} file")
        if png[_DEPTH_AND_COLOR] != _GREY_8_BIT:
            depth, color = png[_DEPTH_AND_COLOR]
            raise MaskError(f"expected an 8-bit grey PNG, got one of {depth} bits and colour type {color}")
        return np.asarray(cv2.extractChannel(decode_bgr(png), 0), np.uint8)
    except ImageError as error:
        raise MaskError(f"expected an 8-bit grey PNG; {error.description}") from error


def _same_shape(size: tuple[int, int], picture: tuple[int, int]) -> bool:
    (width, height), (whole_width, whole_height) = size, picture
    return (
        abs(width - height * whole_width / whole_height) <= _ROUNDING_PX
        or abs(height - width * whole_height / whole_width) <= _ROUNDING_PX
    )
