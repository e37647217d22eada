"""Hears of changes that any replica commits, by PostgreSQL's LISTEN, and wakes those who watch.

A notification only says "look again": who watches reads the numbered changes from the table, so that a lost
connection loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import psycopg
import sqlalchemy as sa
import structlog
from psycopg import sql
from pydantic import SecretStr

from mesh.seats import Seats
from profile_svc.storage.users import CHANNEL

_BACKOFF_FIRST_S = 0.1
_BACKOFF_MAX_S = 5.0
_PING_S = 15.0  # a connection that died without a word is found out after this


class ChangeListener:
    """Wakes watchers. `run` keeps one connection listening until it is cancelled."""

    def __init__(self, database_url: SecretStr, seats: Seats, heard: Callable[[str | None], None]) -> None:
        """Describes the listener; nothing is contacted yet.

        Args:
            database_url: ``postgresql+psycopg://user:password@host:port/database``.
            seats: How many may watch at once on this replica.
            heard: Is told of each user who changes, before those who watch; of None where any may have changed.
        """
        url = sa.make_url(database_url.get_secret_value()).set(drivername="postgresql")
        self._conninfo = url.render_as_string(hide_password=False)
        self._seats = seats
        self._heard = heard
        self._watches: dict[str, set[asyncio.Event]] = {}
        self._log = structlog.get_logger("profile.listener")

    @property
    def count(self) -> int:
        """How many watch now."""
        return self._seats.taken

    @contextlib.contextmanager
    def subscribe(self, user_id: str) -> Iterator[asyncio.Event]:
        """Makes an event that is set whenever something may have changed for a user.

        Args:
            user_id: Whom to watch.

        Yields:
            The event; the watcher clears it before it reads.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED.
        """
        with self._seats.seat(user_id):
            event = asyncio.Event()
            group = self._watches.setdefault(user_id, set())
            group.add(event)
            try:
                yield event
            finally:
                group.discard(event)
                if not group:
                    del self._watches[user_id]

    async def run(self) -> None:
        """Listens for ever; a lost connection is made again, and then everybody looks."""
        wait_s = _BACKOFF_FIRST_S
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True, connect_timeout=5, application_name="vitrine-profile-listen"
                ) as connection:
                    await connection.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
                    wait_s = _BACKOFF_FIRST_S
                    self._wake_all()
                    await self._hear(connection)
            except (psycopg.Error, OSError) as error:
                self._log.warning("listening_lost", kind=type(error).__name__, retry_in_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _BACKOFF_MAX_S)

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            async for notice in connection.notifies(timeout=_PING_S):
                self._heard(notice.payload)
                for event in self._watches.get(notice.payload, ()):
                    event.set()
            await connection.execute("select 1")

    def _wake_all(self) -> None:
        self._heard(None)
        for group in self._watches.values():
            for event in group:
                event.set()
