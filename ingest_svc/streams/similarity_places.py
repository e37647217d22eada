"""Places in a small picture where cells differ: found, compared, and told from somebody who walks in."""

from __future__ import annotations

import cv2
import numpy as np

from ingest_svc.streams.similarity_color import Box, Mask

_PLACES = 3
_NEIGHBOURS = np.ones((3, 3), np.uint8)
# What comes in from the side, and is no wider than this share of the picture, is somebody who walks in, or what the
# camera turns to; neither is faster than so much of the picture a second, and a bit.
_ENTERING_WIDTH, _ENTERING_A_SECOND, _ENTERING_LEAST = 0.25, 0.6, 0.03


def places(mask: Mask, least: float) -> list[tuple[Box, int]]:
    """Finds the largest places of differing cells.

    Args:
        mask: uint8 `(H, W)`, not 0 where a cell differs.
        least: Places of fewer differing cells are left out.

    Returns:
        At most three, the largest first: `x, y, width, height` in cells, and how many of them differ.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, _NEIGHBOURS))
    found: list[tuple[Box, int]] = []
    for index in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_PLACES] + 1:
        x, y, width, height = (int(value) for value in stats[index, :4])
        own = cv2.countNonZero(mask[y : y + height, x : x + width])
        if own >= least:
            found.append(((x, y, width, height), own))
    return found


def overlapping(first: Box, second: Box) -> bool:
    """Tells whether two places share at least half of the smaller one."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    smaller = min(first[2] * first[3], second[2] * second[3])
    return width > 0 and height > 0 and 2 * width * height >= smaller


def entering(box: Box, picture_width: int, within_s: float) -> bool:
    """Tells whether a place is narrow and touches the left or right side.

    Args:
        box: `x, y, width, height` in cells.
        picture_width: Cells.
        within_s: Since when it may have been coming, seconds.
    """
    at_side = box[0] <= 1 or box[0] + box[2] >= picture_width - 1
    return at_side and box[2] < picture_width * min(_ENTERING_WIDTH, _ENTERING_LEAST + _ENTERING_A_SECOND * within_s)
