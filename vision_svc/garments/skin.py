"""What of a person is skin, by the colour of that person's own face."""

from collections.abc import Sequence

import cv2
import numpy as np

from vision_svc.garments.canvas import Canvas
from vision_svc.garments.limbs import Part
from vision_svc.people.types import BoolMask, FloatArray, Joint

# CIE L*a*b* of skin over many people: middle and spread; used where the face gives no plausible colour.
_GENERAL_MEAN = np.array([62.0, 12.0, 16.0], np.float32)
_GENERAL_SPREAD = np.array([20.0, 5.0, 6.5], np.float32)
# Around one person's own skin: light and shade change L* a lot, the hue little.
_OWN_SPREAD = np.array([19.0, 4.0, 5.8], np.float32)
# Skin of all people lies in this range of hue (degrees of a*, b*) and chroma.
_HUE_RANGE = (15.0, 95.0)
_CHROMA_RANGE = (6.0, 48.0)
# How far from the person's own skin a pixel may be, in spreads, by the part of the body: faces, hands and necks are
# mostly bare, chests and bellies mostly not.
_LIMIT = {
    Part.HEAD: 2.4,
    Part.TORSO: 1.5,
    Part.UPPER_ARM: 1.9,
    Part.FOREARM: 2.1,
    Part.HAND: 2.9,
    Part.THIGH: 1.9,
    Part.SHIN: 2.1,
    Part.FOOT: 1.9,
}
_MIN_SAMPLES = 12
# Nobody in the street bares most of the chest or of the lap: where more than this share of it has the colour of skin,
# what is worn there has that colour. (Parts that are then taken as covered, and the body heights that are looked at.)
_COVERED_SHARE = 0.5
_CHEST = ((Part.TORSO, Part.UPPER_ARM), (Part.TORSO,), (0.2, 0.9))
_LAP = ((Part.THIGH, Part.SHIN), (Part.THIGH, Part.TORSO), (0.95, 1.25))


def skin_mask(canvas: Canvas) -> BoolMask:
    """Marks bare skin.

    Args:
        canvas: The person.

    Returns:
        bool `(h, w)`, inside the person's mask.
    """
    mean, spread = skin_color(canvas)
    distance = np.sqrt((((canvas.lab - mean) / spread) ** 2).sum(axis=-1))
    limits = np.array([_LIMIT[part] for part in Part], np.float32)[canvas.body.part]
    bare = ((distance < limits) & canvas.mask).astype(np.uint8)
    opened = cv2.morphologyEx(bare, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(np.bool_)
    for covered, seen, heights in (_CHEST, _LAP):
        if _share(canvas, opened, seen, heights) > _COVERED_SHARE:
            opened &= ~np.isin(canvas.body.part, covered)
    return opened


def _share(canvas: Canvas, skin: BoolMask, parts: Sequence[Part], heights: tuple[float, float]) -> float:
    height = canvas.body.height
    zone = canvas.mask & np.isin(canvas.body.part, parts) & (height > heights[0]) & (height < heights[1])
    return float(skin[zone].mean()) if zone.any() else 0.0


def skin_color(canvas: Canvas) -> tuple[FloatArray, FloatArray]:
    """Learns the colour of a person's skin from the middle of the face; a blurred face serves as well.

    Returns:
        Mean and spread, each float32 `(3,)`, CIE L*a*b*.
    """
    samples = canvas.lab[face_disc(canvas.points, canvas.mask)]
    samples = samples[is_plausible(samples)]
    if len(samples) < _MIN_SAMPLES:
        return _GENERAL_MEAN, _GENERAL_SPREAD
    return np.median(samples, axis=0).astype(np.float32), _OWN_SPREAD


def face_disc(points: FloatArray, mask: BoolMask) -> BoolMask:
    """Marks the middle of a face.

    Args:
        points: float32 `(33, 2)`: the joints, pixels of the mask.
        mask: bool `(H, W)`: the person's pixels.

    Returns:
        bool `(H, W)`, inside the mask; empty where the face lies outside of it.
    """
    eyes = (points[Joint.LEFT_EYE] + points[Joint.RIGHT_EYE]) / 2
    mouth = (points[Joint.MOUTH_LEFT] + points[Joint.MOUTH_RIGHT]) / 2
    radius = max(2.5, 0.9 * float(np.hypot(*(mouth - eyes))))
    disc = np.zeros(mask.shape, np.uint8)
    middle = (eyes + mouth) / 2
    cv2.circle(disc, (round(float(middle[0])), round(float(middle[1]))), round(radius), 1, -1)
    return disc.astype(np.bool_) & mask


def is_plausible(lab: FloatArray) -> BoolMask:
    """Tells which colours, CIE L*a*b* `(N, 3)`, skin of any person can have: bool `(N,)`."""
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    plausible: BoolMask = (
        (hue >= _HUE_RANGE[0]) & (hue <= _HUE_RANGE[1]) & (chroma >= _CHROMA_RANGE[0]) & (chroma <= _CHROMA_RANGE[1])
    )
    return plausible
