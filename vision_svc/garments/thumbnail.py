"""Small pictures of one garment without its background: all that attributes need, and quick to work on."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.color import srgb_to_lab
from vision_svc.people.types import BoolMask, ImageBgr

FloatPixels = npt.NDArray[np.float64]

# A thumbnail pixel counts as inside from this share of mask on: the rest is mixed with background.
_INSIDE = 0.75


@dataclass(frozen=True)
class GarmentView:
    """The pixels of one garment: what describing and embedding start from.

    Attributes:
        image_bgr: uint8 `(H, W, 3)`, BGR: the crop around the garment.
        mask: bool `(H, W)`: the garment's pixels.
        guess: The whole picture, small, with the same mask in it, where the mask is only a guess and a sleeve may be
            missing from it; None where the mask is to be trusted.
    """

    image_bgr: ImageBgr
    mask: BoolMask
    guess: "GarmentView | None" = None


@dataclass(frozen=True)
class MaskedThumbnail:
    """A garment shrunk to at most 64 pixels a side, mask and colour separated.

    Attributes:
        image_bgr: uint8 `(h, w, 3)`, BGR; averaged over the garment's pixels only, so that no background bleeds in.
            Outside of the garment it has the garment's mean colour, so that filters see no edge there.
        inside: bool `(h, w)`: pixels that lie inside the garment.
        lab: float64 `(N, 3)`: CIE L*a*b* of the N pixels inside, row by row.
    """

    image_bgr: ImageBgr
    inside: BoolMask
    lab: FloatPixels


def thumbnail(view: GarmentView, max_side_px: int = 64) -> MaskedThumbnail:
    """Shrinks a garment.

    Args:
        view: The garment; its mask may be empty, then the whole crop counts.
        max_side_px: Longer side of the result.

    Returns:
        The thumbnail; at least one pixel is inside.
    """
    weight = view.mask.astype(np.float32)
    if not weight.any():
        weight = np.ones_like(weight)
    height, width = weight.shape
    scale = min(1.0, max_side_px / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(view.image_bgr * weight[..., None], size, interpolation=cv2.INTER_AREA).reshape(*share.shape, 3)
    inside = share >= min(_INSIDE, float(share.max()))
    mean = total.sum(axis=(0, 1)) / share.sum()
    color = np.where(inside[..., None], total / np.maximum(share, 1e-6)[..., None], mean)
    image: ImageBgr = np.clip(np.rint(color), 0, 255).astype(np.uint8)
    return MaskedThumbnail(image, inside, srgb_to_lab(image[inside][:, ::-1]))
