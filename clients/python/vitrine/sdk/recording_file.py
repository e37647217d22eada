"""The file of a recorded session: gzip of JSON lines, written as things happen, readable up to wherever it was cut off.

The first line is the head; its `version` says what may follow (docs/record-replay.md has every record). A reader leaves
out records and fields that it does not know, and refuses another version.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FORMAT = "vitrine-recording"
VERSION = 1

Record = dict[str, Any]

_GZIP = 16 + zlib.MAX_WBITS
_FLUSH_S = 1.0
# Little at a time: of a chunk with damage in it nothing comes out.
_CHUNK_BYTES = 1024
_LINE_BYTES = 1024 * 1024
# What one chunk may become at most before the rest of it is asked for.
_INFLATED_BYTES = 4 * 1024 * 1024


class RecordingError(ValueError):
    """A file that is no recording, or of another version."""


class RecordingWriter:
    """Writes records; what is older than a second survives the death of the program."""

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        """Makes the file, readable by its owner alone.

        Args:
            path: Where.
            replace: Remove what stands there.

        Raises:
            FileExistsError: Something stands there.
        """
        if replace:
            path.unlink(missing_ok=True)
        # A new file, never one that others may hold open or that a link leads to.
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        self._flushed = time.monotonic()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()

    def write(self, record: Record) -> None:
        """Adds a record.

        Args:
            record: Plain data; `t` says what it is.
        """
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        self._file.write(self._gzip.compress(line.encode()))
        if time.monotonic() - self._flushed >= _FLUSH_S:
            self._file.write(self._gzip.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        """Writes the end; a second time does nothing."""
        if not self._file.closed:
            self._file.write(self._gzip.flush())
            self._file.close()


def read_records(path: Path) -> Iterator[Record]:
    """Reads a recording record by record, in memory that does not grow with it.

    A file that was cut off, or is damaged further on, gives its records up to there: a whole one ends with `end`.

    Args:
        path: The file.

    Yields:
        The head first.

    Raises:
        RecordingError: It is no recording, or of another version.
        OSError: It cannot be read.
    """
    records = _records(path)
    head = next(records, None)
    if head is None or head.get("t") != "head" or head.get("format") != FORMAT:
        raise RecordingError(f"{path} is not a recording of `vitrine record`")
    if head.get("version") != VERSION:
        raise RecordingError(f"{path} is a recording of version {head.get('version')}; this program reads {VERSION}")
    if not isinstance(head.get("source", {}), dict):
        raise RecordingError(f"{path} has a head that makes no sense")
    yield head
    yield from records


def _records(path: Path) -> Iterator[Record]:
    for line in _lines(path):
        try:
            record = json.loads(line)
        except ValueError:
            return
        if not isinstance(record, dict):
            return
        yield record


def _lines(path: Path) -> Iterator[bytes]:
    """Gives whole lines; what follows the last line end was cut off."""
    rest = b""
    for part in _inflated(path):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
        if len(rest) > _LINE_BYTES:
            return


def _inflated(path: Path) -> Iterator[bytes]:
    gzip = zlib.decompressobj(_GZIP)
    with path.open("rb") as file:
        while not gzip.eof and (chunk := file.read(_CHUNK_BYTES)):
            while chunk and not gzip.eof:
                try:
                    yield gzip.decompress(chunk, _INFLATED_BYTES)
                except zlib.error:
                    return
                chunk = gzip.unconsumed_tail
