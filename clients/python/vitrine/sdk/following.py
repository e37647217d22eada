"""Reading a server's stream of messages on and on, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import TypeVar

import grpc.aio
from vitrine.sdk.errors import RpcFailure

_ATTEMPTS = 8
_LONGEST_WAIT_S = 2.0

T = TypeVar("T")


async def following(call: Callable[[], AsyncIterable[T]]) -> AsyncGenerator[T, None]:
    """Reads a stream that goes on for ever; where it ends or breaks, it is called again.

    Args:
        call: Begins the stream, where it broke if the request can say so.

    Yields:
        Its messages.

    Raises:
        RpcFailure: The server refused, or eight calls in a row broke, of which none but the first brought anything.
    """
    attempt = 0
    while True:
        failure = RpcFailure.broken("the server ended the stream")
        try:
            async for message in call():
                attempt = 0
                yield message
        except grpc.aio.AioRpcError as error:
            failure = RpcFailure.of(error)
        attempt += 1
        if not failure.connection_broke or attempt == _ATTEMPTS:
            raise failure
        await asyncio.sleep(min(_LONGEST_WAIT_S, 0.1 * 2**attempt))
