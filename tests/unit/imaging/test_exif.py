"""Damaged EXIF never breaks a picture."""

import struct

import pytest

from imaging.exif import orientation

pytestmark = pytest.mark.unit


def tiff(value: int, order: str = "<", tag: int = 0x0112) -> bytes:
    magic = b"II*\x00" if order == "<" else b"MM\x00*"
    return magic + struct.pack(f"{order}IH", 8, 1) + struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(b"", 1, id="empty"),
        pytest.param(tiff(6), 6, id="little-endian"),
        pytest.param(tiff(8, ">"), 8, id="big-endian"),
        pytest.param(b"Exif\x00\x00" + tiff(3), 3, id="with-prefix"),
        pytest.param(tiff(9), 1, id="out-of-range"),
        pytest.param(tiff(6, tag=0x0110), 1, id="other-tag"),
        pytest.param(tiff(6)[:14], 1, id="cut"),
        pytest.param(b"II*\x00" + struct.pack("<I", 10**9), 1, id="directory-outside"),
        pytest.param(b"not a tiff", 1, id="noise"),
    ],
)
def test_orientation(block: bytes, expected: int) -> None:
    assert orientation(block) == expected
