"""The states that are derived from the log of taste events: the newest, and snapshots to replay from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from profile_svc.storage.tables import taste_snapshots, taste_states, users
from profile_svc.storage.taste import log_entry, stream_events
from profile_svc.taste.log import steps
from profile_svc.taste.state import EMPTY, TasteState, dump_state, load_state

# An undo replays at most this many sightings before the one undone, about 1 ms each at 512 dimensions.
SNAPSHOT_EVERY = 32


@dataclass(frozen=True, slots=True)
class StateRow:
    """A taste as stored.

    Attributes:
        state: The taste.
        sequence: Number of the last taste event in it; 0 before the first.
        update_time: When that was recorded; None before the first.
    """

    state: TasteState
    sequence: int = 0
    update_time: dt.datetime | None = None


async def get_state(connection: AsyncConnection, user_id: str) -> StateRow:
    """Returns a user's taste; the neutral one before the first sighting.

    Where another version stored it, by other rules, it is computed from the log, and stored.
    """
    query = sa.select(taste_states).where(taste_states.c.user_id == user_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return StateRow(EMPTY)
    state = load_state(row.state)
    if state is None:
        return await _compute_again(connection, user_id)
    return StateRow(state, row.sequence, row.update_time)


async def replay_log(
    connection: AsyncConnection, user_id: str, *, start: StateRow, gone: frozenset[str], changed: int
) -> TasteState:
    """Computes a taste from a kept state on, and makes the snapshots anew that no longer hold.

    Args:
        connection: The connection on which the user was locked.
        user_id: Whose.
        start: A kept state before `changed`.
        gone: Ids of sightings that are taken back, beside those that the entries after `start` take back.
        changed: Number of the first entry that no longer says what it said.
    """
    await drop_snapshots_from(connection, user_id, changed)
    entries = [log_entry(event) async for event in stream_events(connection, user_id, after=start.sequence)]
    state = start.state
    for entry, after, _ in steps(entries, start=state, undone=gone):
        state = after
        if state.count % SNAPSHOT_EVERY == 0:
            await put_snapshot(connection, user_id, entry.sequence, state)
    return state


async def _compute_again(connection: AsyncConnection, user_id: str) -> StateRow:
    """Replays the whole log while the user is locked, so that nothing newer is overwritten."""
    await connection.execute(sa.select(users.c.user_id).where(users.c.user_id == user_id).with_for_update())
    query = sa.select(taste_states.c.sequence, taste_states.c.update_time).where(taste_states.c.user_id == user_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:  # erased meanwhile
        return StateRow(EMPTY)
    state = await replay_log(connection, user_id, start=StateRow(EMPTY), gone=frozenset(), changed=0)
    await put_state(connection, user_id, StateRow(state, row.sequence, row.update_time))
    return StateRow(state, row.sequence, row.update_time)


async def put_state(connection: AsyncConnection, user_id: str, row: StateRow) -> None:
    """Stores a user's taste.

    Args:
        connection: The connection on which the user was locked.
        user_id: Whose.
        row: The taste, with the number and time of its last event.
    """
    values = {"sequence": row.sequence, "update_time": row.update_time, "state": dump_state(row.state)}
    statement = insert(taste_states).values(user_id=user_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def put_snapshot(connection: AsyncConnection, user_id: str, sequence: int, state: TasteState) -> None:
    """Keeps a state so that a later replay can begin there."""
    values = {"state": dump_state(state)}
    statement = insert(taste_snapshots).values(user_id=user_id, sequence=sequence, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["user_id", "sequence"], set_=values))


async def snapshot_before(connection: AsyncConnection, user_id: str, sequence: int) -> StateRow:
    """Returns the newest kept state that lacks the entry `sequence` and all later ones; else the neutral one."""
    query = (
        sa.select(taste_snapshots.c.sequence, taste_snapshots.c.state)
        .where(taste_snapshots.c.user_id == user_id, taste_snapshots.c.sequence < sequence)
        .order_by(taste_snapshots.c.sequence.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    state = None if row is None else load_state(row.state)
    return StateRow(EMPTY) if row is None or state is None else StateRow(state, row.sequence)


async def drop_snapshots_from(connection: AsyncConnection, user_id: str, sequence: int) -> None:
    """Drops the kept states that hold the entry `sequence`."""
    await connection.execute(
        sa.delete(taste_snapshots).where(taste_snapshots.c.user_id == user_id, taste_snapshots.c.sequence >= sequence)
    )
