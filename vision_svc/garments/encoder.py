"""Vectors of garments: the contract of every embedder, and the hand-made one that needs no download."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from imaging.color import lab_to_srgb, srgb_to_lab
from vision_svc.garments import whitening
from vision_svc.garments.color_names import by_name
from vision_svc.garments.descriptor import DIMENSION, SIZES, color_block, describe, texture_block
from vision_svc.garments.swatches import swatches
from vision_svc.garments.thumbnail import GarmentView, thumbnail
from vision_svc.garments.vocabulary import PATTERNS, Understanding, understand
from vision_svc.models.contract import Model, ModelSpec, Task

FloatArray = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

HAND_MADE = "hand-made/1"
SPEC = ModelSpec(
    task=Task.GARMENT_EMBED,
    model=HAND_MADE,
    backend="numpy",
    license="Apache-2.0",
    source="vitrine",
    description="Colour, texture, gradients and shape of the garment's own pixels, whitened; not a trained network.",
    dimension=DIMENSION,
)
TEXT_SPEC = ModelSpec(
    task=Task.TEXT_EMBED,
    model=HAND_MADE,
    backend="numpy",
    license="Apache-2.0",
    source="vitrine",
    description="Prototypes of colour, pattern and category words in the space of hand-made/1.",
    dimension=DIMENSION,
)
# Categories without a prototype of their own -> the one whose outline is most like theirs. Bags, belts and scarves have
# none.
_KIN = {
    "jeans": "trousers", "leggings": "trousers", "coat": "outerwear", "jacket": "outerwear", "suit": "blazer",
    "sweater": "longsleeve", "sweatshirt": "hoodie", "cardigan": "longsleeve", "top": "t-shirt", "blouse": "shirt",
    "sneakers": "shoes", "boots": "shoes", "heels": "shoes", "sandals": "shoes", "cap": "hat", "headwear": "hat",
    "jumpsuit": "dress", "vest": "tank top",
}  # fmt: skip
# Lightness of a dyed cloth in folds: standard deviation in L*.
_SHADING = (-10.0, -5.0, 0.0, 4.0)


@dataclass(frozen=True)
class TextVector:
    """A text in the space of an embedder.

    Attributes:
        vector: float32 `(D,)`, length 1.
        understanding: What was understood; its coverage is the share of the words that moved the vector.
        weak_reason: Why the answer is weak, in words; empty where it is not.
    """

    vector: FloatArray
    understanding: Understanding
    weak_reason: str


class GarmentEmbedder(Protocol):
    """Makes vectors of garments; all have length 1, and the same model's can be compared by their dot product."""

    @property
    def spec(self) -> ModelSpec:
        """What it is."""

    def infer(self, inputs: Sequence[GarmentView]) -> list[FloatArray]:
        """Makes the vector, float32 `(D,)`, of each garment."""


class TextEmbedder(Protocol):
    """Makes vectors of words in the space of a garment embedder."""

    @property
    def spec(self) -> ModelSpec:
        """What it is."""

    def embed_text(self, text: str) -> TextVector:
        """Makes the vector of a text."""


class HandMadeEmbedder(Model[GarmentView, Vector, FloatArray, FloatArray]):
    """`hand-made/1`: descriptors, whitened. Deterministic; safe for use from several threads."""

    spec = SPEC

    def __init__(self, weights: Path = whitening.WEIGHTS_FILE) -> None:
        """Reads the fixed numbers.

        Raises:
            OSError: The file cannot be read.
            ValueError: It does not hold what it should.
        """
        self._whitening = whitening.load(weights)

    def pre_process(self, inputs: Sequence[GarmentView]) -> Vector:
        """Measures garments: float64 `(N, 256)`."""
        return np.stack([describe(view) for view in inputs])

    def forward(self, tensors: Vector) -> FloatArray:
        """Whitens descriptors: float32 `(N, 256)`, length 1."""
        return self._whitening.vectors(tensors)

    def post_process(self, raw: FloatArray, inputs: Sequence[GarmentView]) -> list[FloatArray]:
        """Gives each garment its row."""
        return list(raw[: len(inputs)])


class PrototypeTextEmbedder:
    """Words in the space of `hand-made/1`: each word that it knows fills the blocks that it says something about.

    Colour words fill the colour block, pattern words the texture block, categories gradients and shape. Blocks that the
    text says nothing about stay empty, so they do not move a ranking. A text without any such word gets the mean shape
    of all categories, and coverage 0.
    """

    spec = TEXT_SPEC

    def __init__(self, weights: Path = whitening.WEIGHTS_FILE) -> None:
        """Reads the fixed numbers; errors as `HandMadeEmbedder`."""
        self._whitening = whitening.load(weights)

    def embed_text(self, text: str) -> TextVector:
        """Makes the vector of a text, English, any case."""
        said = understand(text)
        blocks = [np.zeros(size) for size in SIZES]
        if said.colors:
            blocks[whitening.COLOR] = self._color(said.colors)
        textures = [self._patterns[pattern] for pattern in said.patterns if pattern in self._patterns]
        if textures:
            blocks[whitening.TEXTURE] = np.mean(textures, axis=0)
        shapes = [self._shapes[name] for name in said.categories if name in self._shapes]
        if shapes or not (said.colors or textures):
            split = SIZES[whitening.GRADIENT]
            mean = np.mean(shapes or list(self._shapes.values()), axis=0)
            blocks[whitening.GRADIENT], blocks[whitening.SHAPE] = mean[:split], mean[split:]
        vector = whitening.join([block[None] for block in blocks])[0]
        placed = len(said.colors) + len(textures) + len(shapes)
        unplaced = [name for name in said.categories if name not in self._shapes]
        unplaced += [*said.attributes, *said.ignored]
        weak = f"words without a place in the space: {', '.join(unplaced[:8])}" if unplaced else ""
        kin = [name for name in said.categories if name in _KIN and _KIN[name] in self._shapes]
        weak = "; ".join(filter(None, (*(f"{name} is taken for {_KIN[name]}" for name in kin), weak)))
        said = replace(said, coverage=placed / max(1, placed + len(unplaced)))
        if not placed:
            weak = "no word of the text has a place in the space; the vector is that of any garment"
        return TextVector(vector, said, weak)

    def _color(self, names: Sequence[str]) -> Vector:
        shades = np.concatenate([by_name()[name].lab + [[step, 0.0, 0.0] for step in _SHADING] for name in names])
        return self._whitening.block(color_block(srgb_to_lab(lab_to_srgb(shades))), whitening.COLOR)

    @cached_property
    def _patterns(self) -> dict[str, Vector]:
        prototypes = {}
        for pattern in dict.fromkeys(PATTERNS.values()):
            raw = np.stack([texture_block(thumbnail(view)) for view in swatches(pattern)])
            mean = self._whitening.block(raw, whitening.TEXTURE).mean(axis=0)
            prototypes[pattern] = mean / np.linalg.norm(mean)
        return prototypes

    @cached_property
    def _shapes(self) -> dict[str, Vector]:
        own = dict(zip(self._whitening.categories, self._whitening.shapes.astype(np.float64), strict=True))
        return own | {name: own[kin] for name, kin in _KIN.items() if kin in own and name not in own}


def outfit_vector(vectors: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Joins the vectors of an outfit's garments into one.

    Args:
        vectors: One per garment, `(D,)`, length 1; at least one.
        weights: How much of the outfit each is: the square root of its area times its score.

    Returns:
        float32 `(D,)`, length 1.
    """
    total: Vector = np.average(np.stack(vectors).astype(np.float64), axis=0, weights=np.asarray(weights) + 1e-9)
    return (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)
