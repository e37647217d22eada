"""A stream over as many connections as it takes; and while it has none, since when, why, and when it tries again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.errors import RpcFailure
from vitrine.sdk.stream_settings import Reconnected

_FIRST_BACKOFF_S = 0.1
_MAX_BACKOFF_S = 2.0


class Absence:
    """The time without a connection, over as many tries as it takes.

    Attributes:
        cause: Why the last try failed; None while there is a connection, and before the first try.
    """

    def __init__(self, give_up_after_s: float) -> None:
        """Begins with nothing tried.

        Args:
            give_up_after_s: How long it may last, in seconds.
        """
        self.cause: RpcFailure | None = None
        self._give_up_after_s = give_up_after_s
        self._since_s, self._backoff_s = 0.0, _FIRST_BACKOFF_S

    @property
    def lasts_s(self) -> float:
        """How long there has been no connection, in seconds; 0 while there is one."""
        return 0.0 if self.cause is None else time.monotonic() - self._since_s

    def goes_on(self, failure: RpcFailure) -> float:
        """Takes note that there is no connection.

        Args:
            failure: Why.

        Returns:
            How long to wait before the next try, in seconds.

        Raises:
            RpcFailure: The server refused, or has been away or full for too long.
        """
        if self.cause is None:
            self._since_s = time.monotonic()
        self.cause = failure
        if not (failure.connection_broke or failure.server_is_full) or self.lasts_s > self._give_up_after_s:
            raise failure
        wait_s = self._backoff_s * random.uniform(0.5, 1.0)  # noqa: S311  jitter, not a secret
        self._backoff_s = min(_MAX_BACKOFF_S, self._backoff_s * 2)
        return failure.retry_after_s or wait_s

    def over(self, replayed_result_count: int) -> Reconnected | None:
        """Takes note that there is a connection; gives what to tell where there was none.

        Args:
            replayed_result_count: As the server said.
        """
        if self.cause is None:
            return None
        told = Reconnected(self.cause, self.lasts_s, replayed_result_count)
        self.cause, self._backoff_s = None, _FIRST_BACKOFF_S
        return told


async def over_connections(
    connect: Callable[[], AsyncGenerator[pb.StreamFramesResponse, None]],
    absence: Absence,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[pb.StreamFramesResponse | Reconnected, None]:
    """Reads a stream to the server's last word.

    Args:
        connect: Makes one connection and gives what comes over it.
        absence: Told of connections and of their end.
        pause: Waits before the next try, for so many seconds or as long as it knows better.

    Yields:
        The server's messages, and before each `ready` that comes after a break, `Reconnected`.

    Raises:
        RpcFailure: As `Absence.goes_on` does.
    """
    while True:
        failure = RpcFailure.broken("the server ended the stream")
        try:
            async with contextlib.aclosing(connect()) as messages:
                async for message in messages:
                    event = message.WhichOneof("event")
                    if event == "ready" and (back := absence.over(message.ready.replayed_result_count)) is not None:
                        yield back
                    yield message
                    if event == "stats" and message.stats.final:
                        return
        except RpcFailure as refusal:
            failure = refusal
        await pause(absence.goes_on(failure))
