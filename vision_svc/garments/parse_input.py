"""What the trained parser sees of a person: a crop of the picture, the person's mask and the limbs, in one size."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from imaging.geometry import Roi
from vision_svc.people.types import FloatArray, ImageBgr, Joint, Person

HEIGHT_PX, WIDTH_PX = 288, 192
CHANNELS = 13
"""Red, green, blue; the person's mask; across and down the body; seven parts of the body."""
MASK_PLANE, TORSO_PLANE = 3, 7
ZONES = (MASK_PLANE, TORSO_PLANE, 8, 10, 11)
"""The planes by which the network compares parts of the body: the whole person, torso, upper arms, thighs, shins."""
ZONE_FLOOR = 0.1
"""Added to the area of a zone, in cells of the deepest layer, so that an unseen part is nothing rather than noise."""
# Room around the person's mask and joints, as a share of their box: bags and hats are often not in the mask.
_MARGIN = 0.07
_MIN_VISIBILITY = 0.3
# Where shoulders, hips, knees and ankles lie in the plane that says how far down the body a row is.
_LEVELS = np.array([0.0, 1.0, 2.0, 3.0], np.float32) / 3
_LEVEL_JOINTS = (
    (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER),
    (Joint.LEFT_HIP, Joint.RIGHT_HIP),
    (Joint.LEFT_KNEE, Joint.RIGHT_KNEE),
    (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE),
)
# Parts of the body that are drawn as thick lines: half width in torso lengths, and their pairs of joints.
_LIMBS = (
    (0.13, ((Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW), (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW))),
    (
        0.10,
        (
            (Joint.LEFT_ELBOW, Joint.LEFT_WRIST),
            (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
            (Joint.LEFT_WRIST, Joint.LEFT_INDEX),
            (Joint.RIGHT_WRIST, Joint.RIGHT_INDEX),
        ),
    ),
    (0.17, ((Joint.LEFT_HIP, Joint.LEFT_KNEE), (Joint.RIGHT_HIP, Joint.RIGHT_KNEE))),
    (0.12, ((Joint.LEFT_KNEE, Joint.LEFT_ANKLE), (Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE))),
    (
        0.09,
        (
            (Joint.LEFT_HEEL, Joint.LEFT_FOOT_INDEX),
            (Joint.RIGHT_HEEL, Joint.RIGHT_FOOT_INDEX),
            (Joint.LEFT_ANKLE, Joint.LEFT_HEEL),
            (Joint.RIGHT_ANKLE, Joint.RIGHT_HEEL),
        ),
    ),
)
_HEAD_RADIUS = 0.24
_TORSO = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP]
_MIN_UNIT_PX = 4.0


def frame_of(person: Person) -> Roi:
    """Returns the upright region of 2 : 3 around a person, in pixels of the picture; it may reach outside of it."""
    seen = person.joints_xyz[person.visibility >= _MIN_VISIBILITY, :2]
    corners = np.concatenate([person.box_xyxy.reshape(2, 2), seen])
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    height = max(y1 - y0, (x1 - x0) * HEIGHT_PX / WIDTH_PX) * (1 + 2 * _MARGIN)
    return Roi(float(x0 + x1) / 2, float(y0 + y1) / 2, float(height) * WIDTH_PX / HEIGHT_PX, float(height))


def planes(image_bgr: ImageBgr, person: Person) -> tuple[FloatArray, Roi]:
    """Makes the input of the network for one person.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR.
        person: Who, in pixels of that picture.

    Returns:
        float32 `(CHANNELS, HEIGHT_PX, WIDTH_PX)`, and the region of the picture that it shows.
    """
    roi = frame_of(person)
    crop = cut(image_bgr, roi, (HEIGHT_PX, WIDTH_PX))
    mask = cut(person.mask_score, roi, (HEIGHT_PX, WIDTH_PX))
    joints = roi.from_image(person.joints_xyz[:, :2]) * np.array([WIDTH_PX, HEIGHT_PX], np.float32)
    return stack(crop, mask, joints, person.visibility), roi


def cut(values: FloatArray | ImageBgr, roi: Roi, size: tuple[int, int]) -> FloatArray:
    """Cuts an upright region out of a picture or a map, shrinking without aliasing; zeros outside.

    Args:
        values: `(H, W)` or `(H, W, 3)`.
        roi: The region; not turned.
        size: Height and width of the result.

    Returns:
        float32, `size` and the channels.
    """
    source: npt.NDArray[Any] = values
    scale = size[0] / roi.height_px
    if scale < 1:
        height, width = source.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        x, y = small[0] / width, small[1] / height
        source = cv2.resize(source, small, interpolation=cv2.INTER_AREA)
        roi = Roi(roi.center_x * x, roi.center_y * y, roi.width_px * x, roi.height_px * y)
    matrix = roi.matrix(size[1], size[0])
    return cv2.warpAffine(source, matrix, (size[1], size[0]), flags=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def stack(crop_bgr: FloatArray, mask: FloatArray, joints_xy: FloatArray, visibility: FloatArray) -> FloatArray:
    """Stacks all planes.

    Args:
        crop_bgr: float32 `(h, w, 3)`, 0-255.
        mask: float32 `(h, w)`, 0-1.
        joints_xy: float32 `(33, 2)`, pixels of the crop.
        visibility: float32 `(33,)`, 0-1.

    Returns:
        float32 `(CHANNELS, h, w)`, all roughly within -1 to 1.
    """
    height, width = mask.shape
    result = np.empty((CHANNELS, height, width), np.float32)
    result[:3] = crop_bgr.transpose(2, 0, 1)[::-1] / np.float32(127.5) - np.float32(1)
    result[3] = mask
    result[4:6] = _coordinates(joints_xy, height, width)
    result[6:] = _parts(joints_xy, visibility, height, width)
    return result


def unit_of(joints_xy: FloatArray) -> float:
    """Returns the length of the torso, pixels of the crop."""
    middle = joints_xy[_TORSO].reshape(2, 2, 2)
    shoulders, hips = middle[0].mean(axis=0), middle[1].mean(axis=0)
    return max(float(np.hypot(*(hips - shoulders))), _MIN_UNIT_PX)


def _coordinates(joints_xy: FloatArray, height: int, width: int) -> FloatArray:
    """How far across the body a column is (in torso lengths, halved) and how far down a row (1 at the ankles)."""
    levels = np.array([joints_xy[list(pair), 1].mean() for pair in _LEVEL_JOINTS], np.float32)
    steps = np.maximum.accumulate(levels + np.arange(4, dtype=np.float32))
    rows = np.arange(height, dtype=np.float32) + np.float32(0.5)
    down = np.interp(rows, steps, _LEVELS).astype(np.float32)
    unit = np.float32(unit_of(joints_xy))
    above, below = np.minimum(rows - steps[0], 0) / (3 * unit), np.maximum(rows - steps[3], 0) / (3 * unit)
    across = (np.arange(width, dtype=np.float32) + np.float32(0.5) - joints_xy[_TORSO, 0].mean()) / (2 * unit)
    result = np.empty((2, height, width), np.float32)
    result[0] = np.clip(across, -1.5, 1.5)[None, :]
    result[1] = np.clip(down + above + below, -0.5, 1.5)[:, None]
    return result


def _parts(joints_xy: FloatArray, visibility: FloatArray, height: int, width: int) -> FloatArray:
    """Draws head, torso, upper arms, lower arms, thighs, shins and feet, as bright as they are visible."""
    drawn = np.zeros((7, height, width), np.uint8)
    unit = unit_of(joints_xy)
    points = np.clip(np.nan_to_num(joints_xy), -4 * width, 4 * height)
    whole = np.rint(points).astype(int)
    nose, head = visibility[Joint.NOSE], points[Joint.LEFT_EAR : Joint.RIGHT_EAR + 1].mean(axis=0)
    cv2.circle(drawn[0], np.rint(head).astype(int).tolist(), max(1, round(_HEAD_RADIUS * unit)), _bright(nose), -1)
    cv2.fillConvexPoly(drawn[1], cv2.convexHull(whole[_TORSO].astype(np.int32)), _bright(visibility[_TORSO].min()))
    cv2.line(drawn[1], *_spine(points), _bright(visibility[_TORSO].min()), max(1, round(0.4 * unit)))
    for plane, (half_width, bones) in zip(drawn[2:], _LIMBS, strict=True):
        for start, end in bones:
            bright = _bright(min(visibility[start], visibility[end]))
            cv2.line(plane, whole[start].tolist(), whole[end].tolist(), bright, max(1, round(2 * half_width * unit)))
    return drawn.astype(np.float32) / np.float32(255)


def _spine(points: FloatArray) -> tuple[list[int], list[int]]:
    ends = points[_TORSO].reshape(2, 2, 2).mean(axis=1)
    start, end = np.rint(ends).astype(int).tolist()
    return start, end


def _bright(visibility: float) -> int:
    return round(255 * float(np.clip(visibility, 0.1, 1.0)))
