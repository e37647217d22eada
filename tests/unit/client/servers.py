"""Small servers that follow the contract, for the streams of the SDK and of the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc.aio
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Vitrine

from ingest_svc.streams.ledger import Ledger, Outcome

AGAIN = "again"


class BookKeeper:
    """Keeps the books of the mesh over connections, and says that everything shows the same scene.

    Attributes:
        arrived: Number, bytes and capture time of each frame, in seconds since the epoch.
        advice: Sent with the answer to the first frame of each connection; None sends none.
    """

    def __init__(self, advice: pb.QualityAdvice | None = None) -> None:
        self.ledger = Ledger()
        self.arrived: list[tuple[int, bytes, float]] = []
        self.tokens: list[str] = []
        self.said: list[frame_pb2.FrameAck] = []
        self.advice = advice

    async def StreamFrames(self, requests: AsyncIterator[Any], _context: Any) -> Any:  # noqa: N802
        advice = self.advice
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "config":
                self.tokens.append(request.config.resume_token)
                ready = pb.StreamReady(name="s", resume_token=AGAIN, totals=self.totals())
                yield pb.StreamFramesResponse(ready=ready)
                for ack in self.said:  # what the client may not have heard
                    yield pb.StreamFramesResponse(ack=ack)
            elif kind == "frame":
                self.said.append(self.judge(request.frame))
                yield pb.StreamFramesResponse(ack=self.said[-1])
                if advice is not None:
                    yield pb.StreamFramesResponse(quality_advice=advice)
                    advice = None
            elif request.command.WhichOneof("command") == "stop":
                yield pb.StreamFramesResponse(stats=pb.StreamStats(totals=self.totals(), final=True))

    def judge(self, frame: frame_pb2.Frame) -> frame_pb2.FrameAck:
        self.arrived.append((frame.frame_number, frame.image.data, frame.capture_time.ToNanoseconds() / 1e9))
        ended = self.ledger.arrive(frame.frame_number)
        if ended is None:
            ended = Outcome.SKIPPED_SAME_SCENE if frame.image.data.startswith(b"\xff\xd8") else Outcome.REJECTED
            self.ledger.settle(ended)
        return frame_pb2.FrameAck(frame_number=frame.frame_number, outcome=frame_pb2.FrameOutcome.ValueType(ended))

    def totals(self) -> frame_pb2.FrameTotals:
        counts = self.ledger.totals.as_dict()
        highest = counts.pop("highest")
        counted = {f"{name}_count": it for name, it in counts.items()}
        return frame_pb2.FrameTotals(highest_frame_number=highest, **counted)


@asynccontextmanager
async def serving(*methods: tuple[str, grpc.RpcMethodHandler[Any, Any]]) -> AsyncIterator[int]:
    """Serves methods of services of `vitrine.ingest.v1`; gives the port.

    Args:
        methods: ``Service/Method`` and its handler.
    """
    server = grpc.aio.server()
    for name, handler in methods:
        service, method = name.split("/")
        handlers = grpc.method_handlers_generic_handler(f"vitrine.ingest.v1.{service}", {method: handler})
        server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


def streaming(behaviour: Any) -> tuple[str, grpc.RpcMethodHandler[Any, Any]]:
    """Makes the method of something that has `StreamFrames`."""
    codec = (pb.StreamFramesRequest.FromString, pb.StreamFramesResponse.SerializeToString)
    return "StreamService/StreamFrames", grpc.stream_stream_rpc_method_handler(behaviour.StreamFrames, *codec)


@asynccontextmanager
async def client_of(*methods: tuple[str, grpc.RpcMethodHandler[Any, Any]]) -> AsyncIterator[Vitrine]:
    """Serves, as `serving`, and gives a client."""
    async with serving(*methods) as port, Vitrine(f"127.0.0.1:{port}", user="ada", token="") as client:
        yield client


@contextmanager
def served_aside(behaviour: Any) -> Iterator[str]:
    """Serves `StreamFrames` in a thread, for a command that has an event loop of its own; gives its ``host:port``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = serving(streaming(behaviour))
    try:
        port = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
