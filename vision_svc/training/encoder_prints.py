"""Prints for plain garments: stripes, checks, dots, flowers and graphics whose name is known."""

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.kinds import PATTERN_KINDS

Plane = npt.NDArray[np.float32]


def print_on(image_rgb: Plane, mask: Plane, kind: int, rng: np.random.Generator) -> Plane:
    """Prints a pattern on a garment, with the garment's own light and shadow.

    Args:
        image_rgb: float32 `(S, S, 3)`, 0-1.
        mask: float32 `(S, S)`, 0 or 1.
        kind: Index in PATTERN_KINDS, not 0 (plain).
        rng: Random numbers.

    Returns:
        float32 `(S, S, 3)`, 0-1.
    """
    light = image_rgb.mean(axis=2)
    mean = float((light * mask).sum() / max(float(mask.sum()), 1.0)) + 1e-3
    ink = rng.uniform(0.02, 1.0, 3).astype(np.float32)
    if abs(float(ink.mean()) - mean) < 0.25:  # an ink as light as the cloth is no pattern
        ink = ink * 0.3 if mean > 0.5 else 0.6 + 0.4 * ink
    shade = np.clip(light / mean, 0.5, 1.6)[..., None]
    cover = _COVERS[PATTERN_KINDS[kind]](image_rgb.shape[0], rng)[..., None] * np.float32(rng.uniform(0.6, 1.0))
    printed: Plane = np.clip(image_rgb * (1 - cover) + ink * shade * cover, 0, 1).astype(np.float32)
    return printed


def _axes(side: int, rng: np.random.Generator, tilt: float) -> tuple[Plane, Plane]:
    angle = rng.normal(0, tilt) + (np.pi / 2 if rng.random() < 0.4 else 0)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    return (
        (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32),
        (y * np.cos(angle) - x * np.sin(angle)).astype(np.float32),
    )


def _bars(axis: Plane, period: float, duty: float) -> Plane:
    wave = np.cos(2 * np.pi * axis / period) - np.cos(np.pi * duty)
    bars: Plane = np.clip(wave * period / 6 + 0.5, 0, 1).astype(np.float32)
    return bars


def _period(side: int, rng: np.random.Generator) -> float:
    return float(side * np.exp(rng.uniform(np.log(0.04), np.log(0.22))))


def _stripes(side: int, rng: np.random.Generator) -> Plane:
    _, across = _axes(side, rng, 0.12)
    return _bars(across, _period(side, rng), rng.uniform(0.15, 0.6))


def _checks(side: int, rng: np.random.Generator) -> Plane:
    along, across = _axes(side, rng, 0.1 if rng.random() < 0.8 else 0.8)
    period, duty = _period(side, rng) * 1.3, rng.uniform(0.15, 0.55)
    cover = 0.5 * (_bars(along, period, duty) + _bars(across, period, duty))
    if rng.random() < 0.5:  # tartan: thin lines between the bars
        thin = np.maximum(_bars(along + period / 2, period, 0.1), _bars(across + period / 2, period, 0.1))
        cover = np.maximum(cover, 0.7 * thin)
    return cover.astype(np.float32)


def _dots(side: int, rng: np.random.Generator) -> Plane:
    along, across = _axes(side, rng, 0.6)
    period = _period(side, rng) * 1.2 + 2
    row = np.floor(across / period)
    u = (along + (row % 2) * period / 2) % period - period / 2
    v = across % period - period / 2
    radius = period * rng.uniform(0.18, 0.36)
    discs: Plane = np.clip(radius - np.hypot(u, v) + 0.5, 0, 1).astype(np.float32)
    return discs


def _flowers(side: int, rng: np.random.Generator) -> Plane:
    cover = np.zeros((side, side), np.float32)
    size = side * rng.uniform(0.03, 0.1)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    for _ in range(int(np.clip(0.35 * (side / size) ** 2 / 4, 8, 36))):
        cx, cy, own = rng.uniform(0, side), rng.uniform(0, side), size * rng.uniform(0.6, 1.4)
        dx, dy = x - cx, y - cy
        petals = own * (0.65 + 0.35 * np.cos(rng.integers(4, 7) * np.arctan2(dy, dx) + rng.uniform(0, 6.3)))
        far = np.hypot(dx, dy)
        flower = np.clip(petals - far + 0.5, 0, 1) * np.where(far < 0.25 * own, 0.4, 1.0) * rng.uniform(0.6, 1.0)
        cover = np.maximum(cover, flower)
    return cover.astype(np.float32)


def _graphic(side: int, rng: np.random.Generator) -> Plane:
    cover = np.zeros((side, side), np.uint8)
    cx, cy = int(side * rng.uniform(0.35, 0.65)), int(side * rng.uniform(0.3, 0.6))
    if rng.random() < 0.5:
        for line in range(rng.integers(1, 4)):
            text = "".join(chr(rng.integers(65, 91)) for _ in range(rng.integers(2, 8)))
            scale = side / 96 * rng.uniform(0.3, 0.9)
            place = (int(cx - 7 * scale * len(text)), cy + line * int(24 * scale))
            cv2.putText(
                cover, text, place, int(rng.integers(0, 5)), scale, 255, 1 + int(rng.random() < 0.5), cv2.LINE_AA
            )
    else:
        size = side * rng.uniform(0.06, 0.2)
        for _ in range(rng.integers(1, 4)):
            corners = rng.normal(0, 1, (rng.integers(3, 9), 2)) * size + (cx, cy)
            cv2.fillPoly(cover, [corners.astype(np.int32)], int(rng.integers(120, 256)), cv2.LINE_AA)
    return (cover / np.float32(255)).astype(np.float32)


_COVERS = {"striped": _stripes, "checked": _checks, "dotted": _dots, "floral": _flowers, "graphic": _graphic}
