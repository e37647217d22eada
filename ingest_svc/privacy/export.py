"""Handing a user all that the mesh keeps about them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from google.protobuf.json_format import MessageToDict
from vitrine.profile.v1 import profile_service_pb2

from ingest_svc.privacy.records import export_rows
from ingest_svc.storage.tables import captures
from mesh.database import Database
from mesh.errors import NotFoundError
from mesh.objects import ObjectStore

INGEST = "ingest"
PROFILE = "profile"
PICTURES = "pictures"
PART_BYTES = 256 * 1024


class ProfilePart(Protocol):
    """Exports the profile; `ingest_svc.clients.profile.ProfileClient` does it."""

    def export(self, user: str, *, deadline_s: float) -> AsyncIterator[profile_service_pb2.ExportProfileResponse]:
        """Yields everything that the profile keeps about a user."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a service: `json` is one line."""

    service: str
    kind: str
    json: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A piece of a file, `last` on its end; `offset` in bytes."""

    service: str
    path: str
    content_type: str
    offset: int
    data: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """The end: how many records and files were sent, by service and kind."""

    counts: dict[tuple[str, str], int]


class Exporter:
    """The use case behind ExportUser."""

    def __init__(self, database: Database, objects: ObjectStore, profile: ProfilePart, *, deadline_s: float) -> None:
        self._database = database
        self._objects = objects
        self._profile = profile
        self._deadline_s = deadline_s

    async def export(self, user: str, *, files: bool) -> AsyncIterator[Record | FilePart | Summary]:
        """Yields everything that is kept about a user, piece by piece, and a summary at the end.

        Args:
            user: Whose.
            files: Whether pictures are wanted too.

        Raises:
            UnavailableError: When a part of the mesh does not answer.
        """
        counts: Counter[tuple[str, str]] = Counter()
        async for record in self._records(user):
            counts[record.service, record.kind] += 1
            yield record
        if files:
            async for part in self._pictures(user):
                counts[INGEST, PICTURES] += part.last
                yield part
        yield Summary(dict(counts))

    async def _records(self, user: str) -> AsyncIterator[Record]:
        async for kind, line in export_rows(self._database, user):
            yield Record(INGEST, kind, line)
        async for answer in self._profile.export(user, deadline_s=self._deadline_s):
            part = answer.WhichOneof("record")
            if part is not None:
                content = MessageToDict(getattr(answer, part), preserving_proto_field_name=True)
                yield Record(PROFILE, part, json.dumps(content, ensure_ascii=False, separators=(",", ":")))

    async def _pictures(self, user: str) -> AsyncIterator[FilePart]:
        async with self._database.begin() as connection:
            query = sa.select(captures.c.id, captures.c.object_key).where(captures.c.user_id == user)
            kept = (await connection.execute(query.order_by(captures.c.id))).all()
        for capture_id, key in kept:
            try:
                data = await self._objects.get(key)
            except NotFoundError:  # deleted since the list was read
                continue
            for offset in range(0, len(data), PART_BYTES):
                piece = data[offset : offset + PART_BYTES]
                path = f"captures/{capture_id}/picture.jpg"
                last = offset + len(piece) == len(data)
                yield FilePart(INGEST, path, "image/jpeg", offset, piece, last)
