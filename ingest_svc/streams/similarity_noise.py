"""How much a sensor's noise moves the cells of a small picture from one frame to the next."""

from __future__ import annotations

import cv2
import numpy as np

from ingest_svc.streams.similarity_light import ColorImage

# For noise of the same size everywhere, the second difference of three cells is so many times as large.
_SECOND = 6**0.5
_STEP = 3


def noise_level(bgr: ColorImage, before_bgr: ColorImage) -> float:
    """Returns what most cells differ by that their neighbours do not, in levels.

    Light and slow motion change neighbours alike, noise does not.

    Args:
        bgr: uint8 `(H, W, 3)`, at least three rows.
        before_bgr: Same shape, the frame before.
    """
    changed = cv2.subtract(bgr, before_bgr, dtype=cv2.CV_16S)
    last = (changed.shape[0] - 2) // _STEP * _STEP
    above, middle, below = (changed[row : row + max(last, 1) : _STEP, ::_STEP] for row in range(3))
    second = np.abs(2 * middle - above - below).ravel()
    half = len(second) // 2
    return float(np.partition(second, half)[half]) / _SECOND
