"""How light the skin in a photo is, so that figures can be told by it; used by `_parser.py`."""

import numpy as np
import numpy.typing as npt

from imaging.color import srgb_to_lab
from vision_svc.people.types import BoolMask, ImageBgr

LEAST_SKIN_PX = 300


def skin_tone(image_bgr: ImageBgr, skin: BoolMask) -> float | None:
    """Returns the individual typology angle of the median colour of the skin, degrees; None where hardly any is seen.

    The larger, the lighter (Chardon et al. 1991). The light of the scene moves it too, so it tells of the picture of a
    skin rather than of the skin.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR.
        skin: bool `(H, W)`: where skin is bare.
    """
    if skin.sum() < LEAST_SKIN_PX:
        return None
    middle: npt.NDArray[np.float64] = np.median(srgb_to_lab(image_bgr[skin][:, ::-1]), axis=0)
    return float(np.degrees(np.arctan2(middle[0] - 50, middle[2])))


def thirds(tones_deg: list[float]) -> list[list[int]]:
    """Returns the indices of the darkest, the middle and the lightest third, those of each ordered by tone."""
    order = np.argsort(np.array(tones_deg), kind="stable")
    return [[int(index) for index in part] for part in np.array_split(order, 3) if len(part)]
