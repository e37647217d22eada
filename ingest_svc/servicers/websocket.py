"""StreamService over WebSocket at `/v1/stream`, on the event loop of the gRPC server and into the same use case.

Two subprotocols: `vitrine.v1.proto`, whose binary messages are those of the contract, and `vitrine.v1.json` (also the
default), see `websocket_json`. The token comes in the header `authorization`, as the subprotocol `bearer.<token>`
(browsers cannot set headers), or in a cookie; a cookie counts only on pages of our own origin, or of a listed one.

Where a gRPC call would end with a status, an `error` event with `fatal` set is sent and the socket is closed with
4000 + the number of the canonical code; the close reason is the error reason. A good end closes with 1000.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import grpc
from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web
from vitrine.ingest.v1 import stream_service_pb2, tryon_service_pb2

from ingest_svc.servicers.conversation import Messages, MessageSink, Request, converse
from ingest_svc.servicers.plain_frames import plain_frame
from ingest_svc.servicers.stream_messages import Response
from ingest_svc.servicers.tryon import not_yet
from ingest_svc.servicers.turns import taking_turns
from ingest_svc.servicers.websocket_json import JsonSink, json_messages
from ingest_svc.streams.events import Trouble
from ingest_svc.streams.hub import StreamHub
from ingest_svc.streams.ports import SinkClosedError
from mesh.auth import TokenVerifier, check_role
from mesh.call import Caller
from mesh.contract import RpcRule, rule_of
from mesh.errors import InvalidInputError, ResourceExhaustedError, UnauthenticatedError, VitrineError
from mesh.failures import FailureStage
from mesh.metrics import Metrics
from mesh.observation import Observation, TelemetryStage
from mesh.readiness import Readiness
from mesh.status import code_of, grpc_code
from mesh.validation import accept, too_large

PROTO = "vitrine.v1.proto"
JSON = "vitrine.v1.json"
_BEARER = "bearer."
_CLOSE_BASE = 4000
_HEARTBEAT_S = 20.0
_GOODBYE_S = 2.0  # how long a client may take to answer our close
_MAX_REASON_BYTES = 120  # a close frame holds 125 bytes, two of them the code


class StreamSockets:
    """Serves WebSockets."""

    def __init__(
        self,
        hub: StreamHub,
        verifier: TokenVerifier,
        readiness: Readiness,
        telemetry: TelemetryStage,
        failures: FailureStage,
        metrics: Metrics,
        *,
        cookie: str,
        origins: frozenset[str],
        max_message_bytes: int,
    ) -> None:
        """Wraps the use case.

        Args:
            hub: All streams of this process.
            verifier: Checks tokens.
            readiness: Whether calls are taken.
            telemetry: Observes each socket as it observes a call.
            failures: Turns exceptions into errors of ours.
            metrics: Counts open sessions.
            cookie: Name of the cookie that may hold a token.
            origins: Origins beside our own whose pages may use it.
            max_message_bytes: Largest message.
        """
        self._hub = hub
        self._verifier = verifier
        self._readiness = readiness
        self._telemetry = telemetry
        self._failures = failures
        self._open = metrics.sessions.labels("stream", "websocket")
        self._cookie = cookie
        self._origins = origins
        self._max_message_bytes = max_message_bytes
        self._rule = replace(rule_of(_method(stream_service_pb2, "StreamService", "StreamFrames")), plain=plain_frame)
        self._try_on_rule = rule_of(_method(tryon_service_pb2, "TryOnService", "StreamTryOn"))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serves one stream.

        Args:
            request: The upgrade request.
        """
        return await self._serve(request, self._rule)

    async def try_on(self, request: web.Request) -> web.StreamResponse:
        """Answers that live try-on is not served yet.

        Args:
            request: The upgrade request.
        """
        return await self._serve(request, self._try_on_rule)

    async def _serve(self, request: web.Request, rule: RpcRule) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            timeout=_GOODBYE_S,
            protocols=(PROTO, JSON),
            heartbeat=_HEARTBEAT_S,
            compress=False,
            # As with gRPC: up to twice the limit is read, so that the client hears what the limit is.
            max_msg_size=2 * self._max_message_bytes,
        )
        await socket.prepare(request)
        sink = _sink(socket)
        with self._telemetry.observe(rule, _Upgrade(request)) as observed, self._open.track_inprogress():
            await self._converse(request, socket, sink, observed, rule)
        return socket

    async def _converse(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        sink: MessageSink | JsonSink,
        observed: Observation,
        rule: RpcRule,
    ) -> None:
        """Serves until the end and says goodbye."""
        try:
            self._readiness.check()
            observed.call.caller = caller = await self._authenticate(request, rule)
            if rule is self._try_on_rule:
                not_yet()
            await converse(self._hub, _messages(_received(socket, self._max_message_bytes), rule, caller, sink), sink)
        except SinkClosedError:
            observed.failed(grpc.StatusCode.CANCELLED, "")
        except Exception as error:  # noqa: BLE001 - the one place where all of them end
            known = self._failures.convert(error)
            observed.failed(grpc_code(code_of(known)), known.reason)
            await _refuse(socket, sink, known)
        else:
            await socket.close()

    async def _authenticate(self, request: web.Request, rule: RpcRule) -> Caller:
        caller = await self._verifier.authenticate(self._authorization(request))
        check_role(caller, rule.access)
        return caller

    def _authorization(self, request: web.Request) -> str | None:
        header = request.headers.get("authorization")
        if header is not None:
            return header
        for offered in request.headers.get("sec-websocket-protocol", "").split(","):
            if offered.strip().startswith(_BEARER):
                return f"Bearer {offered.strip()[len(_BEARER) :]}"
        token = request.cookies.get(self._cookie)
        if token is None:
            return None
        if not self._own_page(request):
            raise UnauthenticatedError("a cookie of another origin's page does not count", "TOKEN_INVALID")
        return f"Bearer {token}"

    def _own_page(self, request: web.Request) -> bool:
        origin = request.headers.get("origin")
        if origin is None:  # no browser, so nobody who could be tricked into sending a cookie
            return True
        return origin in self._origins or urlsplit(origin).netloc == request.headers.get("host")


class _Upgrade:
    """An upgrade request as telemetry knows gRPC's context of a call."""

    def __init__(self, request: web.Request) -> None:
        self._headers = request.headers

    def invocation_metadata(self) -> list[tuple[str, str]]:
        """The headers; W3C trace context and request id are in them."""
        return [(name.lower(), value) for name, value in self._headers.items()]

    def set_trailing_metadata(self, _: object) -> None:
        """A WebSocket has no trailers."""


def _method(module: Any, service: str, method: str) -> Any:
    return module.DESCRIPTOR.services_by_name[service].methods_by_name[method]


def _sink(socket: web.WebSocketResponse) -> MessageSink | JsonSink:
    async def write_text(text: str) -> None:
        try:
            await socket.send_str(text)
        except ConnectionError as error:
            raise SinkClosedError from error

    async def write_message(message: Response) -> None:
        try:
            await socket.send_bytes(message.SerializeToString())
        except ConnectionError as error:
            raise SinkClosedError from error

    return MessageSink(write_message) if socket.ws_protocol == PROTO else JsonSink(write_text)


def _messages(items: AsyncIterator[WSMessage], rule: RpcRule, caller: Caller, sink: MessageSink | JsonSink) -> Messages:
    if isinstance(sink, JsonSink):
        return json_messages(items, rule, caller, sink)
    return _proto_messages(items, rule, caller)


async def _received(socket: web.WebSocketResponse, max_bytes: int) -> AsyncIterator[WSMessage]:
    """Yields messages until the client closes; aiohttp has answered what breaks its rules with a close code itself."""
    async for message in taking_turns(socket):
        if message.type is WSMsgType.ERROR:
            if isinstance(message.data, WebSocketError) and message.data.code == WSCloseCode.MESSAGE_TOO_BIG:
                raise ResourceExhaustedError("the message is larger than the limit", "MESSAGE_TOO_LARGE")
            raise InvalidInputError.of("message", "expected WebSocket frames of RFC 6455", "PROTOCOL_VIOLATION")
        if len(message.data) > max_bytes:
            raise too_large(max_bytes, len(message.data))
        yield message


async def _proto_messages(items: AsyncIterator[WSMessage], rule: RpcRule, caller: Caller) -> AsyncIterator[Request]:
    async for message in items:
        raw = message.data if message.type is WSMsgType.BINARY else b"\xff"  # text is no message of the contract
        yield accept(raw, rule, caller)  # type: ignore[misc]  # the class is the one that the rule names


async def _refuse(socket: web.WebSocketResponse, sink: MessageSink | JsonSink, error: VitrineError) -> None:
    if socket.closed:
        return
    try:
        if not sink.said_goodbye:
            await sink.send(Trouble(error, fatal=True))
        reason = error.reason.encode()[:_MAX_REASON_BYTES]
        await socket.close(code=_CLOSE_BASE + code_of(error), message=reason)
    except (SinkClosedError, ConnectionError):
        return
