"""A client of StreamFrames for tests: sends what it is told, keeps everything that comes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import grpc.aio
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2, stream_service_pb2_grpc

Request: Any = stream_service_pb2.StreamFramesRequest  # made of dicts here, which the stubs do not know
Response = stream_service_pb2.StreamFramesResponse

_ENDS = {
    frame_pb2.FRAME_OUTCOME_PROCESSED, frame_pb2.FRAME_OUTCOME_SUPERSEDED, frame_pb2.FRAME_OUTCOME_REJECTED,
}  # fmt: skip


class StreamClient:
    """One connection.

    Attributes:
        events: Everything that came, in order.
    """

    def __init__(self, port: int, token: str | None, user: str = "ada") -> None:
        self.events: list[Response] = []
        self.user = user
        self._channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )
        stub: Any = stream_service_pb2_grpc.StreamServiceStub(self._channel)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self.call = stub.StreamFrames(metadata=metadata)
        self._came = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        self._numbers = itertools.count(1)

    async def _read(self) -> grpc.StatusCode:
        try:
            async for event in self.call:
                async with self._came:
                    self.events.append(event)
                    self._came.notify_all()
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            pass
        async with self._came:
            self._came.notify_all()
        code: grpc.StatusCode = await self.call.code()
        return code

    async def config(self, **values: Any) -> Any:
        """Opens the session and returns `ready`."""
        await self.call.write(Request(config={"parent": f"users/{self.user}", **values}))
        return (await self.event("ready")).ready

    async def frame(self, jpeg: bytes, number: int | None = None, at_s: float | None = None) -> int:
        """Sends a frame; returns its number."""
        number = next(self._numbers) if number is None else number
        request = Request(frame={"frame_number": number, "image": {"data": jpeg}})
        if at_s is not None:
            request.frame.capture_time.FromNanoseconds(round(at_s * 1e9))
        await self.call.write(request)
        return number

    async def command(self, kind: str, **values: Any) -> None:
        """Sends a command."""
        await self.call.write(Request(command={kind: values}))

    async def until(self, found: Callable[[Response], bool], timeout_s: float = 60.0) -> Response:
        """Returns the first event, past or future, of which `found` is true."""

        async def wait() -> Response:
            async with self._came:
                while True:
                    for event in self.events:
                        if found(event):
                            return event
                    if self._reading.done() or self.call.done():
                        raise AssertionError(f"the stream ended: {await self.call.code()} {await self.call.details()}")
                    await self._came.wait()

        return await asyncio.wait_for(wait(), timeout_s)

    async def event(self, kind: str) -> Response:
        """Returns the first event of a kind."""
        return await self.until(lambda event: event.WhichOneof("event") == kind)

    async def ack(self, number: int) -> Any:
        """Returns the first acknowledgement of a frame."""
        found = await self.until(lambda event: event.ack.frame_number == number)
        return found.ack

    async def end_of(self, number: int) -> Any:
        """Returns the final acknowledgement of a keyframe."""
        found = await self.until(lambda event: event.ack.frame_number == number and event.ack.outcome in _ENDS)
        return found.ack

    async def result(self, number: int) -> Any:
        """Returns the result of a keyframe."""
        return (await self.until(lambda event: event.result.frame_number == number)).result

    async def stop(self) -> Any:
        """Ends the session and returns its closing totals."""
        await self.command("stop")
        return await self.closing()

    async def closing(self) -> Any:
        """Returns the closing totals and checks that the stream ended well."""
        final = await self.until(lambda event: event.stats.final)
        assert await self.status() is grpc.StatusCode.OK
        return final.stats

    async def status(self) -> grpc.StatusCode:
        """Waits for the end and returns its code."""
        return await asyncio.wait_for(self._reading, 60)

    async def drop(self) -> None:
        """Vanishes without a word."""
        self.call.cancel()
        await self._reading
        await self._channel.close()

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()


def accounted(totals: frame_pb2.FrameTotals) -> int:
    """The sum that must equal `highest_frame_number`."""
    return (
        totals.processed_count + totals.skipped_interval_count + totals.skipped_same_scene_count
        + totals.superseded_count + totals.late_count + totals.rejected_count + totals.lost_count + totals.pending_count
    )  # fmt: skip


def now_s() -> float:
    """The client's clock."""
    return time.time()
