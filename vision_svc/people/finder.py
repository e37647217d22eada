"""From a picture to the people in it."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from imaging.geometry import Roi
from vision_svc.people.pose import Pose, PoseEstimator
from vision_svc.people.silhouette import Silhouette
from vision_svc.people.types import BoolMask, Box, FloatArray, ImageBgr, Person

_MASK_FLOOR = 0.5
# Less than this share of the picture is no person who could be dressed by us: it is noise of the mask.
_MIN_SHARE = 0.002
# Blobs of the mask that are smaller than this share of the largest one are not kept.
_MIN_BLOB = 0.02
# A silhouette of less than this share of the picture is not followed; the region around it is so many times its size.
_MIN_SILHOUETTE, _AROUND_SILHOUETTE = 0.02, 1.25


class PersonFinder:
    """Finds people, their joints and their pixels. Thread-safe as far as the models are."""

    def __init__(self, poses: PoseEstimator, silhouette: Silhouette) -> None:
        """Joins a pose estimator and a segmentation."""
        self._poses, self._silhouette = poses, silhouette

    @classmethod
    def load(cls, models_dir: Path) -> "PersonFinder":
        """Loads all models from the models folder.

        Raises:
            imaging.errors.ModelError: A file is missing or damaged.
        """
        return cls(PoseEstimator.load(models_dir), Silhouette.load(models_dir))

    def find(self, image_bgr: ImageBgr, max_people: int = 1, faces_xyxy: Sequence[Box] = ()) -> list[Person]:
        """Finds people.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR; at most about 1280 px a side, for speed.
            max_people: How many are read at most, largest first.
            faces_xyxy: Where faces were before they were blurred, `(x0, y0, x1, y1)` in pixels.

        Returns:
            The people, largest first; empty where nobody is.
        """
        poses = self._poses.estimate(image_bgr, max_people)
        if not poses and faces_xyxy:
            poses = self._poses.below(image_bgr, max(faces_xyxy, key=lambda box: box[3] - box[1]))
        if not poses:
            poses = self._follow_silhouette(image_bgr)
        people = (_person(pose, self._silhouette.of_person(image_bgr, pose)) for pose in poses)
        return [person for person in people if person is not None]

    def _follow_silhouette(self, image_bgr: ImageBgr) -> list[Pose]:
        """Looks for a person in the largest silhouette: the way to those whose blurred head the detector overlooks."""
        mask = _main_blobs(self._silhouette.everyone(image_bgr) >= _MASK_FLOOR, keep=1.0)
        if mask.sum() < _MIN_SILHOUETTE * mask.size:
            return []
        x0, y0, x1, y1 = _box(mask)
        side = _AROUND_SILHOUETTE * max(x1 - x0, y1 - y0)
        pose = self._poses.follow(image_bgr, Roi((x0 + x1) / 2, (y0 + y1) / 2, side, side))
        return [pose] if pose else []


def _person(pose: Pose, mask_score: FloatArray) -> Person | None:
    mask = _main_blobs(mask_score >= _MASK_FLOOR)
    if mask.sum() < _MIN_SHARE * mask.size:
        return None
    return Person(pose.score, np.array(_box(mask), np.float32), pose.joints_xyz, pose.visibility, mask, mask_score)


def _box(mask: BoolMask) -> tuple[int, int, int, int]:
    """Returns the box around a mask that is not empty, `(x0, y0, x1, y1)`."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _main_blobs(mask: BoolMask, keep: float = _MIN_BLOB) -> BoolMask:
    """Drops specks: blobs smaller than the share `keep` of the largest."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    areas[0] = 0
    kept: BoolMask = (areas >= keep * areas.max())[labels]
    return kept
