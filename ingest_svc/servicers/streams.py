"""StreamService over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from vitrine.ingest.v1 import stream_service_pb2_grpc

from ingest_svc.servicers.conversation import Messages, MessageSink, converse
from ingest_svc.servicers.stream_messages import Response
from ingest_svc.streams.hub import StreamHub
from ingest_svc.streams.ports import SinkClosedError
from mesh.metrics import Metrics


class StreamServicer(stream_service_pb2_grpc.StreamServiceServicer):
    """Serves live streams."""

    def __init__(self, hub: StreamHub, metrics: Metrics) -> None:
        """Wraps the use case.

        Args:
            hub: All streams of this process.
            metrics: Counts open sessions.
        """
        self._hub = hub
        self._open = metrics.sessions.labels("stream", "grpc")

    async def StreamFrames(self, requests: AsyncIterator[Any], context: Any) -> None:  # type: ignore[override]  # see below
        """Streams frames up and answers down; it writes to the context itself.

        Args:
            requests: The client's messages, checked.
            context: gRPC's context of the call.
        """
        send = context.write  # looked up once

        async def write(message: Response) -> None:
            try:
                await send(message)
            except (grpc.aio.BaseError, asyncio.InvalidStateError) as error:
                raise SinkClosedError from error

        messages: Messages = requests
        with self._open.track_inprogress():
            await converse(self._hub, messages, MessageSink(write))
