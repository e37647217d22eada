"""Traces leave the process only when there is a collector, and a collector that is gone harms nobody."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from mesh.settings import ServiceSettings
from tests.services.mesh.probe import Keys, Probe, run_probe

pytestmark = pytest.mark.service


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """A small real OpenTelemetry collector that keeps what it gets."""

    def __init__(self) -> None:
        self.resources: list[Any] = []

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        self.resources.extend(request.resource_spans)
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, Collector]]:
    server, servicer = grpc.aio.server(), Collector()
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}", servicer
    await server.stop(0)


async def test_spans_reach_the_collector(
    settings: ServiceSettings, probe: Probe, keys: Keys, collector: tuple[str, Collector]
) -> None:
    endpoint, servicer = collector
    async with run_probe(settings.model_copy(update={"otlp_endpoint": endpoint}), probe) as made:
        await made.server.ready.wait()
        await made.stub.Echo(made.request(name="users/alice", text="private"), metadata=keys.user())
    (resource,) = servicer.resources
    attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert (attributes["service.name"], attributes["service.namespace"]) == ("probe", "vitrine")
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert [span.name for span in spans] == ["vitrine.probe.v1.ProbeService/Echo"]
    assert "private" not in str(spans)
    assert "alice" not in str(spans)


async def test_collector_that_is_gone_does_not_hold_up_the_end(
    settings: ServiceSettings, probe: Probe, keys: Keys
) -> None:
    async with run_probe(settings.model_copy(update={"otlp_endpoint": "127.0.0.1:1"}), probe) as made:
        await made.server.ready.wait()
        await made.stub.Echo(made.request(), metadata=keys.user())
        started = time.monotonic()
    assert time.monotonic() - started < 5
