"""Looking twice at what may be a face: the face landmark model says whether one is really there."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from imaging.boxes import sigmoid
from imaging.geometry import Roi, roi_from_axis, shifted, to_tensor
from imaging.models.runtime import LiteRtModel

FloatArray = npt.NDArray[np.float32]

MODEL_NAME = "face_landmark"
_INPUT_PX = 192
_PRESENCE_OUTPUT = "conv2d_31"
# MediaPipe 0.10.21, face_detection_front_detection_to_roi: the box, turned so that the eyes are level, x 1.5.
_ROI_SCALE = 1.5


def face_roi(box_xyxy: FloatArray, right_eye: FloatArray, left_eye: FloatArray) -> Roi:
    """Makes the region that face landmark models want to see.

    Args:
        box_xyxy: float32 `(4,)`, pixels.
        right_eye: float32 `(2,)`, pixels; right as the person sees it.
        left_eye: float32 `(2,)`, pixels.

    Returns:
        A square around the box in which the eyes are level.
    """
    width, height = float(box_xyxy[2] - box_xyxy[0]), float(box_xyxy[3] - box_xyxy[1])
    turn = roi_from_axis(right_eye, left_eye, 1.0, 0.0).rotation
    center_x, center_y = float(box_xyxy[0]) + width / 2, float(box_xyxy[1]) + height / 2
    return shifted(Roi(center_x, center_y, width, height, turn), 0.0, 0.0, _ROI_SCALE)


class FacePresence:
    """Says how sure it is that a region shows a face. Thread-safe as far as the model is."""

    def __init__(self, model: LiteRtModel) -> None:
        """Wraps the loaded model `face_landmark`."""
        self._model = model

    @classmethod
    def load(cls, models_dir: Path) -> "FacePresence":
        """Loads the model from the models folder.

        Raises:
            imaging.errors.ModelError: The file is missing or damaged.
        """
        return cls(LiteRtModel.load(MODEL_NAME, models_dir))

    def score(self, image_bgr: npt.NDArray[np.uint8], roi: Roi) -> float:
        """Looks at one region.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR.
            roi: The region, from `face_roi`.

        Returns:
            The probability that a face is there, 0-1.
        """
        crop = roi.crop(image_bgr, _INPUT_PX, _INPUT_PX, replicate=True)
        outputs = self._model.run_image(to_tensor(crop, 0.0, 1.0))
        return float(sigmoid(outputs[_PRESENCE_OUTPUT].reshape(-1))[0])
