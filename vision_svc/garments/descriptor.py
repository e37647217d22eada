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
# Anchors that are farther off than this exponent weigh nothing; smaller numbers would only be slow.
_NEXT_TO_NOTHING = np.float32(-60)
_SCALES = (0.7, 1.5, 3.0)
_SIGMAS = sorted({*_SCALES, *(2 * scale for scale in _SCALES)})
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
    anchors, lengths = _scaled_anchors()
    points = np.asarray(lab * (_LAB_WEIGHT / _COLOR_SIGMA), np.float32)
    # -|p - c|^2 / 2, written out and without |p|^2, which is the same for all anchors and so plays no part in shares.
    nearness = anchors @ points.T - lengths
    nearness -= nearness.max(axis=0)
    closeness = np.exp(np.maximum(nearness, _NEXT_TO_NOTHING, out=nearness), out=nearness)
    counts = np.ones(len(lab)) if weight is None else weight
    # Not a matrix product, which is large enough here to be spread over cores, in another order on each machine.
    closeness *= np.asarray(counts / closeness.sum(axis=0), np.float32)
    return np.asarray(np.sqrt(closeness.sum(axis=1) / counts.sum()), np.float64)


@cache
def _scaled_anchors() -> tuple[Plane, Plane]:
    """Returns the anchors in units of the histogram's softness, `(80, 3)`, and half of their squares, `(80, 1)`."""
    scaled = _anchors() * (_LAB_WEIGHT / _COLOR_SIGMA)
    half = (scaled**2).sum(axis=1, keepdims=True) / 2
    return scaled.astype(np.float32), half.astype(np.float32)


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
    planes, inner = thumb.lab_planes, _inner(thumb.inside, 2)
    lightness, spread = _lightness(planes), _contrast(_lightness(planes), inner)
    smooth = {sigma: np.asarray(cv2.GaussianBlur(planes, (0, 0), sigma), np.float32) for sigma in _SIGMAS}
    parts = [_orientations(_lightness(smooth[sigma]) / spread, inner) for sigma in _SCALES]
    strengths = np.stack([_strengths(smooth[sigma] - smooth[2 * sigma], inner) for sigma in _SCALES])
    light, color = strengths[:, 0], np.hypot(strengths[:, 1], strengths[:, 2])
    return np.concatenate(
        [*parts, np.log1p(light), np.log1p(color), np.sqrt(_binary_patterns(lightness / spread, inner))]
    )


def gradient_block(patch: Plane, mask: BoolMask) -> Vector:
    """Describes collars, seams and prints in their place: gradients in 4 x 3 cells and 8 directions, `(96,)`.

    Args:
        patch: float32 `(64, 64)`, lightness.
        mask: bool `(64, 64)`.
    """
    inner = _inner(mask, 1)
    magnitude, direction = _gradients(patch / _contrast(patch, inner))
    index = _cells(patch.shape) * _ORIENTATIONS + direction
    total = np.bincount(index.ravel(), (np.sqrt(magnitude) * inner).ravel(), minlength=GRADIENT_SIZE)
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
    lightness = _lightness(thumb.lab_planes)
    rows, columns = np.flatnonzero(thumb.inside.any(axis=1)), np.flatnonzero(thumb.inside.any(axis=0))
    place = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = (_PATCH_PX, _PATCH_PX)
    patch = np.asarray(cv2.resize(lightness[place], size, interpolation=cv2.INTER_LINEAR), np.float32)
    inside = cv2.resize(thumb.inside[place].astype(np.float32), size, interpolation=cv2.INTER_LINEAR) >= 0.5
    return patch, np.asarray(inside)


def _lightness(lab_planes: Plane) -> Plane:
    return np.asarray(cv2.extractChannel(lab_planes, 0))


@cache
def _cells(shape: tuple[int, int]) -> npt.NDArray[np.intp]:
    """Returns the number of the cell that each pixel of a patch lies in, row by row."""
    height, width = shape
    row = np.arange(height)[:, None] * _CELLS[0] // height
    return row * _CELLS[1] + np.arange(width)[None] * _CELLS[1] // width


def _inner(mask: BoolMask, pixels: int) -> BoolMask:
    """Shrinks a mask so that filters see nothing of its edge; a mask that would vanish stays."""
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    eroded = cv2.erode(mask.astype(np.uint8), kernel, borderValue=0) > 0
    return np.asarray(eroded if eroded.any() else mask)


def _contrast(plane: Plane, inside: BoolMask) -> np.float32:
    """Returns the standard deviation of a plane, and a little more, so that noise on an even cloth stays small."""
    _, spread = cv2.meanStdDev(plane, mask=inside.view(np.uint8))
    return np.float32(spread.item() + 4.0)


def _gradients(plane: Plane) -> tuple[Plane, npt.NDArray[np.intp]]:
    """Returns how steep a plane is at each pixel, and in which of 8 directions, opposite ones being the same."""
    dx, dy = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    turns = np.floor(np.arctan2(dy, dx) * np.float32(_ORIENTATIONS / np.pi)).astype(np.intp)
    # Not cv2.magnitude, whose last bit depends on where in memory the numbers lie.
    return np.sqrt(dx * dx + dy * dy), turns & (_ORIENTATIONS - 1)


def _orientations(smooth: Plane, inside: BoolMask) -> Vector:
    """Returns the square-rooted share of gradient energy in 8 directions, `(8,)`, scaled by the energy's amount."""
    magnitude, direction = _gradients(smooth)
    total = np.bincount(direction.ravel(), (magnitude * inside).ravel(), minlength=_ORIENTATIONS)
    return np.sqrt(total / np.count_nonzero(inside))


def _strengths(band: Plane, inside: BoolMask) -> Vector:
    """Returns the standard deviations of band-passed planes, `(3,)`."""
    _, spread = cv2.meanStdDev(band, mask=inside.view(np.uint8))
    return np.asarray(spread, np.float64).ravel()


def _bits_if_connected(ring: int) -> int:
    bits = [ring >> place & 1 for place in range(8)]
    changes = sum(bits[place] != bits[place - 1] for place in range(8))
    return sum(bits) if changes <= 2 else 9


# Where the neighbours of a pixel lie in a picture with a border of one: once around, so that a byte's bits are a ring.
_AROUND = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
# For each ring of eight bits: how many are set where they are connected, otherwise 9.
_UNIFORM = np.array([_bits_if_connected(ring) for ring in range(256)])


def _binary_patterns(plane: Plane, inside: BoolMask) -> Vector:
    """Returns the histogram of uniform, rotation-invariant local binary patterns (Ojala et al. 2002), `(10,)`."""
    padded = cv2.copyMakeBorder(plane, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    height, width = plane.shape
    # Half a tenth of the contrast: less is noise of sensor and JPEG.
    least, rings = plane + np.float32(0.05), np.zeros(plane.shape, np.uint8)
    for bit, (y, x) in enumerate(_AROUND):
        rings |= (padded[y : y + height, x : x + width] >= least).view(np.uint8) << bit
    codes = _UNIFORM[rings[inside]]
    return np.bincount(codes, minlength=10) / codes.size
