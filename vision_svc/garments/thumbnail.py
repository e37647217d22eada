"""Small pictures of one garment without its background: all that attributes need, and quick to work on."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from imaging.color import srgb_to_lab
from vision_svc.people.types import BoolMask, ImageBgr

FloatPixels = npt.NDArray[np.float64]
Planes = npt.NDArray[np.float32]

# A thumbnail pixel counts as inside from this share of mask on: the rest is mixed with background.
_INSIDE = 0.75
_OPAQUE = 255


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
    """

    image_bgr: ImageBgr
    inside: BoolMask

    @cached_property
    def lab(self) -> FloatPixels:
        """CIE L*a*b* of the N pixels inside, row by row: float64 `(N, 3)`."""
        return srgb_to_lab(self.image_bgr[self.inside][:, ::-1])

    @cached_property
    def lab_planes(self) -> Planes:
        """CIE L*a*b* of all pixels, as filters want it: float32 `(h, w, 3)`."""
        return np.asarray(cv2.cvtColor(self.image_bgr.astype(np.float32) / 255.0, cv2.COLOR_BGR2Lab), np.float32)


def thumbnail(view: GarmentView, max_side_px: int = 64) -> MaskedThumbnail:
    """Shrinks a garment.

    Args:
        view: The garment; its mask may be empty, then the whole crop counts.
        max_side_px: Longer side of the result.

    Returns:
        The thumbnail; at least one pixel is inside.
    """
    height, width = view.mask.shape
    scale = max_side_px / max(height, width)
    if scale >= 1:
        return _as_it_is(view)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    total = cv2.resize(cut_from_ground(view, inside=1).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    share = total[..., 3]
    inside = share >= min(_INSIDE, float(share.max()))
    color = total[..., :3] / np.maximum(share, 1e-6)[..., None]
    *mean, mean_share = cv2.mean(total)
    color[~inside] = np.divide(mean, mean_share)
    image: ImageBgr = np.clip(np.rint(color), 0, 255).astype(np.uint8)
    return MaskedThumbnail(image, inside)


def _as_it_is(view: GarmentView) -> MaskedThumbnail:
    inside = view.mask if view.mask.any() else np.ones_like(view.mask)
    image = view.image_bgr.copy()
    image[~inside] = np.rint(cv2.mean(image, inside.astype(np.uint8))[:3])
    return MaskedThumbnail(image, inside)


def cut_from_ground(view: GarmentView, inside: int = _OPAQUE) -> npt.NDArray[np.uint8]:
    """Joins colour and mask, uint8 `(H, W, 4)`: B, G, R and `inside`, and zeros outside of the mask.

    So they are resized together, and the colours of a mixed pixel, divided by its fourth channel, are the garment's
    own. An empty mask stands for the whole picture.
    """
    whole = np.asarray(cv2.cvtColor(view.image_bgr, cv2.COLOR_BGR2BGRA), np.uint8)
    if inside != _OPAQUE:
        whole[..., 3] = inside
    mask = np.ascontiguousarray(view.mask).view(np.uint8)
    return np.asarray(cv2.copyTo(whole, mask), np.uint8) if mask.any() else whole
