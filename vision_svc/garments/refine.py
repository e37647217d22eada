"""Finer names: what the parser calls outerwear, the encoder may know for a blazer, and for a striped one."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vision_svc.garments import fashion_space as space
from vision_svc.garments.attributes import Attributes, solidity
from vision_svc.garments.kinds import KINDS
from vision_svc.garments.pattern import named_pattern
from vision_svc.garments.style import CATEGORY_PRIORS, score_style
from vision_svc.garments.thumbnail import GarmentView, thumbnail
from vision_svc.garments.types import ParsedGarment

Names = Mapping[str, tuple[tuple[str, ...], float]]

# What the parsers' names may mean more precisely, and how likely the best of the meanings must be among them. With the
# true masks of 150 street photos (`bench/garments.py --people`, worn.finer) two in three of outerwear get a name and
# 66 % of those names are right, three in ten of shoes and 95 %, and one in ten trousers and 75 %.
FINER: Names = {
    "outerwear": (("vest", "blazer", "jacket", "coat", "suit"), 0.5),
    "trousers": (("trousers", "jeans", "leggings"), 0.6),
    "shoes": (("shoes", "sneakers", "boots", "heels", "sandals"), 0.7),
}
# Tops are not named yet: from any limit on at most two in five names were right. The bench shows what this would do.
UNTRIED: Names = {
    "top": (("shirt", "blouse", "t-shirt", "sweater", "sweatshirt", "hoodie", "cardigan", "tank top", "top"), 0.7),
}


def finer_category(category: str, vector: npt.ArrayLike, finer: Names | None = None) -> str:
    """Names a garment more precisely where the encoder is sure enough; otherwise as before.

    Args:
        category: As the parser names it.
        vector: Of `fashion/3`, `(D,)`.
        finer: What names may mean and from when on; `FINER` where nothing is said.
    """
    table = FINER if finer is None else finer
    if category not in table:
        return category
    names, sure = table[category]
    chances = space.chances(vector, "kind")[[KINDS.index(name) for name in names]]
    best = int(np.argmax(chances))
    return names[best] if chances[best] >= sure * max(float(chances.sum()), 1e-9) else category


def refined(
    parsed: ParsedGarment,
    attributes: Attributes | None,
    view: GarmentView,
    vector: npt.ArrayLike,
    closer: npt.ArrayLike | None = None,
) -> tuple[ParsedGarment, Attributes | None]:
    """Gives a garment its finer name, the style that goes with it, and its pattern.

    Args:
        parsed: The garment.
        attributes: How it was described under its coarse name; None when it was not.
        view: Its pixels.
        vector: Of `fashion/3`, `(D,)`.
        closer: That of a close-up of it, for its pattern; None without.
    """
    category = finer_category(parsed.category, vector)
    named = replace(parsed, category=category) if category != parsed.category else parsed
    if attributes is None:
        return named, None
    known = with_pattern(attributes, vector, closer=closer)
    if named is parsed or category not in CATEGORY_PRIORS:
        return named, known
    look = thumbnail(view)
    style = score_style(category, known.colors, known.pattern, known.silhouette, solidity(look.inside))
    return named, replace(known, style=style)


def with_pattern(
    attributes: Attributes, vector: npt.ArrayLike, *, worn: bool = True, closer: npt.ArrayLike | None = None
) -> Attributes:
    """Names the pattern of a garment, worn or alone, with the help of vectors of `fashion/3`; see `named_pattern`."""
    pattern = named_pattern(attributes.pattern, vector, worn=worn, closer=closer)
    if pattern == attributes.pattern:
        return attributes
    confidence = attributes.confidence | {"pattern": pattern.confidence}
    return replace(attributes, pattern=pattern, confidence=confidence)
