"""The space of `fashion/3`: its blocks, and how measurements become vectors in it.

A vector has six blocks one after the other. Each has Euclidean length 1 times its weight, and the squares of the
weights add up to 1, so the cosine of two garments is the sum of the blocks' own cosines, each at its squared weight:

| block    | says                                             | colour | words that fill it     |
|----------|--------------------------------------------------|--------|------------------------|
| kind     | square roots of the chances of each kind         | no     | categories, occasions  |
| pattern  | square roots of the chances of each print        | no     | patterns               |
| look     | the network's pooled feature                     | no     |                        |
| color    | a soft histogram of the garment's colours        | only   | colours                |
| texture  | orientations, detail and local patterns          | no     |                        |
| gradient | where edges lie: collars, seams, prints          | no     |                        |

The first three come from the network, which sees colours turned at random while it learns; `color` is colour alone;
the last four are whitened against what differs between two photos of one garment. So "navy shirt" is the kind block
of shirts and the colour block of navy, and blocks that a text does not speak of stay zero. The square root of chances
makes the dot product their Bhattacharyya coefficient, which is 1 for equal chances.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision_svc.garments.descriptor import COLOR_SIZE, GRADIENT_SIZE, TEXTURE_SIZE
from vision_svc.garments.kinds import KINDS, PATTERN_KINDS

Vector = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]

# What each block is made from: the network's pooled feature, and descriptors of the garment's own pixels.
MEASURED = {"look": 192, "color": COLOR_SIZE, "texture": TEXTURE_SIZE, "gradient": GRADIENT_SIZE}
SIZES = {
    "kind": len(KINDS),
    "pattern": len(PATTERN_KINDS),
    "look": 95,
    "color": 48,
    "texture": 24,
    "gradient": 48,
}
# The blocks' shares of the cosine; square roots of them are the blocks' lengths. Kind and look find what is alike; the
# others tell two alike garments apart, so that one that is worn again is known (`bench/wearing.py`).
WEIGHTS = {"kind": 0.30, "pattern": 0.04, "look": 0.46, "color": 0.10, "texture": 0.06, "gradient": 0.04}
DIMENSION = sum(SIZES.values())
_STARTS = dict(zip(SIZES, np.cumsum([0, *SIZES.values()]).tolist(), strict=False))
BLOCKS = {name: slice(_STARTS[name], _STARTS[name] + size) for name, size in SIZES.items()}
# A pupil of a teacher is less sure than it may be: below 1 sharpens. At 0.6 the chances of labels are as often right as
# they say (mean distance 0.05 over five parts of the held-out photos; 0.19 at 1), and neighbours are more often alike.
KIND_TEMPERATURE, PATTERN_TEMPERATURE = 0.6, 1.0


@dataclass(frozen=True)
class FashionSpace:
    """The fixed numbers beside the network; fitted by `vision_svc.training.encoder_export`.

    Attributes:
        means: By block of MEASURED: `(measured size,)`, the mean over the training photos.
        rotations: By block of MEASURED: `(measured size, size)`: makes what an accident of the photo changes count
            little, and keeps the directions in which garments differ most.
    """

    means: dict[str, Vector]
    rotations: dict[str, Vector]

    def block(self, name: str, measured: npt.ArrayLike) -> Vector:
        """Turns measurements of one block, `(N, measured size)`, into the block, `(N, size)`, rows of length 1."""
        return unit((np.asarray(measured, np.float64) - self.means[name]) @ self.rotations[name])


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


def label_chances(vector: npt.ArrayLike, members: npt.ArrayLike) -> Vector:
    """Reads the chances of labels that each hold several kinds ("tops", "shoes"); they add up to 1.

    The network learnt such labels by the sum of their kinds' chances before these were sharpened, so it is asked in the
    same way: many kinds that are each a little likely count as one that is likely.

    Args:
        vector: `(D,)` or `(N, D)`.
        members: `(labels, kinds)`: 1 where a label holds a kind, otherwise 0.

    Returns:
        `(labels,)` or `(N, labels)`.
    """
    learnt = chances(vector, "kind") ** KIND_TEMPERATURE
    sharpened = (learnt @ np.asarray(members, np.float64).T) ** (1 / KIND_TEMPERATURE)
    likely: Vector = sharpened / np.maximum(sharpened.sum(axis=-1, keepdims=True), 1e-12)
    return likely


def space_of(arrays: Mapping[str, FloatArray]) -> FashionSpace:
    """Takes the fixed numbers out of the arrays of a weights file; ValueError where they are not as expected."""
    for name, size in MEASURED.items():
        for key, shape in ((f"space.{name}_mean", (size,)), (f"space.{name}_rotation", (size, SIZES[name]))):
            found = arrays[key].shape if key in arrays else None
            if found != shape:
                raise ValueError(f"{key}: expected an array of shape {shape}, got {found}")
    means, rotations = (
        {name: arrays[f"space.{name}_{what}"].astype(np.float64) for name in MEASURED} for what in ("mean", "rotation")
    )
    return FashionSpace(means, rotations)


def unit(values: Vector) -> Vector:
    """Scales rows to Euclidean length 1; zeros stay zeros."""
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    scaled: Vector = values / np.maximum(length, 1e-9)
    return scaled
