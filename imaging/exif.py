"""The one thing that is read of EXIF: how the camera was held."""

import struct

ORIENTATION_TAG = 0x0112
_TIFF_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}


def orientation(tiff: bytes) -> int:
    """Reads the orientation out of an EXIF block.

    Args:
        tiff: The TIFF structure, with or without the leading `Exif` and two zero bytes.

    Returns:
        1-8 as in EXIF 2.3, section 4.6.4 (1 upright); 1 where the block says nothing or is damaged.
    """
    block = tiff.removeprefix(b"Exif\x00\x00")
    order = _TIFF_BYTE_ORDERS.get(block[:4])
    if order is None:
        return 1
    try:
        return _find_orientation(block, order)
    except struct.error:
        return 1


def _find_orientation(block: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", block, 4)
    (entries,) = struct.unpack_from(f"{order}H", block, directory)
    for index in range(min(entries, 512)):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", block, directory + 2 + 12 * index)
        if tag == ORIENTATION_TAG:
            return value if 1 <= value <= 8 else 1
    return 1
