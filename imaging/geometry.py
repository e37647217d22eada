"""Cutting the part of a picture that a model wants to see, and bringing its answer back into the picture.

Points are `(x, y)` in pixels, x right and y down; the corner of the top-left pixel is (0, 0) and its centre (0.5, 0.5).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
ImageBgr = npt.NDArray[np.uint8]

_CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]], np.float32)


@dataclass(frozen=True)
class Roi:
    """A square or rectangle in a picture, turned.

    Attributes:
        center_x: Centre, pixels.
        center_y: Centre, pixels.
        width_px: Extent along its own x axis.
        height_px: Extent along its own y axis.
        rotation: Radians, clockwise as seen in the picture (from x towards y).
    """

    center_x: float
    center_y: float
    width_px: float
    height_px: float
    rotation: float = 0.0

    @classmethod
    def around(cls, width_px: int, height_px: int) -> "Roi":
        """Returns the square around a whole picture, centred, as letterboxing wants it."""
        side = float(max(width_px, height_px))
        return cls(width_px / 2, height_px / 2, side, side)

    def to_image(self, points: FloatArray) -> FloatArray:
        """Brings points from the crop into the picture.

        Args:
            points: float `(..., 2)`, shares of the crop's width and height, 0-1 inside.

        Returns:
            float32 `(..., 2)`, pixels of the picture.
        """
        local = (np.asarray(points, np.float32) - 0.5) * np.array([self.width_px, self.height_px], np.float32)
        turned = local @ self._turn().T + np.array([self.center_x, self.center_y], np.float32)
        return turned.astype(np.float32)

    def from_image(self, points: FloatArray) -> FloatArray:
        """Brings points, float `(..., 2)`, from pixels of the picture into shares of the crop: undoes `to_image`."""
        local = (np.asarray(points, np.float32) - np.array([self.center_x, self.center_y], np.float32)) @ self._turn()
        shares = local / np.array([self.width_px, self.height_px], np.float32) + 0.5
        return shares.astype(np.float32)

    def _turn(self) -> FloatArray:
        cos, sin = math.cos(self.rotation), math.sin(self.rotation)
        return np.array([[cos, -sin], [sin, cos]], np.float32)

    def matrix(self, width_px: int, height_px: int) -> npt.NDArray[np.float64]:
        """Returns the affine map, float64 `(2, 3)`, from pixel centres of the picture to those of the crop."""
        corners = self.to_image(_CORNERS + 0.5) - 0.5
        crop = np.array([[0, 0], [width_px, 0], [0, height_px]], np.float32) - np.float32(0.5)
        return np.asarray(cv2.getAffineTransform(corners, crop), np.float64)

    def crop(self, image: npt.NDArray[np.uint8], width_px: int, height_px: int, *, replicate: bool = False) -> ImageBgr:
        """Cuts the region out of a picture.

        Args:
            image: uint8 `(H, W, 3)`.
            width_px: Width of the crop.
            height_px: Height of the crop.
            replicate: Whether the picture's edge is continued outside of it; black otherwise.

        Returns:
            uint8 `(height_px, width_px, 3)`; sampled bilinearly, as the models were fed in training.
        """
        border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
        size, matrix = (width_px, height_px), self.matrix(width_px, height_px)
        crop = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)
        return crop.astype(np.uint8, copy=False)

    def paste(self, values: FloatArray, width_px: int, height_px: int) -> FloatArray:
        """Brings a map from the crop into the picture: the inverse of `crop`.

        Args:
            values: float32 `(h, w)` of the crop.
            width_px: Width of the picture.
            height_px: Height of the picture.

        Returns:
            float32 `(height_px, width_px)`; 0 outside of the region.
        """
        rows, columns = values.shape[:2]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        map_to_crop = self.matrix(columns, rows)
        pasted = cv2.warpAffine(values, map_to_crop, (width_px, height_px), flags=flags, borderMode=cv2.BORDER_CONSTANT)
        return pasted.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Letterbox:
    """How a picture was fitted into a square: scaled by `scale`, then moved by `(left, top)` pixels of the square."""

    scale: float
    left: float
    top: float

    def to_image(self, points: FloatArray) -> FloatArray:
        """Brings points, float `(..., 2)`, from pixels of the square into pixels of the picture."""
        moved = np.asarray(points, np.float32) - np.array([self.left, self.top], np.float32)
        return (moved / np.float32(self.scale)).astype(np.float32)


def letterbox(image: npt.NDArray[np.uint8], side_px: int) -> tuple[ImageBgr, Letterbox]:
    """Fits a picture into a square, keeping its aspect ratio, centred on black.

    Args:
        image: uint8 `(H, W, 3)`.
        side_px: Side of the square.

    Returns:
        uint8 `(side_px, side_px, 3)`, and the way back.
    """
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (side_px - new_width) // 2, (side_px - new_height) // 2
    square = np.zeros((side_px, side_px, 3), np.uint8)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
    square[top : top + new_height, left : left + new_width] = resized
    return square, Letterbox(scale, left, top)


def to_tensor(image_bgr: npt.NDArray[np.uint8], low: float, high: float) -> FloatArray:
    """Turns a picture into what a network is fed with.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR.
        low: The value of black.
        high: The value of white.

    Returns:
        float32 `(H, W, 3)`, RGB, in `low`-`high`.
    """
    rgb = image_bgr[:, :, ::-1].astype(np.float32)
    rgb *= np.float32((high - low) / 255.0)
    rgb += np.float32(low)
    return rgb


def roi_from_axis(start: FloatArray, end: FloatArray, side_px: float, target_angle: float) -> Roi:
    """Makes the square region around a point, turned so that an axis of the thing in it meets a given angle.

    Args:
        start: float `(2,)`, pixels: where the axis begins; the region's centre.
        end: float `(2,)`, pixels: where the axis points.
        side_px: Side of the square.
        target_angle: Radians; the direction that the axis shall have in the crop, mathematically positive
            (90 degrees points up).

    Returns:
        The region.
    """
    angle = math.atan2(-(float(end[1]) - float(start[1])), float(end[0]) - float(start[0]))
    rotation = target_angle - angle
    wrapped = rotation - 2 * math.pi * math.floor((rotation + math.pi) / (2 * math.pi))
    return Roi(float(start[0]), float(start[1]), side_px, side_px, wrapped)


def shifted(roi: Roi, shift_x: float, shift_y: float, scale: float) -> Roi:
    """Moves a region by shares of its size along its own axes, makes it square on its longer side, and scales it."""
    share = np.array([0.5 + shift_x, 0.5 + shift_y], np.float32)
    center_x, center_y = (float(value) for value in roi.to_image(share))
    side = max(roi.width_px, roi.height_px) * scale
    return Roi(center_x, center_y, side, side, roi.rotation)
