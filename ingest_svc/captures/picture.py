"""From the bytes that a client sent to the picture that may be kept: decoded, cropped once, scaled, blurred, encoded.

This is CPU work for the model executor. Nothing here writes anything, and the sharp picture dies with the call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from imaging.decode import DEFAULT_LIMITS, DecodeLimits, decode_bgr, encode_jpeg, shrink
from imaging.errors import ImageError, ImageReason
from ingest_svc.captures.capture import Box
from ingest_svc.privacy.blur import BlurredImage, FaceBox

ImageBgr = npt.NDArray[np.uint8]

# mission, section 1: long side 640, JPEG 80-82.
LONG_SIDE_PX = 640
JPEG_QUALITY = 82
# Below this no garment can be told from another.
MIN_CROP_SIDE_PX = 48


class Blur(Protocol):
    """Blurs faces, as `ingest_svc.privacy.blur.FaceBlur`; whatever it raises, the picture is dropped."""

    def blur(self, image_bgr: ImageBgr) -> BlurredImage:
        """Returns a copy in which no face can be recognised.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR.
        """


@dataclass(frozen=True, slots=True)
class SafePicture:
    """A picture that may be kept.

    Attributes:
        jpeg: The encoded picture, without metadata.
        width_px: Its width.
        height_px: Its height.
        face_boxes: Where faces were blurred in it: `(x0, y0, x1, y1)`, shares of width and height.
    """

    jpeg: bytes
    width_px: int
    height_px: int
    face_boxes: tuple[FaceBox, ...] = ()

    @property
    def face_count(self) -> int:
        """How many faces were blurred."""
        return len(self.face_boxes)


def prepare(data: bytes, box: Box, blur: Blur, limits: DecodeLimits = DEFAULT_LIMITS) -> SafePicture:
    """Makes the picture that may be kept.

    Args:
        data: A JPEG, PNG or WebP file.
        box: The part to take, of the upright picture.
        blur: What blurs faces.
        limits: What is accepted.

    Returns:
        The blurred crop, its longer side at most 640 px.

    Raises:
        ImageError: When the picture is refused.
        BlurFailedError: When faces cannot be looked for.
    """
    # A JPEG is decoded at a fraction of its size where the crop still has its 640 px then.
    enough_px = math.ceil(LONG_SIDE_PX / min(box.x_max - box.x_min, box.y_max - box.y_min))
    image_bgr = decode_bgr(data, limits=limits, max_side_px=enough_px)
    # First on the whole picture: half a face at the edge of the crop is a face that no detector finds any more. Then
    # once more on what is kept, because scaling can bring a face out that was not seen before.
    whole = blur.blur(image_bgr)
    safe = blur.blur(shrink(crop(whole.pixels_bgr, box), LONG_SIDE_PX))
    height_px, width_px = safe.pixels_bgr.shape[:2]
    boxes = _joined(_inside(whole.face_boxes, box), safe.face_boxes)
    return SafePicture(encode_jpeg(safe.pixels_bgr, quality=JPEG_QUALITY), width_px, height_px, boxes)


def _inside(faces: Sequence[FaceBox], box: Box) -> list[FaceBox]:
    """Brings faces of the whole picture into the crop, as shares of it; those outside are left out."""
    width, height = box.x_max - box.x_min, box.y_max - box.y_min
    moved = (
        (
            max(0.0, (x0 - box.x_min) / width),
            max(0.0, (y0 - box.y_min) / height),
            min(1.0, (x1 - box.x_min) / width),
            min(1.0, (y1 - box.y_min) / height),
        )
        for x0, y0, x1, y1 in faces
    )
    return [face for face in moved if face[0] < face[2] and face[1] < face[3]]


def _joined(first: Sequence[FaceBox], second: Sequence[FaceBox]) -> tuple[FaceBox, ...]:
    """Joins the faces of both looks; one of the second whose middle lies in one of the first is the same."""
    new = (
        face
        for face in second
        if not any(
            x0 <= (face[0] + face[2]) / 2 <= x1 and y0 <= (face[1] + face[3]) / 2 <= y1 for x0, y0, x1, y1 in first
        )
    )
    return (*first, *new)


def crop(image_bgr: ImageBgr, box: Box) -> ImageBgr:
    """Cuts a part out of a picture.

    Args:
        image_bgr: uint8 `(H, W, 3)`.
        box: The part.

    Returns:
        A contiguous copy, its edges on the nearest pixels.

    Raises:
        ImageError: IMAGE_TOO_SMALL, when what is left has too few pixels.
    """
    height, width = image_bgr.shape[:2]
    left, right = round(box.x_min * width), round(box.x_max * width)
    top, bottom = round(box.y_min * height), round(box.y_max * height)
    shorter = min(right - left, bottom - top)
    if shorter < MIN_CROP_SIDE_PX:
        raise ImageError(
            ImageReason.TOO_SMALL,
            f"expected at least {MIN_CROP_SIDE_PX} pixels on the shorter side of the crop, got {shorter}",
            {"limit": str(MIN_CROP_SIDE_PX), "actual": str(shorter)},
        )
    return np.ascontiguousarray(image_bgr[top:bottom, left:right])
