"""All streams of this process: who may open one, how it begins, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from ingest_svc.streams.books import Books
from ingest_svc.streams.connection import Connection, Pump
from ingest_svc.streams.events import KeptResult, OpenRequest, Ready
from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeConfigError
from ingest_svc.streams.ledger import Totals
from ingest_svc.streams.limits.elsewhere import Elsewhere
from ingest_svc.streams.limits.frame_rate import FrameGate, FrameRates
from ingest_svc.streams.live import LiveStream
from ingest_svc.streams.ports import Sink, StoredSession, Surroundings
from ingest_svc.streams.session import ResultOptions, StreamSession
from mesh.errors import InvalidInputError, NotFoundError
from mesh.failures import where_raised

# How long a newer connection waits for an older one of the same session to put its books in order.
_FINISH_BEFORE_RESUME_S = 2.0
# How long keyframes in work may hold up the end of the process, once all calls have ended.
_SETTLE_S = 5.0


class StreamHub:
    """Opens, drives and closes streams; the use case behind every transport."""

    def __init__(
        self,
        around: Surroundings,
        stopping: asyncio.Event,
        background: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    ) -> None:
        """Makes an empty hub.

        Args:
            around: What all streams share.
            stopping: Set when the process shuts down.
            background: Runs work beside the calls.
        """
        self._around = around
        self._stopping = stopping
        self._background = background
        self._connections: dict[bytes, Connection] = {}
        self._leaving: set[asyncio.Task[Any]] = set()
        self._log = structlog.get_logger("ingest.streams")
        limits = around.limits
        self._rates = FrameRates(limits.max_frame_rate_fps, limits.frame_burst_s)
        self._entry = around.entry

    async def run(self, request: OpenRequest, sink: Sink, pump: Pump) -> None:
        """Serves one connection from its config to its end.

        Args:
            request: What the client asks for.
            sink: Where events go.
            pump: Reads the client's messages.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED.
            NotFoundError: SESSION_NOT_FOUND.
            FailedPreconditionError: SESSION_EXPIRED.
            InvalidInputError: When the configuration makes no sense, or the client breaks the protocol.
            SessionMovedError: When the session goes on in a newer connection.
            UnavailableError: SHUTTING_DOWN; or the database does not answer.
        """
        token = request.resume_token or secrets.token_urlsafe(32)
        token_hash = hashlib.sha256(token.encode()).digest()
        # Before a seat is asked for: a client whose line died in silence comes back to its own.
        await self._evict(token_hash, request.user)
        gates = self._rates.gate(request.user, time.monotonic_ns())
        with self._entry.admit(request.user, resumes=bool(request.resume_token)), gates as gate:
            stored, kept = await self._stored(request, token_hash)
            live = self._live(request, stored, kept, sink, gate)
            connection = Connection(
                live,
                self._around.metrics,
                request.user,
                stored.expires_at.timestamp(),
                self._around.limits.save_interval_s,
                self._stopping,
                longest_s=self._around.limits.max_session_s,
            )
            self._connections[token_hash] = connection
            resumed = bool(request.resume_token)
            self._log.info("stream_opened", stream=stored.stream_id, resumed=resumed, source=request.source)
            try:
                await live.send(self._ready(live, stored, token, resumed, len(kept)))
                await live.replay(kept)
                await connection.drive(pump)
            finally:
                # Not awaited: this call may have been cancelled, and the books must be put in order all the same.
                leaving = self._background(self._leave(connection, token_hash))
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, connection: Connection, token_hash: bytes) -> None:
        try:
            await connection.leave()
        finally:
            if self._connections.get(token_hash) is connection:
                del self._connections[token_hash]

    async def settle(self) -> None:
        """Waits for streams to put their books in order; to be called before the database is closed.

        A call that its client has cancelled may outlive the server that took it, and begin to leave after that.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while self._connections:
                    await next(iter(self._connections.values())).gone.wait()
                if self._leaving:
                    await asyncio.wait(self._leaving)
        late = list(self._leaving)
        for leaving in late:
            leaving.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def share_rates(self) -> None:
        """Learns what users send through other processes and leaves it to them, again and again until cancelled."""
        elsewhere = Elsewhere()
        while True:
            await asyncio.sleep(self._around.limits.save_interval_s)
            try:
                await self._share_rates(elsewhere)
            except Exception as error:  # noqa: BLE001 - whatever it is: what was known holds until the next time
                self._around.metrics.failure("stream_rates")
                self._log.warning("rates_not_shared", kind=type(error).__name__, where=where_raised(error))

    async def _share_rates(self, elsewhere: Elsewhere) -> None:
        here = Counter(connection.user for connection in self._connections.values())
        ids = [connection.stream_id for connection in self._connections.values()]
        elsewhere.see(await self._around.store.open_elsewhere(here, ids) if here else ())
        now_ns = time.monotonic_ns()
        for user, count in here.items():
            fps = elsewhere.allowed_fps(user, self._around.limits.max_frame_rate_fps, count)
            self._rates.share(user, fps, now_ns)

    def end_sessions(self, user: str) -> int:
        """Ends the open streams of a user whose data are erased; keyframes in work are dropped.

        Args:
            user: The user's id.

        Returns:
            How many there were in this process.
        """
        return sum(connection.erase() for connection in self._connections.values() if connection.user == user)

    async def _evict(self, token_hash: bytes, user: str) -> None:
        """Ends an older connection of the same session and waits until it has put its books in order."""
        older = self._connections.get(token_hash)
        if older is not None and older.user == user:
            older.give_way()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(older.gone.wait(), _FINISH_BEFORE_RESUME_S)

    async def _stored(self, request: OpenRequest, token_hash: bytes) -> tuple[StoredSession, list[KeptResult]]:
        if request.resume_token:
            found = await self._around.store.resume(request.user, token_hash)
            if found is None:
                raise NotFoundError("the resume token names no session that can be resumed", "SESSION_NOT_FOUND")
            return found
        config = changed(KeyframeConfig(), request.keyframes, "config.keyframes")  # refused before anything is kept
        now = datetime.now(UTC)
        stored = StoredSession(
            stream_id=str(uuid.uuid4()),
            user=request.user,
            generation=1,
            created_at=now,
            expires_at=now + timedelta(seconds=self._around.limits.max_session_s),
            keyframes=asdict(config),
            options=asdict(request.results or ResultOptions()),
        )
        await self._around.store.create(stored, token_hash)
        return stored, []

    def _live(
        self, request: OpenRequest, stored: StoredSession, kept: Sequence[KeptResult], sink: Sink, gate: FrameGate
    ) -> LiveStream:
        config = changed(KeyframeConfig.restored(stored.keyframes), request.keyframes, "config.keyframes")
        options = request.results or ResultOptions(**stored.options)  # type: ignore[arg-type]  # names checked when kept
        books = Books(Totals(**stored.totals), stored.books)
        if lost := books.reopen(it.number for it in kept):
            self._around.metrics.lost(lost)
        session = StreamSession(
            stored.stream_id, config, options,
            max_delay_s=self._around.limits.max_frame_delay_s, books=books, gate=gate,
        )  # fmt: skip
        return LiveStream(self._around, session, stored, sink)

    def _ready(self, live: LiveStream, stored: StoredSession, token: str, resumed: bool, replayed: int) -> Ready:
        return Ready(
            live.name, token, resumed, stored.expires_at.timestamp(), live.session.keyframes, self._around.limits,
            live.session.totals.as_dict(), replayed,
        )  # fmt: skip


def changed(config: KeyframeConfig, values: Mapping[str, float | None], path: str) -> KeyframeConfig:
    """Changes a configuration as a client asks.

    Args:
        config: The present one.
        values: New values by field name; None keeps.
        path: Where they stood in the client's message, for the error.

    Raises:
        InvalidInputError: When the result makes no sense.
    """
    try:
        return config.changed(**values)
    except KeyframeConfigError as error:
        raise InvalidInputError.of(f"{path}.{error.field}", error.description) from error
