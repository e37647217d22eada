"""A live stream with every message in the test's own hand."""

from __future__ import annotations

import asyncio
import contextlib

import grpc
import grpc.aio
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.sdk import Vitrine
from vitrine.type.v1 import image_pb2

# How a broken connection looks to a client: directly, and through Envoy.
BROKEN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
# Every frame that comes so long after the last keyframe is one.
KEYFRAMES = frame_pb2.KeyframeConfig(min_interval_s=0.4, max_interval_s=0.6)


class Wire:
    """One connection."""

    def __init__(self, ada: Vitrine) -> None:
        self._user = ada.user
        self._call = ada.streams.StreamFrames()

    async def open(self, token: str = "") -> stream_service_pb2.StreamReady:
        config = stream_service_pb2.StreamConfig(parent=self._user, resume_token=token, keyframes=KEYFRAMES)
        with contextlib.suppress(asyncio.InvalidStateError):  # the call is over already: reading tells why
            await self._call.write(stream_service_pb2.StreamFramesRequest(config=config))
        return (await self._next("ready")).ready

    async def result(self, number: int, photo: bytes) -> frame_pb2.StreamResult:
        """Sends a frame that is a keyframe by the time since the last one, and returns its result."""
        await self.send(number, photo)
        return await self.next_result()

    async def send(self, number: int, photo: bytes) -> None:
        """Sends a frame that is a keyframe by the time since the last one."""
        await asyncio.sleep(KEYFRAMES.max_interval_s)
        frame = frame_pb2.Frame(frame_number=number, image=image_pb2.Image(data=photo))
        await self._call.write(stream_service_pb2.StreamFramesRequest(frame=frame))

    async def next_result(self) -> frame_pb2.StreamResult:
        return (await self._next("result")).result

    async def acknowledge(self, result: frame_pb2.StreamResult) -> None:
        acknowledge = stream_service_pb2.AcknowledgeCommand(event_id=result.event_id)
        await self._command(stream_service_pb2.StreamCommand(acknowledge=acknowledge))

    async def stop(self) -> stream_service_pb2.StreamStats:
        await self._command(stream_service_pb2.StreamCommand(stop=stream_service_pb2.StopCommand()))
        return (await self._next("stats")).stats

    async def end(self) -> grpc.StatusCode:
        with contextlib.suppress(grpc.aio.AioRpcError):
            while True:
                await self._read()
        return await self._call.code()

    async def cancel(self) -> None:
        """Hangs up, as a client that goes away."""
        self._call.cancel()
        assert await self._call.code() is grpc.StatusCode.CANCELLED

    async def _command(self, command: stream_service_pb2.StreamCommand) -> None:
        await self._call.write(stream_service_pb2.StreamFramesRequest(command=command))

    async def _next(self, kind: str) -> stream_service_pb2.StreamFramesResponse:
        while True:
            message = await self._read()
            if message.WhichOneof("event") == kind:
                return message

    async def _read(self) -> stream_service_pb2.StreamFramesResponse:
        message = await self._call.read()
        assert isinstance(message, stream_service_pb2.StreamFramesResponse), "the server ended the stream"
        return message


async def resume(ada: Vitrine, token: str) -> tuple[Wire, stream_service_pb2.StreamReady]:
    """Connects until a replica takes the session up."""
    while True:
        wire = Wire(ada)
        try:
            return wire, await wire.open(token)
        except grpc.aio.AioRpcError as error:
            if error.code() not in BROKEN:
                raise
        await asyncio.sleep(0.1)
