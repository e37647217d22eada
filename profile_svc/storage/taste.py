"""The log of taste events."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from profile_svc.storage.tables import taste_events
from profile_svc.taste.change import Attribution, Change
from profile_svc.taste.evidence import Sighting, parse
from profile_svc.taste.log import LogEntry


@dataclass(frozen=True, slots=True)
class EventRow:
    """One entry of the log as stored.

    Attributes:
        sequence: Its number in the user's count.
        event_id: Its id.
        undoes: The sighting that it takes back; empty for a sighting.
        source: Resource name of the capture or stream.
        fingerprint: SHA-256 of source and content.
        change: What it did.
        observe_time: When the outfit was seen.
        record_time: When it was recorded.
        sighting: What was seen; None for an undo, or when it was not asked for.
    """

    sequence: int
    event_id: str
    undoes: str
    source: str
    fingerprint: str
    change: Change
    observe_time: dt.datetime
    record_time: dt.datetime
    sighting: Sighting | None = None


PAGE = 200  # entries, of some 10 KB each
_WITHOUT_CONTENT = [column for column in taste_events.c if column.name != "content"]


async def append(connection: AsyncConnection, user_id: str, event: EventRow, content: str) -> None:
    """Adds an entry to the log.

    Args:
        connection: The connection on which the user was locked.
        user_id: Whose.
        event: The entry.
        content: Canonical form of the sighting; empty for an undo.
    """
    values = {
        "user_id": user_id,
        "sequence": event.sequence,
        "event_id": event.event_id,
        "undoes": event.undoes or None,
        "source": event.source,
        "fingerprint": event.fingerprint,
        "content": content,
        "change": json.dumps(asdict(event.change), separators=(",", ":")),
        "observe_time": event.observe_time,
        "record_time": event.record_time,
    }
    await connection.execute(sa.insert(taste_events).values(values))


async def find_event(connection: AsyncConnection, user_id: str, event_id: str) -> EventRow | None:
    """Returns the entry with an id, or None."""
    return await _find(connection, user_id, taste_events.c.event_id == event_id)


async def find_undo(connection: AsyncConnection, user_id: str, event_id: str) -> EventRow | None:
    """Returns the entry that takes a sighting back, or None."""
    return await _find(connection, user_id, taste_events.c.undoes == event_id)


async def find_by_sequence(connection: AsyncConnection, user_id: str, sequence: int) -> EventRow | None:
    """Returns the entry with a number, or None."""
    return await _find(connection, user_id, taste_events.c.sequence == sequence)


async def list_newest(
    connection: AsyncConnection, user_id: str, *, before: int | None, limit: int
) -> Sequence[EventRow]:
    """Returns entries, newest first, without what was seen.

    Args:
        connection: A connection in a transaction.
        user_id: Whose.
        before: Only entries with a lower number; None for all.
        limit: How many at most.
    """
    query = sa.select(*_WITHOUT_CONTENT).where(taste_events.c.user_id == user_id)
    if before is not None:
        query = query.where(taste_events.c.sequence < before)
    rows = await connection.execute(query.order_by(taste_events.c.sequence.desc()).limit(limit))
    return [_event(row) for row in rows]


async def page_events(
    connection: AsyncConnection, user_id: str, *, after: int = 0, last: int | None = None
) -> list[EventRow]:
    """Returns the next `PAGE` entries with what was seen, oldest first.

    Args:
        connection: A connection in a transaction.
        user_id: Whose.
        after: Only entries with a higher number.
        last: Only entries up to this number; None for all.
    """
    query = sa.select(taste_events).where(taste_events.c.user_id == user_id, taste_events.c.sequence > after)
    if last is not None:
        query = query.where(taste_events.c.sequence <= last)
    rows = await connection.execute(query.order_by(taste_events.c.sequence).limit(PAGE))
    return [_event(row) for row in rows]


async def stream_events(connection: AsyncConnection, user_id: str, *, after: int = 0) -> AsyncIterator[EventRow]:
    """Yields entries with what was seen, oldest first, a page in memory at a time.

    Args:
        connection: A connection in a transaction.
        user_id: Whose.
        after: Only entries with a higher number.
    """
    while True:
        page = await page_events(connection, user_id, after=after)
        for event in page:
            yield event
        if len(page) < PAGE:
            return
        after = page[-1].sequence


async def undone_ids(connection: AsyncConnection, user_id: str) -> frozenset[str]:
    """Returns the ids of all sightings that were taken back."""
    query = sa.select(taste_events.c.undoes).where(
        taste_events.c.user_id == user_id, taste_events.c.undoes.is_not(None)
    )
    return frozenset((await connection.execute(query)).scalars())


def log_entry(event: EventRow) -> LogEntry:
    """Returns a stored entry as the pure core wants it."""
    return LogEntry(event.sequence, event.event_id, event.sighting, event.undoes, event.observe_time.timestamp())


async def _find(connection: AsyncConnection, user_id: str, condition: sa.ColumnElement[bool]) -> EventRow | None:
    query = sa.select(*_WITHOUT_CONTENT).where(taste_events.c.user_id == user_id, condition)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _event(row)


def _event(row: sa.Row[Any]) -> EventRow:
    content = getattr(row, "content", "")
    return EventRow(
        sequence=row.sequence,
        event_id=row.event_id,
        undoes=row.undoes or "",
        source=row.source,
        fingerprint=row.fingerprint,
        change=_change(json.loads(row.change)),
        observe_time=row.observe_time,
        record_time=row.record_time,
        sighting=parse(content) if content else None,
    )


def _change(data: dict[str, Any]) -> Change:
    attributions = tuple(Attribution(**item) for item in data.pop("attributions"))
    before, after = tuple(data.pop("before_axes")), tuple(data.pop("after_axes"))
    return Change(before_axes=before, after_axes=after, attributions=attributions, **data)
