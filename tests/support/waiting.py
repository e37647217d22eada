"""Waiting for what another process makes true."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_POLL_S = 0.01


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float = 60.0) -> None:
    """Waits until something holds.

    Args:
        holds: Tells whether it does.
        within_s: How long it may take, in seconds.

    Raises:
        TimeoutError: It did not.
    """
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(_POLL_S)
