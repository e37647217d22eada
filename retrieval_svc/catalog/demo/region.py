"""Pieces of the drawing surface: the pixels of an outline, and how light falls on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from retrieval_svc.catalog.demo.palette import FloatArray
from retrieval_svc.catalog.demo.shapes import Points

WIDTH_PX, HEIGHT_PX = 320, 400
DEPTH_PX = 520  # drawings may reach further down than the picture; in the end they are fitted into it
SCALE = 2  # drawn at twice the size and reduced: smooth edges, fine weave
_LIGHT = np.array([-0.42, -0.52, 0.74], dtype=np.float32)
_SHIFT = 4  # binary digits behind the point in cv2's coordinates
_LIMIT = np.array([WIDTH_PX * SCALE, DEPTH_PX * SCALE])


@dataclass(frozen=True, slots=True)
class Fold:
    """A ridge (or with negative height a valley) in the cloth.

    Attributes:
        points: Its course, shape (n, 2).
        height: Its height in pixels.
        width: Its standard deviation across, in pixels.
    """

    points: Points
    height: float
    width: float


@dataclass(frozen=True, slots=True)
class Region:
    """The pixels of something drawn.

    Attributes:
        top: First row, in drawn pixels.
        left: First column.
        mask: How much of each pixel it covers, float32 0-1.
    """

    top: int
    left: int
    mask: FloatArray

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the drawing that it takes."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def origin(self) -> tuple[float, float]:
        """Its top-left corner (x, y) in pixels of the picture."""
        return self.left / SCALE, self.top / SCALE


def filled(points: Points) -> Region:
    """Fills an outline."""
    low, mask = _surface([points], 2)
    fixed = np.round((points * SCALE - low) * 2**_SHIFT).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SHIFT)
    return Region(int(low[1]), int(low[0]), _share(mask))


def lined(lines: Sequence[Points], width: float) -> Region:
    """Draws lines, with a margin around them for a blur.

    Args:
        lines: Their courses.
        width: In pixels of the picture.
    """
    low, mask = _surface(lines, 6 + round(width * SCALE))
    fixed = [np.round((line * SCALE - low) * 2**_SHIFT).astype(np.int32) for line in lines]
    cv2.polylines(mask, fixed, False, 255, max(1, round(width * SCALE)), cv2.LINE_AA, _SHIFT)
    return Region(int(low[1]), int(low[0]), _share(mask))


def circle(x: float, y: float, radius: float) -> Points:
    """Returns the outline of a circle, shape (24, 2)."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1).astype(np.float32)


def relief(region: Region, folds: Sequence[Fold], round_px: float, shine: float) -> FloatArray:
    """Returns the light on a part that bends away at its edges and has folds, computed at picture size.

    Args:
        region: The part.
        folds: Its folds.
        round_px: How far from its edge it bends away, in pixels.
        shine: 0 matt to 1 glossy.

    Returns:
        A factor about 1 where it is flat, float32, in the shape of the region's mask.
    """
    height, width = region.mask.shape
    small = cv2.resize(region.mask, (width // 2 + 1, height // 2 + 1), interpolation=cv2.INTER_AREA)
    inside = np.pad((small > 0.5).astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    bend = np.clip(depth / round_px, 0, 1)
    surface = (round_px * 0.5 * np.sqrt(np.maximum(0, 1 - (1 - bend) ** 2))).astype(np.float32)
    surface += _ridges(folds, small.shape, region.origin)
    surface = cv2.GaussianBlur(surface, (0, 0), 1.4).astype(np.float32)
    gx = cv2.Sobel(surface, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    gy = cv2.Sobel(surface, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    facing = (_LIGHT[2] - gx * _LIGHT[0] - gy * _LIGHT[1]) / np.sqrt(1 + gx * gx + gy * gy) / _LIGHT[2]
    light = 1 + 0.62 * (np.clip(facing, 0.25, 1.6) - 1) + shine * 0.9 * np.clip(facing - 1.06, 0, 0.5)
    return np.asarray(cv2.resize(light.astype(np.float32), (width, height)), dtype=np.float32)


def _ridges(folds: Sequence[Fold], shape: tuple[int, ...], origin: tuple[float, float]) -> FloatArray:
    """The folds as a height map; folds of about the same width share a blur."""
    total = np.zeros(shape, np.float32)
    groups: dict[int, list[Fold]] = {}
    for fold in folds:
        groups.setdefault(max(1, round(fold.width)), []).append(fold)
    for width, group in groups.items():
        layer = np.zeros(shape, np.float32)
        for fold in group:
            line = np.round((fold.points - np.array(origin)) * 2**_SHIFT).astype(np.int32)
            mark = np.zeros(shape, np.uint8)
            cv2.polylines(mark, [line], False, 255, 1, cv2.LINE_AA, _SHIFT)
            layer += np.float32(fold.height * width * 2.5 / 255) * mark
        total += cv2.GaussianBlur(layer, (0, 0), width)
    return total


def _surface(lines: Sequence[Points], margin: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """An empty mask around some points, and its corner (x, y), within the limits of the drawing."""
    every = np.vstack(lines) * SCALE
    low = np.clip(np.floor(every.min(axis=0)).astype(np.int64) - margin, 0, _LIMIT - 1)
    high = np.clip(np.ceil(every.max(axis=0)).astype(np.int64) + margin + 1, low + 1, _LIMIT)
    return low, np.zeros((int(high[1] - low[1]), int(high[0] - low[0])), np.uint8)


def _share(mask: npt.NDArray[np.uint8]) -> FloatArray:
    return np.multiply(mask, np.float32(1 / 255), dtype=np.float32)
