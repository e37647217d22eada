"""The first stage: request id, span, metrics and one log line for every RPC."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode

from mesh.call import REQUEST_ID_HEADER, Call, request_id_from, serving_call
from mesh.contract import RpcRule
from mesh.metrics import Metrics
from mesh.telemetry import Tracing, extract_context

# Codes that say "we have a problem", as opposed to "you asked for something that cannot be".
_OUR_FAULT = {
    grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}  # fmt: skip


@dataclass(slots=True)
class Observation:
    """What is observed of one call.

    Attributes:
        call: The call.
        metadata: Its text metadata, keys in lower case.
        code: Its outcome, as far as known.
        reason: The `ErrorReason` of a failure.
    """

    call: Call
    metadata: dict[str, str]
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    started: float = field(default_factory=time.perf_counter)

    def failed(self, code: grpc.StatusCode, reason: str) -> None:
        """Notes how the call failed.

        Args:
            code: The canonical code.
            reason: The `ErrorReason`.
        """
        self.code, self.reason = code, reason


class TelemetryStage:
    """Observes calls."""

    def __init__(self, tracing: Tracing, metrics: Metrics) -> None:
        self._tracer = tracing.tracer
        self._metrics = metrics
        self._log = structlog.get_logger("mesh.rpc")

    @contextlib.contextmanager
    def observe(self, rule: RpcRule, context: Any) -> Iterator[Observation]:
        """Observes one call from its first to its last moment.

        Args:
            rule: What the contract says about the RPC.
            context: gRPC's context of the call.

        Yields:
            The observation; the error stage notes failures in it.
        """
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        call = Call(rule.rpc, request_id_from(metadata.get(REQUEST_ID_HEADER)))
        context.set_trailing_metadata(((REQUEST_ID_HEADER, call.request_id),))
        observed = Observation(call, metadata)
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": rule.service,
            "rpc.method": rule.method,
            "vitrine.request_id": call.request_id,
        }
        with (
            serving_call(call),
            self._metrics.rpc_open.labels(rule.rpc).track_inprogress(),
            self._tracer.start_as_current_span(
                rule.rpc,
                extract_context(metadata),
                SpanKind.SERVER,
                attributes,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
        ):
            try:
                yield observed
            except BaseException as error:
                if observed.code is grpc.StatusCode.OK:  # cancelled, or aborted by the servicer itself
                    aborted = context.code() if isinstance(error, grpc.aio.AbortError) else None
                    observed.code = _code_enum(aborted) or grpc.StatusCode.CANCELLED
                raise
            finally:
                self._close(observed, span)

    def _close(self, observed: Observation, span: Any) -> None:
        seconds = time.perf_counter() - observed.started
        code = observed.code.name
        self._metrics.rpc_handled.labels(observed.call.rpc, code).inc()
        self._metrics.rpc_latency.labels(observed.call.rpc).observe(seconds)
        span.set_attribute("rpc.grpc.status_code", observed.code.value[0])
        if observed.code in _OUR_FAULT:
            span.set_status(Status(StatusCode.ERROR, observed.reason or code))
        write = self._log.debug if observed.code is grpc.StatusCode.OK else self._log.info
        write("rpc", code=code, reason=observed.reason, ms=round(seconds * 1000, 2))


def _code_enum(code: Any) -> grpc.StatusCode | None:
    if isinstance(code, int):
        return next((item for item in grpc.StatusCode if item.value[0] == code), None)
    return code if isinstance(code, grpc.StatusCode) else None
