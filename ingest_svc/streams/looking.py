"""Looking at the frames of one stream that may be keyframes: at once where that is quick, else the newest wins.

A camera's usual frame is decoded in the moment in which it is read: none of its stream waits in this process, and the
reader takes no more than it looks at. A frame that takes longer is decoded beside the reader; of those that come
meanwhile only the newest waits, until there is a hand for it. Whatever comes, it is answered in order of arrival.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from imaging.errors import ImageError
from ingest_svc.streams.flow import InOrder, Newest
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.ports import Darkroom
from ingest_svc.streams.session import Ack, Candidate, StreamSession
from mesh.errors import VitrineError

# Answers that stand behind a frame which is being decoded; beyond that, nothing more is read.
_MAX_ANSWERS = 32


@dataclass(slots=True)
class Frame:
    """A frame that is to be looked at.

    Attributes:
        candidate: Its number and times.
        data: The encoded picture; only in memory.
        capture_ns: When it was taken by the client's clock, nanoseconds since 1970, or None.
    """

    candidate: Candidate
    data: bytes
    capture_ns: int | None


# What became of a frame; the frame itself where it may be a keyframe.
Answer = tuple[Ack, Frame | None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that waits or is being decoded, what it takes of the room for pictures, and its place among answers."""

    frame: Frame
    room: contextlib.ExitStack
    place: list[Answer]


class Looking:
    """Looks at frames in order. `look` and `pass_on` are called by the stream's one reader."""

    def __init__(
        self,
        darkroom: Darkroom,
        session: StreamSession,
        answer: Callable[[Ack, Frame | None], Awaitable[None]],
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Names the stream.

        Args:
            darkroom: Handles pixels.
            session: Judges the frames.
            answer: Told what became of each frame; the frame comes with it where it is a keyframe.
            failed: Called when it can look at no more, and why is for `check` to say.
        """
        self._darkroom = darkroom
        self._session = session
        self._answer = answer
        self._answers: InOrder[Answer] = InOrder(lambda known: answer(*known))
        self._waiting: Newest[_Waiting] = Newest()
        self._working: asyncio.Task[None] | None = None
        self._then: Callable[[], None] | None = None
        self._failed = failed
        self._failure: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether a frame waits or is being decoded: what comes is answered behind it."""
        return self._working is not None

    async def look(self, frame: Frame) -> None:
        """Looks at a frame, or has it wait until those before it have been looked at.

        Args:
            frame: The newest frame.
        """
        if self._working is None:
            ack = self._glance(frame)
            if ack is not None:
                await self._answer(ack, frame)
                return
        await self._bounded()
        await self._wait(frame)

    async def pass_on(self, ack: Ack) -> None:
        """Answers a frame that needs no look, once those before it are answered; only while it is `busy`.

        Args:
            ack: What became of it.
        """
        await self._bounded()
        await self._answers.fill(self._answers.place(), (ack, None))

    def close(self, then: Callable[[], None]) -> None:
        """Has something done once no frame waits and none is being decoded.

        Args:
            then: What.
        """
        self._then = then
        if self._working is None or self._working.done():
            then()

    async def idle(self) -> None:
        """Waits until no frame waits and none is being decoded."""
        if self._working is not None:
            await asyncio.wait([self._working])
            self.check()

    def check(self) -> None:
        """Raises what it has failed with, if it has: the stream ends with that."""
        if self._failure is not None:
            raise self._failure

    def _glance(self, frame: Frame) -> Ack | None:
        """Looks at a frame at once; None where that would take long."""
        try:
            picture = self._darkroom.glance(frame.data, color=self._session.sees_color)
        except (ImageError, VitrineError) as error:
            return self._session.reject(frame.candidate, error.reason)
        return None if picture is None else self._session.look(frame.candidate, picture)

    async def _bounded(self) -> None:
        if len(self._answers) >= _MAX_ANSWERS or (self._working is not None and self._working.done()):
            await self.idle()

    async def _wait(self, frame: Frame) -> None:
        waiting = _Waiting(frame, contextlib.ExitStack(), self._answers.place())
        try:
            waiting.room.enter_context(self._darkroom.hold(len(frame.data)))
        except VitrineError as error:
            await self._end(waiting, self._session.reject(frame.candidate, error.reason))
            return
        older = self._waiting.put(waiting)
        if self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work(), name="stream-looking")
        if older is not None:
            with older.room:
                ack = self._session.give_way(older.frame.candidate)
            await self._end(older, ack)

    async def _work(self) -> None:
        try:
            while (waiting := self._waiting.item) is not None:
                stale = self._session.stale(waiting.frame.candidate, time.monotonic_ns())
                if stale is None:
                    await self._end(*await self._look())
                else:
                    self._waiting.take()
                    await self._end(waiting, stale)
            self._working = None
        except Exception as error:  # noqa: BLE001 - whatever it is: who reads and who processes hear of it by `check`
            self._failure = error
            self._failed()
        finally:
            if (left := self._waiting.take()) is not None:  # the room is that of all streams
                left.room.close()
            if self._then is not None:
                self._then()

    async def _look(self) -> tuple[_Waiting, Ack]:
        """Looks at the frame that is the newest in the moment in which there is a hand for it."""
        taken: list[_Waiting] = []

        def take() -> bytes:
            newest = self._waiting.take()
            assert newest is not None  # noqa: S101 - only this task takes the last one
            taken.append(newest)
            return newest.frame.data

        try:
            picture = await self._darkroom.thumbnail(take, color=self._session.sees_color)
            return taken[0], self._session.look(taken[0].frame.candidate, picture)
        except (ImageError, VitrineError) as error:
            if not taken:  # nobody had a hand for it
                take()
            return taken[0], self._session.reject(taken[0].frame.candidate, error.reason)
        finally:
            for it in taken:
                it.room.close()

    async def _end(self, waited: _Waiting, ack: Ack) -> None:
        waited.room.close()
        # Its picture may wait behind other answers, where nothing bounds it: only a keyframe's is needed any more.
        await self._answers.fill(waited.place, (ack, waited.frame if ack.outcome is Outcome.PENDING else None))
