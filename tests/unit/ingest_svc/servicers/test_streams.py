"""What gRPC says to a write when the client has gone ends the stream quietly, not as a failure of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import grpc.aio
import pytest
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # the stubs do not know it; `ExecuteBatchError` has no other name
from vitrine.ingest.v1 import stream_service_pb2

from ingest_svc.servicers.streams import StreamServicer
from ingest_svc.streams.events import OpenRequest, Pong
from ingest_svc.streams.hub import StreamHub
from ingest_svc.streams.ports import Sink, SinkClosedError
from mesh.metrics import Metrics

pytestmark = pytest.mark.unit


class Hub:
    """Writes once and keeps what came of it."""

    raised: BaseException | None = None

    async def run(self, _request: OpenRequest, sink: Sink, _pump: object) -> None:
        try:
            await sink.send(Pong(None, 1))
        except SinkClosedError as error:
            self.raised = error


class Context:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def write(self, _: object) -> None:
        raise self._error


async def messages() -> AsyncIterator[Any]:
    request = stream_service_pb2.StreamFramesRequest()
    request.config.parent = "users/somebody"
    yield request


@pytest.mark.parametrize(
    "error",
    [
        cygrpc.ExecuteBatchError("Failed grpc_call_start_batch: 8"),
        grpc.aio.AbortError("aborted"),
        grpc.aio.UsageError("RPC already finished."),
        asyncio.InvalidStateError("cancelled"),
    ],
    ids=["batch", "aborted", "finished", "cancelled"],
)
async def test_a_write_to_a_client_that_has_gone_says_so(error: Exception) -> None:
    hub = Hub()
    await StreamServicer(cast("StreamHub", hub), Metrics()).StreamFrames(messages(), Context(error))
    assert isinstance(hub.raised, SinkClosedError)
