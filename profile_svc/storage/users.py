"""Users and the numbered changes of each."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from profile_svc.owner.settings import UserSettings, dump_settings, load_settings
from profile_svc.storage.tables import changes, taste_events, taste_snapshots, taste_states, users

CHANNEL = "vitrine_profile_changes"


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as stored.

    Attributes:
        user_id: Their id.
        epoch: Changes when an erased user comes back.
        sequence: Number of their last change.
        settings: Their settings.
        create_time: When the first thing was recorded.
        update_time: When the last thing was recorded.
    """

    user_id: str
    epoch: uuid.UUID
    sequence: int
    settings: UserSettings
    create_time: dt.datetime
    update_time: dt.datetime


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One numbered change.

    Attributes:
        sequence: Its number.
        kind: ``TASTE`` or ``SETTINGS``.
    """

    sequence: int
    kind: str


@dataclass(frozen=True, slots=True)
class Removed:
    """What an erasure removed from one table.

    Attributes:
        table: The table.
        keys: Key of each row.
    """

    table: str
    keys: tuple[str, ...]


async def lock_user(connection: AsyncConnection, user_id: str, now: dt.datetime) -> UserRow:
    """Returns a user, made when unknown, and keeps everybody else off them until the transaction ends.

    Args:
        connection: A connection in a transaction.
        user_id: Who.
        now: The time, with zone.
    """
    fresh = {
        "user_id": user_id,
        "epoch": uuid.uuid4(),
        "sequence": 0,
        "settings": dump_settings(UserSettings()),
        "create_time": now,
        "update_time": now,
    }
    while True:
        found = await find_user(connection, user_id, lock=True)
        if found is not None:
            return found
        # Between this and the next look somebody may erase the user again: hence the loop.
        await connection.execute(insert(users).values(fresh).on_conflict_do_nothing())


async def find_user(connection: AsyncConnection, user_id: str, *, lock: bool = False) -> UserRow | None:
    """Returns a user, or None when there is none.

    Args:
        connection: A connection in a transaction.
        user_id: Who.
        lock: Whether to keep everybody else off them until the transaction ends.
    """
    query = sa.select(users).where(users.c.user_id == user_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        return None
    settings = load_settings(row.settings)
    return UserRow(row.user_id, row.epoch, row.sequence, settings, row.create_time, row.update_time)


async def add_change(connection: AsyncConnection, user: UserRow, kind: str, now: dt.datetime) -> int:
    """Numbers a change of a locked user and wakes everybody who watches them, when the transaction commits.

    Args:
        connection: The connection on which the user was locked.
        user: The user as locked.
        kind: ``TASTE`` or ``SETTINGS``.
        now: The time, with zone.

    Returns:
        The number of the change.
    """
    sequence = user.sequence + 1
    await connection.execute(
        sa.update(users).where(users.c.user_id == user.user_id).values(sequence=sequence, update_time=now)
    )
    await connection.execute(
        sa.insert(changes).values(user_id=user.user_id, sequence=sequence, kind=kind, create_time=now)
    )
    await _notify(connection, user.user_id)
    return sequence


async def save_settings(connection: AsyncConnection, user_id: str, settings: UserSettings) -> None:
    """Stores the settings of a locked user.

    Args:
        connection: The connection on which the user was locked.
        user_id: Who.
        settings: The new settings.
    """
    await connection.execute(
        sa.update(users).where(users.c.user_id == user_id).values(settings=dump_settings(settings))
    )


async def changes_after(connection: AsyncConnection, user_id: str, sequence: int, limit: int) -> Sequence[ChangeRow]:
    """Returns the changes with a higher number, oldest first.

    Args:
        connection: A connection in a transaction.
        user_id: Whose.
        sequence: The number after which to begin.
        limit: How many at most.
    """
    query = (
        sa.select(changes.c.sequence, changes.c.kind)
        .where(changes.c.user_id == user_id, changes.c.sequence > sequence)
        .order_by(changes.c.sequence)
        .limit(limit)
    )
    return [ChangeRow(row.sequence, row.kind) for row in await connection.execute(query)]


async def erase_user(connection: AsyncConnection, user_id: str) -> list[Removed]:
    """Deletes every row about a user.

    Args:
        connection: A connection in a transaction.
        user_id: Who.

    Returns:
        What was removed, for each table, also where that is nothing.
    """
    await find_user(connection, user_id, lock=True)
    keyed: list[tuple[sa.Table, sa.Column[str] | sa.Column[int]]] = [
        (taste_snapshots, taste_snapshots.c.sequence),
        (taste_states, taste_states.c.user_id),
        (taste_events, taste_events.c.event_id),
        (changes, changes.c.sequence),
        (users, users.c.user_id),
    ]
    removed = []
    for table, key in keyed:
        gone = await connection.execute(sa.delete(table).where(table.c.user_id == user_id).returning(key))
        removed.append(Removed(table.name, tuple(sorted(str(value) for value in gone.scalars()))))
    await _notify(connection, user_id)
    return removed


async def _notify(connection: AsyncConnection, user_id: str) -> None:
    await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, user_id)))
