"""Deadlines: every unary call has one, and what it calls never waits longer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from mesh.call import Call
from mesh.contract import RpcRule
from mesh.errors import DeadlineExceededError


@contextlib.asynccontextmanager
async def limited(call: Call, context: Any, rule: RpcRule, default_s: float) -> AsyncIterator[None]:
    """Ends the block with DEADLINE_EXCEEDED when the caller's patience is over.

    A unary call without a deadline gets `default_s`. A stream without one may last: its life is bounded by its own
    protocol (idle and session limits).

    Args:
        call: The call; its deadline is set.
        context: gRPC's context of the call.
        rule: What the contract says about the RPC.
        default_s: Deadline of unary calls that come without one, in seconds.

    Raises:
        DeadlineExceededError: When time is up.
    """
    remaining_s = context.time_remaining()
    if remaining_s is None and not rule.streaming:
        remaining_s = default_s
    if remaining_s is None:
        yield
        return
    call.deadline = time.monotonic() + remaining_s
    try:
        async with asyncio.timeout(remaining_s) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise DeadlineExceededError(f"took longer than {remaining_s:.3f} s", "DEADLINE_EXCEEDED") from error
