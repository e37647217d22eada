"""Finding garments with a network that we trained: every pixel of the person labelled, then joined into garments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from imaging.geometry import Roi
from vision_svc.garments import parse as geometry
from vision_svc.garments.parse_input import MASK_PLANE, planes
from vision_svc.garments.parse_net import MAP_PX, ParseNet
from vision_svc.garments.parse_outfit import Outfit, decide
from vision_svc.garments.parse_pieces import pieces
from vision_svc.garments.parse_wearer import LEAST_CHANCE, wearer_chance, wearer_evidence
from vision_svc.garments.types import Bucket, ParsedGarment, ParsedImage
from vision_svc.models.contract import ModelSpec, ModelUse, Task
from vision_svc.people.finder import PersonFinder
from vision_svc.people.types import Box, FloatArray, ImageBgr, Joint, Person

MODEL_ID = "pose-unet/1"
# Shorter than this many pixels a person is too small for clothes to be told apart.
_MIN_PERSON_PX = 48
# Nobody before a camera bares half of the chest: where the network says so, it sees something that it never learned (a
# space suit), and geometry reads the person instead.
_LEAST_CLOTHED = 0.5
_MASK_FLOOR = 0.5
_STAND_IN = ModelUse(Task.GARMENT_PARSE, geometry.MODEL_ID, f"reads whose chest would be bare to {MODEL_ID}")
_TORSO = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP, Joint.LEFT_HIP]

SPEC = ModelSpec(
    task=Task.GARMENT_PARSE,
    model=MODEL_ID,
    backend="onnxruntime",
    license="Apache-2.0",
    source="vitrine",
    description="A residual U-Net over picture, person mask and pose, trained from scratch; 17 labels a pixel.",
)


class TrainedParser:
    """Finds garments with the trained network; a `GarmentParser`. Thread-safe as far as the people models are.

    Attributes:
        spec: What it is, with the checksum of its weights.
    """

    def __init__(self, finder: PersonFinder, net: ParseNet) -> None:
        """Joins a finder of people and a network that labels them."""
        self._finder, self._net = finder, net
        self.spec = replace(SPEC, sha256=net.sha256)

    @classmethod
    def load(cls, models_dir: Path) -> "TrainedParser":
        """Loads the people models from the models folder, and the weights that are shipped.

        Raises:
            imaging.errors.ModelError: A people model is missing or damaged.
            OSError: The weights are missing.
        """
        return cls(PersonFinder.load(models_dir), ParseNet.load())

    @property
    def model_id(self) -> str:
        """The parser's id with its version."""
        return MODEL_ID

    def parse(self, image_bgr: ImageBgr, faces_xyxy: Sequence[Box] = ()) -> ParsedImage:
        """Finds the garments in a picture.

        Args:
            image_bgr: uint8 `(H, W, 3)`, BGR; shrink it to at most 1280 px a side first, more brings nothing.
            faces_xyxy: Where faces were before they were blurred, in pixels; it helps to find people.

        Returns:
            People in pixels of that picture, and the garments of the largest; both empty where nobody is.
        """
        height, width = image_bgr.shape[:2]
        people = self._finder.find(image_bgr, faces_xyxy=faces_xyxy)
        while people:
            seen = self._see(image_bgr, people[0])
            if seen.person.chance >= LEAST_CHANCE:
                found, bare = _dressed(image_bgr, seen)
                return ParsedImage(
                    width, height, (seen.person, *people[1:]), tuple(found), (_STAND_IN,) if bare else ()
                )
            people = people[1:]
        return ParsedImage(width, height, (), ())

    def garments_of(self, image_bgr: ImageBgr, person: Person) -> list[ParsedGarment]:
        """Finds what one person wears, top to bottom."""
        return _dressed(image_bgr, self._see(image_bgr, person))[0]

    def _see(self, image_bgr: ImageBgr, person: Person) -> "_Seen":
        """Labels a person's pixels, and so learns more of whether it is one."""
        seen, roi = planes(image_bgr, person)
        outfit = self.look(seen)
        joints = roi.from_image(person.joints_xyz[:, :2]) * np.array(MAP_PX[::-1], np.float32)
        evidence = wearer_evidence(person, outfit.labels, seen[MASK_PLANE, ::2, ::2] > _MASK_FLOOR, joints)
        chance = wearer_chance(evidence, has_face=person.has_face)
        return _Seen(replace(person, chance=chance), outfit, roi, evidence)

    def measure(self, image_bgr: ImageBgr, person: Person) -> FloatArray:
        """Returns what tells whether a person is one; see `parse_wearer.wearer_evidence`."""
        return self._see(image_bgr, person).evidence

    def look(self, seen: FloatArray) -> Outfit:
        """Runs the network on the planes of one person."""
        labels, presence = self._net.run(seen[None])
        return decide(labels[0], presence[0])


@dataclass(frozen=True)
class _Seen:
    """A person, what the network says of it, the region that it saw, and what speaks for a person."""

    person: Person
    outfit: Outfit
    roi: Roi
    evidence: FloatArray


def _dressed(image_bgr: ImageBgr, seen: _Seen) -> tuple[list[ParsedGarment], bool]:
    """Finds the garments of a person who was labelled, top to bottom, and tells whether geometry found them."""
    person = seen.person
    if person.box_xyxy[3] - person.box_xyxy[1] < _MIN_PERSON_PX:
        return [], False
    found = pieces(seen.outfit, person, seen.roi, (image_bgr.shape[0], image_bgr.shape[1]))
    if clothed_share(found, person) >= _LEAST_CLOTHED:
        return found, False
    return geometry.garments_of(image_bgr, person), True


def clothed_share(garments: Sequence[ParsedGarment], person: Person) -> float:
    """Returns the share of a person's torso on which a garment was found, 0-1; 1 where no torso is seen."""
    corners = np.rint(person.joints_xyz[_TORSO, :2]).astype(np.int32)
    torso = np.zeros(person.mask.shape, np.uint8)
    cv2.fillConvexPoly(torso, cv2.convexHull(corners), 1)
    seen = (torso > 0) & person.mask
    worn = np.zeros(person.mask.shape, np.bool_)
    for garment in garments:
        if garment.bucket is not Bucket.ACCESSORIES:
            x0, y0, x1, y1 = garment.box_xyxy
            worn[y0:y1, x0:x1] |= garment.mask
    return float(worn[seen].mean()) if seen.any() else 1.0
