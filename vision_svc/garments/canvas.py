"""The small picture that garments are worked out on: one person, a fixed height, few colours."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.limbs import BodyMap, LimbMapper
from vision_svc.people.types import BoolMask, FloatArray, ImageBgr, Joint, Person

IndexMap = npt.NDArray[np.uint8]

# Tall enough for a shoe (8 rows) and small enough for 10 ms: garments are larger than a pixel of this.
HEIGHT_PX = 224
PALETTE_SIZE = 14
_SAMPLES = 2500
_KMEANS_STEPS = 12
# Light varies over a garment (folds, shade) far more than hue does, so it counts less.
_LIGHT_WEIGHT = 0.6


@dataclass(frozen=True)
class Canvas:
    """One person, scaled to a fixed height.

    Attributes:
        lab: float32 `(h, w, 3)`: CIE L*a*b*, D65.
        mask: bool `(h, w)`: the person's pixels.
        body: Body coordinates.
        color: uint8 `(h, w)`: number of the nearest colour in the palette.
        palette: float32 `(PALETTE_SIZE, 3)`: CIE L*a*b* of the person's main colours.
        points: float32 `(33, 2)`: the joints, pixels of the canvas.
        origin_xy: Top-left corner, pixels of the picture.
        scale: Canvas pixels per picture pixel.
    """

    lab: FloatArray
    mask: BoolMask
    body: BodyMap
    color: IndexMap
    palette: FloatArray
    points: FloatArray
    origin_xy: tuple[int, int]
    scale: float

    def point(self, joint: Joint) -> FloatArray:
        """Returns the place of a joint, float32 `(2,)`, pixels of the canvas."""
        place: FloatArray = self.points[joint]
        return place


def make_canvas(image_bgr: ImageBgr, person: Person) -> Canvas:
    """Cuts a person out of a picture and scales it.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR.
        person: Who.

    Returns:
        The canvas.
    """
    x0, y0, x1, y1 = (int(value) for value in person.box_xyxy)
    scale = HEIGHT_PX / (y1 - y0)
    size = max(8, round((x1 - x0) * scale)), HEIGHT_PX
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image_bgr[y0:y1, x0:x1], size, interpolation=interpolation)
    lab = cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2Lab).astype(np.float32, copy=False)
    mask = cv2.resize(person.mask_score[y0:y1, x0:x1], size, interpolation=interpolation) >= 0.5
    mask &= cv2.resize(person.mask[y0:y1, x0:x1].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    body = LimbMapper(person, (x0, y0), scale, (size[1], size[0])).map()
    color, palette = _quantise(lab, mask)
    points = (person.joints_xyz[:, :2] - np.array([x0, y0], np.float32)) * np.float32(scale)
    return Canvas(lab, mask, body, color, palette, points.astype(np.float32), (x0, y0), scale)


def _quantise(lab: FloatArray, mask: BoolMask) -> tuple[IndexMap, FloatArray]:
    """Reduces the person to a few colours by k-means with a fixed start: the same picture gives the same palette."""
    weights = np.array([_LIGHT_WEIGHT, 1.0, 1.0], np.float32)
    weighted = lab * weights
    inside = weighted[mask] if mask.any() else weighted.reshape(-1, 3)
    sample = np.ascontiguousarray(inside[:: max(1, len(inside) // _SAMPLES)])
    order = np.lexsort((sample[:, 2], sample[:, 1], sample[:, 0]))
    start = np.empty((len(sample), 1), np.int32)
    start[order, 0] = np.arange(len(sample)) * PALETTE_SIZE // len(sample)
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, _KMEANS_STEPS, 0.5)
    count = min(PALETTE_SIZE, len(sample))
    _, _, centers = cv2.kmeans(sample, count, start, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    distance = np.stack([((weighted - center) ** 2).sum(axis=-1) for center in centers])
    return distance.argmin(axis=0).astype(np.uint8), (centers / weights).astype(np.float32)
