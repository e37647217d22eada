"""A client that does not read what it is told is not read from either: nothing piles up in the service."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import grpc.aio
import pytest
from vitrine.ingest.v1 import stream_service_pb2_grpc

from tests.services.ingest.streams.client import Request
from tests.services.ingest.streams.conftest import Ingest

pytestmark = pytest.mark.service

# Answers of some hundred bytes each: far more than the buffers between the two hold. Then frames, of which these hold
# a few megabytes.
_QUESTIONS, _FRAMES, _FRAME = 12_000, 300, bytes(200_000)
_BLOCKED_S = 2.0


def _small(address: tuple[Any, ...]) -> socket.socket:
    """A socket whose system takes little in advance."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made


async def _sent(ask: Callable[[], Awaitable[None]], frame: Callable[[int], Awaitable[None]]) -> int:
    """Asks much, then sends frames until nobody takes them any more; returns how many were taken."""
    for _ in range(_QUESTIONS):
        await ask()
    for number in range(1, _FRAMES):
        try:
            async with asyncio.timeout(_BLOCKED_S):
                await frame(number)
        except TimeoutError:
            return number - 1
    return _FRAMES


async def test_a_websocket_that_does_not_read_is_not_read_from(ingest: Ingest, user: str) -> None:
    url = f"http://127.0.0.1:{ingest.replicas[0].http_port}/v1/stream"
    headers = {"authorization": f"Bearer {ingest.token(user)}"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=_small)) as session,
        session.ws_connect(url, headers=headers, timeout=aiohttp.ClientWSTimeout(ws_close=0.1)) as connection,
    ):
        taken = await _sent(lambda: connection.send_str('{"type": "stats"}'), lambda _: connection.send_bytes(_FRAME))
        connection._writer.transport.abort()  # a goodbye would wait for what is not read
    assert 0 < taken < 100


async def test_a_call_that_does_not_read_is_not_read_from(ingest: Ingest, user: str) -> None:
    port, metadata = ingest.replicas[0].server.port, (("authorization", f"Bearer {ingest.token(user)}"),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", [("grpc.http2.bdp_probe", 0)]) as channel:
        call = stream_service_pb2_grpc.StreamServiceStub(channel).StreamFrames(metadata=metadata)
        await call.write(Request(config={"parent": f"users/{user}"}))
        stats = Request(command={"stats": {}})

        async def frame(number: int) -> None:
            await call.write(Request(frame={"frame_number": number, "image": {"data": _FRAME}}))

        taken = await _sent(lambda: call.write(stats), frame)
        call.cancel()
    assert 0 < taken < 100
