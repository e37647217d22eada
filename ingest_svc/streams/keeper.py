"""Keeping what must outlive a connection: totals, settings, and results until they are acknowledged."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import asdict, replace

from ingest_svc.streams.events import KeptResult
from ingest_svc.streams.ports import (
    SessionMovedError,
    SessionStore,
    SessionTakenOverError,
    StoredSession,
    StreamMetrics,
)
from ingest_svc.streams.session import StreamSession
from mesh.errors import VitrineError


class SessionKeeper:
    """Keeps one session while it is connected.

    While the database is away the stream goes on; what could not be saved is saved with the next.
    """

    def __init__(
        self, store: SessionStore, session: StreamSession, stored: StoredSession, metrics: StreamMetrics, keep: int
    ) -> None:
        """Takes a session over.

        Args:
            store: Where it is kept.
            session: Its state.
            stored: As it was kept.
            metrics: Where failures are counted.
            keep: Unacknowledged results to keep.
        """
        self._store = store
        self._session = session
        self._stored = stored
        self._metrics = metrics
        self._keep = keep
        self._unacknowledged: OrderedDict[str, int] = OrderedDict()
        self._acknowledged = 0
        self._unsaved: list[KeptResult] = []
        self._saving = asyncio.Lock()

    @property
    def unacknowledged_count(self) -> int:
        """Results that the client has not acknowledged."""
        return len(self._unacknowledged)

    def remember(self, kept: KeptResult) -> None:
        """Notes a result that the client shall acknowledge.

        Args:
            kept: The result.
        """
        self._unacknowledged[kept.event_id] = kept.number
        while len(self._unacknowledged) > self._keep:
            self._unacknowledged.popitem(last=False)

    async def add(self, kept: KeptResult) -> None:
        """Keeps a new result, before it is sent.

        Args:
            kept: The result.

        Raises:
            SessionMovedError: When the session goes on elsewhere; the result is kept all the same.
        """
        self.remember(kept)
        self._unsaved.append(kept)
        await self.save()

    async def acknowledge(self, event_id: str) -> None:
        """Forgets a result and all before it. An id that is not known (any more) changes nothing.

        Args:
            event_id: Its id.

        Raises:
            SessionMovedError: When the session goes on elsewhere.
        """
        number = self._unacknowledged.get(event_id)
        if number is None:
            return
        self._acknowledged = max(self._acknowledged, number)
        for other in [key for key, value in self._unacknowledged.items() if value <= number]:
            del self._unacknowledged[other]
        await self.save()

    async def save(self) -> None:
        """Saves totals, settings, new results and acknowledgements.

        Raises:
            SessionMovedError: When the session goes on elsewhere.
        """
        async with self._saving:
            results, self._unsaved = self._unsaved, []
            try:
                await self._store.save(self._present(), results, acknowledged=self._acknowledged, keep=self._keep)
            except SessionTakenOverError:
                raise SessionMovedError from None
            except VitrineError:
                self._metrics.failure("stream_save")
                self._unsaved = (results + self._unsaved)[-self._keep :]

    async def end(self) -> None:
        """Ends the session for good."""
        try:
            await self._store.end(self._stored)
        except VitrineError:
            self._metrics.failure("stream_save")  # it ends by itself when its window has passed

    def _present(self) -> StoredSession:
        return replace(
            self._stored,
            totals=self._session.totals.as_dict(),
            keyframes=asdict(self._session.keyframes),
            options=asdict(self._session.options),
        )
