"""Formality, structure and minimalism: three numbers by written rules from measured evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imaging.color import delta_e_2000
from vision_svc.garments.colors import DominantColor
from vision_svc.garments.pattern import Pattern
from vision_svc.garments.silhouette import Silhouette


@dataclass(frozen=True)
class Style:
    """Three attributes of style, each 0-100.

    Attributes:
        formality: 0 casual to 100 formal.
        structure: 0 soft and flowing to 100 tailored and stiff.
        minimalism: 0 rich in contrast, colour and pattern to 100 plain.
    """

    formality: float
    structure: float
    minimalism: float


@dataclass(frozen=True)
class ColorEvidence:
    """What the colours of a garment say about style, all 0-1.

    Attributes:
        neutral: Share of colours that are hardly chromatic (chroma below 14) or dark navy.
        dark: Share with L* below 40.
        vivid: Mean chroma, 1 from 70 on.
        contrast: Mean dE2000 between two points chosen at random, 1 from 40 on.
    """

    neutral: float
    dark: float
    vivid: float
    contrast: float


# Where a category stands before its looks are weighed: (formality, structure). Our own ordering of everyday dress codes
# (loungewear - casual - smart casual - business - black tie) on 0-100; 45, 50 for what is not listed.
CATEGORY_PRIORS: dict[str, tuple[float, float]] = {
    "suit": (88, 90), "blazer": (76, 84), "coat": (64, 72), "jacket": (46, 60), "outerwear": (54, 62),
    "vest": (60, 66), "cardigan": (46, 34), "hoodie": (14, 22), "sweatshirt": (16, 24), "sweater": (42, 34),
    "knitwear": (42, 34), "shirt": (58, 58), "blouse": (60, 44), "polo": (44, 46), "t-shirt": (22, 28),
    "longsleeve": (30, 32), "top": (36, 36), "tank top": (16, 26), "undershirt": (12, 26), "body": (34, 40),
    "dress": (62, 46), "jumpsuit": (52, 50), "trousers": (52, 54), "pants": (48, 50), "jeans": (28, 52),
    "leggings": (14, 26), "shorts": (18, 40), "skirt": (54, 46), "bottom": (44, 48), "shoes": (46, 58),
    "boots": (46, 62), "sneakers": (18, 44), "heels": (80, 62), "sandals": (26, 40), "bag": (48, 58),
    "headwear": (30, 42), "hat": (34, 46), "cap": (14, 40), "scarf": (44, 18), "belt": (52, 66),
    "accessory": (40, 45),
}  # fmt: skip
_UNKNOWN_PRIOR = (45.0, 50.0)
_NEUTRAL_CHROMA = 14.0
_NAVY_LIGHTNESS, _NAVY_CHROMA = 25.0, 30.0
_DARK_LIGHTNESS = 40.0
_VIVID_CHROMA = 70.0
_FULL_CONTRAST = 40.0
_FIT_STRUCTURE = {Silhouette.SLIM: 8.0, Silhouette.OVERSIZED: -14.0}
_FIT_FORMALITY = {Silhouette.SLIM: 4.0, Silhouette.OVERSIZED: -8.0}


def color_evidence(colors: Sequence[DominantColor]) -> ColorEvidence:
    """Reads the evidence from dominant colours; at least one."""
    lab = np.array([color.lab for color in colors], np.float64)
    share = np.array([color.share for color in colors], np.float64)
    lightness, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    navy = (lightness < _NAVY_LIGHTNESS) & (chroma < _NAVY_CHROMA) & (lab[:, 2] < 0)
    neutral = float(share[(chroma < _NEUTRAL_CHROMA) | navy].sum())
    dark = float(share[lightness < _DARK_LIGHTNESS].sum())
    vivid = float(min(1.0, (share * chroma).sum() / _VIVID_CHROMA))
    contrast = float(share @ delta_e_2000(lab[:, None], lab[None]) @ share) / _FULL_CONTRAST
    return ColorEvidence(neutral, dark, vivid, min(1.0, contrast))


def score_style(
    category: str, colors: Sequence[DominantColor], pattern: Pattern, silhouette: Silhouette, solidity: float
) -> Style:
    """Scores a garment.

    - formality = prior + 10 (neutral - 1/2) + 12 (dark - 1/2) - 18 vivid - 14 busy + fit (slim +4, oversized -8)
    - structure = prior + 40 (solidity - 0.85) + 6 dark - 8 busy + fit (slim +8, oversized -14)
    - minimalism = 96 - 42 busy - 30 contrast - 22 vivid - 5 (colours - 1)

    busy is the pattern score from 0.2 (0) to 0.8 (1); solidity is area over convex hull: straight, stiff outlines have
    more of it than draped, ragged ones. The factors are ours; `tests` hold what they must tell apart.

    Args:
        category: As the parser names it.
        colors: Dominant colours.
        pattern: The measured pattern.
        silhouette: The measured silhouette; UNKNOWN changes nothing.
        solidity: Area of the mask over the area of its convex hull, 0-1.
    """
    formality, structure = CATEGORY_PRIORS.get(category, _UNKNOWN_PRIOR)
    seen, busy = color_evidence(colors), float(np.clip((pattern.score - 0.2) / 0.6, 0.0, 1.0))
    formality += 10 * (seen.neutral - 0.5) + 12 * (seen.dark - 0.5) - 18 * seen.vivid - 14 * busy
    formality += _FIT_FORMALITY.get(silhouette, 0.0)
    structure += 40 * (solidity - 0.85) + 6 * seen.dark - 8 * busy + _FIT_STRUCTURE.get(silhouette, 0.0)
    minimalism = 96 - 42 * busy - 30 * seen.contrast - 22 * seen.vivid - 5 * (len(colors) - 1)
    return Style(*(float(np.clip(value, 0.0, 100.0)) for value in (formality, structure, minimalism)))
