"""Calls to other services: deadline, identity, request id and trace go along; retries where the contract allows."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import grpc
import grpc.aio
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from mesh.auth import ServiceTokens
from mesh.call import REQUEST_ID_HEADER, current_call
from mesh.contract import loaded_services, rule_of
from mesh.metrics import Metrics
from mesh.settings import ServiceSettings, metadata_options
from mesh.telemetry import Tracing, inject_context

# Envoy and our servers allow one ping per 10 s; 30 s finds a dead peer soon enough.
_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000
# A restarted peer is back within seconds; gRPC's default would wait up to two minutes between attempts.
_MAX_RECONNECT_MS = 2_000
# With a limit of exactly 0 gRPC still makes most calls; what is past is past.
_NO_TIME_S = -1.0
# Only what never reached the servicer, or may be repeated by contract. 4 attempts within about 0.7 s.
_RETRY_POLICY = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def connect(
    target: str,
    settings: ServiceSettings,
    tokens: ServiceTokens | None,
    *,
    default_deadline_s: float,
    metrics: Metrics | None = None,
    tracing: Tracing | None = None,
) -> grpc.aio.Channel:
    """Opens a channel to another service of the mesh.

    A unary call gets `default_deadline_s` unless it states a `timeout`; no call waits longer than the caller of the RPC
    that is being served. Import the stubs before connecting: the retry policy covers the idempotent RPCs of the
    generated modules that are loaded.

    Args:
        target: ``host:port``.
        settings: Message limits.
        tokens: Identity of this service, or None to call as nobody.
        default_deadline_s: Deadline of unary calls that state none, in seconds.
        metrics: Where calls are counted.
        tracing: What makes the spans of the calls; by default the tracer that `mesh.server.run` made global.

    Returns:
        A channel for the generated stubs. Nothing is connected until the first call.
    """
    options = [
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.max_reconnect_backoff_ms", _MAX_RECONNECT_MS),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        *metadata_options(settings),
        ("grpc.service_config", json.dumps(service_config())),
    ]
    return MeshChannel(grpc.aio.insecure_channel(target, options), tokens, default_deadline_s, metrics, tracing)


def service_config() -> dict[str, Any]:
    """Returns gRPC's service config: retries for the idempotent unary RPCs of the loaded part of the contract."""
    rules = [rule_of(method) for service in loaded_services() for method in service.methods]
    names = [
        {"service": rule.service, "method": rule.method} for rule in rules if rule.idempotent and not rule.streaming
    ]
    return {"methodConfig": [{"name": names, "retryPolicy": _RETRY_POLICY}]} if names else {}


class MeshChannel(grpc.aio.Channel):
    """A channel whose calls carry deadline, identity, request id and trace; messages pass it untouched.

    Write to calls that stream up (`call.write`) instead of giving them an iterator: when the server ends such a call
    first, grpc.aio leaves the task that waits for the iterator behind.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        tokens: ServiceTokens | None,
        default_deadline_s: float,
        metrics: Metrics | None,
        tracing: Tracing | None,
    ) -> None:
        self._channel = channel
        self._tokens = tokens
        self._default_deadline_s = default_deadline_s
        self._metrics = metrics
        self._tracer = tracing.tracer if tracing else trace.get_tracer("vitrine.mesh")

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Makes the callable of a unary RPC."""
        return self._outgoing(method, self._channel.unary_unary(method, *args, **kwargs), self._default_deadline_s)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Makes the callable of a server-streaming RPC."""
        return self._outgoing(method, self._channel.unary_stream(method, *args, **kwargs), None)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Makes the callable of a client-streaming RPC."""
        return self._outgoing(method, self._channel.stream_unary(method, *args, **kwargs), None)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Makes the callable of a bidirectional RPC."""
        return self._outgoing(method, self._channel.stream_stream(method, *args, **kwargs), None)

    def _outgoing(self, method: str, inner: Callable[..., Any], default_s: float | None) -> Callable[..., Any]:
        rpc = method.removeprefix("/")

        def call(
            *args: Any,
            timeout: float | None = None,
            metadata: Sequence[tuple[str, str | bytes]] | None = None,
            **kwargs: Any,
        ) -> Any:
            wanted_s = default_s if timeout is None else timeout  # 0 is a time limit too: no time at all
            span = self._tracer.start_span(rpc, kind=SpanKind.CLIENT)
            started = time.perf_counter()
            try:
                with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                    headers = (*(metadata or ()), *self._headers().items())
                made = inner(*args, timeout=_time_limit(wanted_s), metadata=headers, **kwargs)
            except BaseException as error:  # no call was made that could end the span: a closed channel, a bad argument
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                span.end()
                raise
            made.add_done_callback(lambda done: self._finish(done, rpc, span, started, unary=default_s is not None))
            return made

        return call

    def _headers(self) -> Mapping[str, str]:
        call = current_call()
        headers = {REQUEST_ID_HEADER: call.request_id if call else str(uuid.uuid4())}
        inject_context(headers)
        token = self._tokens.token() if self._tokens else None
        if token:
            headers["authorization"] = f"Bearer {token}"
        return headers

    def _finish(self, made: Any, rpc: str, span: trace.Span, started: float, *, unary: bool) -> None:
        code = _code_name(made)
        if code not in ("OK", "CANCELLED"):
            span.set_status(Status(StatusCode.ERROR, code))
        span.set_attribute("rpc.system", "grpc")
        span.end()
        if self._metrics is not None:
            self._metrics.calls_handled.labels(rpc, code).inc()
            if unary:
                self._metrics.calls_latency.labels(rpc).observe(time.perf_counter() - started)

    async def close(self, grace: float | None = None) -> None:
        """Closes the channel.

        Args:
            grace: Time for open calls to end, in seconds.
        """
        await self._channel.close(grace)

    async def __aenter__(self) -> Self:
        """Returns the channel."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the channel."""
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Returns the state of the connection."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Waits until the connection leaves a state."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Waits until the connection stands."""
        await self._channel.channel_ready()


def _time_limit(wanted_s: float | None) -> float | None:
    call = current_call()
    rest_s = call.remaining_s() if call else None
    limit_s = min((value for value in (wanted_s, rest_s) if value is not None), default=None)
    return limit_s if limit_s is None or limit_s > 0 else _NO_TIME_S


def _code_name(made: Any) -> str:
    """The outcome of a finished call. gRPC tells it only to coroutines; for a finished call they never wait."""
    asking = made.code()
    try:
        asking.send(None)
    except StopIteration as told:
        return str(told.value.name)
    asking.close()
    return "UNKNOWN"
