"""Hand-made description of a garment's look in four blocks: colour, texture, gradients, shape.

No block is trained. Each is measured on the garment's own pixels, so the background plays no part.
"""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from imaging.color import srgb_to_lab
from vision_svc.garments.thumbnail import GarmentView, MaskedThumbnail, thumbnail
from vision_svc.people.types import BoolMask

Vector = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]

COLOR_SIZE, TEXTURE_SIZE, GRADIENT_SIZE, SHAPE_SIZE = 80, 40, 96, 40
SIZES = (COLOR_SIZE, TEXTURE_SIZE, GRADIENT_SIZE, SHAPE_SIZE)
BLOCKS = tuple(
    slice(start, start + size) for start, size in zip(np.cumsum((0, *SIZES[:-1])).tolist(), SIZES, strict=True)
)
DIMENSION = sum(SIZES)

_THUMB_PX = 48
_TEXTURE_PX = 64
_PATCH_PX = 64
# Lightness counts less than hue and chroma: light changes it, dye does not.
_LAB_WEIGHT = np.array([0.6, 1.0, 1.0])
_COLOR_SIGMA = 9.0
_SCALES = (0.7, 1.5, 3.0)
_ORIENTATIONS = 8
_CELLS = (4, 3)
_GRID = (6, 5)


def describe(view: GarmentView) -> Vector:
    """Describes a garment.

    Args:
        view: Crop and mask.

    Returns:
        float64 `(256,)`: the four blocks one after the other, not yet normalised; histograms are square-rooted.
    """
    texture_thumb = thumbnail(view, _TEXTURE_PX)
    patch, mask = letterboxed(texture_thumb)
    return np.concatenate(
        [
            color_block(thumbnail(view, _THUMB_PX).lab),
            texture_block(texture_thumb),
            gradient_block(patch, mask),
            shape_block(texture_thumb.inside),
        ]
    )


def color_block(lab: Vector, weight: Vector | None = None) -> Vector:
    """Describes colours: a soft histogram over 80 anchors spread evenly over what sRGB can show.

    Args:
        lab: `(N, 3)`, CIE L*a*b*.
        weight: `(N,)`, how much each counts; all the same where not given.

    Returns:
        float64 `(80,)`, square roots of shares (Hellinger).
    """
    points, anchors = lab * _LAB_WEIGHT, _anchors() * _LAB_WEIGHT
    # The square of a difference, written out: one matrix product instead of an array of N x 80 x 3.
    distance = (points**2).sum(axis=1)[:, None] + (anchors**2).sum(axis=1) - 2 * points @ anchors.T
    closeness = np.exp(-distance / (2 * _COLOR_SIGMA**2)) + 1e-12
    share = closeness / closeness.sum(axis=1, keepdims=True)
    mean: Vector = np.average(share, axis=0, weights=weight)
    return np.sqrt(mean)


@cache
def _anchors() -> Vector:
    """Returns 80 colours, `(80, 3)` Lab: farthest-point sampling of the sRGB cube, starting at mid grey."""
    steps = np.linspace(0, 255, 18)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = srgb_to_lab(cube)
    scaled = lab * _LAB_WEIGHT
    chosen = [int(np.argmin(np.abs(cube - 128).sum(axis=1)))]
    nearest = ((scaled - scaled[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < COLOR_SIZE:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, ((scaled - scaled[chosen[-1]]) ** 2).sum(axis=1))
    return lab[chosen]


def texture_block(thumb: MaskedThumbnail) -> Vector:
    """Describes weave and print, whatever their place: `(40,)`.

    Orientation energies at three scales (24), their strengths in lightness (3) and colour (3), local binary patterns
    (uniform, eight neighbours) at radius 1 (10).
    """
    lab = _lab(thumb)
    inner = _inner(thumb.inside, 2)
    lightness = _contrast_normalised(lab[..., 0], inner)
    parts = [_orientations(lightness, inner, sigma) for sigma in _SCALES]
    strengths = [_strength(lab[..., 0], inner, sigma) for sigma in _SCALES]
    strengths += [np.hypot(_strength(lab[..., 1], inner, s), _strength(lab[..., 2], inner, s)) for s in _SCALES]
    return np.concatenate([*parts, np.log1p(strengths), np.sqrt(_binary_patterns(lightness, inner))])


def gradient_block(patch: Plane, mask: BoolMask) -> Vector:
    """Describes collars, seams and prints in their place: gradients in 4 x 3 cells and 8 directions, `(96,)`.

    Args:
        patch: float32 `(64, 64)`, lightness.
        mask: bool `(64, 64)`.
    """
    inner = _inner(mask, 1)
    normal = _contrast_normalised(patch, inner)
    dx, dy = cv2.Sobel(normal, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(normal, cv2.CV_32F, 0, 1, ksize=3)
    magnitude = np.sqrt(np.hypot(dx, dy)) * inner
    angle = np.arctan2(dy, dx) % np.pi * _ORIENTATIONS / np.pi
    height, width = patch.shape
    row = np.arange(height)[:, None] * _CELLS[0] // height
    column = np.arange(width)[None] * _CELLS[1] // width
    index = (row * _CELLS[1] + column) * _ORIENTATIONS + np.minimum(angle.astype(int), _ORIENTATIONS - 1)
    total = np.bincount(index.ravel(), magnitude.ravel(), minlength=GRADIENT_SIZE)
    return np.sqrt(total / max(float(inner.sum()), 1.0))


def shape_block(mask: BoolMask) -> Vector:
    """Describes the outline: mask on a 6 x 5 grid (30), aspect, extent, solidity (3), and 7 logarithmic Hu moments."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    grid = cv2.resize(tight, (_GRID[1], _GRID[0]), interpolation=cv2.INTER_AREA).ravel()
    height, width = tight.shape
    moments = cv2.HuMoments(cv2.moments(tight, binaryImage=True)).ravel()
    hu = np.sign(moments) * np.log10(np.abs(moments) + 1e-12) / 12.0
    points = cv2.findNonZero(tight.astype(np.uint8))
    hull_area = max(float(cv2.contourArea(cv2.convexHull(points))), 1.0)
    scalars = [np.log(width / height), float(tight.mean()), min(1.0, float(tight.sum()) / hull_area)]
    return np.concatenate([grid, scalars, hu]).astype(np.float64)


def letterboxed(thumb: MaskedThumbnail) -> tuple[Plane, BoolMask]:
    """Stretches a thumbnail to a square, outside filled with its mean: lightness and mask for `gradient_block`."""
    lightness = _lab(thumb)[..., 0]
    rows, columns = np.flatnonzero(thumb.inside.any(axis=1)), np.flatnonzero(thumb.inside.any(axis=0))
    place = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = (_PATCH_PX, _PATCH_PX)
    patch = np.asarray(cv2.resize(lightness[place], size, interpolation=cv2.INTER_LINEAR), np.float32)
    inside = cv2.resize(thumb.inside[place].astype(np.float32), size, interpolation=cv2.INTER_LINEAR) >= 0.5
    return patch, np.asarray(inside)


def _lab(thumb: MaskedThumbnail) -> Plane:
    return np.asarray(cv2.cvtColor(thumb.image_bgr.astype(np.float32) / 255.0, cv2.COLOR_BGR2Lab), np.float32)


def _inner(mask: BoolMask, pixels: int) -> BoolMask:
    """Shrinks a mask so that filters see nothing of its edge; a mask that would vanish stays."""
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    eroded = cv2.erode(mask.astype(np.uint8), kernel, borderValue=0) > 0
    return np.asarray(eroded if eroded.any() else mask)


def _contrast_normalised(plane: Plane, inside: BoolMask) -> Plane:
    values = plane[inside]
    return np.asarray((plane - values.mean()) / (values.std() + 4.0), np.float32)


def _orientations(plane: Plane, inside: BoolMask, sigma: float) -> Vector:
    """Returns the square-rooted share of gradient energy in 8 directions, `(8,)`, scaled by the energy's amount."""
    smooth = cv2.GaussianBlur(plane, (0, 0), sigma)
    dx, dy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    magnitude = np.hypot(dx, dy)[inside]
    angle = (np.arctan2(dy, dx) % np.pi * _ORIENTATIONS / np.pi)[inside]
    bins = np.minimum(angle.astype(int), _ORIENTATIONS - 1)
    return np.sqrt(np.bincount(bins, magnitude, minlength=_ORIENTATIONS) / len(magnitude))


def _strength(plane: Plane, inside: BoolMask, sigma: float) -> float:
    """Returns the standard deviation of a band-passed plane: detail of about `sigma` pixels."""
    band = cv2.GaussianBlur(plane, (0, 0), sigma) - cv2.GaussianBlur(plane, (0, 0), 2 * sigma)
    return float(band[inside].std())


def _binary_patterns(plane: Plane, inside: BoolMask) -> Vector:
    """Returns the histogram of uniform, rotation-invariant local binary patterns (Ojala et al. 2002), `(10,)`."""
    padded = cv2.copyMakeBorder(plane, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    height, width = plane.shape
    around = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    # Half a tenth of the contrast: less is noise of sensor and JPEG.
    bits = np.stack([padded[y : y + height, x : x + width] >= plane + 0.05 for y, x in around])[:, inside]
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    codes = np.where(changes <= 2, bits.sum(axis=0), 9)
    return np.bincount(codes, minlength=10) / codes.size
