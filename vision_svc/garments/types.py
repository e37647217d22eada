"""What is known of a garment in a picture: the language between parsing, attributes, embedding and the servicers."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vision_svc.models.contract import ModelUse
from vision_svc.people.types import BoolMask, Box, FloatArray, ImageBgr, Person


class Bucket(enum.Enum):
    """The broad place of a garment in an outfit; names and numbers as `vitrine.type.v1.GarmentBucket`."""

    TOP = 1
    BOTTOM = 2
    OUTERWEAR = 3
    DRESS = 4
    SHOES = 5
    ACCESSORIES = 6


@dataclass(frozen=True)
class ParsedGarment:
    """One garment found in a picture of `H x W` pixels.

    Attributes:
        bucket: Its place in the outfit.
        category: The finest category that the parser knows, lower case (`shirt`, `trousers`, `headwear`, `bag`, ...).
        score: How sure the parser is, 0-1.
        box_xyxy: int `(x0, y0, x1, y1)`, pixels, inside the picture, x1 and y1 exclusive: the box around the mask.
        mask: bool `(y1 - y0, x1 - x0)`: the garment's pixels inside the box.
        outlines: Closed polygons around the parts of the mask, largest first, each float32 `(N, 2)`, xy in pixels of
            the whole picture.
        coverage: Share of the person's pixels that the garment takes, 0-1.
    """

    bucket: Bucket
    category: str
    score: float
    box_xyxy: tuple[int, int, int, int]
    mask: BoolMask
    outlines: tuple[FloatArray, ...]
    coverage: float

    def full_mask(self, height_px: int, width_px: int) -> BoolMask:
        """Returns the mask in the whole picture, bool `(height_px, width_px)`."""
        x0, y0, x1, y1 = self.box_xyxy
        full = np.zeros((height_px, width_px), np.bool_)
        full[y0:y1, x0:x1] = self.mask
        return full

    def crop(self, image_bgr: ImageBgr) -> ImageBgr:
        """Returns the picture inside the garment's box, uint8 `(y1 - y0, x1 - x0, 3)`, a view."""
        x0, y0, x1, y1 = self.box_xyxy
        view: ImageBgr = image_bgr[y0:y1, x0:x1]
        return view


@dataclass(frozen=True)
class ParsedImage:
    """What a parser found in one picture.

    Attributes:
        width_px: Width of the picture that all coordinates mean.
        height_px: Its height.
        persons: The people found, nearest (largest) first; empty where nobody is.
        garments: The garments found, top to bottom; empty where nobody is.
        stand_ins: Weaker models that found them instead of the parser itself, and why.
    """

    width_px: int
    height_px: int
    persons: tuple[Person, ...]
    garments: tuple[ParsedGarment, ...]
    stand_ins: tuple[ModelUse, ...] = ()


class GarmentParser(Protocol):
    """Finds the garments that people wear in a picture."""

    @property
    def model_id(self) -> str:
        """The parser's id with its version, for example `pose-geometry/1`."""

    def parse(self, image_bgr: ImageBgr, faces_xyxy: Sequence[Box] = ()) -> ParsedImage:
        """Finds the garments in a picture.

        Args:
            image_bgr: uint8 `(H, W, 3)`; coordinates of the answer are in its pixels.
            faces_xyxy: Where faces were before they were blurred, `(x0, y0, x1, y1)` in pixels: a help to find people.
        """
