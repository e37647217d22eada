"""Body coordinates: for each pixel of a person, which part of the body is nearest and how far down the body it lies."""

import enum
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.people.types import FloatArray, Joint, Person

IndexMap = npt.NDArray[np.uint8]


class Part(enum.IntEnum):
    """Parts of the body, as far as clothes tell them apart."""

    HEAD = 0
    TORSO = 1
    UPPER_ARM = 2
    FOREARM = 3
    HAND = 4
    THIGH = 5
    SHIN = 6
    FOOT = 7


@dataclass(frozen=True)
class BodyMap:
    """Body coordinates of a grid of `h x w` pixels laid over a person.

    Attributes:
        part: uint8 `(h, w)`: the nearest `Part`.
        height: float32 `(h, w)`: how far down the body: 0 at the shoulders, 1 at the hips, 2 at the knees, 3 at the
            ankles, beyond below; negative above the shoulders.
        reach: float32 `(h, w)`: distance to the nearest part in units of that part's half width; up to 1 is on it.
        unit_px: Length of the torso, pixels of the grid.
    """

    part: IndexMap
    height: FloatArray
    reach: FloatArray
    unit_px: float


# Half widths in torso lengths: read off the masks of 231 street photos (median distance of the part's outline).
_HALF_WIDTH = {
    Part.HEAD: 0.22,
    Part.TORSO: 0.30,
    Part.UPPER_ARM: 0.13,
    Part.FOREARM: 0.10,
    Part.HAND: 0.10,
    Part.THIGH: 0.19,
    Part.SHIN: 0.13,
    Part.FOOT: 0.10,
}
_SIDES = (
    (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST, Joint.LEFT_INDEX, Joint.LEFT_PINKY),
    (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST, Joint.RIGHT_INDEX, Joint.RIGHT_PINKY),
)
_LEGS = (
    (Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE, Joint.LEFT_HEEL, Joint.LEFT_FOOT_INDEX),
    (Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE, Joint.RIGHT_HEEL, Joint.RIGHT_FOOT_INDEX),
)
_MIN_UNIT_PX = 8.0


class LimbMapper:
    """Computes body coordinates on a grid laid over a person."""

    def __init__(self, person: Person, origin_xy: tuple[float, float], scale: float, size: tuple[int, int]) -> None:
        """Prepares the grid.

        Args:
            person: The person, in pixels of the picture.
            origin_xy: The grid's top-left corner, pixels of the picture.
            scale: Grid pixels per picture pixel.
            size: Height and width of the grid.
        """
        self._points = (person.joints_xyz[:, :2] - np.array(origin_xy, np.float32)) * np.float32(scale)
        rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
        self._grid = np.stack([columns, rows], axis=-1) + np.float32(0.5)
        shoulders, hips = self._middle(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER), self._middle(*_HIPS)
        self._shoulders, self._hips = shoulders, hips
        self._unit = max(float(np.hypot(*(hips - shoulders))), _MIN_UNIT_PX)

    def map(self) -> BodyMap:
        """Returns the body coordinates of every pixel of the grid."""
        distances = np.stack([self._distance(part) for part in Part])
        part = distances.argmin(axis=0).astype(np.uint8)
        reach = np.take_along_axis(distances, part[np.newaxis].astype(np.intp), axis=0)[0]
        return BodyMap(part, self._height(), reach.astype(np.float32), self._unit)

    def _middle(self, first: Joint, second: Joint) -> FloatArray:
        middle: FloatArray = (self._points[first] + self._points[second]) / 2
        return middle

    def _distance(self, part: Part) -> FloatArray:
        """Distance of each pixel to a part, in the part's half widths."""
        if part is Part.TORSO:
            return self._torso_distance()
        pieces = [self._segment(a, b)[0] for a, b in self._segments(part)]
        nearest: FloatArray = np.minimum.reduce(pieces) / np.float32(self._unit * _HALF_WIDTH[part])
        return nearest

    def _segments(self, part: Part) -> list[tuple[FloatArray, FloatArray]]:
        points = self._points
        if part is Part.HEAD:
            middle = self._middle(Joint.LEFT_EAR, Joint.RIGHT_EAR)
            crown = middle + (middle - self._shoulders) * np.float32(0.35)
            chin = middle + (self._shoulders - middle) * np.float32(0.35)
            return [(crown, chin)]
        if part in (Part.UPPER_ARM, Part.FOREARM):
            first = 0 if part is Part.UPPER_ARM else 1
            return [(points[side[first]], points[side[first + 1]]) for side in _SIDES]
        if part is Part.HAND:
            return [(points[side[2]], (points[side[3]] + points[side[4]]) / 2) for side in _SIDES]
        if part is Part.FOOT:
            heels = [(points[leg[3]], points[leg[4]]) for leg in _LEGS]
            return heels + [(points[leg[2]], points[leg[3]]) for leg in _LEGS]
        first = 0 if part is Part.THIGH else 1
        return [(points[leg[first]], points[leg[first + 1]]) for leg in _LEGS]

    def _torso_distance(self) -> FloatArray:
        """0 inside the quadrilateral of shoulders and hips, then growing outward."""
        corners = self._points[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP]]
        outside = np.ones(self._grid.shape[:2], np.uint8)
        cv2.fillConvexPoly(outside, cv2.convexHull(np.rint(corners).astype(np.int32)), 0)
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, 3).astype(np.float32, copy=False)
        spine, _ = self._segment(self._shoulders, self._hips)
        half = np.float32(self._unit * _HALF_WIDTH[Part.TORSO])
        # A body seen from the side has no width between its joints: then the spine counts.
        mixed: FloatArray = np.minimum(distance / half + np.float32(0.35), spine / half)
        return mixed

    def _segment(self, start: FloatArray, end: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distance of each pixel to a segment, pixels, and its place along it, 0 at the start and 1 at the end."""
        axis = (end - start).astype(np.float32)
        length = max(float(axis @ axis), 1.0)
        offset = self._grid - start
        along = (offset @ axis) / np.float32(length)
        nearest = offset - np.clip(along, 0, 1)[..., np.newaxis] * axis
        distance: FloatArray = np.hypot(nearest[..., 0], nearest[..., 1]).astype(np.float32)
        return distance, along.astype(np.float32)

    def _height(self) -> FloatArray:
        """How far down the body each pixel is: along the spine above the hips, along the nearer leg below."""
        _, spine = self._segment(self._shoulders, self._hips)
        down = np.full(spine.shape, np.inf, np.float32)
        best = np.full(spine.shape, np.inf, np.float32)
        for hip, knee, ankle, *_ in _LEGS:
            height, distance = self._leg_height(self._points[hip], self._points[knee], self._points[ankle])
            nearer = distance < best
            down[nearer], best[nearer] = height[nearer], distance[nearer]
        return np.where(spine < 1, spine, np.maximum(down, 1)).astype(np.float32)

    def _leg_height(self, hip: FloatArray, knee: FloatArray, ankle: FloatArray) -> tuple[FloatArray, FloatArray]:
        to_thigh, thigh = self._segment(hip, knee)
        to_shin, shin = self._segment(knee, ankle)
        on_thigh = (to_thigh <= to_shin) & (thigh < 1)
        height = np.where(on_thigh, 1 + np.clip(thigh, 0, 1), 2 + np.clip(shin, 0, None))
        return height.astype(np.float32), np.minimum(to_thigh, to_shin)


_HIPS = (Joint.LEFT_HIP, Joint.RIGHT_HIP)
