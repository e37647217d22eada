"""Plain or patterned, and how: by a published rule, and more finely with what the encoder sees."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments import fashion_space as space
from vision_svc.garments.kinds import PATTERN_KINDS
from vision_svc.garments.thumbnail import MaskedThumbnail

# The published rule (socratesosorio/aesthetica, services/ml/ml_core/{attributes,utils}.py): edge density is the share
# of Canny pixels (60, 140) of the grey picture; entropy is that of the 24 x 24 histogram of hue and saturation, bits.
PATTERNED_FROM = 0.45
_EDGE_FACTOR = 2.2
_ENTROPY_DIVISOR = 10.0
_CANNY = (60, 140)
_BINS = 24
# Used on pixels as they are, the rule calls 98 % of the garments of street photos patterned: folds and noise are edges
# to it, and what is black, white or grey has a hue by chance. So folds and noise are smoothed first (steps of more
# than about 30 of 255 stay), and pixels of less than this chroma (0-255) count as having no hue: 61 % are left.
_DIAMETER_PX, _STEP, _REACH_PX = 5, 30.0, 3.0
_ROUNDS = 2
_GREY_CHROMA = 18
_BORDER_PX = 2
# Below so many pixels nobody can tell.
_ENOUGH_PIXELS = 400
# The chance that cloth is patterned: logistic models fitted on garments of street photos that were labelled by eye: by
# edges alone (102 garments), and (215, 44 of them patterned) by edges and the encoder's odds against plain, for the
# whole garment and for a close-up, where the network sees prints that are too fine in the whole. They hold for people
# in the street: there most cloth is plain, and folds, fur and knit have edges too. `bench/_worn_patterns.py` fits them.
_BY_EDGES = (-4.35, 15.5)
_BY_ENCODER = (-2.46, 6.8, 0.65, 0.49)
# The encoder's kind of pattern is named when it has this share of all kinds. It named 14 of the 44 patterned garments
# of those photos, all rightly.
_KIND_FROM = 0.5
_ODDS_LIMIT = 0.01


@dataclass(frozen=True)
class Pattern:
    """How patterned a garment is.

    Attributes:
        word: `plain`, `patterned`, or how it is patterned: `striped`, `checked`, `dotted`, `floral` or `graphic`.
        score: min(1, 2.2 * edge density + entropy / 10).
        edge_density: Share of the garment's inner pixels that lie on an edge, 0-1.
        entropy_bits: Entropy of hue and saturation, bits.
        confidence: The chance that the word is right, 0-1.
    """

    word: str
    score: float
    edge_density: float
    entropy_bits: float
    confidence: float


def measure_pattern(thumb: MaskedThumbnail) -> Pattern:
    """Measures a garment by the published rule, on its own pixels, smoothed.

    The outline is no pattern, so a border of two pixels is left out of the edge density.
    """
    image = thumb.image_bgr
    for _ in range(_ROUNDS):
        image = np.asarray(cv2.bilateralFilter(image, _DIAMETER_PX, _STEP, _REACH_PX), np.uint8)
    edge_density, entropy = _edge_density(image, thumb), _entropy_bits(image[thumb.inside])
    score = min(1.0, _EDGE_FACTOR * edge_density + entropy / _ENTROPY_DIVISOR)
    word = "patterned" if score >= PATTERNED_FROM else "plain"
    patterned = _logistic(_BY_EDGES[0] + _BY_EDGES[1] * edge_density)
    chance = patterned if word == "patterned" else 1 - patterned
    enough_pixels = min(1.0, int(thumb.inside.sum()) / _ENOUGH_PIXELS)
    return Pattern(word, score, edge_density, entropy, chance * enough_pixels)


def named_pattern(
    measured: Pattern, vector: npt.ArrayLike, *, worn: bool = True, closer: npt.ArrayLike | None = None
) -> Pattern:
    """Names a pattern with the encoder's help; it overrules the published rule, whose numbers stay.

    Args:
        measured: By the rule.
        vector: Of `fashion/3`, `(D,)`; one that says nothing of patterns changes nothing.
        worn: Somebody wears it. Of a garment that lies alone the encoder's word is taken as it is: of 420 drawn ones
            98 % were right, at a mean chance of 0.86.
        closer: The vector of a close-up of it, `(D,)`; None where there is none.
    """
    chances = space.chances(vector, "pattern")
    if not chances.any():
        return measured
    if not worn:
        likeliest = int(np.argmax(chances))
        return replace(measured, word=PATTERN_KINDS[likeliest], confidence=float(chances[likeliest]))
    if closer is not None:
        chances = (chances + space.chances(closer, "pattern")) / 2
    constant, *weights = _BY_ENCODER
    signs = pattern_signs(measured, vector, vector if closer is None else closer)
    patterned = _logistic(constant + sum(weight * sign for weight, sign in zip(weights, signs, strict=True)))
    if patterned < 0.5:
        return replace(measured, word="plain", confidence=1 - patterned)
    best = 1 + int(np.argmax(chances[1:]))
    share = float(chances[best] / max(float(chances[1:].sum()), _ODDS_LIMIT))
    if share < _KIND_FROM:
        return replace(measured, word="patterned", confidence=patterned)
    return replace(measured, word=PATTERN_KINDS[best], confidence=patterned * share)


def pattern_signs(measured: Pattern, vector: npt.ArrayLike, closer: npt.ArrayLike) -> tuple[float, float, float]:
    """Returns what speaks for a pattern: edges, and the logarithmic odds against plain of a garment and a close-up."""
    odds = []
    for one in (vector, closer):
        plain = float(np.clip(space.chances(one, "pattern")[0], _ODDS_LIMIT, 1 - _ODDS_LIMIT))
        odds.append(math.log((1 - plain) / plain))
    return measured.edge_density, odds[0], odds[1]


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _edge_density(image_bgr: npt.NDArray[np.uint8], thumb: MaskedThumbnail) -> float:
    gray = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    kernel = np.ones((2 * _BORDER_PX + 1, 2 * _BORDER_PX + 1), np.uint8)
    inner = cv2.erode(thumb.inside.astype(np.uint8), kernel, borderValue=0) > 0
    if not inner.any():
        return 0.0
    return float((cv2.Canny(gray, *_CANNY)[inner] > 0).mean())


def _entropy_bits(pixels_bgr: npt.NDArray[np.uint8]) -> float:
    hsv = cv2.cvtColor(pixels_bgr[None], cv2.COLOR_BGR2HSV)[0].astype(np.int64)
    hue, saturation, value = hsv[:, 0], hsv[:, 1], hsv[:, 2]
    colored = saturation * value >= _GREY_CHROMA * 255
    bins = np.where(colored, (hue * _BINS // 180) * _BINS + saturation * _BINS // 256, 0)
    share = np.bincount(bins) / len(bins)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())
