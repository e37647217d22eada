"""Everything that ingest keeps about a user, found by the column `user_id`: a table that has it cannot be forgotten."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from google.protobuf.json_format import MessageToDict
from sqlalchemy.ext.asyncio import AsyncConnection
from vitrine.ingest.v1 import frame_pb2
from vitrine.profile.v1 import profile_service_pb2

from ingest_svc.captures.message import message_of
from ingest_svc.storage import captures as captures_store
from ingest_svc.storage import stream_tables  # noqa: F401 - its tables must be known here
from ingest_svc.storage.tables import captures, metadata
from mesh.database import Database

# Captures hold masks: so many of them are some megabytes.
_PAGE = 20

# The primary key of a row.
Key = tuple[Any, ...]


def personal_tables() -> list[sa.Table]:
    """Returns the tables with rows about a user, children first: the order in which they can be emptied."""
    return [table for table in reversed(metadata.sorted_tables) if "user_id" in table.c]


def row_id(table: sa.Table, row: sa.RowMapping) -> str:
    """Returns the primary key of a row in text; parts are joined by a slash."""
    return "/".join(str(row[column]) for column in table.primary_key.columns)


async def erase_rows(
    connection: AsyncConnection, table: sa.Table, user: str, *only: sa.ColumnElement[bool]
) -> list[str]:
    """Removes a user's rows of a table.

    Args:
        connection: The transaction.
        table: The table.
        user: Whose.
        *only: What must hold for a row to go.

    Returns:
        The ids of the removed rows.
    """
    keys = list(table.primary_key.columns)
    statement = sa.delete(table).where(table.c.user_id == user, *only).returning(*keys)
    return [row_id(table, row) for row in (await connection.execute(statement)).mappings()]


async def export_rows(database: Database, user: str) -> AsyncIterator[tuple[str, str]]:
    """Yields kind and JSON of every row about a user.

    Rows are read in pages, each in a transaction of its own: none is open while the reader takes its time, so that slow
    readers do not use up the connections.

    Args:
        database: Ingest's own.
        user: Whose.
    """
    for table in reversed(personal_tables()):
        after: Key | None = None
        while True:
            async with database.begin() as connection:
                page = _captures if table is captures else _rows
                lines, last = await page(connection, table, user, after)
            for line in lines:
                yield table.name, line
            if last is None:
                break
            after = last


async def _rows(
    connection: AsyncConnection, table: sa.Table, user: str, after: Key | None
) -> tuple[list[str], Key | None]:
    """Returns a page, and the key of its last row where more may follow."""
    keys = list(table.primary_key.columns)
    query = sa.select(table).where(table.c.user_id == user)
    if after is not None:
        query = query.where(sa.tuple_(*keys) > sa.tuple_(*after))
    rows = (await connection.execute(query.order_by(*keys).limit(_PAGE))).mappings().all()
    lines = [_json(_plain(table.name, row)) for row in rows]
    return lines, tuple(rows[-1][key] for key in keys) if len(rows) == _PAGE else None


async def _captures(
    connection: AsyncConnection, _: sa.Table, user: str, after: Key | None
) -> tuple[list[str], Key | None]:
    """Captures go out as their owner knows them, whole."""
    everything = captures_store.CaptureFilter()
    page = await captures_store.list_page(connection, user, everything, after=after[0] if after else None, limit=_PAGE)
    whole = [await captures_store.get(connection, listed.capture_id, user) for listed in page]
    lines = [
        _json(MessageToDict(message_of(capture), preserving_proto_field_name=True))
        for capture in whole
        if capture is not None
    ]
    return lines, (page[-1].capture_id,) if len(page) == _PAGE else None


def _result(value: bytes) -> dict[str, Any]:
    return MessageToDict(frame_pb2.StreamResult.FromString(value), preserving_proto_field_name=True)


def _sighting(value: bytes) -> dict[str, Any]:
    request = profile_service_pb2.RecordSightingRequest.FromString(value)
    return MessageToDict(request, preserving_proto_field_name=True)


# Columns whose bytes are messages: they are written out.
_MESSAGES: Mapping[tuple[str, str], Callable[[bytes], dict[str, Any]]] = {
    ("stream_results", "payload"): _result,
    ("pending_sightings", "request"): _sighting,
}
# Secrets about which nobody is served by a copy.
_LEFT_OUT = {("streams", "token_hash")}


def _plain(table: str, row: sa.RowMapping) -> dict[str, Any]:
    return {
        name: _MESSAGES[table, name](value) if (table, name) in _MESSAGES else _value(value)
        for name, value in row.items()
        if (table, name) not in _LEFT_OUT
    }


def _value(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
