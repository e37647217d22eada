"""Finding people and their joints, with MediaPipe's two pose models.

The detector finds a person's hips and the circle around the body; the landmark model looks at that region, turned
upright, and gives 33 joints, a mask and heat maps that sharpen the joints. Constants are those of MediaPipe 0.10.21's
graphs `pose_detection` and `pose_landmark`.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from imaging.boxes import anchor_centers, decode_ssd, sigmoid, weighted_nms
from imaging.geometry import Roi, letterbox, roi_from_axis, shifted, to_tensor
from imaging.models.runtime import LiteRtModel
from vision_svc.people.heatmaps import refine
from vision_svc.people.types import Box, FloatArray, ImageBgr, Joint

DETECTION_MODEL = "pose_detection"
LANDMARK_MODEL = "pose_landmark_full"

_DETECTION_PX, _STRIDES, _PER_CELL = 224, (8, 16, 32, 32, 32), 2
_DETECTION_BOXES, _DETECTION_SCORES = "Identity", "Identity_1"
_NMS_IOU = 0.3
_ROI_SCALE = 1.25
_UPRIGHT = math.pi / 2

_LANDMARK_PX, _LANDMARKS, _JOINTS = 256, 39, 33
_POINTS, _PRESENCE, _MASK, _HEATMAPS = "Identity", "Identity_1", "Identity_2", "Identity_3"
_SHOULDERS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]
_HIPS = [Joint.LEFT_HIP, Joint.RIGHT_HIP]
_HEAD_RADIUS = 0.13  # torso lengths: half of the smallest heads
_FOLLOW_STEPS = 2
# Where bodies are below a face: how far down their middle is and how wide their region, in sizes of the face's box.
_BODIES_BELOW = ((3.5, 12.0), (4.0, 11.0), (4.5, 12.0))
_FITTING_REGION = 0.7  # from this score on the detector's region fits well enough


@dataclass(frozen=True)
class PoseThresholds:
    """From where on somebody counts as being there.

    The detector looks for heads first of all, and what we see has its faces blurred: then its scores fall (on 75
    blurred street photos it was sure of 62 people). So unsure regions are looked at too, and must then show more.

    Attributes:
        sure_detection: Score from which the detector is believed, 0-1.
        sure_presence: Presence that the landmark model must state in such a region, 0-1. On 150 street photos it was
            never below 0.96; pictures without anybody reach 0.78.
        unsure_detection: Score from which a region is looked at, 0-1.
        unsure_presence: Presence that the landmark model must state in such a region, 0-1.
        head: Share of the head's place that must belong to the person in such a region, 0-1: a shirt on a hanger has
            sleeves and a chest, but no head.
    """

    sure_detection: float = 0.5
    sure_presence: float = 0.8
    unsure_detection: float = 0.25
    unsure_presence: float = 0.9
    head: float = 0.5


@dataclass(frozen=True)
class Region:
    """A region in which somebody may be, and how sure the detector is of it, 0-1."""

    roi: Roi
    score: float


@dataclass(frozen=True)
class Pose:
    """A person's joints and the region they were read in.

    Attributes:
        score: Presence of a person in the region, 0-1.
        joints_xyz: float32 `(33, 3)`, pixels of the picture, ordered as `Joint`.
        visibility: float32 `(33,)`, 0-1.
        roi: The region that the landmark model saw.
        mask_score: float32 `(256, 256)`, 0-1: the person's pixels inside the region.
        next_roi: The region that fits these joints better than the one they were read in.
        detection: Score of the detector's region that led to it, 0-1; 0 where something else did.
        has_face: A face was told of where its head is.
    """

    score: float
    joints_xyz: FloatArray
    visibility: FloatArray
    roi: Roi
    mask_score: FloatArray
    next_roi: Roi
    detection: float = 0.0
    has_face: bool = False

    def head_share(self) -> float:
        """Returns how much of the place where the head must be belongs to the person, 0-1."""
        shares = self.roi.from_image(self.joints_xyz[:, :2]) * np.float32(_LANDMARK_PX)
        middle = shares[: Joint.MOUTH_RIGHT + 1].mean(axis=0)
        shoulders, hips = shares[_SHOULDERS].mean(axis=0), shares[_HIPS].mean(axis=0)
        radius = max(2, round(_HEAD_RADIUS * float(np.hypot(*(hips - shoulders)))))
        disc = np.zeros(self.mask_score.shape, np.uint8)
        cv2.circle(disc, (round(float(middle[0])), round(float(middle[1]))), radius, 1, -1)
        return float(self.mask_score[disc > 0].mean()) if disc.any() else 0.0


class PoseEstimator:
    """Finds people and their joints. Thread-safe as far as the models are."""

    def __init__(
        self, detection: LiteRtModel, landmarks: LiteRtModel, thresholds: PoseThresholds | None = None
    ) -> None:
        """Wraps the two loaded models."""
        self._detection, self._landmarks = detection, landmarks
        self._thresholds = thresholds or PoseThresholds()
        self._anchors = anchor_centers(_DETECTION_PX, _STRIDES, _PER_CELL)

    @classmethod
    def load(cls, models_dir: Path, thresholds: PoseThresholds | None = None) -> "PoseEstimator":
        """Loads both models from the models folder.

        Raises:
            imaging.errors.ModelError: A file is missing or damaged.
        """
        return cls(
            LiteRtModel.load(DETECTION_MODEL, models_dir), LiteRtModel.load(LANDMARK_MODEL, models_dir), thresholds
        )

    def estimate(self, image_bgr: ImageBgr, max_people: int = 1) -> list[Pose]:
        """Finds people, and now and then garments that lie as if somebody wore them.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR.
            max_people: How many are read at most, largest first.

        Returns:
            Their poses, largest first; empty where nobody is.
        """
        regions = self.regions(image_bgr)[:max_people]
        poses = ((region, self._read(image_bgr, region.roi, region.score)) for region in regions)
        return [self._again(image_bgr, region, pose) for region, pose in poses if self._is_body(region, pose)]

    def follow(self, image_bgr: ImageBgr, roi: Roi) -> Pose | None:
        """Looks for a person where something else than the detector has seen one.

        The region is made better twice by what was read in it, as a tracker does from frame to frame; only who is found
        there both times counts.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR.
            roi: Where.

        Returns:
            The pose; None where nobody is.
        """
        pose, least = self._read(image_bgr, roi), self._thresholds.sure_detection
        for _ in range(_FOLLOW_STEPS):
            if pose.score < least:
                return None
            pose, least = self._read(image_bgr, pose.next_roi), self._thresholds.unsure_presence
        return pose if pose.score >= least else None

    def below(self, image_bgr: ImageBgr, face_xyxy: Box) -> list[Pose]:
        """Looks for the person whose face is known: the body hangs below it.

        On 151 blurred pictures of people a face without any help of the detector led to 92 % of them with the first
        region alone, and to 98 % with the best of three.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR.
            face_xyxy: Where the face was, `(x0, y0, x1, y1)` in pixels.

        Returns:
            The pose; empty where the landmark model sees nobody there.
        """
        x0, y0, x1, y1 = face_xyxy
        size = max(x1 - x0, y1 - y0)
        regions = (
            Roi((x0 + x1) / 2, (y0 + y1) / 2 + drop * size, side * size, side * size) for drop, side in _BODIES_BELOW
        )
        best = max((self._read(image_bgr, roi) for roi in regions), key=lambda pose: pose.score)
        best = replace(best, has_face=True)
        return [best] if best.score >= self._thresholds.sure_presence else []

    def _again(self, image_bgr: ImageBgr, region: Region, pose: Pose) -> Pose:
        """Reads a pose again, in the region that fits it better, where the detector was not quite sure of the first."""
        if region.score >= _FITTING_REGION:
            return pose
        again = self._read(image_bgr, pose.next_roi, region.score)
        return again if again.score >= self._thresholds.unsure_presence else pose

    def _is_body(self, region: Region, pose: Pose) -> bool:
        limits = self._thresholds
        if region.score >= limits.sure_detection and pose.score >= limits.sure_presence:
            return True
        return pose.score >= limits.unsure_presence and pose.head_share() >= limits.head

    def regions(self, image_bgr: ImageBgr) -> list[Region]:
        """Finds the regions, largest first, in which people may be."""
        square, back = letterbox(image_bgr, _DETECTION_PX)
        outputs = self._detection.run_image(to_tensor(square, -1.0, 1.0))
        scores = sigmoid(outputs[_DETECTION_SCORES].reshape(-1))
        # Boxes are averaged by score, so unsure ones would spoil sure ones: they count only where there is no other.
        sure = scores >= self._thresholds.sure_detection
        if not sure.any():
            sure = scores >= self._thresholds.unsure_detection
        raw = outputs[_DETECTION_BOXES][0][sure]
        boxes, keypoints = decode_ssd(raw, self._anchors[sure], _DETECTION_PX)
        rows = np.concatenate([boxes, keypoints.reshape(len(raw), -1 if len(raw) else 8)], axis=1)
        rows, best = weighted_nms(rows, scores[sure], _NMS_IOU)
        regions = [
            Region(_region(back.to_image(row[4:].reshape(-1, 2))), float(score))
            for row, score in zip(rows, best, strict=True)
        ]
        return sorted(
            regions, key=lambda region: (region.score < self._thresholds.sure_detection, -region.roi.width_px)
        )

    def _read(self, image_bgr: ImageBgr, roi: Roi, detection: float = 0.0) -> Pose:
        crop = roi.crop(image_bgr, _LANDMARK_PX, _LANDMARK_PX, replicate=True)
        outputs = self._landmarks.run_image(to_tensor(crop, 0.0, 1.0))
        every = outputs[_POINTS].reshape(_LANDMARKS, 5)
        rows, circle = every[:_JOINTS], every[_JOINTS : _JOINTS + 2, :2] / np.float32(_LANDMARK_PX)
        shares = refine(rows[:, :2] / np.float32(_LANDMARK_PX), sigmoid(outputs[_HEATMAPS][0])[:, :, :_JOINTS])
        depth = rows[:, 2:3] * np.float32(roi.width_px / _LANDMARK_PX)
        joints = np.concatenate([roi.to_image(shares), depth], axis=1).astype(np.float32)
        visibility = sigmoid(rows[:, 3]) * sigmoid(rows[:, 4])
        score = float(outputs[_PRESENCE].reshape(-1)[0])
        mask_score = sigmoid(outputs[_MASK][0, :, :, 0])
        return Pose(score, joints, visibility, roi, mask_score, _region(roi.to_image(circle)), detection)


def _region(keypoints: FloatArray) -> Roi:
    """Makes the region from the middle of the hips and a point on the circle around the body, straight above them."""
    middle, rim = keypoints[0], keypoints[1]
    side = 2.0 * float(np.hypot(*(rim - middle)))
    return shifted(roi_from_axis(middle, rim, side, _UPRIGHT), 0.0, 0.0, _ROI_SCALE)
