"""One stream as a conversation in messages of the contract, whatever carries them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from vitrine.ingest.v1 import stream_service_pb2

from ingest_svc.servicers.stream_messages import (
    Response,
    capture_ns,
    keyframe_values,
    open_request,
    pack_result,
    response,
    result_options,
)
from ingest_svc.streams.events import Event, Result, Trouble
from ingest_svc.streams.hub import StreamHub, changed
from ingest_svc.streams.live import LiveStream
from ingest_svc.streams.ports import Sink
from mesh.errors import DeadlineExceededError, InvalidInputError

Request = stream_service_pb2.StreamFramesRequest
Messages = AsyncIterator[Request]

_NS = 1_000_000_000
# A connection without a session takes no seat, so that it may not last. A person may be asked for the camera meanwhile.
_CONFIG_S = 60.0


class MessageSink:
    """Implements `ingest_svc.streams.ports.Sink`: numbers the messages and writes one at a time.

    Attributes:
        said_goodbye: Whether a fatal error was sent.
    """

    def __init__(self, write: Callable[[Response], Awaitable[None]]) -> None:
        """Wraps a transport.

        Args:
            write: Writes one message; raises SinkClosedError when the client has gone.
        """
        self._write = write
        self.said_goodbye = False
        self._sequence = 0
        self._writing = asyncio.Lock()

    async def send(self, event: Event) -> None:
        """Sends one event.

        Args:
            event: The event.

        Raises:
            SinkClosedError: When the client has gone.
        """
        await self._writing.acquire()  # a third of what `async with` costs
        try:
            self._sequence += 1
            if isinstance(event, Trouble) and event.fatal:
                self.said_goodbye = True
            await self._write(response(event, self._sequence))
        finally:
            self._writing.release()

    def pack(self, result: Result) -> bytes:
        """Packs a result for keeping, without any picture."""
        return pack_result(result)


async def converse(hub: StreamHub, messages: Messages, sink: Sink) -> None:
    """Serves one connection.

    Args:
        hub: The use case.
        messages: What the client sends, already checked against the contract and the caller.
        sink: Where events go.

    Raises:
        VitrineError: See `StreamHub.run`.
    """
    try:
        async with asyncio.timeout(_CONFIG_S):
            first = await anext(messages, None)
    except TimeoutError as error:
        raise DeadlineExceededError(f"no `config` came within {_CONFIG_S:g} s", "DEADLINE_EXCEEDED") from error
    if first is None:
        return
    if first.WhichOneof("message") != "config":
        raise _broken("the first message must be `config`")
    await hub.run(open_request(first.config), sink, lambda live: _pump(messages, live))


async def _pump(messages: Messages, live: LiveStream) -> bool:
    async for message in messages:
        kind = message.WhichOneof("message")
        if kind == "frame":
            frame = message.frame
            await live.frame(frame.frame_number, frame.image.data, capture_ns(frame))
        elif kind == "config":
            raise _broken("`config` may be sent only once; use the command `configure`")
        elif await _obey(message.command, live):
            return True
    return False


async def _obey(command: stream_service_pb2.StreamCommand, live: LiveStream) -> bool:
    """Does what a command says; True when it ends the session."""
    kind = command.WhichOneof("command")
    if kind == "ping":
        ping = command.ping
        sent = ping.client_time
        await live.ping(sent.seconds * _NS + sent.nanos if ping.HasField("client_time") else None)
    elif kind == "stats":
        await live.stats()
    elif kind == "configure":
        await _configure(command.configure, live)
    elif kind == "acknowledge":
        await live.acknowledge(command.acknowledge.event_id)
    return kind == "stop"


async def _configure(command: stream_service_pb2.ConfigureCommand, live: LiveStream) -> None:
    values = keyframe_values(command.keyframes)
    config = changed(live.session.keyframes, values, "command.configure.keyframes")
    await live.configure(config, result_options(command.results) if command.HasField("results") else None)


def _broken(description: str) -> InvalidInputError:
    return InvalidInputError.of("message", description, "PROTOCOL_VIOLATION")
