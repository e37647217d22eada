"""What is new in a small colour picture: cells that differ from a reference, and colours that were not there before.

A cell is what JPEG calls a block: the mean of 8x8 pixels of a camera's frame. Means hardly know the sensor's noise, and
a decoder gets at them cheaper than at a grey quarter.

Three questions, one after another. `differing`: which cells have a colour that no neighbour had? So much is told from
the slight motion of edges. `shift`: how did the camera move, so that the first can be asked again? `novelty`: are the
colours of a place new, or have they moved within it? A walking person takes their colours along; who changes clothes
makes colours appear that were not there, and others vanish.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ingest_svc.streams.similarity_light import ColorImage

Mask = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
_Histogram = npt.NDArray[np.float32]

_AROUND = np.ones((3, 3), np.uint8)
_THICK = np.ones((2, 2), np.uint8)
# A colour's bin: 20 levels of luma, 8 of each colour difference; a bin's neighbours count as the same colour. Each axis
# has an empty bin at both ends, so that neighbours need no border.
_LUMA_STEP, _CHROMA_STEP, _CHROMA_BINS = 20, 8, 18
_PLANE = _CHROMA_BINS * _CHROMA_BINS
_BINS = 15 * _PLANE
_LEVEL = np.arange(256)
_LUMA_BIN = ((_LEVEL // _LUMA_STEP + 1) * _PLANE).astype(np.int16)
_CHROMA_BIN = (np.clip((_LEVEL - 128) // _CHROMA_STEP + _CHROMA_BINS // 2 - 1, 0, _CHROMA_BINS - 3) + 1).astype(
    np.int16
)
_RED_BIN = (_CHROMA_BIN * _CHROMA_BINS).astype(np.int16)
# So many cells around a place are looked at with it: what moved out of it is found there.
_GROWN = 4
# With so little of the picture differing, the camera stands still.
_STILL_SHARE = 0.02
# The camera is looked for within a fifth of the picture, and believed when it explains more than standing still does.
_REACH = 5
_BETTER = 0.02


@dataclass(frozen=True, slots=True)
class Overlap:
    """The part that two pictures share when the camera has moved: views of cells, not copies.

    Attributes:
        dx, dy: By how many cells everything has moved to the right and down.
    """

    dx: int = 0
    dy: int = 0

    def of_seen(self, image: ColorImage) -> ColorImage:
        """Returns the shared part of the newer picture."""
        height, width = image.shape[:2]
        dx, dy = self.dx, self.dy
        return image[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]

    def of_reference(self, image: ColorImage) -> ColorImage:
        """Returns the shared part of the older picture."""
        height, width = image.shape[:2]
        dx, dy = self.dx, self.dy
        return image[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]


@dataclass(frozen=True, slots=True)
class Exchange:
    """How many cells of each colour have come, and how many have gone: float32 by bin, equal neighbours taken off."""

    appeared: _Histogram
    vanished: _Histogram

    @property
    def most(self) -> float:
        """The larger of both, in cells."""
        return float(max(self.appeared.sum(), self.vanished.sum()))


class ColorReference:
    """A small colour picture that others are compared with.

    Args:
        bgr: uint8 `(H, W, 3)`; it is not copied and must not change.
        tolerance: Levels by which equal colours may differ.
    """

    __slots__ = ("_gray", "_high", "_low", "bgr", "tolerance")

    def __init__(self, bgr: ColorImage, tolerance: float) -> None:
        self.bgr = bgr
        self.tolerance = tolerance
        self._low, self._high = _range(bgr, tolerance)
        self._gray: Mask | None = None

    def new_count(self, seen_bgr: ColorImage, overlap: Overlap | None = None) -> int:
        """Counts cells with a colour that neither they nor a neighbour had; cheap.

        Args:
            seen_bgr: uint8 `(H, W, 3)`, in the light of the reference.
            overlap: Where the camera has moved.
        """
        place = overlap or Overlap()
        seen = place.of_seen(seen_bgr)
        same = cv2.inRange(seen, place.of_reference(self._low), place.of_reference(self._high))
        return same.size - cv2.countNonZero(same)

    def differing(self, seen_bgr: ColorImage, overlap: Overlap) -> Mask:
        """Marks cells with a colour that no neighbour had, or that had a colour that no neighbour has; 0 or 255.

        Lines of one cell's width are left out and, where more differs than what somebody puts on, the outermost cells:
        there a moving camera shows what is new to it without anything having changed.

        Args:
            seen_bgr: uint8 `(H, W, 3)`, in the light of the reference.
            overlap: Where the camera has moved.
        """
        seen = overlap.of_seen(seen_bgr)
        same = cv2.inRange(seen, overlap.of_reference(self._low), overlap.of_reference(self._high))
        low, high = _range(seen, self.tolerance)
        still_there = cv2.inRange(overlap.of_reference(self.bgr), low, high)
        mask = cv2.bitwise_not(cv2.bitwise_and(same, still_there))
        if overlap != Overlap() or cv2.countNonZero(mask) > _STILL_SHARE * mask.size:
            mask[0] = mask[-1] = 0
            mask[:, 0] = mask[:, -1] = 0
        return cv2.morphologyEx(mask, cv2.MORPH_OPEN, _THICK)  # type: ignore[return-value]

    def shift(self, seen_bgr: ColorImage) -> Overlap:
        """Finds how the camera moved, to two cells; light does not matter.

        Args:
            seen_bgr: uint8 `(H, W, 3)`.
        """
        if self._gray is None:
            self._gray = _half_gray(self.bgr)
        gray = _half_gray(seen_bgr)
        margin_y, margin_x = gray.shape[0] // _REACH, gray.shape[1] // _REACH
        middle = gray[margin_y : gray.shape[0] - margin_y, margin_x : gray.shape[1] - margin_x]
        match = cv2.matchTemplate(self._gray, middle, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(match)
        if best < match[margin_y, margin_x] + _BETTER:
            return Overlap()
        return Overlap(2 * (margin_x - x), 2 * (margin_y - y))

    def exchange(self, seen_bgr: ColorImage, overlap: Overlap, mask: Mask) -> Exchange:
        """Tells which colours appeared and vanished in the cells of a mask, all together.

        Args:
            seen_bgr: uint8 `(H, W, 3)`, in the light of the reference.
            overlap: Where the camera has moved.
            mask: Not 0 where a cell counts, of the shared part.
        """
        cells = mask > 0
        return _exchange(overlap.of_reference(self.bgr)[cells][None], overlap.of_seen(seen_bgr)[cells][None])

    def novelty(self, seen_bgr: ColorImage, overlap: Overlap, box: Box, whole: Exchange) -> float:
        """Counts the cells around a place whose colour was not there before, or is there no longer: the larger of both.

        Args:
            seen_bgr: uint8 `(H, W, 3)`, in the light of the reference.
            overlap: Where the camera has moved.
            box: `x, y, width, height` in cells of the shared part.
            whole: The exchange of all cells that differ. What left this place for another one is not counted.
        """
        x, y, width, height = box
        rows, columns = slice(max(y - _GROWN, 0), y + height + _GROWN), slice(max(x - _GROWN, 0), x + width + _GROWN)
        here = _exchange(overlap.of_reference(self.bgr)[rows, columns], overlap.of_seen(seen_bgr)[rows, columns])
        appeared = np.minimum(here.appeared, whole.appeared).sum()
        vanished = np.minimum(here.vanished, whole.vanished).sum()
        return float(max(appeared, vanished))


def moved_count(first_bgr: ColorImage, second_bgr: ColorImage, box: Box, tolerance: float) -> int:
    """Counts the cells within a box that show in a later picture what neither they nor a neighbour showed before.

    Who sways stays within a cell; who walks does not.

    Args:
        first_bgr: uint8 `(H, W, 3)`.
        second_bgr: Same shape.
        box: `x, y, width, height` in cells.
        tolerance: Levels by which equal colours may differ.
    """
    x, y, width, height = box
    first, second = (image[y : y + height, x : x + width] for image in (first_bgr, second_bgr))
    same = cv2.inRange(second, *_range(first, tolerance))
    return same.size - cv2.countNonZero(same)


def _range(bgr: ColorImage, tolerance: float) -> tuple[ColorImage, ColorImage]:
    """The lowest and the highest level of each channel around every cell, with the tolerance."""
    levels = (tolerance, tolerance, tolerance, 0)
    low: ColorImage = cv2.subtract(cv2.erode(bgr, _AROUND), levels)  # type: ignore[call-overload]  # its stub knows no scalar
    high: ColorImage = cv2.add(cv2.dilate(bgr, _AROUND), levels)  # type: ignore[call-overload]  # its stub knows no scalar
    return low, high


def _half_gray(bgr: ColorImage) -> Mask:
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    return cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _exchange(before_bgr: ColorImage, now_bgr: ColorImage) -> Exchange:
    before, now = _histogram(before_bgr), _histogram(now_bgr)
    return Exchange(np.maximum(now - _spread(before), 0), np.maximum(before - _spread(now), 0))


def _histogram(bgr: ColorImage) -> _Histogram:
    ycc = cv2.cvtColor(np.ascontiguousarray(bgr), cv2.COLOR_BGR2YCrCb)
    bins = _LUMA_BIN[ycc[..., 0]] + _RED_BIN[ycc[..., 1]] + _CHROMA_BIN[ycc[..., 2]]
    return np.bincount(bins.ravel(), minlength=_BINS).astype(np.float32)


def _spread(histogram: _Histogram) -> _Histogram:
    """The sum of each bin and its 26 neighbours."""
    for step in (1, _CHROMA_BINS, _PLANE):
        spread = histogram.copy()
        spread[step:] += histogram[:-step]
        spread[:-step] += histogram[step:]
        histogram = spread
    return histogram
