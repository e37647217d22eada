"""What a garment looks like: colours, pattern, silhouette and style, each with a confidence."""

from dataclasses import dataclass

import cv2
import numpy as np

from vision_svc.garments.colors import DominantColor, dominant_colors
from vision_svc.garments.pattern import Pattern, measure_pattern
from vision_svc.garments.silhouette import UNKNOWN_FIT, Fit, Silhouette, measure_silhouette
from vision_svc.garments.style import CATEGORY_PRIORS, Style, score_style
from vision_svc.garments.thumbnail import GarmentView, thumbnail
from vision_svc.garments.types import ParsedGarment
from vision_svc.models.contract import ModelSpec, Task
from vision_svc.people.types import BoolMask, ImageBgr, Person

SPEC = ModelSpec(
    task=Task.GARMENT_DESCRIBE,
    model="described/1",
    backend="numpy",
    license="Apache-2.0",
    source="vitrine",
    description="Colours by k-means in CIE Lab, pattern by edges and entropy, silhouette and style by written rules.",
)
# Pixels in a thumbnail from which colours can be trusted.
_ENOUGH_PIXELS = 300


@dataclass(frozen=True)
class Attributes:
    """What one garment looks like.

    Attributes:
        colors: One to four, largest share first.
        pattern: Plain or patterned.
        silhouette: How close it sits.
        style: Formality, structure and minimalism.
        confidence: 0-1 by attribute: `colors`, `pattern`, `silhouette`, `style`.
    """

    colors: tuple[DominantColor, ...]
    pattern: Pattern
    silhouette: Silhouette
    style: Style
    confidence: dict[str, float]


def view_of(garment: ParsedGarment, image_bgr: ImageBgr) -> GarmentView:
    """Cuts a garment out of the picture that it was found in, uint8 `(H, W, 3)`."""
    return GarmentView(garment.crop(image_bgr), garment.mask)


def describe_worn(garment: ParsedGarment, image_bgr: ImageBgr, person: Person | None) -> Attributes:
    """Describes a garment that somebody wears.

    Args:
        garment: The garment.
        image_bgr: The picture that it was found in, uint8 `(H, W, 3)`.
        person: Who wears it; without, the silhouette stays unknown.
    """
    fit = measure_silhouette(garment, person) if person is not None else UNKNOWN_FIT
    return _describe(view_of(garment, image_bgr), garment.category, garment.score, fit)


def describe_product(view: GarmentView, category: str = "") -> Attributes:
    """Describes a garment that lies or hangs alone; `category` may be unknown (empty)."""
    return _describe(view, category, 1.0, UNKNOWN_FIT)


def solidity(mask: BoolMask) -> float:
    """Returns the area of a mask over that of its convex hull, 0-1; 0 for an empty one."""
    points = cv2.findNonZero(mask.astype(np.uint8))
    if points is None or len(points) < 3:
        return 0.0
    # A hull of pixel centres is half a pixel smaller all around than the pixels are.
    hull = cv2.convexHull(points)
    area = cv2.contourArea(hull) + cv2.arcLength(hull, closed=True) / 2 + 1
    return float(min(1.0, len(points) / area))


def _describe(view: GarmentView, category: str, parse_score: float, fit: Fit) -> Attributes:
    thumb = thumbnail(view)
    colors, pattern = dominant_colors(thumb.lab), measure_pattern(thumb)
    style = score_style(category, colors, pattern, fit.silhouette, solidity(thumb.inside))
    seen = min(1.0, len(thumb.lab) / _ENOUGH_PIXELS)
    spread = sum(color.share * color.spread for color in colors)
    color_confidence = parse_score * seen * float(np.exp(-spread / 25.0))
    confidence = {
        "colors": color_confidence,
        "pattern": parse_score * pattern.confidence,
        "silhouette": parse_score * fit.confidence,
        # Rules without training: never very sure, less so where the category has no prior.
        "style": parse_score * seen * (0.6 if category in CATEGORY_PRIORS else 0.3),
    }
    return Attributes(colors, pattern, fit.silhouette, style, confidence)
