"""Brings the times of one connection to its `FlowWatch`, and what follows from them to the client."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

from ingest_svc.streams.advice import LADDER, Advice
from ingest_svc.streams.flow import RecentMedian
from ingest_svc.streams.ports import Surroundings
from ingest_svc.streams.session import StreamSession
from ingest_svc.streams.watch import FlowStats, FlowWatch, Work
from ingest_svc.streams.watchdog import Stall

_TICK_S = 0.5
_UUIDS = 1 << 128


class Watching:
    """Watches the flow of one connection."""

    def __init__(
        self,
        session: StreamSession,
        processing: RecentMedian,
        send: Callable[[Stall | Advice], Awaitable[None]],
        around: Surroundings,
    ) -> None:
        """Connects.

        Args:
            session: The session; its totals are read.
            processing: The times that results took lately, seconds.
            send: Tells the client.
            around: What all streams share.
        """
        self._session = session
        self._processing = processing
        self._send = send
        self._metrics = around.metrics
        self._entry = around.entry
        max_fps = min(around.limits.max_frame_rate_fps, LADDER[0].fps)
        # Each stream goes up at its own pace: streams in step would fill a line or a server all at once.
        self._flow = FlowWatch(spread=uuid.UUID(session.stream_id).int / _UUIDS, max_fps=max_fps)
        self._advice: Advice | None = None
        self._stopped = False
        # Times are our wall clock's, but go on evenly where that is set.
        self._base_ns = time.time_ns() - time.monotonic_ns()

    async def frame(self, number: int, capture_ns: int | None, arrival_ns: int) -> None:
        """Takes note of a frame.

        Args:
            number: The client's number.
            capture_ns: When it was taken by the client's clock, nanoseconds since 1970, or None.
            arrival_ns: When it arrived, by the monotonic clock.
        """
        stalls = self._flow.frame(number, capture_ns, arrival_ns + self._base_ns)
        if stalls:
            await self._tell(stalls)

    def ping(self, sent_ns: int | None) -> None:
        """Takes note of a ping that arrives now.

        Args:
            sent_ns: When it was sent by the client's clock, nanoseconds since 1970, or None.
        """
        if sent_ns is not None:
            self._flow.ping(sent_ns, self._now_ns())

    def stats(self) -> FlowStats:
        """Returns how it goes."""
        return self._flow.stats(self._now_ns())

    def stop(self) -> None:
        """Says nothing any more: the client sends nothing, because it has ended the stream."""
        self._stopped = True

    async def run(self) -> None:
        """Looks at the time again and again, so that silence is noticed too; until it is cancelled."""
        while True:
            await asyncio.sleep(_TICK_S)
            if not self._stopped:
                await self._look()

    async def _look(self) -> None:
        work = Work(self._session.totals, self._processing.value(), self._entry.lag_s, self._entry.share)
        stalls, advice = self._flow.tick(self._now_ns(), work)
        await self._tell(stalls)
        if advice is not None:
            self._metrics.advice(lower=self._advice is None or _asks(advice) < _asks(self._advice))
            self._advice = advice
            await self._send(advice)

    async def _tell(self, stalls: Sequence[Stall]) -> None:
        for stall in stalls:
            if not stall.over:
                self._metrics.stall(stall.kind)
            await self._send(stall)

    def _now_ns(self) -> int:
        return time.monotonic_ns() + self._base_ns


def _asks(advice: Advice) -> tuple[float, int, int]:
    return advice.fps, advice.long_side_px, advice.jpeg_quality
