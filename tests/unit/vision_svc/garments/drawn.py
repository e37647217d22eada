"""Garments drawn for tests: many that differ in cut, colour and pattern, and photos of them taken again."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

CUTS: dict[str, list[tuple[float, float]]] = {
    "t-shirt": [
        (0.3, 0.1), (0.7, 0.1), (1, 0.3), (0.88, 0.45), (0.74, 0.36), (0.74, 0.95), (0.26, 0.95), (0.26, 0.36),
        (0.12, 0.45), (0, 0.3),
    ],
    "longsleeve": [
        (0.32, 0.05), (0.68, 0.05), (0.86, 0.2), (1, 0.85), (0.88, 0.9), (0.74, 0.4), (0.74, 0.95), (0.26, 0.95),
        (0.26, 0.4), (0.12, 0.9), (0, 0.85), (0.14, 0.2),
    ],
    "trousers": [
        (0.25, 0), (0.75, 0), (0.85, 1), (0.6, 1), (0.5, 0.35), (0.4, 1), (0.15, 1),
    ],
    "shorts": [
        (0.1, 0.1), (0.9, 0.1), (1, 0.85), (0.58, 0.85), (0.5, 0.5), (0.42, 0.85), (0, 0.85),
    ],
    "dress": [
        (0.35, 0), (0.65, 0), (0.72, 0.3), (0.64, 0.42), (0.95, 1), (0.05, 1), (0.36, 0.42), (0.28, 0.3),
    ],
    "skirt": [
        (0.3, 0.1), (0.7, 0.1), (0.95, 0.9), (0.05, 0.9),
    ],
}  # fmt: skip
PATTERNS = ("plain", "stripes", "checks", "dots")
_SIDE = 160


def garment(seed: int, cut: str | None = None, pattern: str | None = None, hue: int | None = None) -> Image:
    """Draws garment number `seed` on a light background: uint8 `(160, 160, 3)` BGR."""
    rng = np.random.default_rng(seed)
    cut = cut or list(CUTS)[int(rng.integers(len(CUTS)))]
    pattern = pattern or PATTERNS[int(rng.integers(len(PATTERNS)))]
    ground, ink = _colors(rng, hue)
    cloth = np.full((_SIDE, _SIDE, 3), ground, np.uint8)
    _print_pattern(cloth, pattern, ink, int(rng.integers(8, 22)))
    shape = np.array(CUTS[cut]) + rng.normal(0, 0.012, (len(CUTS[cut]), 2))
    wide, high = rng.uniform(0.62, 0.8), rng.uniform(0.68, 0.82)
    corners = (shape * (wide, high) + ((1 - wide) / 2, (1 - high) / 2)) * _SIDE
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 255, cv2.LINE_AA)
    light = 1 + 0.06 * np.sin(np.arange(_SIDE) / 13.0)[None, :, None]
    alpha = mask[..., None] / 255.0
    picture = np.clip(cloth * light, 0, 255) * alpha + (235, 238, 240) * (1 - alpha)
    return np.asarray(np.rint(picture), np.uint8)


def mask_of(seed: int, picture: Image) -> npt.NDArray[np.bool_]:
    """Returns where a drawn garment is, from the known background."""
    del seed
    return np.asarray(np.abs(picture.astype(int) - (235, 238, 240)).sum(axis=2) > 12)


def photographed_again(picture: Image, seed: int) -> Image:
    """Crops, turns, relights and compresses a picture, as a second photo would."""
    rng = np.random.default_rng(10_000 + seed)
    turn = cv2.getRotationMatrix2D((_SIDE / 2, _SIDE / 2), rng.uniform(-5, 5), rng.uniform(1.0, 1.12))
    moved = cv2.warpAffine(picture, turn, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
    tint = np.array([rng.uniform(0.93, 1.07), 1.0, rng.uniform(0.93, 1.07)])
    lit = (moved / 255.0) ** rng.uniform(0.8, 1.25) * rng.uniform(0.75, 1.15) * tint
    _, data = cv2.imencode(".jpg", np.clip(lit * 255, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 55])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _colors(rng: np.random.Generator, hue: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    hsv = np.array(
        [[[hue if hue is not None else rng.integers(0, 180), rng.integers(110, 230), rng.integers(60, 230)]]]
    )
    ground = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)[0, 0]
    ink = np.clip(255 - ground.astype(int) * 0.6, 0, 255).astype(int)
    return tuple(int(v) for v in ground), tuple(int(v) for v in ink)


def _print_pattern(cloth: Image, pattern: str, ink: tuple[int, ...], step: int) -> None:
    if pattern == "stripes":
        for y in range(0, _SIDE, step):
            cloth[y : y + step // 2] = ink
    if pattern == "checks":
        for y in range(0, _SIDE, step):
            cloth[y : y + step // 3] = ink
            cloth[:, y : y + step // 3] = ink
    if pattern == "dots":
        for y in range(step // 2, _SIDE, step):
            for x in range(step // 2, _SIDE, step):
                cv2.circle(cloth, (x, y), step // 4, ink, -1, cv2.LINE_AA)
