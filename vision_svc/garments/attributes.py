"""What a garment looks like: colours, pattern, silhouette, lengths and style, each with a confidence."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from vision_svc.garments.colors import DominantColor, dominant_colors
from vision_svc.garments.lengths import UNKNOWN_LENGTHS, Lengths, measure_lengths
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
    description="Colours by k-means in CIE Lab, pattern by edges and entropy; fit, lengths and style by written rules.",
)
# Pixels in a thumbnail from which colours can be trusted.
_ENOUGH_PIXELS = 300
# A logistic model of "within 6 dE2000 of the truth" by share and spread, fitted on about 210 parsed garments of street
# photos and checked on 170 of other photos: by fifths, said 0.47, 0.82, 0.92, 0.96, 0.98 and found 0.36, 0.81, 1.0,
# 0.94, 0.97.
_COLOR_CHANCE = (-2.14, 6.49, -0.243)


@dataclass(frozen=True)
class Attributes:
    """What one garment looks like.

    Attributes:
        colors: One to four, largest share first.
        pattern: Plain or patterned, and how.
        silhouette: How close it sits.
        lengths: Of its sleeves and to its hem.
        style: Formality, structure and minimalism.
        confidence: 0-1 by attribute: `colors`, `pattern`, `silhouette`, `sleeve_length`, `length`, `style`; 0 where
            nothing was measured. The chance that it is right if the garment itself is (of colours: that the first lies
            within 6 dE2000 of the truth), as far as photos with truth told us. Silhouette and style have no truth to be
            held against: theirs only say how sure the garment is, how much was seen, and how far from a limit.
    """

    colors: tuple[DominantColor, ...]
    pattern: Pattern
    silhouette: Silhouette
    lengths: Lengths
    style: Style
    confidence: dict[str, float]


def view_of(garment: ParsedGarment, image_bgr: ImageBgr) -> GarmentView:
    """Cuts a garment out of the picture that it was found in, uint8 `(H, W, 3)`."""
    return GarmentView(garment.crop(image_bgr), garment.mask)


def describe_worn(
    garment: ParsedGarment, image_bgr: ImageBgr, person: Person | None, others: Iterable[ParsedGarment] = ()
) -> Attributes:
    """Describes a garment that somebody wears.

    Args:
        garment: The garment.
        image_bgr: The picture that it was found in, uint8 `(H, W, 3)`.
        person: Who wears it; without, silhouette and lengths stay unknown.
        others: What else is worn: it may hide sleeves.
    """
    fit = measure_silhouette(garment, person) if person is not None else UNKNOWN_FIT
    lengths = measure_lengths(garment, person, others) if person is not None else UNKNOWN_LENGTHS
    return _describe(view_of(garment, image_bgr), garment.category, garment.score, fit, lengths)


def describe_product(view: GarmentView, category: str = "") -> Attributes:
    """Describes a garment that lies or hangs alone; `category` may be unknown (empty)."""
    return _describe(view, category, 1.0, UNKNOWN_FIT, UNKNOWN_LENGTHS)


def solidity(mask: BoolMask) -> float:
    """Returns the area of a mask over that of its convex hull, 0-1; 0 for an empty one."""
    points = cv2.findNonZero(mask.astype(np.uint8))
    if points is None or len(points) < 3:
        return 0.0
    # A hull of pixel centres is half a pixel smaller all around than the pixels are.
    hull = cv2.convexHull(points)
    area = cv2.contourArea(hull) + cv2.arcLength(hull, closed=True) / 2 + 1
    return float(min(1.0, len(points) / area))


def _describe(view: GarmentView, category: str, parse_score: float, fit: Fit, lengths: Lengths) -> Attributes:
    thumb = thumbnail(view)
    colors, pattern = dominant_colors(thumb.lab), measure_pattern(thumb)
    style = score_style(category, colors, pattern, fit.silhouette, solidity(thumb.inside))
    seen = min(1.0, len(thumb.lab) / _ENOUGH_PIXELS)
    confidence = {
        "colors": seen * _color_chance(colors[0]),
        "pattern": pattern.confidence,
        "silhouette": parse_score * fit.confidence,
        "sleeve_length": lengths.sleeves.confidence,
        "length": lengths.hem.confidence,
        # Rules without training: never very sure, less so where the category has no prior.
        "style": parse_score * seen * (0.6 if category in CATEGORY_PRIORS else 0.3),
    }
    return Attributes(colors, pattern, fit.silhouette, lengths, style, confidence)


def _color_chance(first: DominantColor) -> float:
    """Returns the chance that the first colour is near the truth: the larger and the more even, the surer."""
    constant, by_share, by_spread = _COLOR_CHANCE
    return float(1.0 / (1.0 + np.exp(-(constant + by_share * first.share + by_spread * first.spread))))
