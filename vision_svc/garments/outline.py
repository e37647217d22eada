"""From a small map of a garment to its mask, box and outlines in the picture."""

import cv2
import numpy as np

from vision_svc.garments.canvas import Canvas
from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import BoolMask, FloatArray, Person

_EDGE = 0.5
_MIN_BLOB = 0.06  # share of the largest blob below which a blob is a speck
_CLOSING = np.ones((3, 3), np.uint8)
_OUTLINE_TOLERANCE = 0.004  # of the box's diagonal
_MIN_CORNERS = 3


def clean(pixels: BoolMask, keep_blobs: int) -> BoolMask:
    """Closes pinholes and drops specks.

    Args:
        pixels: bool `(h, w)`.
        keep_blobs: How many parts a garment may be in at most (two shoes; the halves of an open jacket).

    Returns:
        bool `(h, w)`.
    """
    closed = cv2.morphologyEx(pixels.astype(np.uint8), cv2.MORPH_CLOSE, _CLOSING)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _CLOSING)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count <= 1:
        return np.zeros(pixels.shape, np.bool_)
    largest = np.argsort(-areas, kind="stable")[:keep_blobs]
    kept = [index + 1 for index in largest if areas[index] >= _MIN_BLOB * areas.max()]
    return np.isin(labels, kept)


def to_picture(
    canvas: Canvas, person: Person, pixels: BoolMask, label: tuple[Bucket, str], score: float
) -> ParsedGarment | None:
    """Brings a garment from the canvas into the picture.

    Args:
        canvas: The person's canvas.
        person: The person, in pixels of the picture.
        pixels: bool `(h, w)` of the canvas.
        label: Bucket and category.
        score: How sure the parser is, 0-1.

    Returns:
        The garment; None where nothing is left of it in the picture.
    """
    x0, y0, x1, y1 = (int(value) for value in person.box_xyxy)
    soft = cv2.resize(pixels.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    mask = (soft >= _EDGE) & person.mask[y0:y1, x0:x1]
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        return None
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    cut = np.ascontiguousarray(mask[top:bottom, left:right])
    box = (x0 + left, y0 + top, x0 + right, y0 + bottom)
    bucket, category = label
    coverage = float(pixels.sum()) / max(float(canvas.mask.sum()), 1.0)
    return ParsedGarment(bucket, category, score, box, cut, outlines(cut, box[:2]), min(coverage, 1.0))


def outlines(mask: BoolMask, origin_xy: tuple[int, int]) -> tuple[FloatArray, ...]:
    """Draws the outer outlines of a mask.

    Args:
        mask: bool `(h, w)`.
        origin_xy: Where the mask's top-left corner lies in the picture, pixels.

    Returns:
        Closed polygons, largest first, each float32 `(N, 2)`, N >= 3, xy in pixels of the picture (pixel centres).
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    tolerance = max(1.0, _OUTLINE_TOLERANCE * float(np.hypot(*mask.shape)))
    largest = sorted(contours, key=lambda contour: -cv2.contourArea(contour))
    polygons = (cv2.approxPolyDP(contour, tolerance, closed=True).reshape(-1, 2) for contour in largest)
    middle = np.array(origin_xy, np.float32) + np.float32(0.5)
    return tuple((polygon + middle).astype(np.float32) for polygon in polygons if len(polygon) >= _MIN_CORNERS)
