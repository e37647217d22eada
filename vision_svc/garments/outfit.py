"""Which garments an outfit consists of, and which pixels are whose."""

from dataclasses import dataclass

import numpy as np

from vision_svc.garments.assign import LabelMap, Layer
from vision_svc.garments.canvas import PALETTE_SIZE, Canvas
from vision_svc.garments.evidence import DRESS, OUTERWEAR, Evidence, front_and_sides, lateral
from vision_svc.garments.layers import Layers
from vision_svc.garments.limbs import Part
from vision_svc.garments.types import Bucket
from vision_svc.people.types import BoolMask, FloatArray

# From this contrast between chest and sides on, the front is open and shows what is worn underneath.
_OPEN_FRONT = 0.20
# From these probabilities on we speak of outerwear and of a dress; fewer dresses are missed so, at the same precision.
_OUTERWEAR_FROM, _DRESS_FROM = 0.5, 0.4
_MIDDLE_REACH = 0.30  # torso lengths from the spine; farther out is never underneath
_LONG_COAT = 1.35  # body height
_LONG_LEGS, _SHORT_LEGS = 2.5, 2.0
_SKIRT_COVER = 0.75
_BOOT_TOP = 2.85
_MIN_SHARE = {
    Bucket.TOP: 0.015,
    Bucket.BOTTOM: 0.03,
    Bucket.OUTERWEAR: 0.04,
    Bucket.DRESS: 0.06,
    Bucket.SHOES: 0.003,
}
_MAX_BLOBS = {Bucket.TOP: 3, Bucket.BOTTOM: 2, Bucket.OUTERWEAR: 4, Bucket.DRESS: 3, Bucket.SHOES: 2}


@dataclass(frozen=True)
class Piece:
    """One garment on the canvas.

    Attributes:
        bucket: Its place in the outfit.
        category: Its category.
        pixels: bool `(h, w)`.
        score: How sure we are of the bucket, 0-1.
    """

    bucket: Bucket
    category: str
    pixels: BoolMask
    score: float


@dataclass(frozen=True)
class Scene:
    """All that is known of a person's clothes before they are named.

    Attributes:
        canvas: The person.
        skin: bool `(h, w)`.
        layers: Borders on the way down the body.
        labels: uint8 `(h, w)`: the `Layer` of each pixel.
        posterior: float32 `(5, h, w)`: how probable each layer is.
        evidence: What speaks for a dress and for outerwear.
    """

    canvas: Canvas
    skin: BoolMask
    layers: Layers
    labels: LabelMap
    posterior: FloatArray
    evidence: Evidence

    def pixels(self, layer: Layer) -> BoolMask:
        """Returns the pixels of a layer, bool `(h, w)`, without skin."""
        worn: BoolMask = self.canvas.mask & ~self.skin & (self.labels == layer)
        return worn

    def sureness(self, pixels: BoolMask) -> float:
        """Returns how sure the assignment of these pixels to their layers is on average, 0-1."""
        return float(self.posterior.max(axis=0)[pixels].mean()) if pixels.any() else 0.0


def compose(scene: Scene) -> list[Piece]:
    """Names the garments of an outfit.

    Args:
        scene: A person's layers.

    Returns:
        The garments, from outside to inside and from top to bottom; those too small to be real are left out.
    """
    dress, outer = DRESS.probability(scene.evidence), OUTERWEAR.probability(scene.evidence)
    upper, lower = scene.pixels(Layer.UPPER), scene.pixels(Layer.LOWER)
    outside, inside = _split_front(scene, upper) if outer >= _OUTERWEAR_FROM else (np.zeros_like(upper), upper)
    is_dress = dress >= _DRESS_FROM and bool(lower.any())
    pieces = [Piece(Bucket.OUTERWEAR, _coat_category(scene), outside, outer)]
    if is_dress:
        pieces.append(Piece(Bucket.DRESS, "dress", inside | lower, dress))
    else:
        pieces.append(Piece(Bucket.TOP, "top", inside, 1 - outer * _share(outside, upper)))
        pieces.append(Piece(Bucket.BOTTOM, _bottom_category(scene), lower, 1 - dress))
    pieces.append(Piece(Bucket.SHOES, _shoe_category(scene.layers), scene.pixels(Layer.SHOES), 1.0))
    person = float(scene.canvas.mask.sum())
    return [piece for piece in pieces if piece.pixels.sum() >= _MIN_SHARE[piece.bucket] * person]


def max_blobs(bucket: Bucket) -> int:
    """Returns how many parts a garment of this bucket may be seen in."""
    return _MAX_BLOBS[bucket]


def _split_front(scene: Scene, upper: BoolMask) -> tuple[BoolMask, BoolMask]:
    """Splits what is worn above into what is outside and what shows underneath, by the colours of sides and front."""
    if scene.evidence.front_contrast < _OPEN_FRONT:
        return upper, np.zeros_like(upper)
    canvas = scene.canvas
    front, sides = front_and_sides(canvas, canvas.mask & ~scene.skin, scene.layers)
    sleeves = upper & np.isin(canvas.body.part, (Part.UPPER_ARM, Part.FOREARM))
    counts = [np.bincount(canvas.color[where], minlength=PALETTE_SIZE) + 1.0 for where in (front, sides | sleeves)]
    underneath_colors = counts[0] / counts[0].sum() > counts[1] / counts[1].sum()
    middle = (np.abs(lateral(canvas)) < _MIDDLE_REACH) & (canvas.body.part == Part.TORSO)
    underneath = upper & middle & underneath_colors[canvas.color]
    return upper & ~underneath, underneath


def _share(part: BoolMask, whole: BoolMask) -> float:
    return float(part.sum()) / max(float(whole.sum()), 1.0)


def _coat_category(scene: Scene) -> str:
    return "coat" if scene.layers.waist > _LONG_COAT else "jacket"


def _bottom_category(scene: Scene) -> str:
    hem, covered = scene.layers.hem, scene.evidence.between_legs
    if covered >= _SKIRT_COVER and hem < _LONG_LEGS:
        return "skirt"
    return "trousers" if hem >= _SHORT_LEGS else "shorts"


def _shoe_category(layers: Layers) -> str:
    return "boots" if layers.shoe < _BOOT_TOP else "shoes"
