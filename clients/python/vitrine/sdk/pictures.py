"""Picture files of a catalogue in a size that can be sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imaging.decode import DecodeLimits, decode_bgr, encode_jpeg
from imaging.errors import ImageError

# What the contract takes as one picture, and what the pictures of one row may have together: with its text they go in
# one message of 16 MiB.
_PICTURE_BYTES = 10 * 1024 * 1024
_ROW_BYTES = 14 * 1024 * 1024
# What is read of a file to be scaled down. Search compares copies of 1,024 px.
_LIMITS = DecodeLimits(max_bytes=256 * 1024 * 1024, max_pixels=100_000_000, max_side_px=65_535)
_SIDES_PX = (2048, 1536, 1024)
_QUALITY = 90


def read_pictures(files: Sequence[Path]) -> list[bytes]:
    """Reads the pictures of one row so that they fit into one message.

    What is too large is scaled down. What cannot be read as a picture is cut off, and what is missing is empty: the
    server refuses either, so that its report names the row and the picture.

    Args:
        files: Files that may be missing.

    Returns:
        One file's bytes for each, at most 14 MiB together.
    """
    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    together = sum(sizes) > _ROW_BYTES
    allowed = min(_PICTURE_BYTES, _ROW_BYTES // len(files)) if together else _PICTURE_BYTES
    return [_read(file, size, allowed) for file, size in zip(files, sizes, strict=True)]


def _read(file: Path, size: int, allowed: int) -> bytes:
    if not size:
        return b""
    if size <= allowed:
        return file.read_bytes()
    if size > _LIMITS.max_bytes:
        with file.open("rb") as opened:
            return opened.read(allowed)
    data = file.read_bytes()
    try:
        pictures = (decode_bgr(data, limits=_LIMITS, max_side_px=side) for side in _SIDES_PX)
        smaller = (encode_jpeg(image_bgr, quality=_QUALITY) for image_bgr in pictures)
        return next((jpeg for jpeg in smaller if len(jpeg) <= allowed), data[:allowed])
    except ImageError:
        return data[:allowed]
