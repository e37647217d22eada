"""What PostgreSQL says about captures, jobs and taste events, asked past all services."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from vitrine.embedded.mesh import EmbeddedMesh


class Books:
    """Reads the tables of a mesh."""

    def __init__(self, mesh: EmbeddedMesh) -> None:
        self._url = mesh.database_url.replace("+psycopg", "")

    async def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Runs a query; waits while PostgreSQL is away."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url) as connection:
                    return list(await (await connection.execute(query.encode(), arguments)).fetchall())
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)

    async def states(self, user: str) -> dict[str, tuple[str, str]]:
        """Returns state and stage of a user's captures by id."""
        rows = await self.rows("SELECT id::text, state, stage FROM ingest.captures WHERE user_id = %s", user)
        return {capture_id: (state, stage) for capture_id, state, stage in rows}

    async def in_work(self, user: str, stage: str | None = None) -> int:
        """Counts the captures that a worker has in work, in one stage or any."""
        states = (await self.states(user)).values()
        return sum(state == "processing" and stage in (None, at) for state, at in states)

    async def open_jobs(self) -> int:
        """Counts jobs that wait or run."""
        query = "SELECT count(*) FROM ingest.procrastinate_jobs WHERE status IN ('todo', 'doing')"
        return int((await self.rows(query))[0][0])

    async def events(self, user: str) -> Sequence[tuple[str, str | None]]:
        """Returns the profile's log of a user in order: the event's id, and the event that it undoes."""
        query = "SELECT event_id, undoes FROM profile.taste_events WHERE user_id = %s ORDER BY sequence"
        return [(event_id, undoes) for event_id, undoes in await self.rows(query, user)]
