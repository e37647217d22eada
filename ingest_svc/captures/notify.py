"""Telling the watchers of a capture that it changed, on whichever replica the change was made.

One connection per process listens on PostgreSQL's NOTIFY channel and wakes the watchers of the named capture. A
notification carries no content and may be lost with the connection; watchers read the row themselves, and after every
reconnection all of them do. A second channel names users who are being erased, for every replica to end their streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import structlog
from psycopg import sql

from ingest_svc.storage.captures import CHANNEL, ERASURE_CHANNEL

_RECONNECT_S = 1.0
_CHECK_S = 30.0


class Subscription:
    """What one watcher waits on."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Lets the watcher look again."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Waits until there is something to look at, or until the time is over.

        Args:
            timeout_s: Longest wait, in seconds.

        Returns:
            Whether it was woken.
        """
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        self._event.clear()
        return True


class CaptureNotifier:
    """Listens for changes of captures for as long as `listen` runs."""

    def __init__(self, database_url: str, on_erasure: Callable[[str], object] | None = None) -> None:
        """Describes whom to listen to; nothing is contacted yet.

        Args:
            database_url: ``postgresql+psycopg://...``.
            on_erasure: Called with the id of a user who is being erased, by whichever replica.
        """
        self._on_erasure = on_erasure
        self._conninfo = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._subscriptions: defaultdict[uuid.UUID, set[Subscription]] = defaultdict(set)
        self._log = structlog.get_logger("ingest.notify")
        self.listening = asyncio.Event()
        self.closing = False

    @contextlib.contextmanager
    def subscribe(self, capture_id: uuid.UUID) -> Iterator[Subscription]:
        """Subscribes to the changes of one capture within the block.

        Args:
            capture_id: Which.

        Yields:
            What to wait on.
        """
        subscription = Subscription()
        self._subscriptions[capture_id].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[capture_id].discard(subscription)
            if not self._subscriptions[capture_id]:
                del self._subscriptions[capture_id]

    async def listen(self) -> None:
        """Listens until it is cancelled; connects again whenever the connection breaks."""
        while True:
            try:
                async for notification in self._notifications():
                    self._take(notification)
            except (psycopg.Error, OSError) as error:
                self._log.warning("listen_failed", kind=type(error).__name__, retry_in_s=_RECONNECT_S)
            self.listening.clear()
            await asyncio.sleep(_RECONNECT_S)

    async def close_when(self, stopping: asyncio.Event) -> None:
        """Wakes all watchers for the last time once the server stops.

        Args:
            stopping: Set when it does.
        """
        await stopping.wait()
        self.closing = True
        self._wake_all()

    async def _notifications(self) -> AsyncIterator[psycopg.Notify]:
        connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, connect_timeout=5)
        async with connection:
            for channel in (CHANNEL, ERASURE_CHANNEL):
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            self.listening.set()
            self._wake_all()  # what changed while nobody listened
            while True:
                async for notification in connection.notifies(timeout=_CHECK_S):
                    yield notification
                await connection.execute("select 1")  # a dead peer shows when one talks to it

    def _take(self, notification: psycopg.Notify) -> None:
        if notification.channel == ERASURE_CHANNEL:
            if self._on_erasure is not None:
                self._on_erasure(notification.payload)
            return
        with contextlib.suppress(ValueError):
            for subscription in self._subscriptions.get(uuid.UUID(notification.payload), ()):
                subscription.wake()

    def _wake_all(self) -> None:
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.wake()
