"""Sends the frames of a plan at their times, over as many connections as its cuts and the network make of it.

Unlike `FrameStream` it sends what it is told: numbers twice, late or never, broken bytes, on time whatever the server
advises.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.absence import Absence, over_connections
from vitrine.sdk.client import Vitrine
from vitrine.sdk.errors import RpcFailure
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.frames import CameraFrame
from vitrine.sdk.plans import Plan, TimedFrame
from vitrine.sdk.recording_ahead import PicturesAhead
from vitrine.sdk.recording_pictures import Pictures
from vitrine.sdk.stream_settings import Reconnected, StreamSettings
from vitrine.sdk.transport import Ending
from vitrine.sdk.witness import Witness
from vitrine.type.v1 import image_pb2

_CALL = grpc.aio.StreamStreamCall[pb.StreamFramesRequest, pb.StreamFramesResponse]


class PlannedStream:
    """One stream of a plan's frames."""

    def __init__(self, mesh: Vitrine, plan: Plan, pictures: Pictures, settings: StreamSettings | None = None) -> None:
        """Prepares; nothing is sent before `events`.

        Args:
            mesh: The client.
            plan: What is sent when.
            pictures: The picture of each frame.
            settings: How to stream; `max_pending_frames` does not count here.
        """
        self._mesh, self._plan = mesh, plan
        self._pictures = PicturesAhead(plan, pictures)
        self._settings = settings or StreamSettings()
        self.witness: Witness | None = self._settings.witness
        self.name = ""
        self.ledger = FrameLedger()
        self.absence = Absence(self._settings.give_up_after_s)
        self.sent_count = 0
        self._resume_token = ""
        self._next = 0
        self._told: set[int] = set()  # of whose taking the witness was told
        self._started = asyncio.Event()
        self._cuts = list(plan.cuts)
        self._away_until_s = 0.0
        self._start_s, self._epoch_ns = 0.0, 0
        self._acknowledged: asyncio.Queue[str] = asyncio.Queue()
        self._seen = set[str]()
        self._failure: Exception | None = None

    async def events(self) -> AsyncIterator[pb.StreamFramesResponse | Reconnected]:
        """Sends to the end of the plan and to the server's last word.

        Yields:
            The server's messages, and `Reconnected` where the connection was cut or broke.

        Raises:
            RpcFailure: The server refused the stream, or stayed away for longer than `give_up_after_s`.
            Exception: What getting a picture raised.
        """
        tasks = [asyncio.create_task(it) for it in (self._film(), self._pictures.make())]
        try:
            connections = over_connections(self._connection, self.absence, self._pause)
            async with contextlib.aclosing(connections) as events:
                async for event in events:
                    yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pause(self, wait_s: float) -> None:
        """Waits before the next connection: to the end of a cut, where the plan made it."""
        if self._failure is not None:
            raise self._failure
        cut_s = self._away_until_s - asyncio.get_running_loop().time()
        await asyncio.sleep(cut_s if cut_s > 0 else wait_s)

    async def _connection(self) -> AsyncGenerator[pb.StreamFramesResponse, None]:
        call = self._mesh.streams.StreamFrames()
        ending = Ending(call)
        config = self._settings.config(self._mesh.user, self._resume_token, self._settings.keyframes)
        tasks: list[asyncio.Task[None]] = []
        cut = asyncio.Event()
        try:
            with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # it is over: reading tells why
                await call.write(pb.StreamFramesRequest(config=config))
            async for message in call:
                if not self._is_news(message):
                    continue
                if message.WhichOneof("event") == "ready":
                    self._start()
                    tasks = [asyncio.create_task(it) for it in (self._send(call), self._cut(call, cut))]
                yield message
        except asyncio.CancelledError as error:
            if (not cut.is_set() and self._failure is None) or _cancelled():
                raise
            raise RpcFailure.broken("cut by the replay") from error
        except grpc.aio.AioRpcError as error:
            failure = await ending.of(error)
            if failure.code is not grpc.StatusCode.OK:
                raise failure from error
        finally:
            call.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _is_news(self, message: pb.StreamFramesResponse) -> bool:
        """Takes a message in; False where the caller has had it, on an earlier connection."""
        event = message.WhichOneof("event")
        if event == "ready":
            self._resume_token, self.name = message.ready.resume_token, message.ready.name
            self.ledger.ready(message.ready.totals.highest_frame_number)
        elif event == "ack":
            return self.ledger.ack(message.ack)
        elif event == "result":
            self._acknowledged.put_nowait(message.result.event_id)
            known = message.result.event_id in self._seen
            self._seen.add(message.result.event_id)
            return not known
        return True

    async def _cut(self, call: _CALL, cut: asyncio.Event) -> None:
        """Cuts this connection when the plan says so."""
        while self._cuts:
            following = self._cuts[0]
            await self._sleep_until(following.at_s)
            self._cuts.pop(0)
            self._away_until_s = asyncio.get_running_loop().time() + following.away_s
            cut.set()
            call.cancel()

    async def _send(self, call: _CALL) -> None:
        """Sends what is left of the plan; after the last frame, on whichever connection that is, `stop`."""
        writing = asyncio.Lock()  # one message at a time
        acknowledging = asyncio.create_task(self._acknowledge(call, writing))
        try:
            while self._next < len(self._plan.frames):
                await self._send_next(call, writing)
            async with writing:
                await call.write(pb.StreamFramesRequest(command=pb.StreamCommand(stop=pb.StopCommand())))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # the connection is over: reading tells why
        except Exception as error:  # noqa: BLE001  of the pictures: told where the events are read
            self._failure = error
            call.cancel()
        finally:
            acknowledging.cancel()
            await asyncio.gather(acknowledging, return_exceptions=True)

    async def _send_next(self, call: _CALL, writing: asyncio.Lock) -> None:
        frame = self._plan.frames[self._next]
        data = await self._pictures.next()
        await self._sleep_until(frame.sent_s)
        taken = Timestamp()
        taken.FromNanoseconds(self._epoch_ns + round(frame.captured_s * 1e9))
        message = frame_pb2.Frame(frame_number=frame.number, capture_time=taken, image=image_pb2.Image(data=data))
        async with writing:
            self._next += 1
            self._pictures.taken()
            self._take(frame)
            if self.witness is not None:
                self.witness.sent(frame.number)
            await call.write(pb.StreamFramesRequest(frame=message))
            self.sent_count += 1

    async def _acknowledge(self, call: _CALL, writing: asyncio.Lock) -> None:
        while True:
            command = pb.AcknowledgeCommand(event_id=await self._acknowledged.get())
            async with writing:
                await call.write(pb.StreamFramesRequest(command=pb.StreamCommand(acknowledge=command)))

    async def _film(self) -> None:
        """Tells the witness of frames when the camera takes them, also while there is no connection."""
        unsent = {it.number for it in self._plan.unsent}
        await self._started.wait()
        for frame in self._plan.filmed():
            await self._sleep_until(frame.captured_s)
            self._take(frame)
            if frame.number in unsent and self.witness is not None:
                self.witness.dropped(frame.number)

    def _take(self, frame: TimedFrame) -> None:
        if self.witness is not None and frame.number not in self._told:  # not told of a copy
            self._told.add(frame.number)
            self.witness.taken(frame.number, CameraFrame(b"", self._epoch_ns / 1e9 + frame.captured_s))

    def _start(self) -> None:
        """The plan's time begins with the first connection."""
        if not self._started.is_set():
            self._start_s, self._epoch_ns = asyncio.get_running_loop().time(), time.time_ns()
            self._started.set()

    async def _sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self._start_s + at_s - asyncio.get_running_loop().time()))


def _cancelled() -> bool:
    """Whether it is our own task that was cancelled, and not the call."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())
