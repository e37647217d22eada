"""Colours and measures that all parts of a board share. Lengths are logical pixels of a page 1600 wide."""

from __future__ import annotations

from typing import Final, TypeAlias

Bgr: TypeAlias = tuple[int, int, int]

PAGE_WIDTH: Final = 1600
MARGIN: Final = 56
GAP: Final = 24
PADDING: Final = 28
RADIUS: Final = 18
CONTENT_WIDTH: Final = PAGE_WIDTH - 2 * MARGIN

REGULAR, MEDIUM, SEMIBOLD, BOLD = 400, 500, 600, 700


def bgr(hex_color: str) -> Bgr:
    """Reads a colour.

    Args:
        hex_color: sRGB as `#rrggbb`; anything else is a middle grey, for a board must not fail on a colour.
    """
    digits = hex_color.removeprefix("#")
    try:
        value = int(digits, 16) if len(digits) == 6 else 0x999999
    except ValueError:
        value = 0x999999
    return value & 255, value >> 8 & 255, value >> 16


PAPER: Final = bgr("#f4f0ea")
CARD: Final = bgr("#ffffff")
WELL: Final = bgr("#f8f5f1")
LINE: Final = bgr("#e6dfd6")
INK: Final = bgr("#221e1b")
SOFT: Final = bgr("#5f5750")
FAINT: Final = bgr("#8d847b")
ACCENT: Final = bgr("#8f2d4f")
ACCENT_PALE: Final = bgr("#f3e4e8")
WARNING: Final = bgr("#9a5b00")
WARNING_PALE: Final = bgr("#fbefd9")
GOOD: Final = bgr("#2c6e55")
GOOD_PALE: Final = bgr("#e2f0ea")

# One colour for each garment of a picture, far apart in hue and lightness so that neighbours differ for everybody.
_INSTANCES: Final = tuple(
    bgr(each) for each in ("#e0532f", "#1a8f86", "#7856c4", "#d4930a", "#2d76d2", "#bd3c86", "#5d9431", "#5a6a78")
)
# One colour for each term of a score.
_TERMS: Final = {
    "cosine": bgr("#8f2d4f"),
    "keyword": bgr("#c2698a"),
    "price": bgr("#d4930a"),
    "brand": bgr("#2d76d2"),
    "availability": bgr("#1a8f86"),
    "taste": bgr("#7856c4"),
    "size": bgr("#5d9431"),
    "color_season": bgr("#e0532f"),
    "main_color": bgr("#a3785a"),
}


def instance_color(index: int) -> Bgr:
    """Gives the colour of the garment with this place in the list; they repeat after eight."""
    return _INSTANCES[index % len(_INSTANCES)]


def term_color(name: str) -> Bgr:
    """Gives the colour of a term of a score; grey for one that is not known here."""
    return _TERMS.get(name, FAINT)
