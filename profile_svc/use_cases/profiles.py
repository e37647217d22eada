"""Reading profiles and changing their settings."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import AbortedError
from profile_svc.owner.settings import SettingsUpdate, UserSettings, apply_update
from profile_svc.storage import states, taste
from profile_svc.storage.states import StateRow
from profile_svc.storage.taste import EventRow
from profile_svc.storage.users import UserRow, add_change, find_user, lock_user, save_settings
from profile_svc.taste.state import EMPTY
from profile_svc.use_cases.sightings import Clock
from profile_svc.use_cases.tastes import OVERALL, Tastes

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile as it is shown.

    Attributes:
        user_id: Whose.
        settings: Their settings.
        taste: Their taste.
        sequence: Number of their last change of any kind; 0 for a user never seen.
        create_time: When the first thing was recorded; None for a user never seen.
        update_time: When the last thing was recorded.
    """

    user_id: str
    settings: UserSettings
    taste: StateRow
    sequence: int = 0
    create_time: dt.datetime | None = None
    update_time: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ContextView:
    """What a ranking may know.

    Attributes:
        model: The model of the vector; empty without one.
        vector: The taste vector, float, shape (dimension,), unit length; None when there is none in this model.
        settings: The user's settings; None when they do not allow personal ranking.
        sequence: Number of the last change.
    """

    model: str
    vector: npt.NDArray[np.floating] | None
    settings: UserSettings | None
    sequence: int


class Profiles:
    """Reads profiles and changes their settings."""

    def __init__(self, database: Database, tastes: Tastes, clock: Clock) -> None:
        self._database = database
        self._tastes = tastes
        self._clock = clock

    async def get(self, user_id: str) -> ProfileView:
        """Returns a profile; an empty one for a user never seen."""
        async with self._database.begin() as connection:
            return await read_view(connection, user_id)

    async def update(
        self, user_id: str, update: SettingsUpdate, paths: Iterable[str], etag: str
    ) -> tuple[ProfileView, bool]:
        """Changes settings; an update that changes nothing counts as no change.

        Args:
            user_id: Whose.
            update: New values.
            paths: Field mask; empty means what the update gives values for.
            etag: The etag that the caller has read; empty to update whatever is there.

        Returns:
            The profile after, and whether its signing secret is new.

        Raises:
            AbortedError: ETAG_MISMATCH.
            InvalidInputError: INVALID_UPDATE_MASK.
        """
        now = self._clock()
        async with self._database.begin() as connection:
            user = await lock_user(connection, user_id, now)
            old = user.settings
            if etag and etag != old.etag():
                raise AbortedError("the profile changed since it was read", "ETAG_MISMATCH")
            new = apply_update(old, update, paths, now=now.isoformat(), make_secret=_make_secret)
            if new != old:
                await save_settings(connection, user_id, new)
                await add_change(connection, user, "SETTINGS", now)
            view = await read_view(connection, user_id)
        return view, new.webhook.signing_secret != old.webhook.signing_secret

    async def history(self, user_id: str, *, before: int | None, limit: int) -> Sequence[EventRow]:
        """Returns taste events, newest first.

        Args:
            user_id: Whose.
            before: Only events with a lower number; None for all.
            limit: How many at most.
        """
        async with self._database.begin() as connection:
            return await taste.list_newest(connection, user_id, before=before, limit=limit)

    async def personal_context(self, user_id: str, model: str, taste_id: str) -> ContextView:
        """Returns what a ranking may know.

        Args:
            user_id: Whose.
            model: The model that the vector shall be of; empty means the one used last.
            taste_id: The taste that it shall be of.

        Raises:
            NotFoundError: RESOURCE_NOT_FOUND, when there is no such taste.
        """
        view = await self.get(user_id)
        if not view.settings.allows("PERSONAL_RANKING"):
            return ContextView("", None, None, view.sequence)
        if taste_id != OVERALL:
            chosen, center = await self._tastes.vector(user_id, taste_id, model)
            return ContextView("" if center is None else chosen, center, view.settings, view.sequence)
        chosen = model or view.taste.state.last_model
        vector = view.taste.state.vectors.get(chosen)
        known = None if vector is None else vector.values
        return ContextView("" if known is None else chosen, known, view.settings, view.sequence)


async def read_view(connection: AsyncConnection, user_id: str) -> ProfileView:
    """Returns a profile within a transaction; an empty one for a user never seen."""
    user = await find_user(connection, user_id)
    if user is None:
        return ProfileView(user_id, UserSettings(), StateRow(EMPTY))
    return view_of(user, await states.get_state(connection, user_id))


def view_of(user: UserRow, state: StateRow) -> ProfileView:
    """Puts a profile together from its rows."""
    return ProfileView(user.user_id, user.settings, state, user.sequence, user.create_time, user.update_time)


def _make_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
