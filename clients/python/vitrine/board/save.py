"""Writing a board to a file."""

from __future__ import annotations

from pathlib import Path

import cv2
from vitrine.board.canvas import Picture

SUFFIXES = (".png", ".webp", ".jpg", ".jpeg")
_OPTIONS = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 9],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 88],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 92],
}
_QUALITIES = (90, 84, 78, 70, 60, 50)


def check_target(path: Path) -> None:
    """Tells before any work whether a picture can be written there.

    Args:
        path: The file.

    Raises:
        ValueError: Its ending is of no kind of picture that is written here.
        FileNotFoundError: Its folder is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}")


def small_webp(image_bgr: Picture, most_bytes: int) -> bytes:
    """Encodes a picture as WebP, as well as a size allows.

    Args:
        image_bgr: uint8 HxWx3.
        most_bytes: The size, in bytes.

    Raises:
        ValueError: Even the lowest quality is larger.
    """
    for quality in _QUALITIES:
        data = bytes(cv2.imencode(".webp", image_bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes())
        if len(data) <= most_bytes:
            return data
    height, width = image_bgr.shape[:2]
    raise ValueError(f"a picture of {width} x {height} pixels does not fit into {most_bytes:,} bytes")


def save_picture(path: Path, image_bgr: Picture) -> None:
    """Writes a picture; the file is there as a whole or not at all.

    Args:
        path: A file that ends in one of `SUFFIXES`.
        image_bgr: uint8 HxWx3.

    Raises:
        ValueError: Its ending is of no kind of picture that is written here.
        OSError: It cannot be written.
    """
    check_target(path)
    suffix = path.suffix.lower()
    data = cv2.imencode(suffix, image_bgr, _OPTIONS[suffix])[1].tobytes()
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(data)
    unfinished.replace(path)
