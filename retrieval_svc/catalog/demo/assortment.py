"""Which products the demo shop has: for each category its cuts, cloths, colours and patterns, chosen from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from retrieval_svc.catalog.demo.cut import Cut
from retrieval_svc.catalog.demo.model import Look

T = TypeVar("T")
_PITCHES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"striped": (8, 22), "checked": (20, 38), "dotted": (11, 22), "floral": (22, 36)}
)
_UPRIGHT_STRIPES = {"trousers", "blazer", "shirt", "jumpsuit"}
_FINE_PATTERNS = {"trousers", "blazer", "coat", "shirt"}
_LIGHT = {
    "white", "off-white", "cream", "beige", "light grey", "light blue", "light pink", "mint", "peach", "stone",
    "lavender", "yellow", "sky blue", "pink",
}  # fmt: skip
_ON_LIGHT = ("navy", "black", "red", "forest green", "burgundy", "royal blue", "chocolate", "teal", "rust")
_ON_DARK = ("white", "off-white", "cream", "light blue", "light pink", "mustard", "sky blue", "peach")


@dataclass(frozen=True, slots=True)
class Piece:
    """One product before its words and price.

    Attributes:
        category: Category of the catalogue.
        cut: Its cut.
        look: How it looks.
        cloth: Word for its cloth; may be empty.
        material: What it is made of.
        gender: Whom it is made for.
        fit: ``slim``, ``regular`` or ``oversized``.
    """

    category: str
    cut: Cut
    look: Look
    cloth: str
    material: str
    gender: str
    fit: str


def assortment(count: int, rng: np.random.Generator, cuts: Mapping[str, Sequence[Cut]]) -> list[Piece]:
    """Chooses products: every category in turn, so that each has its share, no two alike while that is possible.

    Args:
        count: How many.
        rng: Source of chance.
        cuts: Cuts by category.
    """
    pieces: list[Piece] = []
    seen: set[tuple[object, ...]] = set()
    names = list(cuts)
    turn = 0
    while len(pieces) < count:
        category, lap = names[turn % len(names)], turn // len(names)
        turn += 1
        if len(cuts[category]) == 1 and lap % 2:  # what has one cut only has less to show
            continue
        piece = _piece(category, cuts[category][lap % len(cuts[category])], rng)
        mark = (piece.cut.name, piece.look.color, piece.look.pattern, piece.look.accents, piece.cloth, piece.gender)
        if mark not in seen or turn > 20 * count:
            seen.add(mark)
            pieces.append(piece)
    return pieces


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Returns one of several options."""
    return options[int(rng.integers(len(options)))]


def _piece(category: str, cut: Cut, rng: np.random.Generator) -> Piece:
    weave, cloth, material = pick(rng, cut.weaves)
    color, pattern = pick(rng, cut.colors), pick(rng, cut.patterns)
    width = float(rng.uniform(*cut.width))
    look = Look(
        kind=cut.kind,
        color=color,
        accents=_accents(color, pattern, cut, rng),
        weave=weave,
        shine={"leather": 0.6, "satin": 0.8}.get(weave, 0.12),
        pattern=pattern,
        pitch=float(rng.uniform(*_PITCHES.get(pattern, (14, 14)))),
        angle=90.0 if pattern == "striped" and category in _UPRIGHT_STRIPES else 0.0,
        fine=pattern in {"striped", "checked"} and category in _FINE_PATTERNS and bool(rng.random() < 0.7),
        width=width,
        style={**cut.style, "metal": "brass" if rng.random() < 0.4 else ""},
    )
    fit = "slim" if width < 0.93 else "oversized" if width > 1.12 else "regular"
    return Piece(category, cut, look, cloth, material, pick(rng, cut.genders), fit)


def _accents(color: str, pattern: str, cut: Cut, rng: np.random.Generator) -> tuple[str, ...]:
    """Colours that go with the ground and can be told from it."""
    options = [name for name in (_ON_LIGHT if color in _LIGHT else _ON_DARK) if name != color]
    rng.shuffle(options)
    match pattern:
        case "striped" | "dotted":
            return (options[0],)
        case "checked" | "graphic":
            return tuple(options[:2])
        case "floral":
            leaf = "cream" if color in {"sage", "green", "emerald", "mint"} else "sage"
            return (*options[:2], leaf)
    if cut.style.get("accent"):
        return (options[0],)
    return ("mustard",) if cut.style.get("topstitch") else ()
