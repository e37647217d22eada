"""From a picture to the people in it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from imaging.geometry import Roi
from vision_svc.people.pose import Pose, PoseEstimator
from vision_svc.people.silhouette import Silhouette
from vision_svc.people.types import BoolMask, Box, FloatArray, ImageBgr, Joint, Person

_MASK_FLOOR = 0.5
# Less than this share of the picture is no person who could be dressed by us: it is noise of the mask.
_MIN_SHARE = 0.002
# Blobs of the mask that are smaller than this share of the largest one are not kept.
_MIN_BLOB = 0.02
# A silhouette of less than this share of the picture is not followed; the region around it is so many times its size.
_MIN_SILHOUETTE, _AROUND_SILHOUETTE = 0.02, 1.25
MOST_PEOPLE = 4
"""So many people of a picture are looked for: enough to tell that somebody is not alone."""
# Faces of less than this share of the largest one's size belong to passers-by, whom nobody asked for.
_NEAR_FACE = 0.5
# So far from the middle of a face, in sizes of its box, the nose of its owner may be put.
_OWN_NOSE = 0.75
# Two poses whose torsos are nearer than this, in lengths of the torso, are one person seen twice.
_SAME_TORSO = 0.5
# People who stand side by side share up to three tenths of their masks; from half on it is one person.
_MOST_SHARED = 0.5
_TORSO = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP]


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

    def find(self, image_bgr: ImageBgr, max_people: int = MOST_PEOPLE, faces_xyxy: Sequence[Box] = ()) -> list[Person]:
        """Finds people.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR; at most about 1280 px a side, for speed.
            max_people: How many are looked for at most.
            faces_xyxy: Where faces were before they were blurred, `(x0, y0, x1, y1)` in pixels.

        Returns:
            The people, largest first; empty where nobody is.
        """
        poses = self.poses(image_bgr, max_people, faces_xyxy)
        people = (_person(pose, self._silhouette.of_person(image_bgr, pose)) for pose in poses)
        return _distinct([person for person in people if person is not None])

    def poses(self, image_bgr: ImageBgr, max_people: int = MOST_PEOPLE, faces_xyxy: Sequence[Box] = ()) -> list[Pose]:
        """Finds people's poses, without their pixels; arguments as for `find`."""
        found = self._poses.estimate(image_bgr, max_people)
        poses = [replace(pose, has_face=_has_face(pose, faces_xyxy)) for pose in found]
        for face in _without_body(poses, faces_xyxy)[: max_people - len(poses)]:
            poses += self._poses.below(image_bgr, face)
        return _apart(poses) or self._follow_silhouette(image_bgr)

    def _follow_silhouette(self, image_bgr: ImageBgr) -> list[Pose]:
        """Looks for a person in the largest silhouette: the way to those whose blurred head the detector overlooks."""
        mask = _main_blobs(self._silhouette.everyone(image_bgr) >= _MASK_FLOOR, keep=1.0)
        if mask.sum() < _MIN_SILHOUETTE * mask.size:
            return []
        x0, y0, x1, y1 = _box(mask)
        side = _AROUND_SILHOUETTE * max(x1 - x0, y1 - y0)
        pose = self._poses.follow(image_bgr, Roi((x0 + x1) / 2, (y0 + y1) / 2, side, side))
        return [pose] if pose else []


def _without_body(poses: Sequence[Pose], faces_xyxy: Sequence[Box]) -> list[Box]:
    """Returns the faces, largest first, below which nobody was found; without those of passers-by."""
    faces = sorted(faces_xyxy, key=lambda box: -_size(box))
    near = [face for face in faces if _size(face) >= _NEAR_FACE * _size(faces[0])]
    return [face for face in near if not any(_has_face(pose, [face]) for pose in poses)]


def _has_face(pose: Pose, faces_xyxy: Sequence[Box]) -> bool:
    """Tells whether one of the faces is where the nose of a pose is."""
    nose = pose.joints_xyz[Joint.NOSE, :2]
    middles = ((np.array([x0 + x1, y0 + y1]) / 2, _size((x0, y0, x1, y1))) for x0, y0, x1, y1 in faces_xyxy)
    return any(float(np.hypot(*(nose - middle))) < _OWN_NOSE * size for middle, size in middles)


def _size(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _apart(poses: Sequence[Pose]) -> list[Pose]:
    """Drops poses of a person of whom there is one already."""
    kept: list[Pose] = []
    for pose in poses:
        if all(_distance(pose, other) >= _SAME_TORSO for other in kept):
            kept.append(pose)
    return kept


def _distance(one: Pose, other: Pose) -> float:
    """Returns how far the torsos of two poses are from each other, in lengths of the longer one."""
    torsos = [pose.joints_xyz[_TORSO, :2].reshape(2, 2, 2).mean(axis=1) for pose in (one, other)]
    length = max(float(np.hypot(*(hips - shoulders))) for shoulders, hips in torsos)
    return float(np.hypot(*(torsos[0].mean(axis=0) - torsos[1].mean(axis=0)))) / max(length, 1.0)


def _distinct(people: list[Person]) -> list[Person]:
    """Returns people largest first, without those who are mostly a part of a larger one."""
    kept: list[Person] = []
    for person in sorted(people, key=lambda one: -int(one.mask.sum())):
        if all((person.mask & other.mask).sum() <= _MOST_SHARED * person.mask.sum() for other in kept):
            kept.append(person)
    return kept


def _person(pose: Pose, mask_score: FloatArray) -> Person | None:
    mask = _main_blobs(mask_score >= _MASK_FLOOR)
    if mask.sum() < _MIN_SHARE * mask.size:
        return None
    box = np.array(_box(mask), np.float32)
    return Person(
        pose.score, box, pose.joints_xyz, pose.visibility, mask, mask_score, pose.detection, pose.has_face
    )  # fmt: skip


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
