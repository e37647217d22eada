"""Telling a garment that lies or hangs alone from what is behind it, without a network."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from imaging.color import srgb_to_lab
from imaging.decode import shrink
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.models.contract import ModelSpec, Task
from vision_svc.people.types import BoolMask, ImageBgr

SPEC = ModelSpec(
    task=Task.GARMENT_FOREGROUND,
    model="border-grabcut/1",
    backend="numpy",
    license="Apache-2.0",
    source="vitrine",
    description="Background from the picture's border: by colour where it is plain, otherwise by GrabCut.",
)

_WORK_SIDE_PX = 96
# The border is plain where nine tenths of it lie within this distance (CIE76) of its median.
_PLAIN_SPREAD = 9.0
# On a plain border, what is this far (CIE76) from it is garment.
_PLAIN_DISTANCE = 7.0
_GRABCUT_ROUNDS = 3
# A foreground outside of these shares of the picture is a failure, not a garment.
_LEAST, _MOST = 0.03, 0.95
# Parts smaller than this share of the largest part are crumbs.
_CRUMB = 0.08


@dataclass(frozen=True)
class Foreground:
    """A garment cut from its background.

    Attributes:
        view: Crop and mask; the whole picture where nothing could be told apart.
        share: Share of the picture that is garment, 0-1.
        found: False where the whole picture was taken.
    """

    view: GarmentView
    share: float
    found: bool


def cut_out(image_bgr: ImageBgr) -> Foreground:
    """Cuts a garment out of a picture that shows it alone.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR.
    """
    small = shrink(image_bgr, _WORK_SIDE_PX)
    if min(small.shape[:2]) < 12:
        return _whole(image_bgr)
    raw, sure = _by_border(small)
    mask = _tidy(raw)
    share = float(mask.mean())
    if not _LEAST <= share <= _MOST:
        return _whole(image_bgr)
    height, width = image_bgr.shape[:2]
    full = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) >= 0.5
    view = crop_to_mask(image_bgr, full)
    return Foreground(view if sure else replace(view, guess=GarmentView(small, mask)), share, found=True)


def has_plain_border(image_bgr: ImageBgr) -> bool:
    """Tells whether a picture, uint8 `(H, W, 3)` BGR, has a background of one colour, as shops photograph."""
    small = shrink(image_bgr, _WORK_SIDE_PX)
    distance, border = _from_border(small)
    return float(np.percentile(distance[border], 90)) <= _PLAIN_SPREAD


def crop_to_mask(image_bgr: ImageBgr, mask: BoolMask) -> GarmentView:
    """Crops a picture to the box around a mask of its size; an empty mask gives the whole picture."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return GarmentView(image_bgr, np.ones(image_bgr.shape[:2], np.bool_))
    place = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return GarmentView(image_bgr[place], mask[place])


def _whole(image_bgr: ImageBgr) -> Foreground:
    small = shrink(image_bgr, _WORK_SIDE_PX)
    guess = GarmentView(small, np.ones(small.shape[:2], np.bool_))
    return Foreground(GarmentView(image_bgr, np.ones(image_bgr.shape[:2], np.bool_), guess), 1.0, found=False)


def _from_border(small_bgr: ImageBgr) -> tuple[npt.NDArray[np.float64], BoolMask]:
    """Returns how far (CIE76) each pixel is from the border's colour, and where the border is."""
    lab = srgb_to_lab(small_bgr[..., ::-1])
    border = _border(lab.shape[0], lab.shape[1])
    # The bottom and the sides may be touched by the garment; the median stands that.
    middle = np.median(lab[border], axis=0)
    distance: npt.NDArray[np.float64] = np.linalg.norm(lab - middle, axis=-1)
    return distance, border


def _by_border(small_bgr: ImageBgr) -> tuple[BoolMask, bool]:
    """Returns the foreground, and whether it is sure: before a plain ground."""
    distance, border = _from_border(small_bgr)
    if float(np.percentile(distance[border], 90)) <= _PLAIN_SPREAD:
        limit = max(_PLAIN_DISTANCE, 1.6 * float(np.percentile(distance[border], 90)))
        return np.asarray(distance > limit), True
    return _grabcut(small_bgr, distance, border), False


def _grabcut(small_bgr: ImageBgr, distance: npt.NDArray[np.float64], border: BoolMask) -> BoolMask:
    height, width = border.shape
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot((x - width / 2 + 0.5) / (width * 0.5), (y - height / 2 + 0.5) / (height * 0.5))
    labels = np.where(radius < 0.8, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[(radius < 0.25) & (distance > _PLAIN_DISTANCE)] = cv2.GC_FGD
    labels[border] = cv2.GC_BGD
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)  # its k-means starts at random; the same picture must give the same answer
    cv2.grabCut(small_bgr, labels, (0, 0, 1, 1), background, foreground, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def _border(height: int, width: int) -> BoolMask:
    border = np.ones((height, width), np.bool_)
    edge = max(2, round(0.03 * max(height, width)))
    border[edge:-edge, edge:-edge] = False
    return border


def _tidy(mask: BoolMask) -> BoolMask:
    """Closes holes of a few pixels, then drops crumbs."""
    kernel = np.ones((3, 3), np.uint8)
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if count < 2:
        return np.zeros_like(mask)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.asarray(np.isin(labels, np.flatnonzero(areas >= _CRUMB * areas.max())) & (labels > 0))
