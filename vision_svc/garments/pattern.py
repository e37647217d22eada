"""Plain or patterned."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True)
class Pattern:
    """How patterned a garment is.

    Attributes:
        word: `plain` or `patterned`.
        score: min(1, 2.2 * edge density + entropy / 10).
        edge_density: Share of the garment's inner pixels that lie on an edge, 0-1.
        entropy_bits: Entropy of hue and saturation, bits.
        confidence: 0.5 at the threshold, towards 1 far from it.
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
    enough_pixels = min(1.0, int(thumb.inside.sum()) / 400)
    certainty = min(0.5, abs(score - PATTERNED_FROM) / 0.3 * 0.5) * enough_pixels
    return Pattern(word, score, edge_density, entropy, 0.5 + certainty)


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
