"""Finding pictures and texts in bytes of any kind: files, columns, logs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# JPEG, PNG, and WebP within its RIFF container.
_SIGNATURES = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL)
# Shorter runs hold no picture that shows a face.
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{200,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-f]{2}){200,}|(?:[0-9A-F]{2}){200,}")
# How Python writes the first bytes of a picture, and what it writes for the others.
_ESCAPED = re.compile(rb"\\xff\\xd8\\xff|\\x89PNG|RIFF(?=.{0,40}WEBP)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[nrt\\'\"])")
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
# Files that are made larger before they are filled hold megabytes of nothing; no picture does.
_HOLE = re.compile(rb"\0{256,}")
# No picture here is larger; written in escapes it takes up to four times as much.
_LONGEST = 4 << 20
_LINE_BREAKS = re.compile(rb"\\[rn]|[\r\n]")


def pictures(data: bytes) -> Iterator[Image]:
    """Yields every picture in some bytes, also where it is written in base64, in hex, or as Python writes bytes.

    Args:
        data: The bytes.

    Yields:
        uint8 `(H, W, 3)`, BGR.
    """
    data = _HOLE.sub(b"\0", data)
    for layer in (data, *_unwrapped(data)):
        for match in _SIGNATURES.finditer(layer):
            # A decoder reads from the signature to the end of the picture and leaves the rest.
            picture = cv2.imdecode(
                np.frombuffer(layer[match.start() : match.start() + _LONGEST], np.uint8), cv2.IMREAD_COLOR
            )
            if picture is not None:
                yield np.asarray(picture, np.uint8)


def spellings(part: bytes) -> list[bytes]:
    """Returns how a part of a file looks in a log, a column or a JSON text that holds it.

    Args:
        part: Some bytes out of the middle of a file.
    """
    shifted = [base64.b64encode(part[shift:])[:-4] for shift in range(3)]
    return [part, *shifted, part.hex().encode(), part.hex().upper().encode(), repr(part)[2:-1].encode()]


def _unwrapped(data: bytes) -> Iterator[bytes]:
    for match in _HEX.finditer(data):
        yield bytes.fromhex(match[0].decode())
    joined = _LINE_BREAKS.sub(b"", data)
    for text in (data, joined) if joined != data else (data,):
        for match in _BASE64.finditer(text):
            run = match[0].rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
            for shift in range(4):  # what stands before it may look like a part of it
                piece = run[shift:]
                yield base64.b64decode(piece[:-1] if len(piece) % 4 == 1 else piece + b"=" * (-len(piece) % 4))
    for match in _ESCAPED.finditer(data):
        yield _ESCAPE.sub(_unescaped, data[match.start() : match.start() + 4 * _LONGEST])


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes.fromhex(code[1:].decode()) if code[:1] == b"x" else _CONTROLS.get(code, code)
