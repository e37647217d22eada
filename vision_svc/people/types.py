"""What is known of a person in a picture."""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolMask = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]
ImageBgr = npt.NDArray[np.uint8]


class Joint(enum.IntEnum):
    """The 33 body landmarks of MediaPipe's pose model, left and right as the person sees them."""

    NOSE = 0
    LEFT_EYE_INNER = 1
    LEFT_EYE = 2
    LEFT_EYE_OUTER = 3
    RIGHT_EYE_INNER = 4
    RIGHT_EYE = 5
    RIGHT_EYE_OUTER = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    MOUTH_LEFT = 9
    MOUTH_RIGHT = 10
    LEFT_SHOULDER = 11
    RIGHT_SHOULDER = 12
    LEFT_ELBOW = 13
    RIGHT_ELBOW = 14
    LEFT_WRIST = 15
    RIGHT_WRIST = 16
    LEFT_PINKY = 17
    RIGHT_PINKY = 18
    LEFT_INDEX = 19
    RIGHT_INDEX = 20
    LEFT_THUMB = 21
    RIGHT_THUMB = 22
    LEFT_HIP = 23
    RIGHT_HIP = 24
    LEFT_KNEE = 25
    RIGHT_KNEE = 26
    LEFT_ANKLE = 27
    RIGHT_ANKLE = 28
    LEFT_HEEL = 29
    RIGHT_HEEL = 30
    LEFT_FOOT_INDEX = 31
    RIGHT_FOOT_INDEX = 32


@dataclass(frozen=True)
class Person:
    """One person in a picture of `H x W` pixels.

    Attributes:
        score: How sure the landmark model is that somebody is there, 0-1.
        box_xyxy: float32 `(4,)`, pixels: the box around the person's mask, inside the picture.
        joints_xyz: float32 `(33, 3)`, pixels, ordered as `Joint`; z grows away from the camera, in the scale of x.
        visibility: float32 `(33,)`, 0-1: how sure the model is that the joint is inside the picture and not hidden.
        mask: bool `(H, W)`: the person's pixels.
        mask_score: float32 `(H, W)`, 0-1: the soft mask that `mask` was cut from at 0.5.
        detection: The detector's score of the region where the person was found, 0-1; 0 where something else led to it.
        has_face: A face was told of where the head is.
        chance: How likely it is a person and no garment that lies alone, 0-1, where a parser can tell.
    """

    score: float
    box_xyxy: FloatArray
    joints_xyz: FloatArray
    visibility: FloatArray
    mask: BoolMask
    mask_score: FloatArray
    detection: float = 0.0
    has_face: bool = False
    chance: float = 1.0

    def joint(self, joint: Joint) -> FloatArray:
        """Returns the place of `joint`, float32 `(2,)`, pixels."""
        point: FloatArray = self.joints_xyz[joint, :2]
        return point

    def sees(self, joint: Joint, threshold: float = 0.5) -> bool:
        """Tells whether `joint` is in the picture and visible, by the model's own estimate."""
        return bool(self.visibility[joint] >= threshold)
