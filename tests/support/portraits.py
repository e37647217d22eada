"""Pictures with a face, and frames that are known again wherever they turn up."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

from tests.support.carving import Image

FRAME_WIDTH, FRAME_HEIGHT = 960, 1280
_MARKER_PX, _MARGIN_PX = 120, 30
_MARKERS = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
# The astronaut's face in the photograph of 512 by 512: left, top, right, bottom, from eyebrows to chin.
_FACE = (175, 70, 275, 185)


@functools.cache
def astronaut() -> Image:
    """A photograph of a dressed person with a visible face, uint8 `(512, 512, 3)`, BGR; Eileen Collins, by NASA."""
    return np.asarray(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR), np.uint8)


def face() -> Image:
    """Cuts her face out of the photograph."""
    left, top, right, bottom = _FACE
    return astronaut()[top:bottom, left:right]


def frame(*people: tuple[float, int, int], markers: Iterable[int] = ()) -> Image:
    """Draws a full frame, as a camera sees it: people before a wall, a marker in each corner, outside of the reticle.

    Args:
        *people: Scale, and the left and upper edge, in pixels, of each.
        markers: Up to four numbers, 0-49, for the corners.

    Returns:
        uint8 `(1280, 960, 3)`, BGR.
    """
    rows, columns = np.mgrid[0:FRAME_HEIGHT, 0:FRAME_WIDTH]
    wall = np.stack([150 + 20 * np.sin(columns / 90), 160 + 20 * np.cos(rows / 70), 170 + 0 * rows], axis=-1)
    picture = wall.astype(np.uint8)
    for scale, left, top in people:
        person = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture[top : top + person.shape[0], left : left + person.shape[1]] = person
    far = (FRAME_WIDTH - _MARKER_PX - 2 * _MARGIN_PX, FRAME_HEIGHT - _MARKER_PX - 2 * _MARGIN_PX)
    for number, (left, top) in zip(markers, [(0, 0), (far[0], 0), (0, far[1]), far], strict=False):
        side = _MARKER_PX + 2 * _MARGIN_PX
        picture[top : top + side, left : left + side] = 255
        marker = cv2.aruco.generateImageMarker(_MARKERS, number, _MARKER_PX)
        inner = picture[top + _MARGIN_PX : top + side - _MARGIN_PX, left + _MARGIN_PX : left + side - _MARGIN_PX]
        inner[:] = marker[..., np.newaxis]
    return picture


def markers_in(picture: Image) -> set[int]:
    """Finds markers.

    Args:
        picture: uint8 `(H, W, 3)`, BGR.

    Returns:
        Their numbers.
    """
    _, numbers, _ = cv2.aruco.ArucoDetector(_MARKERS).detectMarkers(picture)
    return set() if numbers is None else {int(number) for number in np.ravel(numbers)}


def encoded(picture: npt.NDArray[Any], suffix: str = ".jpg", quality: int = 92) -> bytes:
    """Encodes a picture as `.jpg`, `.png` or `.webp`."""
    options = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality], ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality]}
    return bytes(cv2.imencode(suffix, picture, options.get(suffix, []))[1].tobytes())
