"""The five axes: what one garment says about each.

Every axis runs 0-100, 50 is neutral, 100 is the second pole. A garment gives evidence only for axes whose
attributes are known:

- minimal_maximal: 100 - minimalism
- structured_relaxed: 0.8 * (100 - structure) + 0.2 * fit (slim 25, regular 50, oversized 85); without a silhouette
  100 - structure
- neutral_colorful: 100 * the mean colourfulness of its colours, by their shares
- classic_experimental: the weighted mean of pattern 0.45 (see `_PATTERN`), fit 0.30 (regular 10, slim 35, oversized
  90) and colour 0.25, over those that are known
- casual_formal: formality

Each is then stretched by two straight lines through the points of `_SCALES`, so that an axis speaks of clothes as they
are: 0 and 100 are where the 5th and the 95th percentile of real garments lie and 50 is their median (236 garments laid
out, 17 kinds, and 601 worn on the street, as `vision_svc` described them). Without it radars would crowd around the
middle, since an outfit is a mean over garments. Colour is the exception: more than half of all garments are neutral,
so 50 is a garment with a quarter of full colour.

Colourfulness of a colour is smoothstep(12, 60, C* x min(1, L*/40)): CIE chroma C* overstates dark colours, so that
it is faded out below L* 40, and what stylists call neutral (navy, beige, camel: C* up to about 25) must come out
near 0, pure red or cobalt at 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from profile_svc.taste.evidence import SeenGarment


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        name: Its name in the contract.
        low: The word for 0.
        high: The word for 100.
    """

    name: str
    low: str
    high: str


AXES = (
    Axis("minimal_maximal", "minimal", "maximal"),
    Axis("structured_relaxed", "structured", "relaxed"),
    Axis("neutral_colorful", "neutral", "colorful"),
    Axis("classic_experimental", "classic", "experimental"),
    Axis("casual_formal", "casual", "formal"),
)
NEUTRAL = 50.0

_PATTERN: Mapping[str, float] = MappingProxyType(
    {"plain": 5.0, "striped": 25.0, "checked": 30.0, "dotted": 45.0, "floral": 60.0, "graphic": 85.0}
)
_RELAXED_FIT: Mapping[str, float] = MappingProxyType({"slim": 25.0, "regular": 50.0, "oversized": 85.0})
_UNUSUAL_FIT: Mapping[str, float] = MappingProxyType({"regular": 10.0, "slim": 35.0, "oversized": 90.0})
_BUCKET_WEIGHT: Mapping[str, float] = MappingProxyType({"shoes": 0.5, "accessories": 0.3})
# Where the raw value of each axis becomes 0, 50 and 100.
_SCALES: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "minimal_maximal": (5.0, 46.0, 82.0),
        "structured_relaxed": (31.0, 53.0, 76.0),
        "neutral_colorful": (0.0, 25.0, 55.0),
        "classic_experimental": (3.0, 34.0, 70.0),
        "casual_formal": (4.0, 40.0, 65.0),
    }
)
_NEUTRAL_CHROMA, _FULL_CHROMA, _DARK_LIGHTNESS = 12.0, 60.0, 40.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one garment says about one axis.

    Attributes:
        value: 0-100.
        weight: How much it counts beside the others, above 0.
    """

    value: float
    weight: float


def garment_weight(garment: SeenGarment) -> float:
    """Returns how much a garment counts: its detection score, times 0.5 for shoes and 0.3 for accessories."""
    return garment.score * _BUCKET_WEIGHT.get(garment.bucket, 1.0)


def evidence_of(garment: SeenGarment) -> dict[str, Evidence]:
    """Returns what a garment says, by axis; axes that it says nothing about are missing."""
    values = {
        "minimal_maximal": _from_style(garment, "minimalism", invert=True),
        "structured_relaxed": _relaxed(garment),
        "neutral_colorful": _colorful(garment),
        "classic_experimental": _experimental(garment),
        "casual_formal": _from_style(garment, "formality", invert=False),
    }
    weight = garment_weight(garment)
    sources = {"neutral_colorful": "colors", "classic_experimental": "pattern"}
    found = {}
    for axis, value in values.items():
        axis_weight = weight * garment.confidence.get(sources.get(axis, "style"), 1.0)
        if value is not None and axis_weight > 0:
            found[axis] = Evidence(_stretched(axis, value), axis_weight)
    return found


def colorfulness(lab: tuple[float, float, float]) -> float:
    """Returns how colourful a colour looks, 0 (neutral) to 1.

    Args:
        lab: CIE L*a*b* (D65).
    """
    lightness, a, b = lab
    chroma = math.hypot(a, b) * min(1.0, max(0.0, lightness) / _DARK_LIGHTNESS)
    t = min(1.0, max(0.0, (chroma - _NEUTRAL_CHROMA) / (_FULL_CHROMA - _NEUTRAL_CHROMA)))
    return t * t * (3.0 - 2.0 * t)


def _stretched(axis: str, value: float) -> float:
    low, middle, high = _SCALES[axis]
    if value <= middle:
        return max(0.0, NEUTRAL * (value - low) / (middle - low))
    return min(100.0, NEUTRAL + (100.0 - NEUTRAL) * (value - middle) / (high - middle))


def _from_style(garment: SeenGarment, name: str, *, invert: bool) -> float | None:
    if garment.style is None:
        return None
    value: float = getattr(garment.style, name)
    return 100.0 - value if invert else value


def _relaxed(garment: SeenGarment) -> float | None:
    soft = _from_style(garment, "structure", invert=True)
    fit = _RELAXED_FIT.get(garment.silhouette)
    return soft if soft is None or fit is None else 0.8 * soft + 0.2 * fit


def _colorful(garment: SeenGarment) -> float | None:
    total = math.fsum(color.share for color in garment.colors)
    if total <= 0:
        return None
    return 100.0 * math.fsum(color.share * colorfulness(color.lab) for color in garment.colors) / total


def _experimental(garment: SeenGarment) -> float | None:
    parts = [
        (0.45, _pattern(garment)),
        (0.30, _UNUSUAL_FIT.get(garment.silhouette)),
        (0.25, _colorful(garment)),
    ]
    known = [(weight, value) for weight, value in parts if value is not None]
    if not known:
        return None
    return math.fsum(weight * value for weight, value in known) / math.fsum(weight for weight, _ in known)


def _pattern(garment: SeenGarment) -> float | None:
    """A finer word decides; of `patterned` only the score is known."""
    if not garment.pattern:
        return None
    return _PATTERN.get(garment.pattern, 100.0 * garment.pattern_score)
