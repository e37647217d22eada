"""What lamps on mains do to a picture that is taken line by line: bands, brighter and darker, each line with its gain.

Bands go right through a picture, people do not: a line's gain is what the cells at both its ends say. Lines are rows,
or columns where the phone is held upright.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ingest_svc.streams.similarity_light import ColorImage

_Cells = npt.NDArray[np.float32]
_Gray = npt.NDArray[np.uint8]

# Levels at which a cell says nothing about gain.
_DARK, _BRIGHT = 12.0, 245.0
# Of the cells at the ends of a line, and of all lines, so many must say something.
_LEAST_CELLS, _LEAST_LINES = 0.25, 0.5
# Logarithms of gain: less than this is no band, and no lamp does more.
_LEAST, _MOST = 0.02, 0.6
# Bands are smooth: a line's gain is taken with that of its neighbours.
_SMOOTH_LINES = 2.0


def evened(seen_bgr: ColorImage, reference_bgr: ColorImage) -> ColorImage | None:
    """Returns a picture with each line as bright as in its reference.

    Args:
        seen_bgr: uint8 `(H, W, 3)`.
        reference_bgr: Same shape, the same view.

    Returns:
        The picture; None where all lines are alike, or too many say nothing.
    """
    seen, reference = (
        np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8) for image in (seen_bgr, reference_bgr)
    )
    rows, columns = _line_gains(seen, reference), _line_gains(seen.T, reference.T)
    upright = float(np.ptp(columns)) > float(np.ptp(rows))
    gains = columns if upright else rows
    if float(np.ptp(gains)) < _LEAST:
        return None
    times = np.exp(np.clip(gains, -_MOST, _MOST))
    levels = np.clip(seen_bgr * (times[None, :, None] if upright else times[:, None, None]) + 0.5, 0, 255)
    return np.asarray(levels, np.uint8)


def _line_gains(seen: _Gray, reference: _Gray) -> _Cells:
    """The logarithm of each row's gain, float32 `(H,)`: the median of its outer quarters, smoothed; 0 where unknown."""
    quarter = seen.shape[1] // 4
    # Every second cell is enough.
    ends, other = (
        np.hstack([gray[:, :quarter:2], gray[:, -quarter::2]]).astype(np.float32) for gray in (seen, reference)
    )
    there = (np.minimum(ends, other) > _DARK) & (np.maximum(ends, other) < _BRIGHT)
    ratio = np.log(np.maximum(other, 1) / np.maximum(ends, 1))
    count, lines = there.sum(axis=1), np.arange(len(ratio))
    usable = count >= _LEAST_CELLS * ends.shape[1]
    if np.count_nonzero(usable) < _LEAST_LINES * len(lines):
        return np.zeros(len(lines), np.float32)
    # What is not known goes to the end of each row.
    ordered = np.sort(np.where(there, ratio, np.inf), axis=1)
    gains = np.interp(lines, lines[usable], ordered[lines, count // 2][usable]).astype(np.float32)
    smooth = cv2.GaussianBlur(gains[None], (0, 0), sigmaX=_SMOOTH_LINES, sigmaY=0.1, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smooth[0], np.float32)
