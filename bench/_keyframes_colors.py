"""Colours of the people that `keyframes.py` draws."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Color = tuple[int, int, int]


def luma(color: Color) -> float:
    """Luma of a BGR colour by BT.601, 0-255."""
    return 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2]


def some_color(rng: np.random.Generator) -> Color:
    """A colour as garments have: any hue, from black to white, often dull."""
    hue, saturation = rng.integers(0, 180), int(255 * rng.beta(1.2, 1.4))
    hsv = np.array([[[hue, saturation, rng.integers(25, 245)]]], np.uint8)
    return _bgr(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0])


def lab_distance(first: Color, second: Color) -> float:
    """Distance of two colours in CIELAB (CIE 1976), about 2.3 is just noticeable."""
    pixels = np.array([[first, second]], np.float32) / 255
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB)[0]
    return float(np.linalg.norm(lab[0] - lab[1]))


def other_color(rng: np.random.Generator, color: Color, least: float = 28.0, *, same_luma: bool = False) -> Color:
    """Another colour, at least so far away in CIELAB; with `same_luma` of the same BT.601 luma to a level or two."""
    while True:
        candidate = some_color(rng)
        if same_luma:
            scale = luma(color) / max(luma(candidate), 1.0)
            candidate = _bgr(np.array(candidate) * scale) if scale * max(candidate) < 256 else color
        if lab_distance(color, candidate) >= least:
            return candidate


def _bgr(values: npt.NDArray[np.generic]) -> Color:
    b, g, r = (round(float(value)) for value in values)
    return b, g, r
