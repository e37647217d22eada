"""The ways of dressing that a user has, computed from the newest part of the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import NotFoundError
from profile_svc.storage import states, taste
from profile_svc.storage.states import StateRow
from profile_svc.storage.taste import EventRow
from profile_svc.taste.log import LogEntry, steps
from profile_svc.taste.outfits import FloatVector, Outfit, outfit_of
from profile_svc.taste.state import TasteState
from profile_svc.taste.tastes import DRIFT_S, Drift, Taste, drift_between, tastes_of
from profile_svc.use_cases.sightings import Clock

OVERALL = "overall"
# Sightings that are looked at; a stream may take several of one outfit.
_RECENT = 400


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
        events: The sightings in them, by id.
    """

    overall: StateRow
    overall_drift: Drift | None
    model: str
    tastes: Sequence[Taste]
    events: dict[str, EventRow]


class Tastes:
    """Finds tastes."""

    def __init__(self, database: Database, run: Run, clock: Clock) -> None:
        self._database = database
        self._run = run
        self._clock = clock

    async def find(self, user_id: str, model: str = "") -> TastesView:
        """Finds the tastes of a user.

        Args:
            user_id: Whose.
            model: The model that the vectors shall be of; empty means the one used last.
        """
        async with self._database.begin() as connection:
            overall = await states.get_state(connection, user_id)
            start, events = await _recent(connection, user_id)
            gone = await taste.undone_ids(connection, user_id)
        chosen = model or overall.state.last_model
        entries = [taste.log_entry(event) for event in events]
        now = self._clock()
        found, drift = await self._run(_tastes, entries, start, gone, overall.state, chosen, now)
        return TastesView(overall, drift, chosen, found, {event.event_id: event for event in events})

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


def _tastes(
    entries: Sequence[LogEntry],
    start: StateRow,
    gone: frozenset[str],
    overall: TasteState,
    model: str,
    now: dt.datetime,
) -> tuple[list[Taste], Drift | None]:
    outfits: list[Outfit] = []
    then: TasteState | None = None
    for entry, state, moves in steps(entries, start=start.state, undone=gone):
        outfit = outfit_of(entry, moves, model)
        if outfit is not None:
            outfits.append(outfit)
        if entry.observe_s <= now.timestamp() - DRIFT_S:
            then = state
    drift = None
    if then is not None:
        old, new = then.vectors.get(model), overall.vectors.get(model)
        drift = drift_between(
            then.axes, overall.axes, None if old is None else old.values, None if new is None else new.values
        )
    return tastes_of(outfits, now.timestamp()), drift
