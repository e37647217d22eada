"""Looking through everything that a mesh has written for what it must not hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psycopg
from psycopg import sql
from vitrine.embedded.mesh import EmbeddedMesh

from imaging.faces import FaceDetector
from tests.support.carving import Image, pictures
from tests.support.portraits import face, markers_in

# How much of a face's fine detail must be found again for it to be that face: correlation of high-passed patches.
# Measured: 0.79-0.95 for the face itself from 30 pixels across, up to 0.42 for what the blur leaves of it.
_ALIKE = 0.6
_SCALES = np.geomspace(0.3, 1.6, 18)
_NOISE = 3.0
_SMALLEST_FACE_PX = 20
# Masks have at most 2 % of their pixels in between, photographs 30 % and more.
_BLACK, _WHITE, _MASK_EDGES = 24, 231, 0.1


@dataclass(frozen=True)
class Piece:
    """Something that was written.

    Attributes:
        place: Where: a file, or `schema.table.column`.
        data: What.
    """

    place: str
    data: bytes


@dataclass
class FaceFinder:
    """Says whether somebody can be recognised in a picture.

    It looks in ways that the blur does not: at other sizes of the picture, and for the very face that was sent.
    """

    detector: FaceDetector
    _known: dict[bytes, list[str]] = field(default_factory=dict)

    def findings(self, picture: Image) -> list[str]:
        """Returns what is wrong with a picture; nothing when it may be kept.

        Args:
            picture: uint8 `(H, W, 3)`, BGR.
        """
        key = hashlib.sha256(picture.tobytes()).digest()
        if key not in self._known:
            self._known[key] = self._look(picture)
        return self._known[key]

    def _look(self, picture: Image) -> list[str]:
        found = [f"marker {number}" for number in sorted(markers_in(picture))]
        if min(picture.shape[:2]) < _SMALLEST_FACE_PX or _is_mask(picture):
            return found
        if any(self.detector.detect(_scaled(picture, scale)) for scale in (1.0, 0.7)):
            found.append("a face")
        if likeness(picture) > _ALIKE:
            found.append("the face that was sent")
        return found


def _is_mask(picture: Image) -> bool:
    """Tells whether it is black and white but for its edges: the outline of a garment, which the detector may fancy."""
    between = ((picture > _BLACK) & (picture < _WHITE)).mean()
    return bool((picture.min(axis=2) == picture.max(axis=2)).all() and between < _MASK_EDGES)


def likeness(picture: Image) -> float:
    """Tells how much of the fine structure of the sent face is in a picture, 0-1, at any place and scale."""
    gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32)
    # Where there is nothing at all, a correlation says anything; where there is noise, it says nothing.
    gray = gray + np.asarray(np.random.default_rng(0).normal(0, _NOISE, gray.shape), np.float32)
    wanted = cv2.cvtColor(face(), cv2.COLOR_BGR2GRAY).astype(np.float32)
    best = 0.0
    for scale in _SCALES:
        patch = _scaled(wanted, scale)
        if any(side > room for side, room in zip(patch.shape, gray.shape, strict=True)):
            break
        sought = _detail(patch, patch.shape[1])
        for turned in (sought, cv2.flip(sought, 1)):
            best = max(
                best, float(cv2.matchTemplate(_detail(gray, patch.shape[1]), turned, cv2.TM_CCOEFF_NORMED).max())
            )
    return best


def _scaled(picture: Any, scale: float) -> Any:
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _detail(gray: Any, face_px: int) -> Any:
    """Leaves what is finer than a part of the face; averages over its parts have nothing of it."""
    return gray - cv2.GaussianBlur(gray, (0, 0), face_px / 10)


async def everything(mesh: EmbeddedMesh, *folders: Path) -> AsyncIterator[Piece]:
    """Yields all that a mesh keeps: each value of each row of each table, and each file but PostgreSQL's own.

    Args:
        mesh: The mesh.
        *folders: Folders beside its own, for example that of temporary files.
    """
    async for piece in rows(mesh):
        yield piece
    async for piece in files(mesh.home.path, *folders, without=mesh.postgres.home):
        yield piece


async def files(*folders: Path, without: Path | None = None) -> AsyncIterator[Piece]:
    """Yields the files below folders; those that vanish meanwhile are left out.

    Args:
        *folders: The folders.
        without: A folder to leave out.
    """
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and (without is None or without not in path.parents):
                try:
                    yield Piece(str(path), str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes())
                except FileNotFoundError:
                    continue


async def rows(mesh: EmbeddedMesh) -> AsyncIterator[Piece]:
    """Yields each value of each row of each table of each schema."""
    url = mesh.database_url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        query = (
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in await (await connection.execute(query)).fetchall():
            cursor = await connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
            names = [column.name for column in cursor.description or ()]
            async for row in cursor:
                for name, value in zip(names, row, strict=True):
                    if value is not None:
                        yield Piece(f"{schema}.{table}.{name}", _bytes(value))


async def suspicious(pieces: AsyncIterator[Piece], finder: FaceFinder) -> dict[str, list[str]]:
    """Returns, by place, what is wrong with the pictures there.

    Args:
        pieces: What was written.
        finder: Looks at them.
    """
    wrong: dict[str, list[str]] = {}
    async for piece in pieces:
        for picture in pictures(piece.data):
            if found := finder.findings(picture):
                wrong.setdefault(piece.place, []).extend(found)
    return wrong


async def places_of(pieces: AsyncIterator[Piece], *needles: bytes) -> list[str]:
    """Returns the places where one of some byte strings stands."""
    return sorted({piece.place async for piece in pieces if any(needle in piece.data for needle in needles)})


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict | list):
        return json.dumps(value, default=str).encode()
    return str(value).encode()
