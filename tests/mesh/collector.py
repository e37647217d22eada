"""A small real OpenTelemetry collector (OTLP over gRPC) that keeps the spans it gets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass(frozen=True)
class Span:
    """One span.

    Attributes:
        service: The process that made it: `edge`, `ingest`, `ingest-worker`, `vision`, ...
        name: Its name; the RPC.
        trace_id: Its trace, in hex.
        span_id: Its own id, in hex.
        parent_id: The span that it is part of, in hex; empty for the first one.
        attributes: Its text attributes.
    """

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.target = ""

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        for resource in request.resource_spans:
            service = _text(resource.resource.attributes).get("service.name", "")
            self.spans += [_span(service, span) for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    async def until(self, trace_id: str, enough: Callable[[list[Span]], bool], timeout_s: float = 60.0) -> list[Span]:
        """Waits until the spans of a trace are enough, and returns them; processes send theirs every few seconds."""
        deadline = time.monotonic() + timeout_s
        while not enough(found := [span for span in self.spans if span.trace_id == trace_id]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{timeout_s} s passed; there are {[(each.service, each.name) for each in found]}")
            await asyncio.sleep(0.1)
        return found


@contextlib.asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    """Runs a collector on a free port."""
    server, collector = grpc.aio.server(), Collector()
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    collector.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)


def _span(service: str, span: Any) -> Span:
    return Span(
        service, span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), _text(span.attributes)
    )


def _text(attributes: Any) -> dict[str, str]:
    return {item.key: item.value.string_value for item in attributes}
