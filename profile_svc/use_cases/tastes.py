"""The ways of dressing that a user has, computed from the newest part of the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import NotFoundError
from profile_svc.storage import states, taste
from profile_svc.storage.states import StateRow
from profile_svc.storage.taste import EventRow
from profile_svc.storage.users import UserRow, find_user
from profile_svc.taste.outfits import FloatVector
from profile_svc.taste.state import TasteState
from profile_svc.taste.tastes import DRIFT_S, Drift, Taste, drift_between, tastes_in
from profile_svc.use_cases.digests import Digest, DigestCache, DigestKey, Told, digest_of
from profile_svc.use_cases.sightings import Clock

OVERALL = "overall"
# Sightings that are looked at; a stream may take several of one outfit.
_RECENT = 400
_ONE_MOMENT = sa.text("set transaction isolation level repeatable read")


class Run(Protocol):
    """Runs a function off the event loop, such as `mesh.executor.ModelExecutor.run`."""

    def __call__(self, fn: Callable[..., Any], /, *args: Any) -> Awaitable[Any]:  # noqa: ANN401 - those of `fn`
        """Runs `fn(*args)`."""


@dataclass(frozen=True, slots=True)
class TastesView:
    """The tastes of a user.

    Attributes:
        overall: The moving average over everything.
        overall_drift: How far it moved in 30 days; None when it is younger, or the log was not read back so far.
        model: The model that the vectors are of; empty without one.
        tastes: The others, by falling weight.
        told: The sightings in them, by event id.
    """

    overall: StateRow
    overall_drift: Drift | None
    model: str
    tastes: Sequence[Taste]
    told: Mapping[str, Told]


class Tastes:
    """Finds tastes."""

    def __init__(self, database: Database, run: Run, clock: Clock, cache: DigestCache) -> None:
        self._database = database
        self._run = run
        self._clock = clock
        self._cache = cache

    async def find(self, user_id: str, model: str = "") -> TastesView:
        """Finds the tastes of a user.

        Args:
            user_id: Whose.
            model: The model that the vectors shall be of; empty means the one used last.
        """
        async with self._database.begin() as connection:
            user = await find_user(connection, user_id)
            overall = await states.get_state(connection, user_id)
        if user is None or not overall.sequence:
            return TastesView(overall, None, model, [], {})
        digest = self._cache.get(user_id, _key(user, overall, model))
        if digest is None:
            overall, digest = await self._read(user_id, model)
        chosen = model or overall.state.last_model
        now_s = self._clock().timestamp()
        tastes = tastes_in(digest.grouping, now_s)
        return TastesView(overall, _overall_drift(overall.state, digest, chosen, now_s), chosen, tastes, digest.told)

    async def _read(self, user_id: str, model: str) -> tuple[StateRow, Digest]:
        """Makes the digest of this moment, and keeps it."""
        with self._cache.making(user_id) as made:
            async with self._database.begin() as connection:
                # State, snapshots and log as of one moment, whatever is recorded or taken back meanwhile.
                await connection.execute(_ONE_MOMENT)
                user = await find_user(connection, user_id)
                overall = await states.get_state(connection, user_id)
                start, events = await _recent(connection, user_id)
                gone = await taste.undone_ids(connection, user_id)
            chosen = model or overall.state.last_model
            digest: Digest = await self._run(digest_of, events, start.state, gone, chosen)
            if user is not None:
                self._cache.put(user_id, _key(user, overall, model), digest, made)
        return overall, digest

    async def vector(self, user_id: str, taste_id: str, model: str) -> tuple[str, FloatVector | None]:
        """Returns the model and the centre of one taste; no centre where it has none in this model.

        Args:
            user_id: Whose.
            taste_id: Which; not the overall one.
            model: As `find`.

        Raises:
            NotFoundError: RESOURCE_NOT_FOUND.
        """
        view = await self.find(user_id, model)
        for item in view.tastes:
            if item.taste_id == taste_id:
                return view.model, item.vector
        raise NotFoundError(f"there is no taste {taste_id}", "RESOURCE_NOT_FOUND")


async def _recent(connection: AsyncConnection, user_id: str) -> tuple[StateRow, list[EventRow]]:
    """Returns the newest entries, and the state before the first of them."""
    newest = await taste.list_newest(connection, user_id, before=None, limit=_RECENT)
    if not newest:
        return await states.snapshot_before(connection, user_id, 0), []
    start = await states.snapshot_before(connection, user_id, newest[-1].sequence)
    return start, [event async for event in taste.stream_events(connection, user_id, after=start.sequence)]


def _key(user: UserRow, overall: StateRow, model: str) -> DigestKey:
    return DigestKey(user.epoch, overall.sequence, model or overall.state.last_model)


def _overall_drift(state: TasteState, digest: Digest, model: str, now_s: float) -> Drift | None:
    then = digest.before(now_s - DRIFT_S)
    if then is None:
        return None
    new = state.vectors.get(model)
    return drift_between(then.axes, state.axes, then.vector, None if new is None else new.values)
