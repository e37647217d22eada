"""What light and camera settings did to a picture: one gain per channel and one offset, found in spite of what changed.

Exposure, white balance and lamps multiply the channels; haze and a lifted black level add to all of them alike. The
four numbers are fitted by least squares to the cells of two small pictures of the same view, again and again without
the half that fits worst, so that a new jacket does not count as a new lamp.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

ColorImage = npt.NDArray[np.uint8]
_Cells = npt.NDArray[np.float32]
_Bools = npt.NDArray[np.bool_]

# Every third cell each way is enough: 540 of 80x60.
_STEP = 3
_ROUNDS = 3
_LEAST_CELLS = 30
# At its ends a sensor no longer says how bright something was.
_BLACK, _WHITE = 3, 250
# A cell fits when it is within twice the median residual, or so many levels.
_FITS_LEVELS = 6.0
_MAX_GAIN, _MAX_OFFSET = 5.0, 80.0
# Keeps the offset at zero where nothing tells it from a gain: a picture of one tone.
_STIFFNESS = 1.002
_LEVELS = np.arange(256, dtype=np.float32)[:, None]


class Light:
    """Takes a picture to the light of another: `level * gain + offset`, channel by channel.

    Args:
        gain_bgr: float `(3,)`, one gain per channel.
        offset: Levels that are added after that.
    """

    __slots__ = ("_table",)

    def __init__(self, gain_bgr: npt.NDArray[np.floating], offset: float) -> None:
        table = np.clip(_LEVELS * gain_bgr + (offset + 0.5), 0, 255)
        self._table = table.astype(np.uint8).reshape(1, 256, 3)

    def applied(self, seen_bgr: ColorImage, reference_bgr: ColorImage) -> ColorImage:
        """Returns a picture in the light of its reference.

        A channel that had reached an end of its range may have been anything beyond: it takes the reference's value
        where that lies beyond.

        Args:
            seen_bgr: uint8 `(H, W, 3)`.
            reference_bgr: Same shape, the same view.
        """
        lit: ColorImage = cv2.LUT(seen_bgr, self._table)  # type: ignore[assignment]
        for ends, further in ((seen_bgr >= _WHITE, np.maximum), (seen_bgr <= _BLACK, np.minimum)):
            if ends.any():
                lit[ends] = further(lit[ends], reference_bgr[ends])
        return lit


def fitted(seen_bgr: ColorImage, reference_bgr: ColorImage) -> Light | None:
    """Finds the light that makes a picture most like its reference.

    Args:
        seen_bgr: uint8 `(H, W, 3)`.
        reference_bgr: Same shape, the same view.

    Returns:
        The light; None where too little of either picture is neither black nor white.
    """
    x, y = (image[::_STEP, ::_STEP].reshape(-1, 3) for image in (seen_bgr, reference_bgr))
    known = ((x > _BLACK) & (x < _WHITE) & (y > _BLACK) & (y < _WHITE)).all(axis=1)
    if np.count_nonzero(known) < _LEAST_CELLS:
        return None
    # Channels first: numpy sums long rows much faster than short ones.
    x32, y32 = x[known].T.astype(np.float32, order="C"), y[known].T.astype(np.float32, order="C")
    middle = x32.shape[1] // 2
    gain: npt.NDArray[np.floating] = np.partition((y32 + 4) / (x32 + 4), middle, axis=1)[:, middle]
    offset = 0.0
    for _ in range(_ROUNDS):
        residual = np.abs(y32 - (gain[:, None] * x32 + offset)).max(axis=0)
        fits = residual < max(_FITS_LEVELS, 2.0 * float(np.partition(residual, middle)[middle]))
        if np.count_nonzero(fits) < _LEAST_CELLS:
            break
        gain, offset = _least_squares(x32[:, fits], y32[:, fits])
    return Light(np.clip(gain, 1 / _MAX_GAIN, _MAX_GAIN), offset)


def _least_squares(x: _Cells, y: _Cells) -> tuple[npt.NDArray[np.floating], float]:
    """Solves `y = gain[c] * x + offset` for both: for a given offset each gain is known, which leaves one unknown."""
    sum_x, sum_xx, sum_xy = x.sum(axis=1), (x * x).sum(axis=1), (x * y).sum(axis=1)
    free = y.size * _STIFFNESS - float((sum_x * sum_x / sum_xx).sum())
    offset = float(y.sum() - (sum_x * sum_xy / sum_xx).sum()) / free
    offset = min(max(offset, -_MAX_OFFSET), _MAX_OFFSET)
    return (sum_xy - offset * sum_x) / sum_xx, offset
