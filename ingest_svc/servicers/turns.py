"""A fair share of the event loop for each connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")

# About two frames that are decoded. Less often, and a client that floods shows in the waits of all others; more often,
# and going round the loop costs more than the frames.
_TURN_S = 0.001
# What is here already comes in some microseconds; after this, the reader has waited and everybody had a turn.
_WAITED_S = 0.0002


async def taking_turns(items: AsyncIterator[T]) -> AsyncIterator[T]:
    """Yields items and lets everything else on the loop have a turn after each millisecond of work on them.

    A WebSocket gives what it has buffered without a pause: a client that floods would keep the loop to itself. gRPC
    needs no such care, each of its reads goes round the loop.

    Args:
        items: What comes in.

    Yields:
        The same.
    """
    asked_s = began_s = time.monotonic()
    async for item in items:
        now_s = time.monotonic()
        if now_s - asked_s > _WAITED_S:
            began_s = now_s
        elif now_s - began_s > _TURN_S:
            await asyncio.sleep(0)
            began_s = time.monotonic()
        yield item
        asked_s = time.monotonic()
