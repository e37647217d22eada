"""What can carry a live stream: gRPC with two clients, WebSocket in two subprotocols."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import grpc.aio
import grpclib.client
import grpclib.exceptions
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import code_pb2
from vitrine.ingest.v1 import stream_service_pb2, stream_service_pb2_grpc
from vitrine_client.vitrine.ingest import v1 as better
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from tests.mesh.answers import Answer, Failure, failed, failed_with
from tests.mesh.ways import status_of

Request = stream_service_pb2.StreamFramesRequest
Response = stream_service_pb2.StreamFramesResponse
Headers = Mapping[str, str]
_CLOSE_BASE = 4000


class Carrier(Protocol):
    """What carries a stream."""

    async def send(self, message: Request) -> None:
        """Sends one message."""
        ...

    def receive(self) -> AsyncIterator[Response]:
        """Yields what comes, to the end."""
        ...

    async def failure(self) -> Failure | None:
        """How it ended; None for well."""
        ...


class GrpcCarrier:
    """grpcio."""

    def __init__(self, channel: grpc.aio.Channel, headers: Headers) -> None:
        stub: Any = stream_service_pb2_grpc.StreamServiceStub(channel)
        self._call = stub.StreamFrames(metadata=tuple(headers.items()))
        self._answer = Answer()

    async def send(self, message: Request) -> None:
        await self._call.write(message)

    async def receive(self) -> AsyncIterator[Response]:
        try:
            async for event in self._call:
                yield event
        except grpc.aio.AioRpcError as error:
            self._answer = failed_with(status_of(error))

    async def failure(self) -> Failure | None:
        return self._answer.failure


class BetterCarrier:
    """betterproto2 on grpclib."""

    def __init__(self, channel: grpclib.client.Channel, headers: Headers) -> None:
        self._outgoing: asyncio.Queue[better.StreamFramesRequest] = asyncio.Queue()
        self._stub = better.StreamServiceStub(channel)
        self._headers = headers
        self._answer = Answer()

    async def send(self, message: Request) -> None:
        await self._outgoing.put(better.StreamFramesRequest.parse(message.SerializeToString()))

    async def receive(self) -> AsyncIterator[Response]:
        try:
            async for event in self._stub.stream_frames(self._requests(), metadata=self._headers):
                yield Response.FromString(bytes(event))
        except grpclib.exceptions.GRPCError as error:
            self._answer = failed(error.status.value, error.details or [])

    async def failure(self) -> Failure | None:
        return self._answer.failure

    async def _requests(self) -> AsyncIterator[better.StreamFramesRequest]:
        stopped = False
        while (
            not stopped
        ):  # after `stop` the client is done too; grpclib takes a server that ends first for a broken one
            message = await self._outgoing.get()
            stopped = message.command is not None and message.command.stop is not None
            yield message


class SocketCarrier:
    """A WebSocket in either subprotocol; errors come as an event and as the code of the close."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._error: stream_service_pb2.StreamError | None = None

    async def send(self, message: Request) -> None:
        if self._socket.subprotocol == "vitrine.v1.proto":
            await self._socket.send(message.SerializeToString())
            return
        kind = message.WhichOneof("message")
        if kind == "command":
            command = message.command.WhichOneof("command")
            await self.send_json(command, getattr(message.command, str(command)))
        elif kind == "config":
            await self.send_json("config", message.config)
        else:
            data = message.frame.image.data
            message.frame.ClearField("image")
            await self.send_json("frame", message.frame)
            await self._socket.send(data)

    async def send_json(self, kind: str | None, body: Any) -> None:
        """Sends a command as text."""
        await self._socket.send(json.dumps({"type": kind, **MessageToDict(body)}))

    async def send_raw(self, raw: str | bytes) -> None:
        """Sends whatever it is."""
        await self._socket.send(raw)

    async def receive(self) -> AsyncIterator[Response]:
        hanging_up = asyncio.create_task(self._hang_up())
        with contextlib.suppress(ConnectionClosedError):  # codes of ours are errors to the library; `failure` looks
            async for raw in self._socket:
                event = event_of(raw)
                if event.WhichOneof("event") == "error" and event.error.fatal:
                    self._error = event.error
                else:
                    yield event
        hanging_up.cancel()

    async def _hang_up(self) -> None:
        """Ends the connection after the server's close; to wait for Envoy's end of it costs a second each time."""
        while self._socket.protocol.close_rcvd is None:  # noqa: ASYNC110 - the library has no event for it
            await asyncio.sleep(0.01)
        self._socket.transport.close()

    async def failure(self) -> Failure | None:
        code, reason = self._socket.close_code, self._socket.close_reason
        if self._error is None:
            assert code == 1000, (code, reason)
            return None
        answer = failed_with(self._error.status)
        assert answer.failure is not None
        assert code == _CLOSE_BASE + code_pb2.Code.Value(answer.failure.code)
        assert reason == self._error.reason == answer.failure.reason
        return answer.failure


def event_of(raw: str | bytes) -> Response:
    if isinstance(raw, bytes):
        return Response.FromString(raw)
    body = json.loads(raw)
    kind = body.pop("type")
    event = ParseDict(body, Response())
    assert event.WhichOneof("event") == kind
    return event
