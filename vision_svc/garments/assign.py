"""Which pixel belongs to which layer of clothes: place on the body and colour, weighed together.

Place gives each layer a prior: above the waist, below it, below the hem, on the foot. The colours found where that
prior is sure give each layer a colour model. A pixel near a border then goes where its colour says, so that the tail of
a shirt or the hem of a jacket below the waist stays with what it belongs to.
"""

import enum

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.canvas import PALETTE_SIZE, Canvas
from vision_svc.garments.layers import Layers
from vision_svc.garments.limbs import Part
from vision_svc.people.types import BoolMask, FloatArray

LabelMap = npt.NDArray[np.uint8]


class Layer(enum.IntEnum):
    """Where a pixel of a person can belong."""

    UPPER = 0
    LOWER = 1
    LEGWEAR = 2
    SHOES = 3
    HAIR = 4


# How blurred borders are, in body heights; how little a prior can get; rounds of learning colours and assigning pixels.
_SOFTNESS = 0.11
_FLOOR = 1e-3
_ROUNDS = 2
_SMOOTHING_PX = 5
_COLOR_WEIGHT = 0.8
# Hair falls from the head over chest and back, less the further down.
_HAIR_REACH, _HAIR_PRIOR = 0.35, 0.5
_ARM_OVER_LEG = 0.25


def assign(canvas: Canvas, skin: BoolMask, layers: Layers) -> tuple[LabelMap, FloatArray]:
    """Assigns what a person wears to layers.

    Args:
        canvas: The person.
        skin: bool `(h, w)`: bare skin, which is left out.
        layers: Borders on the way down the body.

    Returns:
        uint8 `(h, w)`: the `Layer` of each pixel, meaningful where the mask is set and skin is not; and float32
        `(5, h, w)`: how probable each layer is.
    """
    worn = canvas.mask & ~skin
    priors = np.maximum(place_priors(canvas, layers), _FLOOR)
    priors /= priors.sum(axis=0)
    posterior = priors
    for _ in range(_ROUNDS):
        colors = _color_models(canvas, worn, posterior)
        logits = np.log(priors) + _COLOR_WEIGHT * np.log(colors)[:, canvas.color]
        posterior = _softmax(_smooth(logits.astype(np.float32), worn))
    return posterior.argmax(axis=0).astype(np.uint8), posterior


def place_priors(canvas: Canvas, layers: Layers) -> FloatArray:
    """Returns, for each layer, how probable it is by place alone, float32 `(5, h, w)`, not normalised."""
    body, height = canvas.body, canvas.body.height
    below_waist, below_hem, below_shoe = (_step(height - edge) for edge in (layers.waist, layers.hem, layers.shoe))
    priors = np.zeros((len(Layer), *height.shape), np.float32)
    priors[Layer.UPPER] = 1 - below_waist
    priors[Layer.LOWER] = below_waist * (1 - below_hem)
    priors[Layer.LEGWEAR] = below_hem * (1 - below_shoe) if layers.hem < layers.shoe else 0
    priors[Layer.SHOES] = below_shoe
    feet = body.part == Part.FOOT
    priors[Layer.SHOES][feet] = np.maximum(priors[Layer.SHOES][feet], 0.7)
    arms = np.isin(body.part, (Part.UPPER_ARM, Part.FOREARM, Part.HAND))
    priors[:, arms] *= np.float32(_ARM_OVER_LEG)
    priors[Layer.UPPER][arms] += np.float32(1 - _ARM_OVER_LEG)
    head = body.part == Part.HEAD
    fallen = _HAIR_PRIOR * np.exp(-np.maximum(height, 0) / _HAIR_REACH) * (height < 1)
    priors[Layer.HAIR] = np.where(head, 1.0, fallen)
    priors[: Layer.HAIR, head] *= np.float32(0.15)
    return priors


def _step(distance: FloatArray) -> FloatArray:
    stepped: FloatArray = (1 / (1 + np.exp(-np.clip(distance / _SOFTNESS, -30, 30)))).astype(np.float32)
    return stepped


def _color_models(canvas: Canvas, worn: BoolMask, weights: FloatArray) -> FloatArray:
    """Learns each layer's colours, float32 `(5, PALETTE_SIZE)`."""
    colors = canvas.color[worn]
    models = np.empty((len(Layer), PALETTE_SIZE), np.float64)
    for layer in Layer:
        counts = np.bincount(colors, weights[layer][worn], minlength=PALETTE_SIZE)
        models[layer] = (counts + 1.0) / (counts.sum() + PALETTE_SIZE)
    return models.astype(np.float32)


def _smooth(logits: FloatArray, worn: BoolMask) -> FloatArray:
    """Averages over the neighbourhood, counting only pixels of clothes."""
    window = (_SMOOTHING_PX, _SMOOTHING_PX)
    inside = worn.astype(np.float32)
    total = np.maximum(cv2.boxFilter(inside, -1, window, normalize=False), 1.0)
    planes = [cv2.boxFilter(plane * inside, -1, window, normalize=False) / total for plane in logits]
    return np.stack(planes).astype(np.float32)


def _softmax(logits: FloatArray) -> FloatArray:
    # Neighbours are alike, so their mean counts for more than one pixel.
    shifted = np.exp(2.0 * (logits - logits.max(axis=0)))
    shares: FloatArray = (shifted / shifted.sum(axis=0)).astype(np.float32)
    return shares
