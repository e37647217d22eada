"""What a surface is made of: colour, weave, pattern."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from retrieval_svc.catalog.demo.palette import FloatArray

WEAVES = ("jersey", "woven", "knit", "cable", "rib", "denim", "wool", "leather", "satin", "corduroy", "canvas")
_TILE = 256
_GRAIN = {"jersey": 0.03, "woven": 0.03, "canvas": 0.09, "wool": 0.13, "leather": 0.05, "satin": 0.015, "denim": 0.06}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern on the ground colour.

    Attributes:
        kind: ``striped``, ``checked``, ``dotted`` or ``floral``.
        colors: Linear RGB of its colours, at least one.
        pitch: Size of one repeat in pixels.
        angle: Turn in degrees; 0 draws stripes that run across the body.
        fine: True for thin lines on much ground (pinstripe, window pane, pin dot).
    """

    kind: str
    colors: tuple[FloatArray, ...]
    pitch: float
    angle: float = 0.0
    fine: bool = False


@dataclass(frozen=True, slots=True)
class Cloth:
    """A surface.

    Attributes:
        color: Linear RGB of the ground, shape (3,).
        weave: One of `WEAVES`.
        pattern: What is on it; None for plain cloth.
        shine: 0 matt to 1 glossy.
    """

    color: FloatArray
    weave: str = "woven"
    pattern: Pattern | None = None
    shine: float = 0.1

    def plain(self) -> Cloth:
        """Returns the same cloth without its pattern."""
        return Cloth(self.color, self.weave, None, self.shine)


@cache
def weave_tile(weave: str) -> FloatArray:
    """Returns the relief of a weave as a factor around 1, float32, 256 x 256, made to be repeated."""
    rng = np.random.default_rng(len(weave) * 1009 + ord(weave[0]))
    y, x = np.mgrid[0:_TILE, 0:_TILE].astype(np.float32)
    turn = 2 * np.pi / _TILE
    noise = rng.standard_normal((_TILE, _TILE)).astype(np.float32)
    if weave in {"wool", "canvas", "leather"}:
        sigma = 1.1 if weave == "wool" else 0.8
        noise = cv2.GaussianBlur(noise, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101).astype(np.float32)
    tile = 1 + _GRAIN.get(weave, 0.03) * noise
    if weave == "knit":
        tile += 0.10 * np.sin(turn * 32 * x + 1.6 * np.sin(turn * 32 * y)) + 0.05 * np.sin(turn * 32 * y)
    elif weave == "cable":
        tile += 0.11 * np.sin(turn * 10 * x) + 0.10 * np.sin(turn * 20 * x + 3 * np.sin(turn * 8 * y))
    elif weave == "rib":
        tile += 0.13 * np.sin(turn * 32 * x)
    elif weave == "corduroy":
        tile += 0.16 * np.sin(turn * 22 * x)
    elif weave == "denim":
        tile += 0.05 * np.sin(turn * (48 * x + 48 * y)) + 0.04 * cv2.GaussianBlur(noise, (0, 0), 6) * 6
    elif weave == "canvas":
        tile += 0.04 * np.sin(turn * 64 * x) * np.sin(turn * 64 * y)
    return np.asarray(tile / tile.mean(), dtype=np.float32)


def pattern_layers(
    pattern: Pattern, shape: tuple[int, int], origin: tuple[float, float], scale: float, angle: float, seed: int
) -> list[tuple[FloatArray, FloatArray]]:
    """Draws a pattern.

    Args:
        pattern: Which.
        shape: Height and width of the area in drawn pixels.
        origin: Its top-left corner in pixels of the picture (x, y).
        scale: Drawn pixels for one pixel of the picture.
        angle: Turn of this part of the garment in degrees, added to the pattern's own.
        seed: For where flowers fall.

    Returns:
        (weight 0-1 of shape `shape`, linear RGB) in the order in which they are laid on.
    """
    height, width = shape
    if pattern.kind == "floral":
        return _flowers(pattern, shape, scale, seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / scale
    x, y = x + origin[0], y + origin[1]
    turn = np.radians(pattern.angle + angle)
    u = (np.cos(turn) * x + np.sin(turn) * y) / pattern.pitch
    v = (-np.sin(turn) * x + np.cos(turn) * y) / pattern.pitch
    soft = 1.2 / pattern.pitch
    if pattern.kind == "striped":
        return [(_bands(v, 0.12 if pattern.fine else 0.5, soft), pattern.colors[0])]
    if pattern.kind == "dotted":
        row = np.floor(v)
        distance = np.hypot(u + 0.5 * (row % 2) - np.floor(u + 0.5 * (row % 2)) - 0.5, v - row - 0.5)
        radius = 0.14 if pattern.fine else 0.27
        return [(_step(radius - distance, soft), pattern.colors[0])]
    return _checks(pattern, u, v, soft)


def _checks(pattern: Pattern, u: FloatArray, v: FloatArray, soft: float) -> list[tuple[FloatArray, FloatArray]]:
    if pattern.fine:
        lines = np.maximum(_bands(u, 0.07, soft), _bands(v, 0.07, soft))
        return [(lines, pattern.colors[0])]
    layers = [(0.55 * _bands(u, 0.36, soft), pattern.colors[0]), (0.55 * _bands(v, 0.36, soft), pattern.colors[0])]
    for color in pattern.colors[1:]:
        thin = np.maximum(_bands(u + 0.25, 0.06, soft), _bands(v + 0.25, 0.06, soft))
        layers.append((0.8 * thin, color))
    return layers


def _bands(value: FloatArray, share: float, soft: float) -> FloatArray:
    """1 within a band that takes `share` of each period, with soft edges."""
    distance = np.abs(value - np.floor(value) - 0.5)
    return _step(share / 2 - distance, soft)


def _step(value: npt.NDArray[np.float32], soft: float) -> FloatArray:
    return np.asarray(np.clip(value / soft + 0.5, 0, 1), dtype=np.float32)


def _flowers(pattern: Pattern, shape: tuple[int, int], scale: float, seed: int) -> list[tuple[FloatArray, FloatArray]]:
    """Scatters five-petalled flowers with leaves over a jittered lattice."""
    rng = np.random.default_rng(seed)
    pitch = pattern.pitch * scale
    count = len(pattern.colors)
    layers = [np.zeros(shape, np.uint8) for _ in range(count + 1)]
    hearts = layers[-1]
    for row in range(-1, int(shape[0] / pitch) + 2):
        for column in range(-1, int(shape[1] / pitch) + 2):
            jitter = rng.uniform(-0.3, 0.3, 2)
            center = np.array([column + 0.5 * (row % 2) + jitter[0], row + jitter[1]]) * pitch
            radius, turn = pitch * rng.uniform(0.16, 0.26), rng.uniform(0, 2 * np.pi)
            if count > 1:  # the last colour is that of the leaves
                for side in (0.9, 2.6):
                    _ellipse(layers[count - 1], center, radius * 1.5, radius * 0.95, radius * 0.28, turn + side)
            petals = layers[rng.integers(0, max(1, count - 1))]
            for petal in range(5):
                _ellipse(petals, center, radius * 0.62, radius * 0.58, radius * 0.42, turn + petal * 2 * np.pi / 5)
            _ellipse(hearts, center, 0, radius * 0.28, radius * 0.28, 0)
    middle = np.array([0.75, 0.5, 0.06], dtype=np.float32)
    ordered = [(layers[count - 1], pattern.colors[count - 1])] if count > 1 else []
    ordered += [(layers[i], pattern.colors[i]) for i in range(max(1, count - 1))]
    return [
        (np.multiply(layer, np.float32(1 / 255), dtype=np.float32), color)
        for layer, color in [*ordered, (hearts, middle)]
    ]


def _ellipse(
    layer: npt.NDArray[np.uint8], center: npt.NDArray[np.float64], away: float, long: float, short: float, turn: float
) -> None:
    """Draws an ellipse whose centre lies `away` from a point in the direction `turn`, along which it is long."""
    at = center + away * np.array([np.cos(turn), np.sin(turn)])
    cv2.ellipse(
        layer, (round(at[0] * 16), round(at[1] * 16)), (max(8, round(long * 16)), max(8, round(short * 16))),
        float(np.degrees(turn)), 0, 360, 255, -1, cv2.LINE_AA, 4,
    )  # fmt: skip
