"""Recording sightings and taking them back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import AlreadyExistsError, NotFoundError
from profile_svc.storage import states, taste
from profile_svc.storage.states import StateRow
from profile_svc.storage.taste import EventRow
from profile_svc.storage.users import UserRow, add_change, find_user, lock_user
from profile_svc.taste.change import Moment, change_between
from profile_svc.taste.evidence import Sighting, canonical, fingerprint
from profile_svc.taste.log import replay
from profile_svc.taste.state import TasteState, apply
from profile_svc.taste.wearing import Occasion

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class NewSighting:
    """A sighting as it arrives.

    Attributes:
        user_id: Whose.
        event_id: The caller's id for it.
        source: Resource name of the capture or stream.
        observe_time: When it was seen; None means now.
        sighting: What was seen.
    """

    user_id: str
    event_id: str
    source: str
    observe_time: dt.datetime | None
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Recorded:
    """The entry of the log that a call has led to.

    Attributes:
        event: The entry.
        duplicate: True when it was there before the call.
    """

    event: EventRow
    duplicate: bool


class Sightings:
    """Writes the log of taste events. One transaction an event; the user's row is locked, so that none is lost."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def record(self, new: NewSighting) -> Recorded:
        """Records a sighting, once.

        Args:
            new: The sighting.

        Raises:
            AlreadyExistsError: REQUEST_ID_REUSED, when its id was used with other content.
            FailedPreconditionError: CONSENT_MISSING, when the user does not allow to learn.
            InvalidInputError: EMBEDDING_DIMENSION.
        """
        now = self._clock()
        mark = fingerprint(new.sighting, new.source)
        async with self._database.begin() as connection:
            user = await lock_user(connection, new.user_id, now)
            known = await taste.find_event(connection, new.user_id, new.event_id)
            if known is not None:
                return _repeated(known, mark)
            user.settings.demand("TASTE_LEARNING")
            return Recorded(await self._append(connection, user, new, mark, now), duplicate=False)

    async def undo(self, user_id: str, event_id: str) -> Recorded:
        """Takes a sighting back, once.

        Args:
            user_id: Whose.
            event_id: Which.

        Raises:
            NotFoundError: When there is no such sighting.
        """
        now = self._clock()
        async with self._database.begin() as connection:
            # No lock_user here: undoing what was never seen must not make a user.
            user = await find_user(connection, user_id, lock=True)
            seen = None if user is None else await taste.find_event(connection, user_id, event_id)
            if user is None or seen is None or seen.undoes:
                raise NotFoundError(f"there is no sighting {event_id}", "RESOURCE_NOT_FOUND")
            known = await taste.find_undo(connection, user_id, event_id)
            if known is not None:
                return Recorded(known, duplicate=True)
            return Recorded(await self._append_undo(connection, user, seen, now), duplicate=False)

    async def _append(
        self, connection: AsyncConnection, user: UserRow, new: NewSighting, mark: str, now: dt.datetime
    ) -> EventRow:
        before = await states.get_state(connection, user.user_id)
        observe_time = new.observe_time or now
        after, moves = apply(before.state, new.sighting, Occasion(new.event_id, observe_time.timestamp()))
        change = change_between(_moment(before), after, sighting=new.sighting, moves=moves)
        sequence = await add_change(connection, user, "TASTE", now)
        event = EventRow(
            sequence=sequence,
            event_id=new.event_id,
            undoes="",
            source=new.source,
            fingerprint=mark,
            change=change,
            observe_time=observe_time,
            record_time=now,
        )
        await taste.append(connection, user.user_id, event, canonical(new.sighting))
        await states.put_state(connection, user.user_id, StateRow(after, sequence, now))
        if after.count % states.SNAPSHOT_EVERY == 0:
            await states.put_snapshot(connection, user.user_id, sequence, after)
        return event

    async def _append_undo(
        self, connection: AsyncConnection, user: UserRow, seen: EventRow, now: dt.datetime
    ) -> EventRow:
        before = await states.get_state(connection, user.user_id)
        after = await _state_without(connection, user.user_id, seen)
        change = change_between(_moment(before), after)
        sequence = await add_change(connection, user, "TASTE", now)
        event = EventRow(
            sequence=sequence,
            event_id=str(uuid.uuid4()),
            undoes=seen.event_id,
            source=seen.source,
            fingerprint="",
            change=change,
            observe_time=seen.observe_time,
            record_time=now,
        )
        await taste.append(connection, user.user_id, event, "")
        await states.put_state(connection, user.user_id, StateRow(after, sequence, now))
        return event


async def rebuilt_state(connection: AsyncConnection, user_id: str) -> TasteState:
    """Computes a user's taste from the whole log, as a check of what is stored.

    Args:
        connection: A connection in a transaction.
        user_id: Whose.
    """
    entries = [taste.log_entry(event) async for event in taste.stream_events(connection, user_id)]
    return replay(entries)


async def _state_without(connection: AsyncConnection, user_id: str, seen: EventRow) -> TasteState:
    """Computes the taste as if one sighting had not been, from the last kept state before it."""
    start = await states.snapshot_before(connection, user_id, seen.sequence)
    gone = await taste.undone_ids(connection, user_id) | {seen.event_id}
    return await states.replay_log(connection, user_id, start=start, gone=gone, changed=seen.sequence)


def _moment(row: StateRow) -> Moment:
    return Moment(row.state, row.sequence, "" if row.update_time is None else row.update_time.isoformat())


def _repeated(known: EventRow, mark: str) -> Recorded:
    if known.fingerprint != mark:
        raise AlreadyExistsError(f"the event id {known.event_id} was used with other content", "REQUEST_ID_REUSED")
    return Recorded(known, duplicate=True)
