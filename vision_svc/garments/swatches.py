"""Patterns drawn by code: what pattern words look like to the descriptor."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.thumbnail import GarmentView
from vision_svc.people.types import ImageBgr

_SIDE_PX = 96
Draw = Callable[[ImageBgr, int, tuple[int, int, int], np.random.Generator], None]
# Background and ink in BGR: light on dark, dark on light, two colours.
_INKS = (
    ((240, 240, 240), (60, 40, 30)),
    ((70, 45, 35), (235, 235, 235)),
    ((200, 215, 235), (40, 60, 170)),
    ((90, 130, 60), (220, 235, 240)),
)


def swatches(pattern: str) -> Iterator[GarmentView]:
    """Draws a pattern word in several sizes and inks; nothing for a word without a drawing.

    Args:
        pattern: `plain`, `striped`, `checked`, `dotted`, `floral`, `graphic` or `patterned` (all but plain).
    """
    draws = list(_DRAW.values()) if pattern == "patterned" else [_DRAW[pattern]] if pattern in _DRAW else []
    if pattern == "plain":
        draws = [_plain]
    for index, (ground, ink) in enumerate(_INKS):
        for draw in draws:
            for step_px in (8, 12, 18):
                image = np.full((_SIDE_PX, _SIDE_PX, 3), ground, np.uint8)
                draw(image, step_px, ink, np.random.default_rng(100 * index + step_px))
                yield GarmentView(_shaded(image), np.ones(image.shape[:2], np.bool_))


def _plain(image: ImageBgr, step_px: int, ink: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Leaves the ground as it is."""


def _stripes(image: ImageBgr, step_px: int, ink: tuple[int, int, int], rng: np.random.Generator) -> None:
    del rng
    upright = step_px == 8  # one of the three sizes stands, the others lie
    for place in range(0, _SIDE_PX, step_px):
        span = slice(place, place + max(1, step_px // 2))
        image[(slice(None), span) if upright else span] = ink


def _checks(image: ImageBgr, step_px: int, ink: tuple[int, int, int], rng: np.random.Generator) -> None:
    del rng
    half = (image.astype(np.int64) + np.array(ink)) // 2
    on = (np.arange(_SIDE_PX) // max(2, step_px // 2)) % 2 == 0
    once, twice = on[:, None] ^ on[None], on[:, None] & on[None]
    image[once] = half[once]
    image[twice] = ink


def _dots(image: ImageBgr, step_px: int, ink: tuple[int, int, int], rng: np.random.Generator) -> None:
    del rng
    for row, y in enumerate(range(0, _SIDE_PX, step_px)):
        for x in range((row % 2) * step_px // 2, _SIDE_PX, step_px):
            cv2.circle(image, (x, y), max(1, step_px // 4), ink, -1, cv2.LINE_AA)


def _flowers(image: ImageBgr, step_px: int, ink: tuple[int, int, int], rng: np.random.Generator) -> None:
    for _ in range(2 * (_SIDE_PX // step_px) ** 2 // 3):
        x, y = (int(value) for value in rng.integers(0, _SIDE_PX, 2))
        petal = max(1, step_px // 5)
        for angle in rng.uniform(0, 2 * np.pi) + np.arange(5) * 2 * np.pi / 5:
            center = round(x + 1.5 * petal * np.cos(angle)), round(y + 1.5 * petal * np.sin(angle))
            cv2.circle(image, center, petal, ink, -1, cv2.LINE_AA)


def _graphic(image: ImageBgr, step_px: int, ink: tuple[int, int, int], rng: np.random.Generator) -> None:
    points = rng.integers(_SIDE_PX // 4, 3 * _SIDE_PX // 4, (6, 2)).astype(np.int32)
    cv2.fillConvexPoly(image, cv2.convexHull(points), ink, cv2.LINE_AA)
    cv2.putText(image, "ABC", (18, 60 + step_px), cv2.FONT_HERSHEY_SIMPLEX, step_px / 12, ink, 2, cv2.LINE_AA)


def _shaded(image: ImageBgr) -> ImageBgr:
    """Adds the soft folds and the noise that cloth in a photo has."""
    y, x = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX]
    light = 1.0 + 0.05 * np.sin(x / 17.0 + y / 31.0) + np.random.default_rng(7).normal(0, 0.01, x.shape)
    shaded: npt.NDArray[np.uint8] = np.clip(image * light[..., None], 0, 255).astype(np.uint8)
    return shaded


_DRAW: dict[str, Draw] = {
    "striped": _stripes,
    "checked": _checks,
    "dotted": _dots,
    "floral": _flowers,
    "graphic": _graphic,
}
