"""A drawn person of whom every pixel is known: the truth that the geometry of garments is tested against."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.people.types import BoolMask, ImageBgr, Joint, Person

WIDTH, HEIGHT = 360, 640
SKIN, HAIR, BACKGROUND = (140, 170, 215), (30, 45, 70), (190, 200, 195)
RED, BLUE, BLACK, GREEN, WHITE = (40, 40, 190), (150, 70, 30), (25, 25, 25), (60, 130, 50), (235, 235, 240)

# Joints of a person who stands straight, arms a little out; left as the person sees it, so on the right of the picture.
_RIGHT_SIDE = {
    Joint.RIGHT_SHOULDER: (140, 150),
    Joint.RIGHT_ELBOW: (110, 230),
    Joint.RIGHT_WRIST: (95, 305),
    Joint.RIGHT_PINKY: (90, 330),
    Joint.RIGHT_INDEX: (97, 333),
    Joint.RIGHT_THUMB: (102, 322),
    Joint.RIGHT_HIP: (155, 310),
    Joint.RIGHT_KNEE: (152, 440),
    Joint.RIGHT_ANKLE: (150, 565),
    Joint.RIGHT_HEEL: (150, 582),
    Joint.RIGHT_FOOT_INDEX: (138, 598),
    Joint.RIGHT_EYE: (168, 72),
    Joint.RIGHT_EYE_INNER: (173, 72),
    Joint.RIGHT_EYE_OUTER: (163, 72),
    Joint.RIGHT_EAR: (152, 78),
    Joint.MOUTH_RIGHT: (172, 100),
}
_MIDDLE = WIDTH / 2


@dataclass
class Mannequin:
    """A figure that is drawn layer by layer.

    Attributes:
        image_bgr: uint8 `(HEIGHT, WIDTH, 3)`.
        label: uint8 `(HEIGHT, WIDTH)`: what each pixel is, by the names in `names`; 0 is background.
        names: Names of the labels.
    """

    image_bgr: ImageBgr = field(default_factory=lambda: np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8))
    label: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH), np.uint8))
    names: list[str] = field(default_factory=lambda: ["background"])

    def __post_init__(self) -> None:
        ellipse = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.ellipse(ellipse, (180, 78), (34, 46), 0, 0, 360, 1, -1)
        self.paint("hair", HAIR, ellipse)
        face = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.ellipse(face, (180, 88), (24, 32), 0, 0, 360, 1, -1)
        cv2.rectangle(face, (168, 110), (192, 150), 1, -1)
        self.paint("skin", SKIN, face)
        self.limb("skin", SKIN, "SHOULDER", "ELBOW", 26)
        self.limb("skin", SKIN, "ELBOW", "WRIST", 20)
        self.limb("skin", SKIN, "WRIST", "INDEX", 18)
        self.limb("skin", SKIN, "HIP", "KNEE", 40)
        self.limb("skin", SKIN, "KNEE", "ANKLE", 28)

    def paint(self, name: str, color: tuple[int, int, int], shape: npt.NDArray[np.uint8]) -> None:
        """Paints a shape, uint8 with 1 inside, over what is there, with the folds and noise of cloth."""
        if name not in self.names:
            self.names.append(name)
        where = shape > 0
        rows, columns = np.nonzero(where)
        folds = 7 * np.sin(columns / 9.0 + rows / 23.0) + np.random.default_rng(1).normal(0, 4, len(rows))
        self.image_bgr[where] = np.clip(np.array(color) + folds[:, np.newaxis], 0, 255).astype(np.uint8)
        self.label[where] = self.names.index(name)

    def limb(self, name: str, color: tuple[int, int, int], start: str, end: str, width: int) -> None:
        """Paints a limb of both sides."""
        shape = np.zeros((HEIGHT, WIDTH), np.uint8)
        for side in ("LEFT", "RIGHT"):
            ends = [joint_xy(Joint[f"{side}_{joint}"]) for joint in (start, end)]
            cv2.line(shape, ends[0], ends[1], 1, width)
        self.paint(name, color, shape)

    def polygon(self, name: str, color: tuple[int, int, int], corners: list[tuple[int, int]]) -> None:
        """Paints a polygon."""
        shape = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(shape, [np.array(corners, np.int32)], 1)
        self.paint(name, color, shape)

    def shirt(self, color: tuple[int, int, int], *, sleeves: bool, name: str = "top") -> None:
        """Dresses the figure from the shoulders to just below the hips."""
        if sleeves:
            self.limb(name, color, "SHOULDER", "ELBOW", 34)
            self.limb(name, color, "ELBOW", "WRIST", 28)
        self.polygon(name, color, [(132, 140), (228, 140), (222, 312), (138, 312)])

    def trousers(self, color: tuple[int, int, int]) -> None:
        """Dresses the figure from the hips to the ankles."""
        self.limb("bottom", color, "HIP", "KNEE", 46)
        self.limb("bottom", color, "KNEE", "ANKLE", 36)
        self.polygon("bottom", color, [(134, 300), (226, 300), (226, 340), (134, 340)])

    def shoes(self, color: tuple[int, int, int]) -> None:
        """Puts shoes on."""
        shape = np.zeros((HEIGHT, WIDTH), np.uint8)
        for side in ("LEFT", "RIGHT"):
            heel, toe = joint_xy(Joint[f"{side}_HEEL"]), joint_xy(Joint[f"{side}_FOOT_INDEX"])
            cv2.ellipse(shape, ((heel[0] + toe[0]) // 2, (heel[1] + toe[1]) // 2), (19, 20), 0, 0, 360, 1, -1)
        self.paint("shoes", color, shape)

    def truth(self, name: str) -> BoolMask:
        """Returns where a thing is seen, bool `(HEIGHT, WIDTH)`."""
        where: BoolMask = self.label == self.names.index(name)
        return where

    def person(self) -> Person:
        """Returns what perfect people models would say of the figure."""
        joints = np.zeros((33, 3), np.float32)
        for joint in Joint:
            joints[joint, :2] = joint_xy(joint)
        mask = self.label > 0
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
        return Person(1.0, box, joints, np.ones(33, np.float32), mask, mask.astype(np.float32))


def joint_xy(joint: Joint) -> tuple[int, int]:
    """Returns where the figure's joint is, pixels."""
    if joint is Joint.NOSE:
        return 180, 84
    if joint in _RIGHT_SIDE:
        return _RIGHT_SIDE[joint]
    mirrored = joint.name.replace("LEFT", "RIGHT")
    x, y = _RIGHT_SIDE[Joint[mirrored]]
    return round(2 * _MIDDLE - x), y
