"""Keeping what must outlive a connection: totals, settings, and results until they are acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

from ingest_svc.streams.events import Event, KeptResult, ResultEvent
from ingest_svc.streams.ports import (
    SessionMovedError,
    SessionStore,
    SessionTakenOverError,
    StoredSession,
    StreamMetrics,
)
from ingest_svc.streams.session import Ack, StreamSession
from mesh.errors import VitrineError


class SessionKeeper:
    """Keeps one session while it is connected.

    While the database is away the stream goes on; what could not be saved is saved with the next.

    Attributes:
        connected: Whether the session counts among its user's open streams; what is saved says so.
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
        self.connected = True
        self._store = store
        self._session = session
        self._stored = stored
        self._metrics = metrics
        self._keep = keep
        self._unacknowledged: dict[str, int] = {}
        self._sent: dict[str, None] = {}  # those of them that the client was sent, in this order
        self._acknowledged: set[int] = set()  # frames whose results are to be forgotten at the next save
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
            oldest = min(self._unacknowledged, key=self._unacknowledged.__getitem__)
            del self._unacknowledged[oldest]
            self._sent.pop(oldest, None)

    def sending(self, event: Event) -> None:
        """Notes that something is sent now.

        Args:
            event: What.
        """
        journal = self._session.books.journal
        if isinstance(event, Ack):
            journal.sent(event.number, event.outcome)
        elif isinstance(event, ResultEvent):
            journal.mark(event.kept.event_id)
            if event.kept.event_id in self._unacknowledged:
                self._sent[event.kept.event_id] = None

    async def add(self, kept: KeptResult) -> list[KeptResult]:
        """Keeps a new result, before it is sent.

        Args:
            kept: The result.

        Returns:
            As `save`.

        Raises:
            SessionMovedError: When the session goes on elsewhere; the result is kept all the same.
        """
        self.remember(kept)
        self._unsaved.append(kept)
        return await self.save()

    async def acknowledge(self, event_id: str) -> list[KeptResult]:
        """Forgets a result and all that were sent before it, and what was told of frames before it was sent.

        An id that is not known (any more) changes nothing.

        Args:
            event_id: Its id.

        Returns:
            As `save`.

        Raises:
            SessionMovedError: When the session goes on elsewhere.
        """
        self._session.books.journal.heard(event_id)
        if event_id not in self._sent:
            return []
        while True:
            first = next(iter(self._sent))
            del self._sent[first]
            self._acknowledged.add(self._unacknowledged.pop(first))
            if first == event_id:
                return await self.save()

    async def save(self) -> list[KeptResult]:
        """Saves totals, settings, new results and acknowledgements.

        Returns:
            Results that an older connection of the session, on another replica, has added since: to be sent. They are
            remembered already.

        Raises:
            SessionMovedError: When the session goes on elsewhere.
        """
        async with self._saving:
            results, self._unsaved = self._unsaved, []
            acknowledged, known = frozenset(self._acknowledged), frozenset(self._unacknowledged.values())
            try:
                late = await self._store.save(
                    self._present(), results, acknowledged=acknowledged, known=known, keep=self._keep
                )
            except SessionTakenOverError:
                raise SessionMovedError from None
            except VitrineError:
                self._metrics.failure("stream_save")
                self._put_back(results)
                return []
            except BaseException:  # cancelled, because the client has gone: whoever saves next saves these too
                self._put_back(results)
                raise
            self._acknowledged -= acknowledged
            for kept in late:
                self.remember(kept)
            return late

    def _put_back(self, results: list[KeptResult]) -> None:
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
            connected=self.connected,
            totals=self._session.totals.as_dict(),
            books=self._session.books.rows(),
            keyframes=asdict(self._session.keyframes),
            options=asdict(self._session.options),
        )
