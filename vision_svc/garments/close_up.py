"""A closer look at a garment's cloth: the whole garment is too small in the network's square for fine prints."""

import cv2
import numpy as np

from vision_svc.garments.thumbnail import GarmentView

# The square's side as a share of the garment's longer side. Of a half the network told less about prints.
_SHARE = 1 / 3
# A smaller square would only be blown up.
_LEAST_PX = 24


def close_up(view: GarmentView) -> GarmentView:
    """Cuts out a square around the place that lies deepest inside a garment.

    Args:
        view: The garment.

    Returns:
        The square, with the mask in it; a small garment as it is.
    """
    height, width = view.mask.shape
    side = round(max(_LEAST_PX, _SHARE * max(height, width)))
    if side >= max(height, width) or not view.mask.any():
        return view
    walled = cv2.copyMakeBorder(view.mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(walled, cv2.DIST_C, 3)[1:-1, 1:-1]
    rows, columns = np.nonzero(depth >= depth.max())
    middle = len(rows) // 2  # of equally deep places: along a sleeve or a skirt there are many
    top = min(max(int(rows[middle]) - side // 2, 0), max(height - side, 0))
    left = min(max(int(columns[middle]) - side // 2, 0), max(width - side, 0))
    place = np.s_[top : top + side, left : left + side]
    return GarmentView(view.image_bgr[place], view.mask[place])
