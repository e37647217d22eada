"""Looking only at a part of a picture."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from vision_svc.people.types import Box, ImageBgr

# (x0, y0, x1, y1), shares of width and height.
Region = tuple[float, float, float, float]

# A region of less than this share of a side is not decoded larger for it.
_LEAST_SHARE = 0.25


def wanted_side(max_side_px: int, region: Region | None) -> int:
    """Returns the longer side to decode a picture at, so that the region keeps the detail that a whole would have."""
    if region is None:
        return max_side_px
    return round(max_side_px / max(region[2] - region[0], region[3] - region[1], _LEAST_SHARE))


def cut(image: npt.NDArray[np.uint8], region: Region | None) -> npt.NDArray[np.uint8]:
    """Cuts a region out of a picture, uint8 `(H, W[, 3])`; it is never smaller than one pixel."""
    if region is None:
        return image
    height, width = image.shape[:2]
    x0, y0 = min(int(region[0] * width), width - 1), min(int(region[1] * height), height - 1)
    x1, y1 = max(x0 + 1, round(region[2] * width)), max(y0 + 1, round(region[3] * height))
    part: npt.NDArray[np.uint8] = np.ascontiguousarray(image[y0:y1, x0:x1])
    return part


def faces_in(faces: Iterable[Region], region: Region | None, image: ImageBgr) -> list[Box]:
    """Brings faces into the pixels of the part that was cut out.

    Args:
        faces: Boxes as shares of the whole picture.
        region: The part; None for the whole.
        image: The part's pixels, uint8 `(H, W, 3)`.

    Returns:
        Boxes in pixels of the part; those whose middle lies outside of it are left out.
    """
    left, top, right, bottom = region or (0.0, 0.0, 1.0, 1.0)
    height, width = image.shape[:2]
    scale_x, scale_y = width / (right - left), height / (bottom - top)
    inside = (box for box in faces if left < (box[0] + box[2]) / 2 < right and top < (box[1] + box[3]) / 2 < bottom)
    return [
        ((x0 - left) * scale_x, (y0 - top) * scale_y, (x1 - left) * scale_x, (y1 - top) * scale_y)
        for x0, y0, x1, y1 in inside
    ]
