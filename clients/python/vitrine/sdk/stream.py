"""A live stream that survives broken connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.absence import Absence, over_connections
from vitrine.sdk.camera import Camera
from vitrine.sdk.client import Vitrine
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.frames import CameraFrame
from vitrine.sdk.outbox import Outbox
from vitrine.sdk.stream_settings import Reconnected, StreamSettings
from vitrine.sdk.transport import Ending
from vitrine.type.v1 import image_pb2

__all__ = ["FrameStream", "Reconnected", "StreamSettings"]


class FrameStream:
    """Sends frames and gives the server's events, over as many connections as it takes.

    Frames are numbered here, also those that are dropped while there is no connection, so that the server's ledger
    sees the gap. Results are acknowledged when the caller asks for the next event, and a replayed result that was
    already given is not given again. `ledger` is what was said of each frame; it agrees with the server's totals.
    `camera` holds the server's advice: give it to `frames_of`, or ask it before each frame.
    """

    def __init__(self, mesh: Vitrine, settings: StreamSettings | None = None) -> None:
        """Prepares a stream; nothing is sent before `events`.

        Args:
            mesh: The client.
            settings: How to stream.
        """
        self._mesh = mesh
        self._settings = settings or StreamSettings()
        self.witness = self._settings.witness
        self._keyframes = frame_pb2.KeyframeConfig()  # as last asked for: a new connection asks for the same
        self._keyframes.CopyFrom(self._settings.keyframes)
        self.camera = Camera()
        self._pending = Outbox(self._settings.max_pending_frames, self._settings.max_unanswered_frames)
        self._resume_token = self._settings.resume_token
        self._numbered = asyncio.Event()  # set once it is known which number the first frame has
        self._seen: set[str] = set()
        self._number = self._settings.resume_after
        if not self._resume_token:
            self._numbered.set()
        self.ledger = FrameLedger()
        self.absence = Absence(self._settings.give_up_after_s)
        self.sent_count = 0
        self.dropped_count = 0
        self.reconnect_count = 0
        self.name = ""

    async def events(self, frames: AsyncIterator[CameraFrame]) -> AsyncIterator[pb.StreamFramesResponse | Reconnected]:
        """Streams until the frames end and the server has said its last word.

        Args:
            frames: What the camera sees, paced.

        Yields:
            The server's messages, and `Reconnected` where the connection broke in between.

        Raises:
            RpcFailure: The server refused the stream, or was away or full for longer than `give_up_after_s`.
            Exception: What reading a frame raised, once the server has said its last word about those before it.
        """
        reader = asyncio.create_task(self._read(frames))
        try:
            async with contextlib.aclosing(over_connections(self._connection, self.absence)) as events:
                async for event in events:
                    self.reconnect_count += isinstance(event, Reconnected)
                    yield event
                    if not isinstance(event, Reconnected) and event.WhichOneof("event") == "result":
                        self._acknowledge(event.result.event_id)
            await reader
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    @property
    def resume_token(self) -> str:
        """Shows who owns the session: keep it secret, and another process can go on where this one was killed.

        Empty before the server is `ready`, and useless once the stream has ended. See `StreamSettings.resume_token`.
        """
        return self._resume_token

    @property
    def frame_number(self) -> int:
        """The number of the last frame that was taken; to be kept beside `resume_token`."""
        return self._number

    def configure(self, keyframes: frame_pb2.KeyframeConfig) -> None:
        """Changes how keyframes are chosen while the stream runs.

        Args:
            keyframes: New values; what is not set stays.
        """
        self._keyframes.MergeFrom(keyframes)
        self._command(pb.StreamCommand(configure=pb.ConfigureCommand(keyframes=keyframes)))

    def ask_stats(self) -> None:
        """Asks for the totals; they come as an event."""
        self._command(pb.StreamCommand(stats=pb.StatsCommand()))

    def _command(self, command: pb.StreamCommand) -> None:
        self._pending.put(pb.StreamFramesRequest(command=command))

    def _acknowledge(self, event_id: str) -> None:
        self._command(pb.StreamCommand(acknowledge=pb.AcknowledgeCommand(event_id=event_id)))

    async def _read(self, frames: AsyncIterator[CameraFrame]) -> None:
        try:
            await self._numbered.wait()
            async for frame in frames:
                self._take(frame)
        finally:  # also when the camera breaks: what it saw until then is finished
            self._pending.end()

    def _take(self, frame: CameraFrame) -> None:
        self._number += 1
        if self.witness is not None:
            self.witness.taken(self._number, frame)
        taken = Timestamp()
        taken.FromNanoseconds(round(frame.capture_time_s * 1e9))
        message = frame_pb2.Frame(frame_number=self._number, capture_time=taken, image=image_pb2.Image(data=frame.jpeg))
        self._drop(self._pending.put(pb.StreamFramesRequest(frame=message)))

    def _drop(self, numbers: list[int]) -> None:
        self.dropped_count += len(numbers)
        for number in numbers:
            if self.witness is not None:
                self.witness.dropped(number)

    async def _connection(self) -> AsyncGenerator[pb.StreamFramesResponse, None]:
        """One connection: config, then whatever waits to be sent; yields what comes back."""
        call = self._mesh.streams.StreamFrames()
        ending = Ending(call)
        config = self._settings.config(self._mesh.user, self._resume_token, self._keyframes)
        with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # it is over: reading tells why
            await call.write(pb.StreamFramesRequest(config=config))
        sender: asyncio.Task[None] | None = None
        try:
            async for message in call:
                if not self._is_news(message):
                    continue
                if message.WhichOneof("event") == "ready":
                    sender = asyncio.create_task(self._send(call, self.ledger.highest))
                yield message
        except grpc.aio.AioRpcError as error:
            failure = await ending.of(error)
            if failure.code is not grpc.StatusCode.OK:
                raise failure from error
        finally:
            call.cancel()
            if sender is not None:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)

    def _is_news(self, message: pb.StreamFramesResponse) -> bool:
        """Takes a message in; False where the caller has had it, and the server did not know that."""
        event = message.WhichOneof("event")
        if event == "ready":
            self._begin(message.ready)
        elif event == "ack":
            self._pending.answered(message.ack.frame_number)
            return self.ledger.ack(message.ack)
        elif event == "quality_advice" and self._settings.obey_advice:
            self.camera.obey(message.quality_advice)
            if self.camera.asked:  # newer frames will be as advised; of the older ones a second's worth is enough
                self._drop(self._pending.trim(max(1, round(message.quality_advice.frame_rate_fps))))
        elif event == "result":
            if message.result.event_id in self._seen:
                self._acknowledge(message.result.event_id)
                return False
            self._seen.add(message.result.event_id)
        return True

    def _begin(self, ready: pb.StreamReady) -> None:
        highest = ready.totals.highest_frame_number
        self._resume_token, self.name = ready.resume_token, ready.name
        self.ledger.ready(highest)
        self._pending.reconnected()
        self.camera.release()  # advice holds for the connection that it came on
        if not self._numbered.is_set():
            self._number = max(self._number, highest)
            self._numbered.set()

    async def _send(
        self, call: grpc.aio.StreamStreamCall[pb.StreamFramesRequest, pb.StreamFramesResponse], highest: int
    ) -> None:
        """Sends what waits; after the last frame, on whichever connection that is, `stop`."""
        while (message := await self._pending.get()) is not None:
            is_frame = message.WhichOneof("message") == "frame"
            if is_frame and message.frame.frame_number <= highest:
                self._pending.answered(message.frame.frame_number)
                continue
            if is_frame and self.witness is not None:
                self.witness.sent(message.frame.frame_number)
            await call.write(message)  # its answer may be here before this returns
            self.sent_count += is_frame
        await call.write(pb.StreamFramesRequest(command=pb.StreamCommand(stop=pb.StopCommand())))
