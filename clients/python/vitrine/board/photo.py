"""The photo with its garments: a tint and an outline each, and a label beside it with a line to it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from vitrine.board.canvas import Canvas, Picture, Point, Rect, fit, wrap
from vitrine.board.content import BoardContent
from vitrine.board.theme import (
    BOLD,
    CARD,
    FAINT,
    INK,
    LINE,
    PADDING,
    RADIUS,
    REGULAR,
    SEMIBOLD,
    SOFT,
    WARNING,
    WELL,
    Bgr,
    bgr,
    instance_color,
)
from vitrine.type.v1 import garment_pb2, geometry_pb2
from vitrine.vision.v1 import quality_pb2

_WIDTH = 812
_PHOTO_WIDTH, _PHOTO_HEIGHT = 548, 760
_LABEL_GAP, _LABEL_HEIGHT = 26, 62
_TINT = 0.38
_SOLID = 128  # of 255: where a soft mask becomes its outline


def photo_block(content: BoardContent) -> Canvas:
    """Draws the kept photo with masks, and a label for each garment."""
    garments = content.capture.outfit.garments
    canvas = Canvas(_WIDTH, 1500, CARD)
    height, width = content.photo_bgr.shape[:2]
    fitted = Rect(0, 0, _PHOTO_WIDTH, _PHOTO_HEIGHT).inside(width, height)
    frame = Rect(PADDING, PADDING, fitted.width, fitted.height)
    canvas.picture(frame, content.photo_bgr, RADIUS - 6)
    canvas.frame(frame, LINE, RADIUS - 6)
    masks = [full_mask(garment, content.photo_bgr) for garment in garments]
    for index, mask in sorted(enumerate(masks), key=lambda each: -int(np.count_nonzero(each[1]))):
        _tint(canvas, frame, mask, instance_color(index))
    _labels(canvas, frame, garments, masks)
    lowest = max(frame.bottom, PADDING + len(garments) * _LABEL_HEIGHT)
    end = _notes(canvas, lowest + 30, content)
    return canvas.cut(end + PADDING)


def full_mask(garment: garment_pb2.Garment, photo_bgr: Picture) -> Picture:
    """Lays a garment's mask into its picture.

    Args:
        garment: A garment seen in the picture; without a mask its outlines count, else its box.
        photo_bgr: uint8 HxWx3.

    Returns:
        uint8 HxW: 0 outside, 255 inside.
    """
    height, width = photo_bgr.shape[:2]
    whole = np.zeros((height, width), np.uint8)
    grey = cv2.imdecode(np.frombuffer(garment.mask.png, np.uint8), cv2.IMREAD_GRAYSCALE) if garment.mask.png else None
    box = garment.mask.box if grey is not None else garment.box
    left, right = _span(box.x_min, box.x_max, width)
    top, bottom = _span(box.y_min, box.y_max, height)
    if grey is not None:
        whole[top:bottom, left:right] = cv2.resize(grey, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    elif garment.outlines:
        cv2.fillPoly(whole, [_corners(outline, width, height) for outline in garment.outlines], 255)
    else:
        whole[top:bottom, left:right] = 255
    return whole


def smooth(mask: Picture) -> Picture:
    """Takes the steps out of a mask's edge: it was made on fewer pixels than the picture has. uint8 HxW, as it was."""
    soft = cv2.GaussianBlur(mask, (0, 0), 1.3).astype(np.float32)
    return np.asarray(np.clip((soft - _SOLID) * 2.5 + _SOLID, 0, 255), np.uint8)


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(round(low * size), 0), size - 1)
    return first, min(max(round(high * size), first + 1), size)


def _corners(outline: geometry_pb2.Polygon, width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.asarray([(point.x * width, point.y * height) for point in outline.points], np.int32)


def _tint(canvas: Canvas, frame: Rect, mask: Picture, color: Bgr) -> None:
    """Lays a colour over a garment and draws its outline, smooth at the size of the board."""
    height, width = mask.shape
    canvas.picture(frame, np.full((2, 2, 3), color, np.uint8), RADIUS - 6, np.asarray(mask * _TINT, np.uint8))
    larger = 4
    smooth = cv2.resize(mask, None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC)
    smooth = cv2.GaussianBlur(smooth, (0, 0), 1.2 * larger)
    contours, _ = cv2.findContours((smooth >= _SOLID).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    scale_x, scale_y = frame.width / (width * larger), frame.height / (height * larger)
    for contour in contours:
        points = [(frame.x + x * scale_x, frame.y + y * scale_y) for x, y in contour[:, 0].tolist()]
        canvas.line(points, CARD, 4.0, closed=True)
        canvas.line(points, color, 2.2, closed=True)


def _labels(canvas: Canvas, frame: Rect, garments: Sequence[garment_pb2.Garment], masks: Sequence[Picture]) -> None:
    """Writes the labels beside the photo, from top to bottom as the garments stand, none over another."""
    marks = [_middle(mask, frame) for mask in masks]
    order = sorted(range(len(marks)), key=lambda index: marks[index][1])
    left, top = frame.right + 44, frame.y
    heights = _spread([marks[index][1] for index in order], top, max(frame.bottom, top + len(order) * _LABEL_HEIGHT))
    for index, middle in zip(order, heights, strict=True):
        color = instance_color(index)
        mark = marks[index]
        # Level across the photo, and only then up or down: so that no two lines cross.
        way = [mark, (frame.right + 4, mark[1]), (left - 12, middle), (left - 2, middle)]
        canvas.line(way, CARD, 4.0)
        canvas.line(way, color, 2.0)
        canvas.circle(mark, 6.5, CARD)
        canvas.circle(mark, 4.5, color)
        _label(canvas, (left, middle), garments[index], color)


def _spread(wanted: Sequence[float], top: float, bottom: float) -> list[float]:
    """Moves places on a line apart until each has its room, as near to where they belong as that goes."""
    half = _LABEL_HEIGHT / 2
    places: list[float] = []
    for want in wanted:
        lowest = places[-1] + _LABEL_HEIGHT if places else top + half
        places.append(max(want, lowest))
    limit = bottom - half
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], limit)
        limit = places[index] - _LABEL_HEIGHT
    return places


def _middle(mask: Picture, frame: Rect) -> Point:
    """Finds the point deepest inside a mask: a line to the centre of a ring would end beside it."""
    deep = cv2.distanceTransform((np.pad(mask, 1) >= _SOLID).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(deep.argmax()), deep.shape)
    return frame.x + float(x) / mask.shape[1] * frame.width, frame.y + float(y) / mask.shape[0] * frame.height


def _label(canvas: Canvas, at: Point, garment: garment_pb2.Garment, color: Bgr) -> None:
    room = _WIDTH - PADDING - at[0]
    x, y = at[0] + 12, at[1]
    canvas.rect(Rect(at[0], y - 22, 4, 44), color, 2)
    canvas.text((x, y - 2), fit(garment.category, room - 12, 20, SEMIBOLD), 20, INK, SEMIBOLD)
    edge = x + canvas.text((x, y + 19), f"{garment.score:.2f}", 15, FAINT, REGULAR) + 12
    main = next(iter(garment.attributes.colors), None)
    if main is not None:
        canvas.circle((edge + 6, y + 14), 7, LINE)
        canvas.circle((edge + 6, y + 14), 6, bgr(main.hex))
        canvas.text((edge + 18, y + 19), fit(main.name, _WIDTH - PADDING - edge - 18, 15), 15, SOFT)


def _notes(canvas: Canvas, top: float, content: BoardContent) -> float:
    """Writes what was blurred and what makes the answer weaker; gives where it ends."""
    capture = content.capture
    places = capture.blurred_face_count
    words = f"Faces blurred in {places} place{'' if places == 1 else 's'} before anything was kept"
    canvas.text((PADDING, top), words, 15, FAINT)
    y = top
    for finding in capture.outfit.quality:
        y = _finding(canvas, y + 14, finding)
    if not capture.outfit.garments:
        y += 34
        canvas.text((PADDING, y), "No garment was found in the picture.", 20, INK, BOLD)
    return y


def _finding(canvas: Canvas, top: float, finding: quality_pb2.QualityFinding) -> float:
    grave = finding.severity == quality_pb2.QUALITY_SEVERITY_RETAKE
    lines = wrap(f"{finding.description} {finding.advice}", _WIDTH - 2 * PADDING - 46, 16, lines=3)
    box = Rect(PADDING, top, _WIDTH - 2 * PADDING, 22 * len(lines) + 20)
    canvas.rect(box, WELL, 10)
    canvas.rect(Rect(box.x, box.y, 5, box.height), WARNING if grave else FAINT, 2)
    for number, line in enumerate(lines):
        canvas.text((box.x + 22, box.y + 26 + 22 * number), line, 16, SOFT)
    return box.bottom
