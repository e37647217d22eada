"""Faces are made unrecognisable before anything else happens to a picture.

It fails closed: when faces cannot be looked for, or one is still found afterwards, there is no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import DecodeLimits, decode_bgr, encode_jpeg
from mesh.errors import InternalError, UnavailableError

ImageBgr = npt.NDArray[np.uint8]
FaceBox = tuple[float, float, float, float]

# A detector's box reaches from the eyebrows to the chin; forehead, ears and jaw identify too.
_MARGIN = 0.20
_TOP_MARGIN = 0.30
_EDGE = 0.02  # softness of the oval's edge, share of its width
# What is left of a face: so many averages across it, however large it is. 3 x 3 of them hold no identity, and what is
# interpolated from them is no face to a detector.
_CELLS = 3
_MAX_ROUNDS = 4
_KEPT_QUALITY = 80
_ANY_SIZE = DecodeLimits(max_bytes=2**31, max_pixels=2**31, min_side_px=1, max_side_px=2**16)


class FoundFace(Protocol):
    """A face as a detector tells it."""

    @property
    def box_xyxy(self) -> npt.NDArray[np.float32]:
        """float32 `(4,)`, pixels; it may reach outside of the picture."""


class Detector(Protocol):
    """Finds faces; `imaging.faces.FaceDetector` is one."""

    def detect(self, image_bgr: ImageBgr) -> Sequence[FoundFace]:
        """Finds the faces in a picture, uint8 `(H, W, 3)` BGR."""


class BlurFailedError(InternalError):
    """Faces could not be looked for, or not be hidden. Whoever sees this drops the picture."""

    def __init__(self) -> None:
        super().__init__("faces could not be blurred, so the picture was dropped", "BLUR_FAILED")


@dataclass(frozen=True, slots=True)
class BlurredImage:
    """A picture without recognisable faces. Only `FaceBlur` makes it: who takes one knows that it is safe.

    Attributes:
        pixels_bgr: uint8 `(H, W, 3)`, BGR.
        face_boxes: Where faces were blurred: `(x0, y0, x1, y1)`, shares of width and height, 0-1.
    """

    pixels_bgr: ImageBgr
    face_boxes: tuple[FaceBox, ...] = ()

    @property
    def face_count(self) -> int:
        """How many faces were blurred."""
        return len(self.face_boxes)


class FaceBlur:
    """Blurs the faces of pictures. Blocking; as thread-safe as its detector."""

    def __init__(self, detector: Detector | None = None) -> None:
        """Makes a blur.

        Args:
            detector: Finds faces. It may come later, with `use`; until then every picture is refused.
        """
        self._detector = detector

    def use(self, detector: Detector) -> None:
        """Gives it the detector, once its model is loaded.

        Args:
            detector: Finds faces.
        """
        self._detector = detector

    def blur(self, image_bgr: ImageBgr) -> BlurredImage:
        """Makes all faces of a picture unrecognisable.

        The result is looked at again, until no face is found in it any more.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR. It is not changed.

        Returns:
            A copy with blurred faces; the picture itself where there is none.

        Raises:
            BlurFailedError: When the detector fails, or still finds a face after several rounds.
            UnavailableError: MODEL_UNAVAILABLE while there is no detector.
        """
        faces = self._find(image_bgr)
        if not faces:
            return BlurredImage(image_bgr)
        pixels = image_bgr.copy()
        boxes = tuple(_shares(face.box_xyxy, image_bgr) for face in faces)
        for round_number in range(_MAX_ROUNDS):
            for face in faces:
                # Later rounds take more around the face and leave less of it.
                _hide(pixels, face.box_xyxy, _CELLS if round_number == 0 else 1, 1.0 + 0.5 * round_number)
            # What is kept is a JPEG, and its artefacts can be what a detector stumbles over: so that is looked at.
            faces = self._find(decode_bgr(encode_jpeg(pixels, quality=_KEPT_QUALITY), limits=_ANY_SIZE))
            if not faces:
                return BlurredImage(pixels, boxes)
        raise BlurFailedError

    def _find(self, image_bgr: ImageBgr) -> Sequence[FoundFace]:
        if self._detector is None:
            raise UnavailableError("the face detector is not loaded", "MODEL_UNAVAILABLE", {"model": "faces"})
        try:
            return self._detector.detect(image_bgr)
        except Exception as error:
            raise BlurFailedError from error


def _shares(box_xyxy: npt.NDArray[np.float32], image_bgr: ImageBgr) -> FaceBox:
    """Returns a box as shares of the picture's width and height, as far as it lies inside."""
    height, width = image_bgr.shape[:2]
    x0, y0, x1, y1 = (float(it) for it in np.clip(box_xyxy / np.array([width, height, width, height]), 0.0, 1.0))
    return x0, y0, x1, y1


def _hide(pixels: ImageBgr, box_xyxy: npt.NDArray[np.float32], cells: int, scale: float) -> None:
    """Replaces a face and what is around it by a few interpolated averages."""
    x0, y0, x1, y1 = (float(value) for value in box_xyxy)
    if not np.isfinite(box_xyxy).all():
        raise BlurFailedError
    margin_x, margin_y = _MARGIN * scale * (x1 - x0), _MARGIN * scale * (y1 - y0)
    height, width = pixels.shape[:2]
    left, right = max(0, int(x0 - margin_x)), min(width, int(np.ceil(x1 + margin_x)))
    margin_top = _TOP_MARGIN * scale * (y1 - y0)
    top = max(0, int(y0 - margin_top))
    bottom = min(height, int(np.ceil(y1 + margin_y)))
    if left >= right or top >= bottom:
        return
    region = pixels[top:bottom, left:right]
    small = cv2.resize(region, (cells, cells), interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(small, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    share = _oval((top, bottom, left, right), (x0 - margin_x, y0 - margin_top, x1 + margin_x, y1 + margin_y))
    pixels[top:bottom, left:right] = (region * (1 - share) + hidden * share).astype(np.uint8)


def _oval(cut: tuple[int, int, int, int], box: tuple[float, float, float, float]) -> npt.NDArray[np.float32]:
    """Draws a rounded shape into a box, float32 `(h, w, 1)`: 1 inside, soft at its edge, as far as it lies in the cut.

    A head with a rounded blur is still a head to the models that find people: of 50 in street photos they lost six with
    a rectangle of blur and one with an oval.
    """
    top, bottom, left, right = cut
    x0, y0, x1, y1 = box
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    across, down = (2 * columns - x0 - x1) / (x1 - x0), (2 * rows - y0 - y1) / (y1 - y0)
    # A superellipse of order 4: rounder than the box, and yet all of the face's own box lies in it.
    mask = ((across**4 + down**4) <= 1).astype(np.float32)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5, _EDGE * (x1 - x0)))
    shares: npt.NDArray[np.float32] = soft.astype(np.float32)[..., np.newaxis]
    return shares
