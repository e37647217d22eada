"""The space of `fashion/1`: its blocks, and how measurements become vectors in it.

A vector has five blocks one after the other. Each has Euclidean length 1 times its weight, and the squares of the
weights add up to 1, so the cosine of two garments is the sum of the blocks' own cosines, each at its squared weight:

| block   | says                                       | colour | words that fill it      |
|---------|--------------------------------------------|--------|-------------------------|
| kind    | square roots of the chances of each kind   | no     | categories, occasions   |
| pattern | square roots of the chances of each print  | no     | patterns                |
| look    | the network's pooled feature, centred      | no     |                         |
| color   | a soft histogram of the garment's colours  | only   | colours                 |
| texture | orientations, detail and local patterns    | no     |                         |

The first three come from the network, which sees colours turned at random while it learns; `color` is colour alone.
So "navy shirt" is the kind block of shirts and the colour block of navy, and blocks that a text does not speak of stay
zero. The square root of chances makes the dot product their Bhattacharyya coefficient, which is 1 for equal chances.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision_svc.garments.descriptor import COLOR_SIZE, TEXTURE_SIZE
from vision_svc.garments.kinds import KINDS, PATTERN_KINDS

Vector = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]

LOOK_SIZE = 192
SIZES = {
    "kind": len(KINDS),
    "pattern": len(PATTERN_KINDS),
    "look": LOOK_SIZE,
    "color": COLOR_SIZE,
    "texture": TEXTURE_SIZE,
}
# Squares of these are the blocks' shares of the cosine.
WEIGHTS = {"kind": 0.30, "pattern": 0.05, "look": 0.35, "color": 0.20, "texture": 0.10}
DIMENSION = sum(SIZES.values())
_STARTS = dict(zip(SIZES, np.cumsum([0, *SIZES.values()]).tolist(), strict=False))
BLOCKS = {name: slice(_STARTS[name], _STARTS[name] + size) for name, size in SIZES.items()}
# Softens the network's chances: a photo between two kinds shall be near both.
KIND_TEMPERATURE, PATTERN_TEMPERATURE = 1.0, 1.0


@dataclass(frozen=True)
class FashionSpace:
    """The fixed numbers beside the network; fitted by `vision_svc.training.encoder_export`.

    Attributes:
        look_mean: `(192,)`: mean of the pooled feature over the training photos.
        color_mean, texture_mean: `(80,)`, `(40,)`: means of the descriptors.
        color_rotation, texture_rotation: square: make what an accident of the photo changes count little.
    """

    look_mean: Vector
    color_mean: Vector
    color_rotation: Vector
    texture_mean: Vector
    texture_rotation: Vector

    def look(self, features: npt.ArrayLike) -> Vector:
        """Centres features, `(N, 192)`; rows have length 1."""
        return unit(np.asarray(features, np.float64) - self.look_mean)

    def color(self, histograms: Vector) -> Vector:
        """Whitens colour descriptors, `(N, 80)`; rows have length 1."""
        return unit((histograms - self.color_mean) @ self.color_rotation)

    def texture(self, descriptors: Vector) -> Vector:
        """Whitens texture descriptors, `(N, 40)`; rows have length 1."""
        return unit((descriptors - self.texture_mean) @ self.texture_rotation)


def join(blocks: dict[str, Vector]) -> FloatArray:
    """Joins blocks into vectors of length 1.

    Args:
        blocks: By name, each `(N, size)` with rows of length 1; what is missing stays zero.

    Returns:
        float32 `(N, DIMENSION)`.
    """
    rows = len(next(iter(blocks.values())))
    joined = np.zeros((rows, DIMENSION))
    for name, values in blocks.items():
        joined[:, BLOCKS[name]] = np.sqrt(WEIGHTS[name]) * values
    return unit(joined).astype(np.float32)


def block_of(vector: npt.ArrayLike, name: str) -> Vector:
    """Takes one block out of a vector `(D,)` or vectors `(N, D)`, scaled to length 1; zeros stay zeros."""
    return unit(np.asarray(vector, np.float64)[..., BLOCKS[name]])


def chances(vector: npt.ArrayLike, name: str) -> Vector:
    """Reads the chances of kinds ("kind") or patterns ("pattern") out of a vector; they add up to 1."""
    squared: Vector = block_of(vector, name) ** 2
    return squared


def space_of(arrays: dict[str, FloatArray]) -> FashionSpace:
    """Takes the fixed numbers out of the arrays of a weights file; ValueError where they are not as expected."""
    shapes = {
        "space.look_mean": (LOOK_SIZE,),
        "space.color_mean": (COLOR_SIZE,),
        "space.color_rotation": (COLOR_SIZE, COLOR_SIZE),
        "space.texture_mean": (TEXTURE_SIZE,),
        "space.texture_rotation": (TEXTURE_SIZE, TEXTURE_SIZE),
    }
    for name, shape in shapes.items():
        found = arrays[name].shape if name in arrays else None
        if found != shape:
            raise ValueError(f"{name}: expected an array of shape {shape}, got {found}")
    return FashionSpace(*(arrays[name].astype(np.float64) for name in shapes))


def unit(values: Vector) -> Vector:
    """Scales rows to Euclidean length 1; zeros stay zeros."""
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    scaled: Vector = values / np.maximum(length, 1e-9)
    return scaled
