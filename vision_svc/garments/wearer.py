"""Whether somebody wears what a picture shows, or a garment lies there alone.

The pose model finds a body in many pictures of a lone coat or hoodie too: it takes the hood or the collar for a head.
Most are told apart before (`vision_svc.garments.parse_wearer`). What is left counts as worn where it is rather a person
than not; where that is unsure, or before a plain ground, as in shops, a face must be there and no cloth in its place.
"""

import numpy as np

from imaging.color import srgb_to_lab
from vision_svc.garments.foreground import has_plain_border
from vision_svc.garments.skin import face_disc, is_plausible
from vision_svc.garments.types import ParsedGarment, ParsedImage
from vision_svc.people.types import BoolMask, FloatArray, ImageBgr, Person

# A picture that is embedded shows a lone garment as often as a person, unlike one that is analysed.
_RATHER_WORN = 0.5
# On 40 street photos at least 36 % of the face disc had a colour that skin can have; on 20 of 24 drawn garments that
# the pose model took for people less than 18 %.
_SKIN_SHARE = 0.3
# A "face" is cloth where more than half of a garment lies within this distance (CIE76) of its colour.
_CLOTH_DISTANCE, _CLOTH_SHARE = 12.0, 0.5


def is_worn(image_bgr: ImageBgr, parsed: ParsedImage) -> bool:
    """Tells whether a person wears the garments that were found.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR: the picture that was parsed.
        parsed: What the parser found in it.
    """
    if not parsed.garments:
        return False
    if not parsed.persons:
        return True
    if parsed.persons[0].chance >= _RATHER_WORN and not has_plain_border(image_bgr):
        return True
    return _has_face(image_bgr, parsed.persons[0], parsed.garments)


def _has_face(image_bgr: ImageBgr, person: Person, garments: tuple[ParsedGarment, ...]) -> bool:
    face = _lab(image_bgr, face_disc(person.joints_xyz[:, :2], person.mask))
    if not len(face) or float(is_plausible(face).mean()) < _SKIN_SHARE:
        return False
    middle = np.median(face, axis=0)
    return not any(_is_of(middle, _lab(image_bgr, garment.full_mask(*image_bgr.shape[:2]))) for garment in garments)


def _is_of(color_lab: FloatArray, cloth_lab: FloatArray) -> bool:
    near = np.linalg.norm(cloth_lab - color_lab, axis=-1) < _CLOTH_DISTANCE
    return bool(near.mean() > _CLOTH_SHARE)


def _lab(image_bgr: ImageBgr, mask: BoolMask) -> FloatArray:
    return srgb_to_lab(image_bgr[mask][:, ::-1]).astype(np.float32)
