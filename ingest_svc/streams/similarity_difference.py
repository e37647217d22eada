"""How a frame differs from a reference once light and camera are accounted for."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from ingest_svc.streams.similarity_bands import evened
from ingest_svc.streams.similarity_color import ColorReference, Mask, Overlap
from ingest_svc.streams.similarity_light import ColorImage, Light, fitted

# Light is on more of the picture than this, and fitting it is half of the work.
_LIGHT_SHARE = 0.02
# ...and bands of light are believed when they leave less than this of what is new.
_BANDS_GAIN = 0.6
# A frame whose cells differ more than this share is asked whether the camera moved...
_CAMERA_SHARE = 0.06
# ...and the answer is believed when it leaves less than this of the differing cells.
_CAMERA_GAIN = 0.6


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, and what light and camera did.

    Attributes:
        mask: uint8, not 0 in cells of the shared part that differ.
        seen: The frame in the light of the reference, uint8 `(H, W, 3)` BGR.
        overlap: The part that frame and reference share.
        light: What took the frame to the reference's light; None where it was the same.
    """

    mask: Mask
    seen: ColorImage
    overlap: Overlap
    light: Light | None

    @property
    def count(self) -> int:
        """How many cells differ."""
        return cv2.countNonZero(self.mask)


def compared(reference: ColorReference, bgr: ColorImage, seen: ColorImage, new: int, light: Light | None) -> Difference:
    """Compares a frame with its reference.

    Args:
        reference: What it is compared with.
        bgr: The frame, uint8 `(H, W, 3)`.
        seen: The same in the light of the frame before, which is tried first.
        new: How many cells of `seen` are new to the reference.
        light: What made `seen` of `bgr`.
    """
    least = _LIGHT_SHARE * bgr.shape[0] * bgr.shape[1]
    if new > least and (another := fitted(bgr, reference.bgr)) is not None:
        lit = another.applied(bgr, reference.bgr)
        if (lit_new := reference.new_count(lit)) < new:
            seen, light, new = lit, another, lit_new
    # Of the frame as it is: what bands do is no gain and offset for all of it.
    if new > least and (even := evened(bgr, reference.bgr)) is not None:
        seen = even if reference.new_count(even) < _BANDS_GAIN * new else seen
    still = Overlap()
    found = Difference(reference.differing(seen, still), seen, still, light)
    if found.count > _CAMERA_SHARE * found.mask.size:
        moved = _moved(reference, bgr, seen)
        if moved is not None and moved.count / moved.mask.size < _CAMERA_GAIN * found.count / found.mask.size:
            return moved
    return found


def _moved(reference: ColorReference, bgr: ColorImage, seen: ColorImage) -> Difference | None:
    """The difference when the camera's motion is taken back; None where it seems to stand."""
    rough = reference.shift(seen)
    if rough == Overlap():
        return None
    lit = bgr.copy()
    part, other = rough.of_seen(lit), rough.of_reference(reference.bgr)
    light = fitted(part, other)
    if light is not None:
        part[:] = light.applied(part, other)
    near = [Overlap(rough.dx + x, rough.dy + y) for x, y in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))]
    best = min(near, key=lambda overlap: reference.new_count(lit, overlap))
    return Difference(reference.differing(lit, best), lit, best, light)
