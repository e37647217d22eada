"""Reading a catalogue: CSV or JSON lines, with a folder of pictures."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.sdk.pictures import read_pictures
from vitrine.type.v1 import image_pb2

_CHUNK_ROWS = 100
_CHUNK_BYTES = 4 * 1024 * 1024
# Columns that name picture files beside the catalogue; they are read here and do not go into the row.
_IMAGE_COLUMNS = ("image", "images", "image_file")


@dataclass(frozen=True, slots=True)
class CatalogSource:
    """A catalogue on disk.

    Attributes:
        path: A ``.csv`` file with a header, or ``.jsonl`` with one object per line. Its columns are those of `RawRow`;
            the column ``image`` (or ``images``, separated by ``|``) names picture files.
        image_dir: Where the picture files are; the folder of `path` when None.
        default_currency: Currency of prices that name none.
    """

    path: Path
    image_dir: Path | None = None
    default_currency: str = ""

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yields row numbers (from 1, without the header) and columns as text.

        Raises:
            ValueError: A line is not a JSON object, or the file is neither CSV nor JSON lines.
        """
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            if self.path.suffix.lower() == ".csv":
                for number, row in enumerate(csv.DictReader(file), 1):
                    yield number, {key: value for key, value in row.items() if key and value}
            elif self.path.suffix.lower() in {".jsonl", ".ndjson"}:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _flatten(number, line)
            else:
                raise ValueError(f"{self.path}: expected a .csv or .jsonl file")

    def names_pictures(self) -> bool:
        """Tells whether any row names picture files.

        Raises:
            ValueError: As `rows` does.
        """
        return any(column in row for _, row in self.rows() for column in _IMAGE_COLUMNS)

    def images(self, names: str) -> list[image_pb2.Image]:
        """Reads the pictures of a row, scaled down where they would not fit into a message.

        A file that is missing is sent empty, and one that is no picture as far as it fits, so that the report names its
        row.

        Args:
            names: File names separated by ``|``.
        """
        folder = self.image_dir or self.path.parent
        files = [folder / name.strip() for name in names.split("|") if name.strip()]
        return [image_pb2.Image(data=data) for data in read_pictures(files)]

    def chunks(self, done: int = 0) -> Iterator[pb.ImportChunk]:
        """Yields the rows with their pictures, in messages that the server takes.

        Args:
            done: How many rows to leave out; their pictures are not read.

        Raises:
            ValueError: As `rows` does.
        """
        chunk, size = pb.ImportChunk(), 0
        for number, columns in itertools.islice(self.rows(), done, None):
            names = "|".join(columns.pop(column) for column in _IMAGE_COLUMNS if column in columns)
            row = pb.ImportRow(row_number=number, raw=pb.RawRow(columns=columns), images=self.images(names))
            if chunk.rows and (len(chunk.rows) == _CHUNK_ROWS or size + row.ByteSize() > _CHUNK_BYTES):
                yield chunk
                chunk, size = pb.ImportChunk(), 0
            chunk.rows.append(row)
            size += row.ByteSize()
        if chunk.rows:
            yield chunk


def _flatten(number: int, line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {number} is not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number}: expected a JSON object, got {type(row).__name__}")  # noqa: TRY004  bad data
    return {key: _text(value) for key, value in row.items() if value not in (None, "", [])}


def _text(value: object) -> str:
    return "|".join(str(item) for item in value) if isinstance(value, list) else str(value)
