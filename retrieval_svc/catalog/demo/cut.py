"""A cut of a category, and the groups of colours that cuts come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval_svc.catalog.demo.model import Style

NEUTRAL = (
    "black", "charcoal", "grey", "light grey", "white", "off-white", "cream", "beige", "stone", "taupe", "navy",
    "camel", "brown",
)  # fmt: skip
BRIGHT = (
    "red", "orange", "coral", "pink", "hot pink", "royal blue", "sky blue", "turquoise", "emerald", "green", "yellow",
    "purple",
)  # fmt: skip
MUTED = (
    "burgundy", "rust", "terracotta", "mustard", "olive", "forest green", "teal", "sage", "plum", "dusty pink",
    "lavender", "denim blue", "khaki",
)  # fmt: skip
SOFT = ("light blue", "light pink", "mint", "peach", "cream", "lavender", "off-white", "sky blue")
LEATHER = ("black", "brown", "cognac", "tan", "chocolate", "burgundy", "navy", "white", "taupe")
DENIM = ("denim blue", "light blue", "navy", "black", "grey", "white")
ANY = (*NEUTRAL, *BRIGHT, *MUTED, *SOFT)


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut of a category.

    Attributes:
        name: Words for titles, for example ``Oxford shirt``.
        kind: Which drawing.
        style: Choices of the drawing.
        weaves: Cloths that it comes in: weave, word for titles (may be empty), material.
        colors: Colours that it comes in.
        patterns: Patterns that it comes in, repeated to be likelier.
        genders: Whom it is made for.
        euros: Cheapest and dearest usual price in euros.
        width: Narrowest and widest fit.
        tags: Occasions and seasons.
    """

    name: str
    kind: str
    style: Style
    weaves: Sequence[tuple[str, str, str]]
    colors: Sequence[str]
    patterns: Sequence[str] = ("plain",)
    genders: Sequence[str] = ("women", "men", "unisex")
    euros: tuple[float, float] = (20.0, 80.0)
    width: tuple[float, float] = (0.9, 1.15)
    tags: Sequence[str] = ()
