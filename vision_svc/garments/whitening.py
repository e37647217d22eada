"""The fixed numbers of `hand-made/1`: how the blocks of the descriptor become comparable."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vision_svc.garments.descriptor import BLOCKS, DIMENSION, SIZES

Vector = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]

WEIGHTS_FILE = Path(__file__).parent / "weights" / "hand-made-1.npz"
COLOR, TEXTURE, GRADIENT, SHAPE = range(4)
# Each block says a quarter of the cosine.
_BLOCK_WEIGHTS = (0.5, 0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Whitening:
    """Mean, rotation and scale of each block, and where the shapes of categories lie.

    The rotation and scale of a block turn its within-class covariance (the same photo, cropped, turned, relit and
    compressed again) into the identity: what an accident of the photo changes counts little. Fitted by
    `vision_svc.training.fit_descriptor`.

    Attributes:
        mean: float64 `(256,)`.
        rotations: Per block, float64 `(size, size)`.
        categories: Names of the categories that have a prototype.
        shapes: float32 `(len(categories), GRADIENT + SHAPE)`: mean whitened gradient and shape blocks.
    """

    mean: Vector
    rotations: tuple[Vector, ...]
    categories: tuple[str, ...]
    shapes: FloatArray

    def block(self, raw: Vector, index: int) -> Vector:
        """Whitens one block of raw descriptors.

        Args:
            raw: `(..., size)`, the block as `descriptor` measures it.
            index: Which block: COLOR, TEXTURE, GRADIENT or SHAPE.

        Returns:
            `(..., size)`, Euclidean length 1.
        """
        return _unit((raw - self.mean[BLOCKS[index]]) @ self.rotations[index])

    def vectors(self, raw: Vector) -> FloatArray:
        """Turns raw descriptors, `(N, 256)`, into vectors of length 1, float32 `(N, 256)`."""
        return join([self.block(raw[:, BLOCKS[index]], index) for index in range(len(SIZES))])


def join(blocks: list[Vector]) -> FloatArray:
    """Joins whitened blocks, each `(N, size)`, into vectors of length 1; a block of zeros says nothing."""
    weighted = [weight * block for weight, block in zip(_BLOCK_WEIGHTS, blocks, strict=True)]
    return _unit(np.concatenate(weighted, axis=-1)).astype(np.float32)


def load(path: Path = WEIGHTS_FILE) -> Whitening:
    """Reads the numbers.

    Raises:
        OSError: The file cannot be read.
        ValueError: It does not hold what it should.
    """
    with np.load(path, allow_pickle=False) as file:
        mean = file["mean"].astype(np.float64)
        rotations = tuple(file[f"rotation_{index}"].astype(np.float64) for index in range(len(SIZES)))
        categories, shapes = tuple(str(name) for name in file["categories"]), file["shapes"].astype(np.float32)
    if mean.shape != (DIMENSION,) or tuple(map(len, rotations)) != SIZES or len(categories) != len(shapes):
        raise ValueError(f"{path.name}: expected mean ({DIMENSION},) and rotations of {SIZES}, got {mean.shape}")
    return Whitening(mean, rotations, categories, shapes)


def save(fitted: Whitening, path: Path) -> None:
    """Writes what `load` reads."""
    rotations = [rotation.astype(np.float32) for rotation in fitted.rotations]
    np.savez_compressed(
        path,
        mean=fitted.mean.astype(np.float32),
        categories=np.array(fitted.categories),
        shapes=fitted.shapes,
        rotation_0=rotations[0],
        rotation_1=rotations[1],
        rotation_2=rotations[2],
        rotation_3=rotations[3],
    )


def _unit(values: Vector) -> Vector:
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    unit: Vector = values / np.maximum(length, 1e-9)
    return unit
