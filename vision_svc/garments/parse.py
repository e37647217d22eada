"""Finding garments by geometry: pose, silhouette, the colours on the way down the body.

It needs no training beyond MediaPipe's people models. What it cannot do is said, not guessed: it finds no bags, hats or
other accessories, and of several people it reads the largest.
"""

from collections.abc import Sequence
from pathlib import Path

from vision_svc.garments.assign import assign
from vision_svc.garments.canvas import make_canvas
from vision_svc.garments.evidence import gather
from vision_svc.garments.layers import find_layers
from vision_svc.garments.outfit import Piece, Scene, compose, max_blobs
from vision_svc.garments.outline import clean, to_picture
from vision_svc.garments.skin import skin_mask
from vision_svc.garments.types import Bucket, ParsedGarment, ParsedImage
from vision_svc.people.finder import PersonFinder
from vision_svc.people.types import Box, ImageBgr, Joint, Person

MODEL_ID = "pose-geometry/1"

# The joints that must be seen for a garment to be more than a guess of where the body goes on.
_NEEDED = {
    Bucket.TOP: (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER),
    Bucket.OUTERWEAR: (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER),
    Bucket.DRESS: (Joint.LEFT_HIP, Joint.RIGHT_HIP),
    Bucket.BOTTOM: (Joint.LEFT_HIP, Joint.RIGHT_HIP),
    Bucket.SHOES: (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE),
}
_MIN_VISIBILITY = 0.3
# Right garments (more than half of the pixels are of that bucket) over the mean of the raw scores, on 381 street photos
# with masks: with it a score of 0.7 means right seven times in ten.
_RELIABILITY = {
    Bucket.TOP: 1.0,
    Bucket.OUTERWEAR: 0.89,
    Bucket.DRESS: 0.85,
    Bucket.BOTTOM: 0.85,
    Bucket.SHOES: 0.81,
}
# Shorter than this many pixels a person is too small for clothes to be told apart.
_MIN_PERSON_PX = 64


class PoseGeometryParser:
    """Finds garments by geometry; a `GarmentParser`. Thread-safe as far as the people models are."""

    def __init__(self, finder: PersonFinder) -> None:
        """Wraps a finder of people."""
        self._finder = finder

    @classmethod
    def load(cls, models_dir: Path) -> "PoseGeometryParser":
        """Loads the people models from the models folder.

        Raises:
            imaging.errors.ModelError: A file is missing or damaged.
        """
        return cls(PersonFinder.load(models_dir))

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
        garments = garments_of(image_bgr, people[0]) if people else []
        return ParsedImage(width, height, tuple(people), tuple(garments))


def garments_of(image_bgr: ImageBgr, person: Person) -> list[ParsedGarment]:
    """Finds what one person wears.

    Args:
        image_bgr: uint8 `(H, W, 3)`, BGR.
        person: Who, in pixels of that picture.

    Returns:
        The garments, top to bottom.
    """
    if person.box_xyxy[3] - person.box_xyxy[1] < _MIN_PERSON_PX:
        return []
    canvas = make_canvas(image_bgr, person)
    skin = skin_mask(canvas)
    layers = find_layers(canvas, skin, hips_seen=_visibility(person, Bucket.BOTTOM) >= _MIN_VISIBILITY)
    labels, posterior = assign(canvas, skin, layers)
    scene = Scene(canvas, skin, layers, labels, posterior, gather(canvas, skin, layers))
    found = (_finish(scene, person, piece) for piece in compose(scene))
    return sorted((garment for garment in found if garment), key=lambda garment: garment.box_xyxy[1])


def _finish(scene: Scene, person: Person, piece: Piece) -> ParsedGarment | None:
    """Cleans a garment, scores it and brings it into the picture; None where the body there is not seen."""
    visibility = _visibility(person, piece.bucket)
    pixels = clean(piece.pixels, max_blobs(piece.bucket))
    if visibility < _MIN_VISIBILITY or not pixels.any():
        return None
    sure = piece.score * scene.sureness(pixels) * visibility * person.score
    score = sure * _RELIABILITY[piece.bucket]
    return to_picture(scene.canvas, person, pixels, (piece.bucket, piece.category), min(score, 1.0))


def _visibility(person: Person, bucket: Bucket) -> float:
    """Returns how sure it is that the part of the body that carries such a garment is seen, 0-1."""
    return max(float(person.visibility[joint]) for joint in _NEEDED[bucket])
