"""One connection of a stream from its first to its last moment: it ends for one of several reasons, always in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from ingest_svc.streams.events import Trouble
from ingest_svc.streams.live import LiveStream
from ingest_svc.streams.ports import SessionMovedError, StreamMetrics
from mesh.errors import FailedPreconditionError, NotFoundError, UnavailableError, VitrineError
from mesh.failures import where_raised

# How long a keyframe in work may hold up the end of a stream.
_FINISH_S = 30.0
_FINISH_AT_SHUTDOWN_S = 3.0

# Reads the client's messages and calls the stream; returns True when the client ended the session for good.
Pump = Callable[[LiveStream], Awaitable[bool]]


class Connection:
    """Drives one live stream.

    Attributes:
        user: Whose it is.
        gone: Set when its books are in order and the session may go on elsewhere.
    """

    def __init__(
        self,
        live: LiveStream,
        metrics: StreamMetrics,
        user: str,
        expires_at_s: float,
        save_interval_s: float,
        stopping: asyncio.Event,
        *,
        longest_s: float = 4 * 3600.0,
    ) -> None:
        """Prepares a connection; `drive` runs it and `leave` must follow.

        Args:
            live: The stream.
            metrics: Where failures are counted.
            user: Whose it is.
            expires_at_s: When the session ends, seconds since 1970.
            save_interval_s: How often it is kept, seconds.
            stopping: Set when the process shuts down.
            longest_s: How long a session may be, for the words of its end; seconds.
        """
        self.user = user
        self.gone = asyncio.Event()
        self._live = live
        self._metrics = metrics
        self._expires_at_s = expires_at_s
        self._save_interval_s = save_interval_s
        self._stopping = stopping
        self._longest_s = longest_s
        self._give_way = asyncio.Event()
        self._erased = False
        self._working: asyncio.Task[None] | None = None
        self._raised: BaseException | None = None
        self._log = structlog.get_logger("ingest.streams")

    @property
    def stream_id(self) -> str:
        """Which session it serves."""
        return self._live.session.stream_id

    def give_way(self) -> None:
        """Ends it, because a newer connection has its session."""
        self._give_way.set()

    def erase(self) -> bool:
        """Ends it, because its user's data are erased: a keyframe in work is dropped.

        Returns:
            False when that had been said before.
        """
        if self._erased:
            return False
        self._erased = True
        if self._working is not None:
            self._working.cancel()
        self._give_way.set()
        return True

    async def drive(self, pump: Pump) -> None:
        """Serves until the client ends it, or something else does.

        Args:
            pump: Reads the client's messages.

        Raises:
            VitrineError: Why it ended, where the client did not end it.
        """
        loop = asyncio.get_running_loop()
        reading = loop.create_task(_returned(pump(self._live)), name="stream-reader")
        working = self._working = loop.create_task(self._live.process(), name="stream-keyframes")
        keeping = loop.create_task(self._live.keep(self._save_interval_s), name="stream-keeper")
        watching = loop.create_task(self._live.watching.run(), name="stream-watch")
        signals = [loop.create_task(event.wait()) for event in (self._stopping, self._give_way)]
        try:
            rest_s = max(0.0, self._expires_at_s - time.time())
            ends = [reading, working, keeping, watching, *signals]
            await asyncio.wait(ends, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                await self._end_well(reading, working)
            else:
                _raise_failure(keeping)
                _raise_failure(watching)
                await self._end_early(reading, working)
        except BaseException as error:
            self._raised = error
            raise
        finally:
            for task in (reading, keeping, watching, *signals):
                task.cancel()
            # Awaited, because the transport closes the client's messages next, and nobody may be reading them then.
            await asyncio.wait([reading, keeping, watching])
            self._tell(reading, keeping, watching)

    async def leave(self) -> None:
        """Puts the books in order, also when the client has just vanished in the middle of a keyframe.

        Its result is made and kept for when the client comes back.
        """
        self._live.detach()
        try:
            if not self._live.wrapped_up:  # at once: the client is already on its way to another replica
                await self._live.wrap_up(stopped=False)
            if self._working is not None and not self._working.done():
                await asyncio.wait([self._working])
                await self._live.wrap_up(stopped=False)
            if self._working is not None:
                self._tell(self._working)
        finally:
            self.gone.set()
            if self._working is not None:
                self._working.cancel()  # where there was no time to wait for it

    def _tell(self, *tasks: asyncio.Task[Any]) -> None:
        """Tells the log of failures that nobody hears of, because the stream ended for another reason."""
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None and error is not self._raised and not isinstance(error, SessionMovedError):
                self._metrics.failure("stream")
                self._log.error(
                    "stream_failed", stream=self._live.session.stream_id, part=task.get_name(),
                    kind=type(error).__name__, where=where_raised(error),
                )  # fmt: skip

    async def _end_well(self, reading: asyncio.Task[bool], working: asyncio.Task[None]) -> None:
        stopped = await reading
        self._live.watching.stop()
        if not stopped:  # perhaps the line broke, and the client is already on its way to another replica
            await self._live.save()
        await self._finish(working, _FINISH_S)
        await self._live.wrap_up(stopped=stopped)
        await self._live.stats(final=True)

    async def _end_early(self, reading: asyncio.Task[bool], working: asyncio.Task[None]) -> None:
        _raise_failure(working)
        reading.cancel()
        error = self._cause()
        expired = error.reason == "SESSION_EXPIRED"  # nobody can come back for what is still in work
        await self._finish(working, _FINISH_S if expired else _FINISH_AT_SHUTDOWN_S)
        await self._live.wrap_up(stopped=expired)
        if expired:
            await self._live.stats()  # its last books
        await self._live.send(Trouble(error, fatal=True))
        raise error

    async def _finish(self, working: asyncio.Task[None], seconds: float) -> None:
        self._live.close()
        done, _ = await asyncio.wait([working], timeout=seconds)
        if done:
            _raise_failure(working)

    def _cause(self) -> VitrineError:
        if self._stopping.is_set():
            return UnavailableError(
                "the server is shutting down; connect again and resume", "SHUTTING_DOWN", retry_after_s=1.0
            )
        if self._erased:
            return NotFoundError("the user's data were erased, this session with them", "SESSION_NOT_FOUND")
        if self._give_way.is_set():
            return SessionMovedError()
        return FailedPreconditionError(
            "the session has reached its maximum length; begin a new one", "SESSION_EXPIRED",
            {"limit": f"{self._longest_s:g}", "scope": "session", "setting": "max_session_s"},
        )  # fmt: skip


async def _returned(awaitable: Awaitable[bool]) -> bool:
    return await awaitable


def _raise_failure(task: asyncio.Task[None]) -> None:
    """Raises what a task failed with; one that still runs, or was cancelled, did not fail."""
    if not task.done() or task.cancelled():
        return
    error = task.exception()
    if error is not None:
        raise error
