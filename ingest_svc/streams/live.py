"""One stream while it is connected: frames and commands in, events out, keyframes processed beside it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace

from imaging.errors import ImageError
from ingest_svc.streams.events import Event, KeptResult, Pong, ResultEvent, Stats, Trouble
from ingest_svc.streams.flow import RecentMedian
from ingest_svc.streams.keeper import SessionKeeper
from ingest_svc.streams.keyframe_work import Keyframe, KeyframeWork, Understood, captured_at_s, result_of
from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeReason
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.looking import Frame, Looking
from ingest_svc.streams.ports import SessionMovedError, Sink, SinkClosedError, StoredSession, Surroundings
from ingest_svc.streams.session import Ack, Candidate, ResultOptions, StreamSession
from ingest_svc.streams.watching import Watching
from mesh.errors import VitrineError

# A client that stops so soon after a resume is kept waiting for keyframes that an older connection has in work.
_ORPHANS_S, _ORPHANS_POLL_S = 5.0, 0.2


class LiveStream:
    """One connection of one session. `ingest_svc.streams.hub` opens and closes it.

    `frame` and the commands are called by one reader, one at a time; `process` runs beside it.
    """

    def __init__(self, around: Surroundings, session: StreamSession, stored: StoredSession, sink: Sink) -> None:
        """Connects a session.

        Args:
            around: What all streams share.
            session: Its state.
            stored: As it was kept.
            sink: Where events go.
        """
        self.session = session
        self.name = f"users/{stored.user}/streams/{stored.stream_id}"
        self.wrapped_up = False
        self._began_s = stored.created_at.timestamp()
        self._metrics = around.metrics
        self._sink = sink
        self._work = KeyframeWork(around.darkroom, around.pipeline, stored.user, self.name)
        self._keeper = SessionKeeper(around.store, session, stored, around.metrics, around.limits.max_kept_results)
        self._processing = RecentMedian()
        self._looking = Looking(around.darkroom, session, self._answer, failed=self._work.waiting.close)
        self._connected = True
        self._orphans_until_s = time.monotonic() + _ORPHANS_S
        self.watching = Watching(session, self._processing, self.send, around)

    async def send(self, event: Event) -> None:
        """Sends an event, unless the client has gone; then the session goes on without it until its work is done."""
        if self._connected:
            self._keeper.sending(event)
            try:
                await self._sink.send(event)
            except SinkClosedError:
                self._connected = False

    async def replay(self, results: Sequence[KeptResult]) -> None:
        """Sends results not acknowledged on earlier connections, in order, and the last word on frames since then."""
        for kept in results:
            self._keeper.remember(kept)
        await self._send_again(results)
        for told in self.session.books.journal.told:
            await self.send(Ack(told.number, told.outcome, rejected_reason=told.reason))

    async def _send_again(self, results: Sequence[KeptResult]) -> None:
        for kept in results:
            arrived = self.session.books.is_pending(kept.number)  # so that it was never counted as lost
            found = self.session.books.recover(kept.number)
            await self.send(ResultEvent(kept, replayed=True))
            if found is not None:
                if not arrived:
                    self._metrics.found()
                await self.send(Ack(kept.number, Outcome.PROCESSED, lost_before=found))

    async def frame(self, number: int, data: bytes, capture_ns: int | None) -> None:
        """Takes one frame.

        Args:
            number: The client's number.
            data: The encoded picture.
            capture_ns: When it was taken by the client's clock, nanoseconds since 1970, or None.

        Raises:
            InvalidInputError: When the number is absurd.
        """
        arrival_ns = time.monotonic_ns()
        admitted = self.session.admit(number, capture_ns, arrival_ns)
        await self.watching.frame(number, capture_ns, arrival_ns)
        if isinstance(admitted, Candidate):
            await self._looking.look(Frame(admitted, data, capture_ns))
        else:
            if admitted.outcome is Outcome.LATE and number < self.session.totals.highest:
                self._metrics.found()
            await (self._looking.pass_on(admitted) if self._looking.busy else self._answer(admitted, None))
        if (too_many := self.session.gate.complaint()) is not None:
            await self.send(Trouble(too_many, number))

    async def _answer(self, ack: Ack, frame: Frame | None) -> None:
        if ack.lost_before:
            self._metrics.lost(ack.lost_before)
        if ack.outcome is Outcome.PENDING and not self.session.books.is_pending(ack.number):
            ack = replace(ack, outcome=Outcome.PROCESSED)  # its result has turned up while its answer waited
        await self.send(ack)
        if ack.outcome is Outcome.PENDING:
            if ack.judgement is not None and frame is not None and self.session.books.is_pending(ack.number):
                await self._choose(frame, ack.judgement.reason)
        elif ack.outcome is not Outcome.PROCESSED:  # elsewhere, where it is counted
            self._metrics.frame(ack.outcome)
            if ack.outcome is Outcome.SUPERSEDED:
                self._metrics.dropped("frames")

    async def _choose(self, frame: Frame, reason: KeyframeReason) -> None:
        self._metrics.keyframe(reason)
        number, at_s = frame.candidate.number, captured_at_s(frame.capture_ns)
        event_id, arrival_ns = self.session.event_id(number), frame.candidate.arrival_ns
        keyframe = Keyframe(event_id, number, frame.data, reason, at_s, arrival_ns, self.session.options)
        if (displaced := self._work.waiting.put(keyframe)) is not None:
            await self._resolve(displaced, Outcome.SUPERSEDED)

    async def ping(self, client_ns: int | None) -> None:
        """Answers a ping; it says the client's time in nanoseconds since 1970, or None."""
        self.watching.ping(client_ns)
        await self.send(Pong(client_ns, time.time_ns()))

    async def stats(self, *, final: bool = False) -> None:
        """Sends the totals; ``final`` says that this is the end."""
        stats = Stats(
            totals=self.session.totals.as_dict(), keyframes=self.session.keyframes,
            unacknowledged=self._keeper.unacknowledged_count,
            processing_p50_s=self._processing.value(), duration_s=time.time() - self._began_s, final=final,
            flow=self.watching.stats(),
        )  # fmt: skip
        await self.send(stats)

    async def configure(self, config: KeyframeConfig, options: ResultOptions | None) -> None:
        """Changes the session from the next frame on, and answers with the totals.

        Args:
            config: How keyframes are chosen.
            options: What results hold; None keeps.
        """
        await self._looking.idle()  # those that came before are judged as they were sent
        self.session.configure(config)
        if options is not None:
            self.session.options = options
        await self.stats()
        await self.save()

    async def acknowledge(self, event_id: str) -> None:
        """Forgets the result of this id and all before it."""
        await self._send_again(await self._keeper.acknowledge(event_id))

    def close(self) -> None:
        """Takes no more frames; `process` ends when the last one is looked at and the last keyframe is done."""
        self._looking.close(self._work.waiting.close)

    def detach(self) -> None:
        """The client has gone: nothing is sent any more."""
        self._connected = self._keeper.connected = False
        self.close()

    async def process(self) -> None:
        """Processes keyframes, one at a time, until `close`, or until no more frames can be looked at.

        Raises:
            SessionMovedError: When the session goes on elsewhere.
            Exception: Why no more frames can be looked at.
        """
        while (keyframe := await self._work.waiting.take()) is not None:
            if self.session.books.is_pending(keyframe.number):
                await self._process(keyframe)
        self._looking.check()

    async def _process(self, keyframe: Keyframe) -> None:
        try:
            understood = await self._work.do(keyframe)
        except (ImageError, VitrineError) as error:
            told = await self._resolve(keyframe, Outcome.REJECTED, error.reason)
            if told and isinstance(error, VitrineError):
                await self.send(Trouble(error, keyframe.number))
        else:
            if understood is None:
                await self._resolve(keyframe, Outcome.SUPERSEDED)
            else:
                await self._deliver(keyframe, understood)

    async def _deliver(self, keyframe: Keyframe, understood: Understood) -> None:
        result = result_of(keyframe, understood)
        self._processing.add(result.processing_s)
        ack = self._ended(keyframe, Outcome.PROCESSED)
        if ack is None:
            return
        kept = KeptResult(result.event_id, result.number, self._sink.pack(result))
        late = await self._keeper.add(kept)
        picture = understood.picture.jpeg if keyframe.options.include_blurred_image else b""
        await self.send(ResultEvent(kept, blurred_jpeg=picture))
        await self.send(ack)
        await self._send_again(late)

    async def _resolve(self, keyframe: Keyframe, outcome: Outcome, reason: str = "") -> bool:
        if (ack := self._ended(keyframe, outcome, reason)) is not None:
            await self.send(ack)
        return ack is not None

    def _ended(self, keyframe: Keyframe, outcome: Outcome, reason: str = "") -> Ack | None:
        """Enters a keyframe's end; None where `_send_again` has told the client of its result meanwhile."""
        if not self.session.books.is_pending(keyframe.number):
            return None
        self._metrics.frame(outcome)
        if outcome is Outcome.SUPERSEDED:
            self._metrics.dropped("keyframes")
        return self.session.resolve(keyframe.number, outcome, reason)

    async def save(self) -> None:
        """Saves the books, and sends the results that an older connection has added. Raises as `keep`."""
        await self._send_again(await self._keeper.save())

    async def keep(self, interval_s: float) -> None:
        """Saves again and again, so that a session without keyframes is known to live.

        Args:
            interval_s: Time between two saves, seconds.

        Raises:
            SessionMovedError: When the session goes on elsewhere.
        """
        while True:
            await asyncio.sleep(interval_s)
            await self.save()

    async def wrap_up(self, *, stopped: bool) -> None:
        """Leaves the session in good order: ended for good where the client has ``stopped`` it, else to be resumed."""
        self.wrapped_up, self._keeper.connected = True, False
        with contextlib.suppress(SessionMovedError):
            await self.save()
            while stopped and self.session.books.orphans and time.monotonic() < self._orphans_until_s:
                await asyncio.sleep(_ORPHANS_POLL_S)
                await self.save()
        if stopped:
            await self._keeper.end()
