"""One stream of frames to a server of `frames.py`, over each transport."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import grpc.aio
import websockets
from vitrine.ingest.v1 import frame_pb2
from websockets.typing import Subprotocol

from bench._frames_load import (
    FRAME_S,
    LUMA,
    STOP,
    STREAM,
    Mode,
    Response,
    capture_time,
    config,
    frame,
    one,
    windowed,
)
from bench._frames_servers import Bench, Server

Send = Callable[[Sequence[bytes]], Awaitable[None]]  # sends frames and waits until each is answered
Session = Callable[[], AbstractAsyncContextManager[Send]]  # opens a stream for them
Call = Any  # grpc.aio.StreamStreamCall of bytes; its stubs miss half of it
_PROCESSED, _SKIPPED = frame_pb2.FRAME_OUTCOME_PROCESSED, frame_pb2.FRAME_OUTCOME_SKIPPED_INTERVAL


def channel(port: int) -> grpc.aio.Channel:
    """A channel of its own for each stream: streams come from different phones."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", 1 << 24)]
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}", options)


def socket(port: int, token: str, protocol: str) -> websockets.connect:
    """A WebSocket to ours, to be entered."""
    return websockets.connect(
        f"ws://127.0.0.1:{port}/v1/stream", max_size=None, compression=None,
        open_timeout=60.0, close_timeout=60.0, ping_interval=None,  # a machine that is busy may take its time
        subprotocols=[Subprotocol(protocol)], additional_headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip


def grpc_session(bench: Bench, server: Server, mode: Mode = LUMA, judged: set[int] | None = None) -> Session:
    """StreamFrames over gRPC; `judged` gets the numbers of the frames that were looked at."""

    @contextlib.asynccontextmanager
    async def session() -> AsyncIterator[Send]:
        async with channel(server.port) as opened:
            call: Call = opened.stream_stream(STREAM)(metadata=(("authorization", f"Bearer {bench.token()}"),))
            async with _messages(call.write, call.read, mode, judged) as send:
                yield send
            assert await call.read() is grpc.aio.EOF

    return session


def socket_session(bench: Bench, server: Server, mode: Mode = LUMA) -> Session:
    """The same messages over WebSocket."""

    @contextlib.asynccontextmanager
    async def session() -> AsyncIterator[Send]:
        async with (
            socket(server.http_port, bench.token(), "vitrine.v1.proto") as opened,
            _messages(opened.send, opened.recv, mode, None) as send,
        ):
            yield send

    return session


def json_session(bench: Bench, server: Server) -> Session:
    """JSON over WebSocket: each picture as a binary message, after a text with its number and time."""

    @contextlib.asynccontextmanager
    async def session() -> AsyncIterator[Send]:
        async with socket(server.http_port, bench.token(), "vitrine.v1.json") as opened:
            keyframes = {"mode": "KEYFRAME_MODE_LUMA"}
            await opened.send(json.dumps({"type": "config", "keyframes": keyframes}))
            await opened.recv()
            count = 0

            async def write(item: tuple[int, bytes]) -> None:
                number, data = item
                await opened.send(f'{{"type":"frame","frameNumber":"{number}","captureTime":"{capture_time(number)}"}}')
                await opened.send(data)

            async def answer() -> int:
                while True:
                    event = json.loads(await opened.recv())
                    if event["type"] == "ack" and event["ack"]["outcome"] != "FRAME_OUTCOME_PROCESSED":
                        return 1

            async def send(frames: Sequence[bytes]) -> None:
                nonlocal count
                items = list(enumerate(frames, count + 1))
                await windowed(items, write, answer)
                count += len(items)

            yield send
            await opened.send('{"type":"stop"}')
            async for text in opened:
                final = json.loads(text)
            totals = final["stats"]["totals"]
            assert int(totals["highestFrameNumber"]) == int(totals["receivedCount"]) == count, totals

    return session


def echo_session(server: Server) -> Session:
    """The floor."""

    @contextlib.asynccontextmanager
    async def session() -> AsyncIterator[Send]:
        async with channel(server.port) as opened:
            call: Call = opened.stream_stream("/bench/echo")()
            yield lambda frames: windowed(frames, call.write, lambda: one(call.read))
            await call.done_writing()

    return session


def published_session(server: Server, *, every: bool) -> Session:
    """The published stack."""

    @contextlib.asynccontextmanager
    async def session() -> AsyncIterator[Send]:
        url = f"ws://127.0.0.1:{server.port}/v1/stream?every={int(every)}"
        async with websockets.connect(url, max_size=None, compression=None) as opened:
            yield lambda frames: windowed(frames, opened.send, lambda: one(opened.recv))

    return session


@contextlib.asynccontextmanager
async def _messages(
    write: Callable[[bytes], Awaitable[None]], read: Callable[[], Awaitable[Any]], mode: Mode, judged: set[int] | None
) -> AsyncIterator[Send]:
    """A stream in messages of the contract, whatever carries them."""
    await write(config(mode=mode))
    await read()
    count = 0

    async def answer() -> int:
        while True:
            event = Response.FromString(await read())
            if event.WhichOneof("event") == "ack" and event.ack.outcome != _PROCESSED:
                if judged is not None and event.ack.outcome != _SKIPPED:
                    judged.add(event.ack.frame_number)
                return 1

    async def send(frames: Sequence[bytes]) -> None:
        nonlocal count
        messages = [frame(number, data, number * FRAME_S) for number, data in enumerate(frames, count + 1)]
        await windowed(messages, write, answer)
        count += len(messages)

    yield send
    await write(STOP)
    while not (final := Response.FromString(cast("bytes", await read()))).stats.final:
        pass
    totals = final.stats.totals
    assert totals.highest_frame_number == totals.received_count == count, totals
