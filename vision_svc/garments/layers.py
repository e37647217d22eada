"""Where one garment ends and the next begins on the way down the body.

The colours of a dressed person change at the waist, at the hem and at the shoe. Seen as a message that lists the colour
of every pixel from the shoulders down, the right borders are those that make the message shortest: each stretch between
two of them costs its number of pixels times the entropy of its colours. Weak knowledge of where borders usually are is
added as further cost.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision_svc.garments.canvas import PALETTE_SIZE, Canvas
from vision_svc.garments.limbs import Part
from vision_svc.people.types import BoolMask

Array = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]

STEP = 0.05
BINS = 70  # body heights 0 (shoulders) to 3.5
SKIN = PALETTE_SIZE  # skin is one colour more
_CORE_PARTS = (Part.TORSO, Part.THIGH, Part.SHIN, Part.FOOT)
# Body heights at which a border may lie: waist, hem, shoe.
_WAIST, _HEM, _SHOE = (0.5, 1.6), (1.3, 3.2), (2.6, 3.35)
# The numbers below were fitted on 231 street photos with masks. Waist: median error 0.05 of a torso length.
_ENTROPY_WEIGHT = 0.02
_WAIST_MIDDLE, _WAIST_SPREAD = 0.95, 0.25
_SHOE_MIDDLE, _SHOE_SPREAD = 3.05, 0.12
_COVERED_LEG_COST = 60.0  # a hem above legs that are not bare needs strong evidence
_SHORTEST = 3  # bins


@dataclass(frozen=True)
class Layers:
    """Borders on the way down the body, in body heights (0 shoulders, 1 hips, 2 knees, 3 ankles).

    Attributes:
        waist: Between what is worn above and what is worn below.
        hem: The end of what is worn below.
        shoe: The upper edge of the shoes.
        bare_legs: Share of skin between hem and shoe, 0-1; 0 where the hem reaches the shoe.
        counts: float64 `(BINS, PALETTE_SIZE + 1)`: pixels by height and colour, skin last.
    """

    waist: float
    hem: float
    shoe: float
    bare_legs: float
    counts: Array

    def colors(self, start: float, end: float) -> Array:
        """Returns the colours, float64 `(PALETTE_SIZE,)`, of what is worn between two body heights, in pixels."""
        first, last = (int(np.clip(round(value / STEP), 0, BINS)) for value in (start, end))
        worn: Array = self.counts[first:last, :PALETTE_SIZE].sum(axis=0)
        return worn


def find_layers(canvas: Canvas, skin: BoolMask, *, hips_seen: bool = True) -> Layers:
    """Finds the borders between garments.

    Args:
        canvas: The person.
        skin: bool `(h, w)`: bare skin.
        hips_seen: Whether the hips are in the picture; where not, no waist is looked for above them.

    Returns:
        The cheapest borders.
    """
    counts = _count(canvas, skin)
    waist, hem, shoe = _grid()
    cost, bare = _cost(counts, waist, hem, shoe)
    if not hips_seen:
        cost[waist * STEP < 1.0] = np.inf
    best = np.unravel_index(cost.argmin(), cost.shape)
    bare_legs = float(bare[best]) if hem[best] < shoe[best] else 0.0
    return Layers(waist[best] * STEP, hem[best] * STEP, shoe[best] * STEP, bare_legs, counts)


def bhattacharyya(first: Array, second: Array) -> float:
    """Returns how little two colour counts overlap: 0 the same colours in the same shares, 1 none in common."""
    shares = [counts / max(float(counts.sum()), 1.0) for counts in (first, second)]
    return 1.0 - float(np.sqrt(shares[0] * shares[1]).sum())


def _count(canvas: Canvas, skin: BoolMask) -> Array:
    height = canvas.body.height
    core = np.isin(canvas.body.part, _CORE_PARTS) & canvas.mask & (height >= 0) & (height < BINS * STEP)
    symbols = np.where(skin, SKIN, canvas.color)[core].astype(np.intp)
    bins = (height[core] / STEP).astype(np.intp)
    flat = np.bincount(bins * (PALETTE_SIZE + 1) + symbols, minlength=BINS * (PALETTE_SIZE + 1))
    return flat.reshape(BINS, PALETTE_SIZE + 1).astype(np.float64)


def _grid() -> tuple[Indexes, Indexes, Indexes]:
    ranges = [np.arange(round(low / STEP), round(high / STEP), dtype=np.intp) for low, high in (_WAIST, _HEM, _SHOE)]
    waist, hem, shoe = np.meshgrid(*ranges, indexing="ij")
    return waist, hem, shoe


def _cost(counts: Array, waist: Indexes, hem: Indexes, shoe: Indexes) -> tuple[Array, Array]:
    """Returns the cost of each choice of borders, and the share of skin between hem and shoe."""
    lengths, totals = _message_lengths(counts)
    skin_total = np.concatenate([[0.0], np.cumsum(counts[:, SKIN])])
    bare = (skin_total[shoe] - skin_total[hem]) / np.maximum(totals[hem, shoe], 1.0)
    entropy = lengths[0, waist] + lengths[waist, hem] + lengths[hem, shoe] + lengths[shoe, BINS]
    habit = _habit(waist, _WAIST_MIDDLE, _WAIST_SPREAD) + _habit(shoe, _SHOE_MIDDLE, _SHOE_SPREAD)
    covered = np.where(hem < shoe, _COVERED_LEG_COST * (1.0 - bare), 0.0)
    cost = _ENTROPY_WEIGHT * entropy + habit + covered
    return np.where((hem <= shoe) & (hem >= waist + _SHORTEST), cost, np.inf), bare


def _habit(border: Indexes, middle: float, spread: float) -> Array:
    deviation: Array = (border.astype(np.float64) * STEP - middle) / spread
    return deviation**2 / 2


def _message_lengths(counts: Array) -> tuple[Array, Array]:
    """Returns, for each stretch of bins from i to j, its pixels times the entropy of its colours, and its pixels."""
    sums = np.concatenate([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0)])
    stretch = np.maximum(sums[np.newaxis] - sums[:, np.newaxis], 0.0)
    totals = stretch.sum(axis=-1)
    lengths = _n_log_n(totals) - _n_log_n(stretch).sum(axis=-1)
    return lengths, totals


def _n_log_n(counts: Array) -> Array:
    product: Array = counts * np.log(np.maximum(counts, 1.0))
    return product
