"""A drawing surface: text, shapes and pictures in logical pixels, drawn at twice the size and scaled down at the end.

The typeface is Rubik, which OpenCV 5 carries inside; other scripts fall back to the one that it carries for them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from vitrine.board.theme import INK, REGULAR, Bgr

Picture: TypeAlias = npt.NDArray[np.uint8]
Point: TypeAlias = tuple[float, float]
Align: TypeAlias = Literal["left", "center", "right"]

_SCALE: Final = 2
_SHIFT: Final = 4  # fractional bits of the corners of a shape
_DOTS: Final = "…"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle, in logical pixels.

    Attributes:
        x: Left edge.
        y: Top edge.
        width: Width.
        height: Height.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Bottom edge."""
        return self.y + self.height

    def inside(self, width: float, height: float, most: float = math.inf) -> Rect:
        """Gives the largest rectangle of another shape in the middle of this one, at most so many times as large."""
        scale = min(self.width / max(width, 1e-6), self.height / max(height, 1e-6), most)
        wide, high = width * scale, height * scale
        return Rect(self.x + (self.width - wide) / 2, self.y + (self.height - high) / 2, wide, high)


@functools.cache
def _face() -> Any:  # noqa: ANN401  OpenCV's stubs lack the class
    return cv2.FontFace("sans")


@functools.lru_cache(maxsize=4096)
def text_width(words: str, size: float, weight: int = REGULAR) -> float:
    """Measures one line of text.

    Args:
        words: The line.
        size: Height of the typeface.
        weight: 300 (light) to 900 (black).

    Returns:
        Its width, spaces at its end included.
    """
    anchor = "|"  # a box around ink ends at the last letter that has some
    both = cv2.getTextSize((0, 0), words + anchor, (0, 0), _face(), round(size * _SCALE), weight)[2]
    alone = cv2.getTextSize((0, 0), anchor, (0, 0), _face(), round(size * _SCALE), weight)[2]
    return float(both - alone) / _SCALE


def fit(words: str, width: float, size: float, weight: int = REGULAR) -> str:
    """Cuts a line to a width, with dots where something is missing."""
    if text_width(words, size, weight) <= width:
        return words
    kept = words
    while kept and text_width(kept.rstrip() + _DOTS, size, weight) > width:
        kept = kept[:-1]
    return kept.rstrip() + _DOTS


def wrap(words: str, width: float, size: float, weight: int = REGULAR, *, lines: int = 2) -> list[str]:
    """Breaks text into lines of a width.

    Args:
        words: The text.
        width: The most that a line may take.
        size: Height of the typeface.
        weight: Its weight.
        lines: How many lines at most; what is left of the text is cut off with dots.
    """
    done: list[str] = []
    left = words.split()
    while left and len(done) < lines - 1:
        count = 1
        while count < len(left) and text_width(" ".join(left[: count + 1]), size, weight) <= width:
            count += 1
        done.append(fit(" ".join(left[:count]), width, size, weight))
        left = left[count:]
    return [*done, fit(" ".join(left), width, size, weight)] if left else done


class Canvas:
    """A surface of a width and a height that is cut at the end.

    Attributes:
        width: Logical pixels.
        height: Logical pixels.
        pixels: uint8, twice as high and wide, BGR.
    """

    def __init__(self, width: float, height: float, color: Bgr) -> None:
        self.width, self.height = width, height
        shape = (round(height * _SCALE), round(width * _SCALE), 3)
        self.pixels: Picture = np.full(shape, color, np.uint8)

    def cut(self, height: float) -> Canvas:
        """Ends the surface at this height."""
        self.pixels = self.pixels[: round(height * _SCALE)]
        self.height = height
        return self

    def finished(self) -> Picture:
        """Gives the picture, uint8 HxWx3, BGR, one pixel for each logical one."""
        size = (round(self.width), round(self.height))
        return np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    def text(
        self, at: Point, words: str, size: float, color: Bgr = INK, weight: int = REGULAR, align: Align = "left"
    ) -> float:
        """Writes one line.

        Args:
            at: Where the line stands: its left end, middle or right end on the base line.
            words: The line.
            size: Height of the typeface.
            color: BGR.
            weight: 300 to 900.
            align: Which part of the line `at` names.

        Returns:
            Its width.
        """
        width = text_width(words, size, weight)
        x = at[0] - {"left": 0.0, "center": width / 2, "right": width}[align]
        place = (round(x * _SCALE), round(at[1] * _SCALE))
        cv2.putText(self.pixels, words, place, color, _face(), round(size * _SCALE), weight)
        return width

    def shape(self, points: Sequence[Point], color: Bgr, opacity: float = 1.0) -> None:
        """Fills a polygon."""
        corners = np.asarray(points, np.float64) * _SCALE
        if opacity >= 1.0:
            cv2.fillPoly(self.pixels, [_fixed(corners)], color, cv2.LINE_AA, _SHIFT)
            return
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, self.pixels.shape[1::-1])
        if (high <= low).any():
            return
        cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(cover, [_fixed(corners - low)], 255, cv2.LINE_AA, _SHIFT)
        self._blend(
            np.asarray(cover * opacity, np.uint8), int(low[0]), int(low[1]), np.full((*cover.shape, 3), color, np.uint8)
        )

    def rect(self, rect: Rect, color: Bgr, radius: float = 0.0, opacity: float = 1.0) -> None:
        """Fills a rectangle with round corners."""
        self.shape(_rounded(rect, radius), color, opacity)

    def circle(self, center: Point, radius: float, color: Bgr) -> None:
        """Fills a circle."""
        self.rect(Rect(center[0] - radius, center[1] - radius, 2 * radius, 2 * radius), color, radius)

    def line(self, points: Sequence[Point], color: Bgr, width: float = 1.0, *, closed: bool = False) -> None:
        """Draws a line through points."""
        corners = _fixed(np.asarray(points, np.float64) * _SCALE)
        cv2.polylines(self.pixels, [corners], closed, color, max(1, round(width * _SCALE)), cv2.LINE_AA, _SHIFT)

    def frame(self, rect: Rect, color: Bgr, radius: float, width: float = 1.0) -> None:
        """Draws the border of a rectangle with round corners."""
        self.line(_rounded(rect, radius), color, width, closed=True)

    def picture(self, rect: Rect, image_bgr: Picture, radius: float = 0.0, cover: Picture | None = None) -> None:
        """Lays a picture into a rectangle, stretched to it.

        Args:
            rect: Where.
            image_bgr: uint8 HxWx3.
            radius: Of its corners.
            cover: uint8 HxW, what of it is seen: 0 nothing, 255 all. None: all.
        """
        left, top = round(rect.x * _SCALE), round(rect.y * _SCALE)
        size = (max(1, round(rect.width * _SCALE)), max(1, round(rect.height * _SCALE)))
        shrinks = size[0] < image_bgr.shape[1]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        scaled = cv2.resize(image_bgr, size, interpolation=how)
        seen = np.zeros(size[::-1], np.uint8)
        cv2.fillPoly(seen, [_fixed(np.asarray(_rounded(Rect(0, 0, *size), radius * _SCALE)))], 255, cv2.LINE_AA, _SHIFT)
        if cover is not None:
            seen = np.minimum(seen, cv2.resize(cover, size, interpolation=cv2.INTER_LINEAR))
        self._blend(seen, left, top, np.asarray(scaled, np.uint8))

    def _blend(self, cover: Picture, left: int, top: int, paint: Picture) -> None:
        """Mixes paint in: 0 of `cover` leaves what is below, 255 hides it. What lies outside of the surface goes."""
        below = self.pixels[top : top + cover.shape[0], left : left + cover.shape[1]]
        cover, paint = cover[: below.shape[0], : below.shape[1]], paint[: below.shape[0], : below.shape[1]]
        solid = cover == 255
        np.copyto(below, paint, where=solid[..., None])
        soft = np.nonzero((cover > 0) & ~solid)  # few, mostly: only these are worth calculating
        old, share = below[soft].astype(np.float32), cover[soft][:, None] / np.float32(255)
        below[soft] = np.rint(old + (paint[soft] - old) * share).astype(np.uint8)


def _fixed(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    return np.rint(corners * (1 << _SHIFT)).astype(np.int32)


def _rounded(rect: Rect, radius: float) -> list[Point]:
    radius = min(radius, rect.width / 2, rect.height / 2)
    if radius <= 0:
        return [(rect.x, rect.y), (rect.right, rect.y), (rect.right, rect.bottom), (rect.x, rect.bottom)]
    centers = (
        (rect.right - radius, rect.y + radius, -90.0),
        (rect.right - radius, rect.bottom - radius, 0.0),
        (rect.x + radius, rect.bottom - radius, 90.0),
        (rect.x + radius, rect.y + radius, 180.0),
    )
    turns = np.linspace(0.0, 90.0, 12)
    return [
        (x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle)))
        for x, y, start in centers
        for angle in np.deg2rad(start + turns)
    ]
