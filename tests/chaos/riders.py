"""Clients that stream through whatever happens: the SDK's, and one of our own on each way, which hears every word."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.sdk import CameraFrame, FrameStream, Reconnected, StreamSettings
from vitrine.sdk.plans import Cut, Plan, TimedFrame, damaged
from vitrine.type.v1 import image_pb2
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.chaos.diary import Diary
from tests.chaos.photos import outfit
from tests.mesh.carriers import GrpcCarrier, Request, Response, SocketCarrier, event_of
from tests.mesh.talks import socket_to
from tests.support.mesh import bearer, client

KEYFRAMES = frame_pb2.KeyframeConfig(min_interval_s=0.8, max_interval_s=1.2)
WAYS = ("grpc", "ws-proto", "ws-json")
_BACKOFF_S = (0.1, 0.2, 0.4)
_STATS_S = 0.5
# What a client meets while a part of the mesh is away; anything else fails the test.
_AWAY = {"DEPENDENCY_UNAVAILABLE", "SHUTTING_DOWN", "NOT_READY", "OVERLOADED", "CAPACITY_REACHED"}


@dataclass
class Rider:
    """Sends what a plan says, when it says so, over as many connections as it takes.

    What is due while there is no connection is never sent: a camera goes on.

    Attributes:
        mesh: The mesh.
        way: One of `WAYS`.
        user: Who streams.
        plan: What to do.
        enough: Ends it before the plan does, once it is set.
        results: What results hold.
        diary: What was sent and heard.
    """

    mesh: EmbeddedMesh
    way: str
    user: str
    plan: Plan
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    results: stream_service_pb2.ResultOptions = field(default_factory=stream_service_pb2.ResultOptions)
    picture: Callable[[TimedFrame], bytes] = field(default=lambda frame: outfit(frame.picture // 5 % 9))
    diary: Diary = field(default_factory=Diary)
    _carrier: BareCall | BareSocket | None = None
    _ended: bool = False
    _away_until: float = 0.0
    _saying: asyncio.Lock = field(default_factory=asyncio.Lock)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _warm: asyncio.Event = field(default_factory=asyncio.Event)
    _began: asyncio.Future[float] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def ride(self) -> Diary:
        """Does it all."""
        tasks = [asyncio.create_task(it) for it in (self._send(), self._ask(), *map(self._cut, self.plan.cuts))]
        failures = 0
        try:
            while self.diary.final is None:
                before = len(self.diary.connections)
                with contextlib.suppress(OSError, InvalidHandshake, ConnectionClosed, grpc.aio.AioRpcError):
                    await self._connect()
                failures = failures + 1 if len(self.diary.connections) == before else 0
                if self.diary.final is None:
                    pause = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
                    await asyncio.sleep(max(pause, self._away_until - time.monotonic()))
                for task in tasks:
                    if task.done():
                        await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.diary

    async def _connect(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            headers = bearer(self.mesh, self.user)
            if self.way == "grpc":
                channel = await stack.enter_async_context(grpc.aio.insecure_channel(self.mesh.edge_target))
                carrier: BareCall | BareSocket = BareCall(channel, headers)
            else:
                carrier = BareSocket(
                    await stack.enter_async_context(socket_to(self.mesh.edge_target, self.way, headers))
                )
            token = self.diary.connections[0].resume_token if self.diary.connections else ""
            config = stream_service_pb2.StreamConfig(
                parent=f"users/{self.user}", keyframes=KEYFRAMES, resume_token=token, results=self.results
            )
            await carrier.send(Request(config=config))
            try:
                async with contextlib.aclosing(carrier.receive()) as events:  # type: ignore[type-var]  # a generator
                    async for event in events:
                        await self._hear(carrier, event)
            finally:
                self._carrier = None
            failure = await carrier.failure() if self.way == "grpc" else None
            assert failure is None or failure.code in {"UNAVAILABLE", "INTERNAL", "CANCELLED"}, failure

    async def _hear(self, carrier: BareCall | BareSocket, event: Response) -> None:
        kind = event.WhichOneof("event")
        if kind == "result" and event.result.event_id in {it.event_id for it in self.diary.results}:
            assert event.result.replayed
        else:
            self.diary.hear(event)
        if kind == "ready":
            self._carrier = carrier
            self._open.set()
            if self._ended:
                await self._command(stop=stream_service_pb2.StopCommand())
        elif kind == "result":
            acknowledge = stream_service_pb2.AcknowledgeCommand(event_id=event.result.event_id)
            await self._command(acknowledge=acknowledge)
        elif kind == "ack" and event.ack.outcome != frame_pb2.FRAME_OUTCOME_PENDING:
            self._warm.set()
        elif kind == "error":
            assert event.error.reason in _AWAY or not event.error.fatal, event.error

    async def _command(self, **command: object) -> None:
        await self._say(Request(command=stream_service_pb2.StreamCommand(**command)))  # type: ignore[arg-type]

    async def _say(self, request: Request) -> None:
        async with self._saying:  # a call takes one message at a time
            carrier = self._carrier
            if carrier is None:
                return
            try:
                await carrier.send(request)
            except (ConnectionClosed, grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
                carrier.break_off()
                if self._carrier is carrier:
                    self._carrier = None

    async def _send(self) -> None:
        """The clock begins when the first frame has its end: a mesh that has just started is slow to give it."""
        await self._open.wait()
        first, *rest = self.plan.frames
        await self._frame(first, time.time() - first.captured_s)
        await self._warm.wait()
        epoch = time.time() - first.sent_s
        self._began.set_result(began := time.monotonic() - first.sent_s)
        for frame in rest:
            await asyncio.sleep(max(0.0, began + frame.sent_s - time.monotonic()))
            if self.enough.is_set():
                break
            await self._frame(frame, epoch)
        self._ended = True
        await self._command(stop=stream_service_pb2.StopCommand())

    async def _frame(self, frame: TimedFrame, epoch: float) -> None:
        if self._carrier is None:
            return
        taken = Timestamp()
        taken.FromNanoseconds(round((epoch + frame.captured_s) * 1e9))
        image = image_pb2.Image(data=damaged(self.picture(frame), frame.damage))
        self.diary.send(frame.number)
        await self._say(Request(frame=frame_pb2.Frame(frame_number=frame.number, capture_time=taken, image=image)))

    async def _ask(self) -> None:
        while not self._ended:
            await asyncio.sleep(_STATS_S)
            await self._command(stats=stream_service_pb2.StatsCommand())

    async def _cut(self, cut: Cut) -> None:
        """Hangs up without a word, as a phone in a tunnel."""
        await asyncio.sleep(max(0.0, await asyncio.shield(self._began) + cut.at_s - time.monotonic()))
        self._away_until = time.monotonic() + cut.away_s
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            carrier.break_off()


class BareCall(GrpcCarrier):
    """A call that may be broken off."""

    broken_off = False

    async def receive(self) -> AsyncIterator[Response]:
        """Yields what comes, until it ends or breaks."""
        try:
            async for event in super().receive():
                yield event
        except asyncio.CancelledError:
            if not self.broken_off:
                raise

    def break_off(self) -> None:
        """Hangs up."""
        self.broken_off = True
        self._call.cancel()


class BareSocket(SocketCarrier):
    """A WebSocket of which every event is given, errors too, and which may be broken off."""

    def break_off(self) -> None:
        """Drops the connection without a word."""
        self._socket.transport.abort()

    async def receive(self) -> AsyncIterator[Response]:
        """Yields what comes, until it ends or breaks."""
        with contextlib.suppress(ConnectionClosed):
            async for raw in self._socket:
                yield event_of(raw)


@dataclass
class SdkRider:
    """The SDK's stream, whose own ledger is held against ours.

    Attributes:
        mesh: The mesh.
        user: Who streams.
        enough: Ends it once it is set.
        diary: What was sent and heard.
    """

    mesh: EmbeddedMesh
    user: str
    enough: asyncio.Event
    diary: Diary = field(default_factory=Diary)
    results: stream_service_pb2.ResultOptions = field(default_factory=stream_service_pb2.ResultOptions)
    reconnections: int = 0

    async def ride(self) -> Diary:
        """Does it all."""
        async with client(self.mesh, self.user) as ada:
            settings = StreamSettings(keyframes=KEYFRAMES, results=self.results, max_pending_frames=1000, witness=self)
            stream = FrameStream(ada, settings)
            async for event in stream.events(self._camera(stream)):
                if isinstance(event, Reconnected):
                    self.reconnections += 1
                else:
                    self.diary.hear(event)
                    if event.WhichOneof("event") == "stats" and event.stats.final:
                        assert stream.ledger.differences(event.stats.totals) == {}
        return self.diary

    async def _camera(self, stream: FrameStream) -> AsyncIterator[CameraFrame]:
        began, epoch = time.monotonic(), time.time()
        for index in itertools.takewhile(lambda _: not self.enough.is_set(), itertools.count()):
            await asyncio.sleep(max(0.0, began + index / 10 - time.monotonic()))
            yield CameraFrame(outfit(index // 5 % 9), epoch + index / 10)
            if index % 5 == 0:
                stream.ask_stats()

    def taken(self, number: int, frame: CameraFrame) -> None:
        """Nothing to note yet."""

    def dropped(self, number: int) -> None:
        """Nothing is dropped here."""
        raise AssertionError(f"frame {number} was dropped")

    def sent(self, number: int) -> None:
        """Notes it."""
        self.diary.send(number)
