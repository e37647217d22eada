"""What a recording keeps of how a frame looks: a hash of 64 bits and one number, from which no picture can be made."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.errors import ImageError
from imaging.header import read_header

_HASH_SIDE = 8
_THUMB_PX = (32, 24)


@dataclass(frozen=True, slots=True)
class Look:
    """How a frame looks.

    Attributes:
        width_px: Its width; 0 where it is no picture.
        height_px: Its height.
        gradient_hash: 64 bits: whether grey falls from each cell of a grid of 9x8 to the next on its right (dHash).
        change: Mean absolute difference in grey to the frame before, 0-1, of 32x24 cells; 0 for the first.
    """

    width_px: int
    height_px: int
    gradient_hash: int
    change: float


NO_PICTURE = Look(0, 0, 0, 0.0)


class Looker:
    """Looks at the frames of one stream in turn; of each it keeps a grey thumbnail until the next comes."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.float32] | None = None

    def look(self, jpeg: bytes) -> Look:
        """Looks at the next frame.

        Args:
            jpeg: The file.
        """
        try:
            header = read_header(jpeg)
        except ImageError:
            return NO_PICTURE
        decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4)
        if decoded is None:
            return NO_PICTURE
        gray = np.asarray(decoded, np.uint8)
        thumb = np.asarray(cv2.resize(gray, _THUMB_PX, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
        change = 0.0 if self._before is None else float(np.abs(thumb - self._before).mean())
        self._before = thumb
        return Look(header.width_px, header.height_px, gradient_hash(gray), round(change, 4))


def gradient_hash(gray: npt.NDArray[np.uint8]) -> int:
    """Hashes a picture so that pictures which look alike have hashes that differ in few bits.

    Args:
        gray: uint8 HxW.

    Returns:
        64 bits, row by row from the top left.
    """
    cells = cv2.resize(gray, (_HASH_SIDE + 1, _HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    falls = (cells[:, :-1] > cells[:, 1:]).ravel()
    return int.from_bytes(np.packbits(falls).tobytes(), "big")


def differing_bits(one: int, other: int) -> int:
    """Counts the bits in which two hashes differ: 0 for the same picture, about 32 for two unlike each other."""
    return (one ^ other).bit_count()
