"""Following a profile."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import UnavailableError
from profile_svc.storage import taste
from profile_svc.storage.listener import ChangeListener
from profile_svc.storage.taste import EventRow
from profile_svc.storage.users import UserRow, changes_after, find_user
from profile_svc.use_cases.profiles import ProfileView, read_view

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole profile; `sequence` is that of the profile."""

    sequence: int
    profile: ProfileView


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """New settings, as they stand when this is sent."""

    sequence: int
    profile: ProfileView


@dataclass(frozen=True, slots=True)
class TasteChanged:
    """A sighting or an undo."""

    sequence: int
    event: EventRow


@dataclass(frozen=True, slots=True)
class Erased:
    """The user is gone; nothing follows."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened."""

    sequence: int


WatchEvent = Snapshot | SettingsChanged | TasteChanged | Erased | Heartbeat


class Watches:
    """Follows profiles across replicas."""

    def __init__(
        self, database: Database, listener: ChangeListener, stopping: asyncio.Event, *, heartbeat_s: float
    ) -> None:
        self._database = database
        self._listener = listener
        self._stopping = stopping
        self._heartbeat_s = heartbeat_s

    async def watch(self, user_id: str, after: int | None) -> AsyncIterator[WatchEvent]:
        """Yields what happens to a user, each change once and in order.

        Args:
            user_id: Whom to follow.
            after: Number of the last change that the caller knows; None to begin with a snapshot.

        Yields:
            Events; their numbers never fall.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED.
            UnavailableError: SHUTTING_DOWN.
        """
        with self._listener.subscribe(user_id) as changed:
            position = _Position(after)
            while True:
                changed.clear()
                quiet = True
                async for event in self._news(user_id, position):
                    quiet = False
                    yield event
                    if isinstance(event, Erased):
                        return
                if quiet and position.waited:
                    yield Heartbeat(position.sequence or 0)
                position.waited = not await self._wait(changed)

    async def _wait(self, changed: asyncio.Event) -> bool:
        """Waits for news; False when the time of a heartbeat has come."""
        waits = [asyncio.ensure_future(changed.wait()), asyncio.ensure_future(self._stopping.wait())]
        try:
            done, _ = await asyncio.wait(waits, timeout=self._heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._stopping.is_set():
            raise UnavailableError("the service is shutting down", "SHUTTING_DOWN", retry_after_s=1.0)
        return bool(done)

    async def _news(self, user_id: str, position: _Position) -> AsyncIterator[WatchEvent]:
        more = True
        while more:
            # No transaction is open while the caller takes its time to read.
            async with self._database.begin() as connection:
                found, more = await _read(connection, user_id, position)
            for event in found:
                yield event


@dataclass(slots=True)
class _Position:
    """Where a watcher stands.

    Attributes:
        sequence: Number of the last change that was sent; None before the snapshot.
        epoch: The user's epoch then; None while the user is not known.
        waited: Whether the last wait ended without news.
    """

    sequence: int | None
    epoch: uuid.UUID | None = None
    waited: bool = False


async def _read(connection: AsyncConnection, user_id: str, position: _Position) -> tuple[Sequence[WatchEvent], bool]:
    """Reads what a watcher has not seen and moves its position; also tells whether there may be more."""
    user = await find_user(connection, user_id)
    if position.epoch is not None and (user is None or user.epoch != position.epoch):
        return [Erased(position.sequence or 0)], False
    known_sequence = 0 if user is None else user.sequence
    position.epoch = None if user is None else user.epoch
    if position.sequence is None or position.sequence > known_sequence:
        view = await read_view(connection, user_id)
        position.sequence = view.sequence
        return [Snapshot(view.sequence, view)], False
    if user is None:
        return [], False
    events = await _changes(connection, user, position.sequence)
    with contextlib.suppress(IndexError):
        position.sequence = events[-1].sequence
    return events, len(events) == _PAGE


async def _changes(connection: AsyncConnection, user: UserRow, after: int) -> list[WatchEvent]:
    rows = await changes_after(connection, user.user_id, after, _PAGE)
    events: list[WatchEvent] = []
    for row in rows:
        if row.kind == "SETTINGS":
            view = await read_view(connection, user.user_id)
            events.append(SettingsChanged(row.sequence, view))
            continue
        event = await taste.find_by_sequence(connection, user.user_id, row.sequence)
        if event is not None:
            events.append(TasteChanged(row.sequence, event))
    return events
