"""The drawing surface: parts of cloth laid over each other, lit from the upper left, with seams and shadows."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retrieval_svc.catalog.demo.cloth import Cloth, pattern_layers, weave_tile
from retrieval_svc.catalog.demo.palette import FloatArray, luminance
from retrieval_svc.catalog.demo.region import (
    DEPTH_PX,
    HEIGHT_PX,
    SCALE,
    WIDTH_PX,
    Fold,
    Region,
    circle,
    filled,
    lined,
    relief,
)
from retrieval_svc.catalog.demo.shapes import Path, Points, closed, length, open_curve, resampled

_FILL = 0.9  # share of the picture that a garment may take
_LARGEST = 0.75  # picture pixels for a drawn one at most: small things are shown a little larger, not huge


class Canvas:
    """A picture in the making.

    Attributes:
        rgb: float32, linear, shape (1040, 640, 3): colour without light.
        light: float32, shape (1040, 640): light as a factor.
        alpha: Where anything is drawn, 0-1.
        ground: Where the ground colour of the garment shows, 0-1.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        shape = (DEPTH_PX * SCALE, WIDTH_PX * SCALE)
        self.rng = rng
        self.rgb = np.zeros((*shape, 3), np.float32)
        self.light = np.ones(shape, np.float32)
        self.alpha = np.zeros(shape, np.float32)
        self.ground = np.zeros(shape, np.float32)

    def cloth(
        self,
        path: Path,
        cloth: Cloth,
        *,
        folds: Sequence[Fold] = (),
        round_px: float = 26.0,
        shadow: float = 0.3,
        angle: float = 0.0,
        main: bool = True,
        dim: float = 1.0,
    ) -> None:
        """Lays a part over what is there.

        Args:
            path: Its closed outline.
            cloth: What it is made of.
            folds: Its folds.
            round_px: How far from its edge it bends away, in pixels.
            shadow: Darkness of the shadow that it throws on what lies below, 0-1.
            angle: Turn of its weave and pattern, degrees.
            main: Whether it counts for the main colour.
            dim: Light as a factor; below 1 for insides.
        """
        region = filled(closed(path))
        window, mask = region.window, region.mask
        if shadow:
            self._shade_below(region, shadow)
        light = np.float32(dim) * relief(region, folds, round_px, cloth.shine)
        light *= _tiled(weave_tile(cloth.weave), region, angle)
        rgb, ground = self._dyed(region, cloth, angle)
        self.rgb[window] += mask[..., None] * (rgb - self.rgb[window])
        self.light[window] += mask * (light - self.light[window])
        self.alpha[window] = np.maximum(self.alpha[window], mask)
        share = ground if main else np.zeros_like(mask)
        self.ground[window] += mask * (share - self.ground[window])

    def line(self, path: Path | Points, color: FloatArray, *, width: float = 1.0, opacity: float = 1.0) -> None:
        """Draws a line on what is there."""
        self._flat(lined([_points(path)], width), color, opacity, light=False)

    def stitches(self, path: Path | Points, color: FloatArray, *, opacity: float = 0.55) -> None:
        """Draws a row of stitches along a curve, 2.4 pixels each."""
        points = _points(path)
        fine = resampled(points, 2 * max(2, int(length(points) / 2.4)))
        dashes = [fine[i : i + 2] for i in range(0, len(fine) - 1, 2)]
        self._flat(lined(dashes, 0.8), color, opacity, light=False)

    def seam(self, path: Path | Points, *, depth: float = 0.35, width: float = 1.3) -> None:
        """Draws a seam: a soft dark line in the light, with a lighter one beside it."""
        points = _points(path)
        dark = lined([points], width)
        self.light[dark.window] *= 1 - depth * cv2.GaussianBlur(dark.mask, (0, 0), 0.8) * self.alpha[dark.window]
        edge = lined([points + np.float32(1.2)], width)
        glow = cv2.GaussianBlur(edge.mask, (0, 0), 0.8) * self.alpha[edge.window]
        self.light[edge.window] *= 1 + 0.25 * depth * glow

    def disc(self, x: float, y: float, radius: float, color: FloatArray, *, holes: int = 0) -> None:
        """Draws a button, an eyelet or a rivet, with its own shadow and highlight."""
        region = filled(circle(x, y, radius))
        self._shade_below(region, 0.35, offset=1.0, blur=1.2)
        self._flat(region, color, 1.0)
        rim = filled(circle(x - radius * 0.25, y - radius * 0.3, radius * 0.45))
        self.light[rim.window] += np.float32(0.25) * rim.mask
        for hole in range(holes):
            turn = (hole + 0.5) * 2 * np.pi / holes
            at = x + 0.38 * radius * np.cos(turn), y + 0.38 * radius * np.sin(turn)
            self._flat(filled(circle(*at, max(0.35, radius * 0.16))), color * np.float32(0.25), 1.0)

    def finished(self, background: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Reduces the drawing, sets its exposure and lays it on a background with a shadow.

        Args:
            background: Linear RGB, shape (400, 320, 3).
            target: Linear RGB that the ground of the garment shall have on average.

        Returns:
            The picture (linear RGB, shape (400, 320, 3)) and where the ground colour shows (shape (400, 320)).
        """
        lit, alpha, ground = self._framed()
        weight = float(ground.sum())
        if weight > 0:
            mean = ground.ravel() @ lit.reshape(-1, 3) / weight
            lit *= np.float32(np.clip(luminance(target) / max(luminance(mean), 1e-4), 0.6, 1.7))
        half = (WIDTH_PX // 2, HEIGHT_PX // 2)
        small = cv2.resize(np.roll(alpha, (7, 4), (0, 1)), half, interpolation=cv2.INTER_AREA)
        shadow = cv2.resize(cv2.GaussianBlur(small, (0, 0), 3.5), (WIDTH_PX, HEIGHT_PX))
        behind = (1 - alpha) * (1 - np.float32(0.30) * shadow)
        lit += background * behind[..., None]
        return lit, ground

    def _framed(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Reduces the drawing so that it fills most of the picture, in its middle."""
        y, x = np.nonzero(self.alpha[::4, ::4] > 0.5)
        top, left = max(0, 4 * int(y.min()) - 6), max(0, 4 * int(x.min()) - 6)
        cut = slice(top, 4 * int(y.max()) + 10), slice(left, 4 * int(x.max()) + 10)
        height, width = self.alpha[cut].shape
        factor = min(_FILL * WIDTH_PX / width, _FILL * HEIGHT_PX / height, _LARGEST)
        size = max(1, round(width * factor)), max(1, round(height * factor))
        at = (HEIGHT_PX - size[1]) // 2, (WIDTH_PX - size[0]) // 2
        frame = slice(at[0], at[0] + size[1]), slice(at[1], at[1] + size[0])
        lit = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
        alpha, ground = np.zeros((2, HEIGHT_PX, WIDTH_PX), np.float32)
        shaded = self.rgb[cut] * self.light[cut][..., None]
        lit[frame] = cv2.resize(shaded, size, interpolation=cv2.INTER_AREA)
        alpha[frame] = cv2.resize(self.alpha[cut], size, interpolation=cv2.INTER_AREA)
        ground[frame] = cv2.resize(self.ground[cut], size, interpolation=cv2.INTER_AREA)
        return lit, alpha, ground

    def _dyed(self, region: Region, cloth: Cloth, angle: float) -> tuple[FloatArray, FloatArray]:
        """Colour of each pixel, and where it is the ground colour."""
        shape = (region.mask.shape[0], region.mask.shape[1])
        ground = np.ones(shape, np.float32)
        rgb = np.broadcast_to(cloth.color, (*shape, 3))
        if cloth.pattern is None:
            return rgb, ground
        origin = (region.origin[0] - WIDTH_PX / 2, region.origin[1])
        seed = int(self.rng.integers(1 << 31))
        mixed = rgb.copy()
        for weight, color in pattern_layers(cloth.pattern, shape, origin, SCALE, angle, seed):
            mixed += weight[..., None] * (color - mixed)
            ground *= 1 - weight
        return mixed, ground

    def _shade_below(self, region: Region, darkness: float, *, offset: float = 3.0, blur: float = 4.0) -> None:
        """Darkens what lies below a part, to its lower right; computed at a quarter of the size."""
        margin = round(3 * blur * SCALE)
        top, left = max(0, region.top - margin), max(0, region.left - margin)
        height, width = region.mask.shape
        bottom = min(self.light.shape[0], region.top + height + margin)
        right = min(self.light.shape[1], region.left + width + margin)
        area = np.zeros((bottom - top, right - left), np.float32)
        step = round(offset * SCALE)
        y, x = region.top - top + step, region.left - left + step // 2
        part = area[y : y + height, x : x + width]
        part[:] = region.mask[: part.shape[0], : part.shape[1]]
        quarter = (max(1, area.shape[1] // 4), max(1, area.shape[0] // 4))
        small = cv2.resize(area, quarter, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), max(0.5, blur * SCALE / 4))
        self.light[top:bottom, left:right] *= 1 - np.float32(darkness) * cv2.resize(small, area.shape[::-1])

    def _flat(self, region: Region, color: FloatArray, opacity: float, *, light: bool = True) -> None:
        mask, window = np.float32(opacity) * region.mask, region.window
        self.rgb[window] += mask[..., None] * (color - self.rgb[window])
        if light:
            self.light[window] += mask * (1 - self.light[window])
        self.alpha[window] = np.maximum(self.alpha[window], mask)
        self.ground[window] *= 1 - mask


def _points(path: Path | Points) -> Points:
    return path if isinstance(path, np.ndarray) else open_curve(path)


def _tiled(tile: FloatArray, region: Region, angle: float) -> FloatArray:
    """The weave over a region, turned by 90 degrees or not at all: finer turns do not show."""
    height, width = region.mask.shape
    turned = tile.T if abs(angle) > 45 else tile
    y, x = region.top % len(tile), region.left % len(tile)
    repeats = ((y + height) // len(tile) + 1, (x + width) // len(tile) + 1)
    return np.tile(turned, repeats)[y : y + height, x : x + width]
