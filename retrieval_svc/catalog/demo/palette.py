"""Colours of the drawn garments, by the names that people use for cloth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# Name -> sRGB. The centres of what dyed cloth of that name looks like in daylight: the values of Vitrine's own colour
# vocabulary (vision's `garments/color_names.py`), so that what is drawn as navy is also seen as navy.
COLORS: Mapping[str, str] = MappingProxyType({
    "black": "#121212", "charcoal": "#36393d", "grey": "#808080", "light grey": "#b4b4b4", "white": "#fafafa",
    "off-white": "#f3f0e6", "cream": "#f3e5bd", "beige": "#d9c7a3", "stone": "#bdb6a6", "taupe": "#8b7d6f",
    "khaki": "#a39a68", "camel": "#bd8f53", "tan": "#c9a26f", "cognac": "#8f4a22", "brown": "#6e4728",
    "chocolate": "#46291a", "rust": "#a8431f", "terracotta": "#c3674a", "orange": "#f5821f", "peach": "#fbc29c",
    "coral": "#fb7260", "red": "#d01c25", "burgundy": "#6b1227", "pink": "#f39cbb", "light pink": "#f9d0da",
    "hot pink": "#f0308a", "dusty pink": "#cba09f", "purple": "#6a2c8c", "lavender": "#b9a9dc", "plum": "#5a2350",
    "navy": "#1b2545", "blue": "#2456b8", "royal blue": "#2438c8", "denim blue": "#47688f", "light blue": "#a9cbe8",
    "sky blue": "#74b8ea", "turquoise": "#2fc4c0", "teal": "#10757a", "mint": "#b2e6cc", "sage": "#9dab8e",
    "green": "#2c8b42", "emerald": "#0e7b55", "olive": "#67642d", "forest green": "#1e4a2b", "yellow": "#f7d52a",
    "mustard": "#cf9b21",
})  # fmt: skip


def linear(name: str) -> FloatArray:
    """Returns a colour as linear RGB.

    Args:
        name: A key of `COLORS`.

    Returns:
        float32, shape (3,), 0-1.
    """
    code = COLORS[name]
    return to_linear(np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32) / 255)


def to_linear(srgb: npt.NDArray[np.floating]) -> FloatArray:
    """Converts sRGB 0-1 to linear 0-1 (IEC 61966-2-1)."""
    values = np.asarray(srgb, dtype=np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


_STEPS = 4096
_ENCODE = np.clip(
    255 * np.where(
        np.arange(_STEPS + 1) / _STEPS <= 0.0031308,
        12.92 * np.arange(_STEPS + 1) / _STEPS,
        1.055 * (np.arange(_STEPS + 1) / _STEPS) ** (1 / 2.4) - 0.055,
    ) + 0.5, 0, 255,
).astype(np.uint8)  # fmt: skip


def to_srgb8(values: FloatArray) -> npt.NDArray[np.uint8]:
    """Converts linear RGB 0-1 (clipped) to 8-bit sRGB by a table of 4,097 steps."""
    return _ENCODE[(np.clip(values, 0, 1) * _STEPS + 0.5).astype(np.int32)]


def luminance(rgb: FloatArray) -> float:
    """Returns the relative luminance of a linear colour, 0-1."""
    return float(rgb[0] * 0.2126 + rgb[1] * 0.7152 + rgb[2] * 0.0722)
