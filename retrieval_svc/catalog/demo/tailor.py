"""What all garments share: their cloth, thread and trims, and folds that fall by themselves."""

from __future__ import annotations

import numpy as np

from retrieval_svc.catalog.demo.canvas import Canvas
from retrieval_svc.catalog.demo.cloth import Cloth, Pattern
from retrieval_svc.catalog.demo.model import Look
from retrieval_svc.catalog.demo.palette import FloatArray, linear, luminance
from retrieval_svc.catalog.demo.region import Fold
from retrieval_svc.catalog.demo.shapes import Points, between, open_curve

_METAL = np.array([0.48, 0.45, 0.40], dtype=np.float32)
_BRASS = np.array([0.46, 0.31, 0.10], dtype=np.float32)


class Tailor:
    """Everything a drawing needs beside its outlines.

    Attributes:
        canvas: Where it draws.
        look: What it draws.
        rng: Its source of chance.
        cloth: The cloth of the garment.
        thread: Linear RGB of a visible seam.
        shade: Linear RGB of a darker trim of the same colour.
        second: Linear RGB of the first accent, or of `shade` without one.
    """

    def __init__(self, canvas: Canvas, look: Look) -> None:
        self.canvas = canvas
        self.look = look
        self.rng = canvas.rng
        color = linear(look.color)
        pattern = None
        if look.pattern in {"striped", "checked", "dotted", "floral"}:
            colors = tuple(linear(name) for name in look.accents) or (linear("white"),)
            pattern = Pattern(look.pattern, colors, look.pitch, look.angle, look.fine)
        self.cloth = Cloth(color, look.weave, pattern, look.shine)
        dark = luminance(color) < 0.04
        self.shade: FloatArray = np.float32(1.9 if dark else 0.62) * color + np.float32(0.012 if dark else 0.0)
        self.thread: FloatArray = (color * np.float32(2.2) + np.float32(0.03)) if dark else color * np.float32(0.5)
        self.second = linear(look.accents[0]) if look.accents else self.shade

    @property
    def metal(self) -> FloatArray:
        """Linear RGB of zips, buckles and rivets."""
        return _BRASS if self.look.word("metal") == "brass" else _METAL

    def trim(self, color: FloatArray | None = None, weave: str = "rib") -> Cloth:
        """Returns plain cloth for collars and cuffs.

        Args:
            color: Linear RGB; the garment's own when None.
            weave: Its weave.
        """
        return Cloth(self.cloth.color if color is None else color, weave, None, self.cloth.shine)

    def drape(
        self, left: Points, right: Points, count: int, *, height: float = 2.4, width: float = 5.0, start: float = 0.15
    ) -> list[Fold]:
        """Lets folds fall between two edges, along both: the flares of a skirt, the folds of a sleeve.

        Args:
            left: One edge.
            right: The other, in the same direction.
            count: How many folds.
            height: Mean height in pixels.
            width: Mean width in pixels.
            start: Where the folds begin at the earliest, as a share of the length.
        """
        folds = []
        for share in (np.arange(count) + self.rng.uniform(0.25, 0.75, count)) / count:
            course = between(left, right, float(share))
            first = int(len(course) * self.rng.uniform(start, start + 0.3))
            last = int(len(course) * self.rng.uniform(0.85, 1.0))
            if last - first > 2:
                folds.append(
                    Fold(course[first:last], height * self.rng.uniform(0.5, 1.3), width * self.rng.uniform(0.7, 1.3))
                )
        return folds

    def creases(
        self, left: Points, right: Points, at: float, count: int, *, spread: float = 0.12, height: float = 1.6
    ) -> list[Fold]:
        """Puts short creases across a limb, as at an elbow, a knee or a waist.

        Args:
            left: One edge of the limb.
            right: The other, in the same direction.
            at: Where along it, 0-1.
            count: How many.
            spread: How far they scatter, as a share of the length.
            height: Mean height in pixels.
        """
        folds = []
        for _ in range(count):
            low = float(np.clip(at + self.rng.uniform(-spread, spread), 0.02, 0.98))
            high = float(np.clip(low + self.rng.uniform(-0.05, 0.05), 0.02, 0.98))
            a, b = left[int(low * (len(left) - 1))], right[int(high * (len(right) - 1))]
            begin, end = (
                (0.0, self.rng.uniform(0.4, 0.75)) if self.rng.random() < 0.5 else (self.rng.uniform(0.3, 0.6), 1.0)
            )
            start, stop = a + (b - a) * begin, a + (b - a) * end
            middle = (start + stop) / 2 + np.array([0, self.rng.uniform(2, 6)])
            course = open_curve([tuple(start), tuple(middle), tuple(stop)])
            folds.append(Fold(course, height * self.rng.uniform(0.6, 1.3), self.rng.uniform(2.0, 3.4)))
        return folds

    def pull(self, x: float, y: float, dx: float, dy: float, *, height: float = 1.8, width: float = 4.0) -> Fold:
        """Makes one soft fold from a point in a direction, slightly bent."""
        bend = self.rng.uniform(-5, 5)
        course = open_curve([(x, y), (x + dx / 2 + bend, y + dy / 2 + abs(bend) / 2), (x + dx, y + dy)])
        return Fold(course, height * self.rng.uniform(0.7, 1.3), width)

    def buttons(
        self, x: float, top: float, bottom: float, count: int, color: FloatArray, *, radius: float = 2.4
    ) -> None:
        """Sews a row of buttons down a line."""
        for y in np.linspace(top, bottom, count):
            self.canvas.disc(x, float(y), radius, color, holes=4 if radius > 1.8 else 0)
