"""Walking the markers of a JPEG file: where it says its size, and whether it is whole."""

import re
import struct
from dataclasses import dataclass

from imaging.errors import corrupt_image

_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_RESTARTS = range(0xD0, 0xD8)
# Every start-of-frame marker; 0xC4, 0xC8 and 0xCC in the same range are tables (ITU-T T.81, table B.1).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Encoders write up to about 20 scans and a few dozen segments. Each scan of a progressive JPEG costs a walk over all
# of its pixels, and takes 60 bytes of the file: without a limit 10 MB could keep a core busy for hours.
_MAX_SCANS, _MAX_SEGMENTS = 64, 4096
# In entropy-coded data 0xFF is followed by 0x00 (stuffing), a restart or more 0xFF (fill); all else ends the scan.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True)
class JpegStructure:
    """What the markers of a JPEG tell.

    Attributes:
        width_px: Stored width.
        height_px: Stored height.
        components: Colour components: 1 grey, 3 colour, 4 CMYK.
        exif: The first EXIF block, empty where there is none.
    """

    width_px: int
    height_px: int
    components: int
    exif: bytes


def read_structure(data: bytes) -> JpegStructure:
    """Walks a JPEG from its first to its last marker.

    Bytes behind the end-of-image marker are allowed: phones append depth maps and video there.

    Args:
        data: The file, starting with the start-of-image marker.

    Returns:
        Size, components and EXIF.

    Raises:
        ImageError: `IMAGE_CORRUPT` where the markers are cut, out of order or end before the end-of-image marker.
        struct.error: Where the file ends inside a segment's head.
    """
    frame, exif_block, scans, position = None, b"", 0, 2
    for _ in range(_MAX_SEGMENTS):
        marker, position = _next_marker(data, position)
        if marker == _EOI:
            break
        (length,) = struct.unpack_from(">H", data, position)
        body, position = data[position + 2 : position + length], position + length
        if length < 2 or position > len(data):
            raise corrupt_image("the JPEG is truncated inside a segment")
        if marker in _FRAMES:
            frame = struct.unpack_from(">BHHB", body)
        elif marker == _APP1 and not exif_block and body.startswith(b"Exif\x00\x00"):
            exif_block = body
        elif marker == _SOS:
            scans, position = scans + 1, _end_of_scan(data, position)
            if scans > _MAX_SCANS:
                raise corrupt_image(f"the JPEG has more than {_MAX_SCANS} scans")
    else:
        raise corrupt_image(f"the JPEG has more than {_MAX_SEGMENTS} segments")
    if frame is None or scans == 0 or 0 in frame[1:]:
        raise corrupt_image("the JPEG has no picture in it")
    _, height, width, components = frame
    return JpegStructure(width, height, components, exif_block)


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    if data[position] != 0xFF:
        raise corrupt_image("the JPEG has bytes between its segments that belong to none")
    while data[position] == 0xFF:  # any marker may be preceded by fill bytes
        position += 1
    marker = data[position]
    if marker in (0x00, _SOI) or marker in _RESTARTS:
        raise corrupt_image(f"the JPEG has marker 0x{marker:02x} where none of its kind may stand")
    return marker, position + 1


def _end_of_scan(data: bytes, position: int) -> int:
    found = _SCAN_END.search(data, position)
    if found is None:
        raise corrupt_image("the JPEG is truncated: it ends before its end-of-image marker")
    return found.start()
