"""What compiled libraries ask of the system that they run on."""

from __future__ import annotations

import struct
from pathlib import Path

_LOAD, _DYNAMIC = 1, 2  # kinds of segments
_END, _NEEDED, _STRINGS = 0, 1, 5  # kinds of entries of the dynamic segment


def needed(path: Path) -> list[str]:
    """The libraries that a 64-bit ELF file names (`DT_NEEDED`); empty for files of other kinds."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return []
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, table + index * size) for index in range(count)]
    entries: list[tuple[int, int]] = []
    for kind, _, start, _, _, length in segments:
        if kind == _DYNAMIC:
            entries = [struct.unpack_from("<qQ", data, at) for at in range(start, start + length, 16)]
    if (_END, 0) in entries:
        entries = entries[: entries.index((_END, 0))]
    if not entries:
        return []
    address = dict(entries)[_STRINGS]
    (names,) = (
        start + address - at
        for kind, _, start, at, _, length in segments
        if kind == _LOAD and at <= address < at + length
    )
    return [_text(data, names + value) for kind, value in entries if kind == _NEEDED]


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()
