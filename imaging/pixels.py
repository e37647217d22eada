"""The one layout of pixels: 8 bits, BGR or grey, transparent ones laid on white, upright."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_WHITE = 255
# Rows that are blended at once: the sums take four times the memory of the picture.
_STRIP_ROWS = 128


def as_uint8(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Brings pixels of 8 or 16 bits, of any shape, to 8."""
    if pixels.dtype == np.uint16:
        return (pixels.astype(np.uint16, copy=False) >> 8).astype(np.uint8)
    return pixels.astype(np.uint8, copy=False)


def flatten(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Lays a picture with transparency on white.

    Args:
        pixels: uint8 `(H, W)` grey, `(H, W, 2)` grey and alpha, `(H, W, 3)` BGR or `(H, W, 4)` BGR and alpha.

    Returns:
        uint8 `(H, W, 3)` BGR.
    """
    if pixels.ndim == 2:
        return as_uint8(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == 2:
        pixels = pixels[:, :, [0, 0, 0, 1]]
    if pixels.shape[2] == 3:
        return pixels
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _STRIP_ROWS):
        strip = pixels[top : top + _STRIP_ROWS]
        alpha = strip[:, :, 3:].astype(np.uint16)
        blended: npt.NDArray[np.uint16] = strip[:, :, :3] * alpha + _WHITE * (_WHITE - alpha) + _WHITE // 2
        flat[top : top + _STRIP_ROWS] = blended // _WHITE
    return flat


def upright(image: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Turns a picture as its EXIF orientation says (EXIF 2.3, section 4.6.4).

    Args:
        image: uint8 `(H, W[, 3])` as it is stored.
        orientation: 1-8.

    Returns:
        It, upright and contiguous.
    """
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
