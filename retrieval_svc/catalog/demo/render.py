"""From a look to a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from retrieval_svc.catalog.demo.canvas import Canvas
from retrieval_svc.catalog.demo.extras import draw_bag, draw_belt, draw_headwear, draw_scarf
from retrieval_svc.catalog.demo.footwear import draw_shoe
from retrieval_svc.catalog.demo.lowers import draw_lower
from retrieval_svc.catalog.demo.model import Look
from retrieval_svc.catalog.demo.onepiece import draw_dress, draw_jumpsuit
from retrieval_svc.catalog.demo.palette import FloatArray, linear, luminance, to_linear, to_srgb8
from retrieval_svc.catalog.demo.region import HEIGHT_PX, WIDTH_PX
from retrieval_svc.catalog.demo.skirts import draw_skirt
from retrieval_svc.catalog.demo.tailor import Tailor
from retrieval_svc.catalog.demo.uppers import draw_upper

JPEG_QUALITY = 88
_DRAWINGS: dict[str, Callable[[Tailor], None]] = {
    "upper": draw_upper, "lower": draw_lower, "skirt": draw_skirt, "dress": draw_dress,
    "jumpsuit": draw_jumpsuit, "shoe": draw_shoe,
    "bag": draw_bag, "headwear": draw_headwear, "scarf": draw_scarf, "belt": draw_belt,
}  # fmt: skip
# Grounds of product photographs: white, cool grey, warm grey, sand (sRGB).
_GROUNDS = ((1.0, 1.0, 1.0), (0.945, 0.95, 0.957), (0.925, 0.92, 0.91), (0.93, 0.915, 0.885))


@dataclass(frozen=True, slots=True)
class Rendering:
    """A drawn picture.

    Attributes:
        image_bgr: uint8, shape (400, 320, 3), BGR.
        ground: Where the ground colour of the garment shows, float32 0-1, shape (400, 320).
    """

    image_bgr: npt.NDArray[np.uint8]
    ground: FloatArray


def render(look: Look, rng: np.random.Generator) -> Rendering:
    """Draws a look.

    Args:
        look: What to draw.
        rng: Source of chance for folds and background; the same state gives the same picture.
    """
    canvas = Canvas(rng)
    _DRAWINGS[look.kind](Tailor(canvas, look))
    picture, ground = canvas.finished(_background(look, rng), linear(look.color))
    return Rendering(np.ascontiguousarray(to_srgb8(picture)[..., ::-1]), ground)


def encoded(rendering: Rendering) -> bytes:
    """Returns the picture as JPEG, quality 88."""
    good, data = cv2.imencode(".jpg", rendering.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not good:
        raise RuntimeError("OpenCV could not encode a picture")
    return data.tobytes()


def _background(look: Look, rng: np.random.Generator) -> FloatArray:
    """A plain ground that gets a little darker towards its corners; never white behind something white."""
    first = 1 if luminance(linear(look.color)) > 0.7 else 0
    tone = np.array(_GROUNDS[int(rng.integers(first, len(_GROUNDS)))], dtype=np.float32)
    if first:
        tone = tone * np.float32(0.93)
    y, x = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j].astype(np.float32)
    fall = 1 - np.float32(0.07 * rng.random()) * (x * x + y * y) / 2
    return np.asarray(to_linear(tone) * fall[..., None], dtype=np.float32)
