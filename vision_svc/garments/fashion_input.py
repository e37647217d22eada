"""What `fashion/3` looks at: the garment's own pixels in a square, and a few hundred of its colours."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.color import srgb_to_lab
from vision_svc.garments.thumbnail import GarmentView, cut_from_ground, thumbnail
from vision_svc.people.types import BoolMask

FloatArray = npt.NDArray[np.float32]

SIDE_PX = 96
# Share of the square that the garment's longer side takes; in training it varies around this.
FILL = 0.94
# Everything starts from a garment of at most this size, so that a large photo costs no more than a small one.
_WORK_PX = 192
_COLOR_PX = 48
_TEXTURE_PX = 64
# Colours are read from at most this many pixels, a quarter of the thumbnail: more say the same.
_MOST_COLORS = 600


@dataclass(frozen=True)
class FashionInput:
    """A garment, ready to be measured.

    Attributes:
        planes: float32 `(4, 96, 96)`: RGB in -1..1, 0 outside the garment, and the mask as 0 or 1. Where the mask is a
            guess, RGB of the whole picture stays, and the mask beside it is a hint.
        lab: float64 `(N, 3)`, CIE L*a*b* of N <= 600 of its pixels.
        texture: The garment at 64 pixels.
    """

    planes: FloatArray
    lab: npt.NDArray[np.float64]
    texture: GarmentView


def fashion_input(view: GarmentView) -> FashionInput:
    """Prepares a garment.

    Args:
        view: Crop and mask; an empty mask stands for the whole crop.
    """
    small = _shrunk(_tight(view), _WORK_PX)
    tiny = thumbnail(small, _COLOR_PX)
    lab = srgb_to_lab(tiny.image_bgr[_read(tiny.inside)][:, ::-1])
    square = planes(view.guess, guessed=True) if view.guess is not None else planes(small, guessed=False)
    return FashionInput(square, lab, _shrunk(small, _TEXTURE_PX))


def _read(inside: BoolMask) -> BoolMask:
    """Tells which pixels colours are read from: by their place, so that one more at an edge moves no other."""
    if np.count_nonzero(inside) <= _MOST_COLORS:
        return inside
    chosen = np.zeros_like(inside)
    chosen[::2, ::2] = inside[::2, ::2]
    return chosen if chosen.any() else inside


def planes(view: GarmentView, *, guessed: bool) -> FloatArray:
    """Puts a picture into the middle of the network's square, `(4, 96, 96)`.

    Args:
        view: The garment, cut to its box; or, where its mask is guessed, the whole picture.
        guessed: Keep the background. Otherwise nothing of it stays.
    """
    height, width = view.mask.shape
    scale = (1.0 if guessed else FILL) * SIDE_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = _stretched(view, size) if guessed else _resized(view, size)
    rows, columns = fitted.mask.shape
    top, left = (SIDE_PX - rows) // 2, (SIDE_PX - columns) // 2
    square = np.zeros((4, SIDE_PX, SIDE_PX), np.float32)
    place = square[:, top : top + rows, left : left + columns]
    place[:3] = fitted.image_bgr[..., ::-1].transpose(2, 0, 1)
    place[:3] /= 127.5
    place[:3] -= 1
    if not guessed:
        place[:3] *= fitted.mask
    place[3] = fitted.mask
    return square


def _tight(view: GarmentView) -> GarmentView:
    """Cuts a crop down to the box of its mask."""
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(view.mask).view(np.uint8))
    if not width:
        return GarmentView(view.image_bgr, np.ones(view.image_bgr.shape[:2], np.bool_))
    place = np.s_[top : top + height, left : left + width]
    return GarmentView(view.image_bgr[place], view.mask[place])


def _shrunk(view: GarmentView, side_px: int) -> GarmentView:
    height, width = view.mask.shape
    scale = side_px / max(height, width)
    if scale >= 1:
        return view
    return _resized(view, (max(1, round(width * scale)), max(1, round(height * scale))))


def _stretched(view: GarmentView, size: tuple[int, int]) -> GarmentView:
    """Resizes a picture and its mask to `(width, height)`."""
    how = cv2.INTER_AREA if size[0] < view.mask.shape[1] else cv2.INTER_LINEAR
    image = cv2.resize(view.image_bgr, size, interpolation=how).reshape(size[1], size[0], 3).astype(np.uint8)
    share = cv2.resize(view.mask.astype(np.float32), size, interpolation=how)
    return GarmentView(image, np.asarray(share >= 0.5))


def _resized(view: GarmentView, size: tuple[int, int]) -> GarmentView:
    """Resizes a garment over its own pixels only, so that no background bleeds in.

    Args:
        view: The garment; at least one pixel of the mask is set.
        size: `(width, height)`.
    """
    how = cv2.INTER_AREA if size[0] < view.mask.shape[1] else cv2.INTER_LINEAR
    total = cv2.resize(cut_from_ground(view), size, interpolation=how).reshape(size[1], size[0], 4)
    share = np.asarray(cv2.extractChannel(total, 3))
    mask = share >= min(128, int(share.max()))
    own = cv2.copyTo(cv2.cvtColor(total, cv2.COLOR_BGRA2BGR), mask.view(np.uint8))
    pixels = cv2.divide(own, cv2.cvtColor(share, cv2.COLOR_GRAY2BGR), scale=255)
    return GarmentView(np.asarray(pixels, np.uint8), np.asarray(mask))
