"""Words in the space of `fashion/3`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from imaging.color import lab_to_srgb, srgb_to_lab
from vision_svc.garments import fashion_space as space
from vision_svc.garments.color_names import by_name
from vision_svc.garments.descriptor import color_block
from vision_svc.garments.encoder import TextVector
from vision_svc.garments.fashion import FASHION, WEIGHTS_FILE
from vision_svc.garments.kinds import GROUPS, KINDS, PATTERN_KINDS
from vision_svc.garments.style import CATEGORY_PRIORS
from vision_svc.garments.vocabulary import Understanding, understand
from vision_svc.models.contract import ModelSpec, Task
from vision_svc.models.onnx_net import load_weights

TEXT_SPEC = ModelSpec(
    task=Task.TEXT_EMBED,
    model=FASHION,
    backend="numpy",
    license="Apache-2.0",
    source="vitrine",
    description="Categories, occasions, patterns and colours as blocks of the space of fashion/3; no network.",
    dimension=space.DIMENSION,
)
# How much each kind of word counts in the score of a garment: the category most, then the colour, then the pattern.
_SHARES = {"kind": 0.45, "color": 0.35, "pattern": 0.2}
# Words that say how formal (first) or how tailored (second) a garment shall be, from -1 to 1.
_STYLES: dict[str, tuple[float, float]] = {
    "formal": (1, 0), "business": (1, 0.3), "elegant": (1, 0), "smart": (0.7, 0.3), "casual": (-1, 0),
    "sporty": (-1, -0.3), "structured": (0, 1), "tailored": (0.3, 1), "flowing": (0, -1), "relaxed": (-0.3, -1),
}  # fmt: skip
_SLEEVELESS = {"tank top": 0.6, "vest": 0.3, "dress": 0.1}
_PLAIN_WORDS = frozenset({"minimal", "minimalist"})
# Points of formality or structure that make a kind e times as likely.
_STYLE_STEP = 9.0
# Cloth of one dye in folds: steps of L* and factors of chroma.
_FOLDS = ((-14.0, 0.85), (-7.0, 0.95), (0.0, 1.0), (0.0, 1.0), (4.0, 0.95), (8.0, 0.85))


class FashionTextEmbedder:
    """Words in the space of `fashion/3`: each word that it knows fills the block that it says something about.

    Categories fill the kind block, and so do occasions ("formal", "sporty") where no category is named; patterns and
    colours fill theirs. Blocks that the text says nothing about stay empty, so they do not move a ranking. A text
    without any such word gets the mean of all kinds, and coverage 0.
    """

    spec = TEXT_SPEC

    def __init__(self, weights: Path = WEIGHTS_FILE) -> None:
        """Reads the fixed numbers; errors as `vision_svc.garments.fashion.FashionEmbedder`."""
        self._space = space.space_of(load_weights(weights))

    def embed_text(self, text: str) -> TextVector:
        """Makes the vector of a text, English, any case."""
        said = understand(text)
        chances, styled = _kinds(said)
        plain = [word for word in said.attributes if word in _PLAIN_WORDS]
        blocks = {"kind": chances, "pattern": _patterns(said.patterns or ("plain",) * bool(plain))}
        filled = {name: np.sqrt(values)[None] for name, values in blocks.items() if values.any()}
        if said.colors:
            filled["color"] = self._color(said.colors)
        unplaced = [word for word in said.attributes if word not in styled and word not in plain] + [*said.ignored]
        placed = sum(map(len, (said.categories, said.patterns, said.colors, styled, plain)))
        weak = f"words without a place in the space: {', '.join(unplaced[:8])}" if unplaced else ""
        if not placed:
            filled = {"kind": np.full((1, len(KINDS)), len(KINDS) ** -0.5)}
            weak = "no word of the text has a place in the space; the vector is that of any garment"
        said = replace(said, coverage=placed / max(1, placed + len(unplaced)))
        return TextVector(_weighted(filled), said, weak)

    def _color(self, names: Sequence[str]) -> space.Vector:
        shades = [_folds(by_name()[name].lab) for name in names]
        return self._space.block("color", color_block(srgb_to_lab(lab_to_srgb(np.concatenate(shades))))[None])


def _weighted(filled: dict[str, space.Vector]) -> space.FloatArray:
    """Joins the blocks of words so that `_SHARES` holds in the score, whatever the blocks weigh in garments."""
    scaled = {name: values * _SHARES[name] / space.WEIGHTS[name] for name, values in filled.items()}
    vector: space.FloatArray = space.join(scaled)[0]
    return vector


def _kinds(said: Understanding) -> tuple[space.Vector, list[str]]:
    """Returns the chances of kinds that a text speaks of, `(kinds,)`, zeros for none, and the style words it used."""
    if said.categories:
        named = np.mean([_spread(dict.fromkeys(GROUPS.get(name, (name,)), 1.0)) for name in said.categories], axis=0)
        return np.asarray(named), []
    used = [word for word in said.attributes if word in _STYLES]
    sleeveless = [word for word in said.attributes if word == "sleeveless"]
    chances: space.Vector = np.zeros(len(KINDS))
    if used:
        wish = np.mean([_STYLES[word] for word in used], axis=0)
        likely = np.exp((_PRIORS - 50) @ wish / _STYLE_STEP)
        chances = likely / likely.sum()
    if sleeveless:
        bare = _spread(_SLEEVELESS)
        chances = np.sqrt(chances * bare) if used else bare
        chances = chances / chances.sum()
    return chances, used + sleeveless


def _patterns(names: Iterable[str]) -> space.Vector:
    """Returns the chances of patterns, `(patterns,)`, zeros for none; "patterned" is any but plain."""
    shares: space.Vector = np.zeros(len(PATTERN_KINDS))
    for name in names:
        meant = PATTERN_KINDS[1:] if name == "patterned" else (name,)
        for pattern in meant:
            shares[PATTERN_KINDS.index(pattern)] += 1 / len(meant)
    found: space.Vector = shares / max(float(shares.sum()), 1e-9)
    return found


def _spread(shares: dict[str, float]) -> space.Vector:
    total = sum(shares.values())
    return np.array([shares.get(kind, 0.0) / total for kind in KINDS])


def _folds(lab: space.Vector) -> space.Vector:
    return np.array([[lab[0] + step, lab[1] * chroma, lab[2] * chroma] for step, chroma in _FOLDS])


_PRIORS = np.array([CATEGORY_PRIORS[kind] for kind in KINDS])
