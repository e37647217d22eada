"""The subprotocol `vitrine.v1.json`: commands and events as JSON text, frames as binary pictures.

Commands: ``{"type": "config" | "configure" | "ping" | "stats" | "stop" | "acknowledge", ...}`` with the fields of that
message of the contract in proto JSON; `configure` also takes the values of `KeyframeConfig` flat. A binary message is
a picture. Its number is one more than the last one's (of the whole session, where that was resumed) and its time that
of its arrival, unless ``{"type": "frame", "frameNumber": ..., "captureTime": ...}`` goes before it. A client that sends
no `config` streams for itself.

Events: `StreamFramesResponse` in proto JSON, with the name of the event as `type` beside it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMessage, WSMsgType
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from ingest_svc.servicers.conversation import Request
from ingest_svc.servicers.stream_messages import pack_result, response
from ingest_svc.streams.events import Event, Ready, Result, Trouble
from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeReason
from ingest_svc.streams.session import Ack
from mesh.auth import check_ownership
from mesh.call import Caller
from mesh.contract import RpcRule
from mesh.errors import InvalidInputError
from mesh.validation import validate

_COMMANDS = ("ping", "stats", "stop", "configure", "acknowledge")
# A command is short. JSON is read on the event loop, and a megabyte of it holds every stream up for some 10 ms.
_MAX_TEXT_CHARS = 64 * 1024
_FLAT = tuple(KeyframeConfig.__dataclass_fields__)


class JsonSink:
    """Implements `ingest_svc.streams.ports.Sink` with JSON text.

    Attributes:
        said_goodbye: Whether a fatal error was sent.
        resumed_at: The highest frame number of the session when this connection took it over; 0 of a new one.
    """

    def __init__(self, write: Callable[[str], Awaitable[None]]) -> None:
        """Wraps a transport.

        Args:
            write: Writes one text message; raises SinkClosedError when the client has gone.
        """
        self._write = write
        self.said_goodbye = False
        self.resumed_at = 0
        self._sequence = 0
        self._writing = asyncio.Lock()

    async def send(self, event: Event) -> None:
        """Sends one event.

        Args:
            event: The event.

        Raises:
            SinkClosedError: When the client has gone.
        """
        async with self._writing:
            self._sequence += 1
            if isinstance(event, Trouble) and event.fatal:
                self.said_goodbye = True
            if isinstance(event, Ready):
                self.resumed_at = event.totals["highest"]
            body = _ack(event, self._sequence) if isinstance(event, Ack) else _any(event, self._sequence)
            await self._write(json.dumps(body, separators=(",", ":")))

    def pack(self, result: Result) -> bytes:
        """Packs a result for keeping, without any picture."""
        return pack_result(result)


def _any(event: Event, sequence: int) -> dict[str, Any]:
    message = response(event, sequence)
    return {"type": message.WhichOneof("event"), **MessageToDict(message)}


def _ack(ack: Ack, sequence: int) -> dict[str, Any]:
    """What `MessageToDict` gives, at a tenth of its cost: there is one for every frame."""
    body: dict[str, Any] = {"frameNumber": str(ack.number), "outcome": f"FRAME_OUTCOME_{ack.outcome.name}"}
    judgement = ack.judgement
    if judgement is not None:
        if judgement.reason is not KeyframeReason.NONE:
            body["keyframeReason"] = f"KEYFRAME_REASON_{judgement.reason.name}"
        if judgement.ssim is not None:
            body["ssim"] = round(judgement.ssim, 6)
        if judgement.pixel_diff is not None:
            body["pixelDiff"] = round(judgement.pixel_diff, 6)
        if judgement.changed_area is not None:
            body["changedArea"] = round(judgement.changed_area, 6)
    if ack.rejected_reason:
        body["rejectedReason"] = ack.rejected_reason
    if ack.lost_before:
        body["lostBeforeCount"] = str(ack.lost_before)
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"type": "ack", "sequence": str(sequence), "serverTime": now, "ack": body}


async def json_messages(
    items: AsyncIterator[WSMessage], rule: RpcRule, caller: Caller, sink: JsonSink
) -> AsyncIterator[Request]:
    """Yields what a client sends as messages of the contract.

    Args:
        items: What comes in.
        rule: What the contract says about the stream.
        caller: Who sends.
        sink: Where the answers go; it knows from which frame on a session was resumed.

    Raises:
        InvalidInputError: When a message is no JSON, or breaks a rule of the contract.
        PermissionDeniedError: When it names a resource of somebody else.
    """
    reader = _Reader(caller, sink)
    async for item in items:
        for message in reader.read(item.type, item.data):
            if rule.plain is None or not rule.plain(message, len(item.data)):
                check_ownership(caller, rule, message)
                validate(message)
            yield message


class _Reader:
    """Turns WebSocket messages into messages of the contract; remembers what one says about the next."""

    def __init__(self, caller: Caller, sink: JsonSink) -> None:
        self._caller = caller
        self._sink = sink
        self._configured = False
        self._number = 0
        self._announced: Request | None = None

    def read(self, kind: WSMsgType, data: Any) -> list[Request]:
        message = self._picture(data) if kind is WSMsgType.BINARY else self._text(data)
        if message is None:
            return []
        if self._configured or message.HasField("config"):
            self._configured = True
            return [message]
        self._configured = True
        first = Request()
        first.config.parent = f"users/{self._caller.subject}"
        return [first, message]

    def _picture(self, data: bytes) -> Request:
        message, self._announced = self._announced or Request(), None
        if not message.frame.frame_number:
            message.frame.frame_number = max(self._number, self._sink.resumed_at) + 1
        self._number = max(self._number, message.frame.frame_number)
        message.frame.image.data = data
        return message

    def _text(self, text: str) -> Request | None:
        if len(text) > _MAX_TEXT_CHARS:
            description = f"expected a command of at most {_MAX_TEXT_CHARS} characters, got {len(text)}"
            raise InvalidInputError.of("message", description, "PROTOCOL_VIOLATION")
        try:
            body = json.loads(text)
            kind = body.pop("type")
            if kind == "frame":
                self._announced = ParseDict({"frame": body}, Request())
                return None
            if kind == "config":
                body.setdefault("parent", f"users/{self._caller.subject}")
                return ParseDict({"config": body}, Request())
            return ParseDict({"command": _command(kind, body)}, Request())
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError, ParseError) as error:
            raise InvalidInputError.of("message", _description(error), "PROTOCOL_VIOLATION") from error


def _command(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind not in _COMMANDS:
        raise ParseError(f"expected one of config, frame, {', '.join(_COMMANDS)} as type")
    return {kind: _nested(body) if kind == "configure" else body}


def _nested(body: dict[str, Any]) -> dict[str, Any]:
    flat = {name: body.pop(name) for name in _FLAT if name in body}
    if flat:
        body["keyframes"] = {**flat, **body.get("keyframes", {})}
    return body


def _description(error: Exception) -> str:
    if isinstance(error, ParseError):
        return str(error)[:200]
    return "expected a JSON object with a `type`"
