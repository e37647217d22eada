"""Trial runs: a model that loads, but cannot run or answers with what are no numbers, must not be served.

They run when a model is loaded, on pictures and words of our own, so that its first caller does not pay for lazy set-up
either.
"""

from typing import Any

import cv2
import numpy as np

from vision_svc.garments import attributes, foreground
from vision_svc.garments.encoder import GarmentEmbedder, TextEmbedder
from vision_svc.garments.parse_input import CHANNELS, HEIGHT_PX, WIDTH_PX
from vision_svc.garments.parse_trained import TrainedParser
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import GarmentParser
from vision_svc.people.types import FloatArray, ImageBgr

_WORDS = "navy striped shirt"
# Vectors have length 1 up to the rounding of float16.
_LENGTH_TOLERANCE = 1e-2


def try_describing(_: Any) -> None:  # noqa: ANN401 - rules, not a model: there is nothing to hand over
    """Cuts a garment out and describes it."""
    attributes.describe_product(foreground.cut_out(_picture()).view)


def try_parser(parser: GarmentParser) -> None:
    """Parses a picture with nobody in it.

    That does not reach a parser's own network, which only sees people: parsers with one have a trial of their own.
    """
    parser.parse(_picture())


def try_trained_parser(parser: TrainedParser) -> None:
    """Parses a picture, and runs the network by itself.

    Raises:
        ValueError: It answers with what are no numbers.
    """
    try_parser(parser)
    found = parser.look(np.zeros((CHANNELS, HEIGHT_PX, WIDTH_PX), np.float32))
    check_finite("the labels of its pixels", found.labels)
    check_finite("what it says of the whole", found.presence)


def try_labeller(parser: Any) -> None:  # noqa: ANN401 - its type is only importable with the extra
    """Labels a picture with a parser that is a `Model` of labelled pixels, and parses it.

    Raises:
        ValueError: It answers with what are no numbers.
    """
    for pixels in parser.infer([_picture(), _picture()[:100]]):
        check_finite("its certainty", pixels.certainty)
    try_parser(parser)


def try_embedder(embedder: GarmentEmbedder) -> None:
    """Embeds a batch of a garment on its ground and a garment without one.

    Raises:
        ValueError: Its vectors are none of length 1.
    """
    picture = _picture()
    whole, part = np.ones(picture.shape[:2], np.bool_), np.zeros(picture.shape[:2], np.bool_)
    part[60:200, 60:130] = True
    for vector in embedder.infer([GarmentView(picture, whole), GarmentView(picture, part)]):
        check_vector("a picture", vector)


def try_words(embedder: TextEmbedder) -> None:
    """Embeds some words.

    Raises:
        ValueError: Their vector is none of length 1.
    """
    check_vector("words", embedder.embed_text(_WORDS).vector)


def try_both(embedder: Any) -> None:  # noqa: ANN401 - its type is only importable with the extra
    """Embeds pictures and words with a model that does both: one that fails at either must be replaced for both."""
    try_embedder(embedder)
    try_words(embedder)


def check_finite(what: str, values: FloatArray) -> None:
    """Checks an answer.

    Args:
        what: What it is, in words.
        values: The numbers, of any shape.

    Raises:
        ValueError: Not all of them are finite.
    """
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    if wrong:
        raise ValueError(f"{what}: expected finite numbers, got {wrong} of {values.size} that are not")


def check_vector(what: str, vector: FloatArray) -> None:
    """Checks that a vector, `(D,)`, is finite and of length 1; raises ValueError otherwise."""
    check_finite(f"the vector of {what}", vector)
    length = float(np.linalg.norm(vector))
    if abs(length - 1) > _LENGTH_TOLERANCE:
        raise ValueError(f"the vector of {what}: expected length 1, got {length:.3g}")


def _picture() -> ImageBgr:
    """Draws a plain garment on a plain ground: uint8 `(256, 192, 3)`."""
    image = np.full((256, 192, 3), 200, np.uint8)
    cv2.rectangle(image, (60, 60), (130, 200), (90, 40, 20), -1)
    return image
