"""The end of a connection: one failure is raised, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from structlog.testing import capture_logs

from ingest_svc.streams.connection import Connection
from ingest_svc.streams.events import Event
from ingest_svc.streams.live import LiveStream
from ingest_svc.streams.ports import SessionMovedError, StreamMetrics
from mesh.errors import UnavailableError

pytestmark = pytest.mark.unit


class Stream:
    """A stream whose parts do as they are told; it stands in for `LiveStream`."""

    class session:  # noqa: N801 - an attribute of the real one
        stream_id = "s"

    class watching:  # noqa: N801 - the same
        @staticmethod
        async def run() -> None:
            await forever()

        @staticmethod
        def stop() -> None: ...

    def __init__(self, process: Callable[[], Awaitable[None]], keep: Callable[[], Awaitable[None]]) -> None:
        self.process = process
        self._keep = keep
        self.wrapped_up = False

    async def keep(self, _: float) -> None:
        await self._keep()

    async def wrap_up(self, *, stopped: bool) -> None:  # noqa: ARG002
        self.wrapped_up = True

    async def send(self, event: Event) -> None: ...

    async def stats(self, *, final: bool = False) -> None: ...

    async def save(self) -> None: ...

    def close(self) -> None: ...

    def detach(self) -> None: ...


class Counts:
    """Stands in for the metrics."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def failure(self, part: str) -> None:
        self.failures.append(part)


async def forever() -> None:
    await asyncio.Event().wait()


def failing(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


BUG, AWAY, MOVED = ValueError("a bug"), UnavailableError("away"), SessionMovedError()
CASES = {
    "reader and keeper": (BUG, forever, failing(AWAY), BUG, ["stream-keeper"]),
    "keeper and keyframes": (None, failing(BUG), failing(AWAY), AWAY, ["stream-keyframes"]),
    "all three": (BUG, failing(KeyError("k")), failing(AWAY), BUG, ["stream-keeper", "stream-keyframes"]),
    "keyframes alone": (None, failing(BUG), forever, BUG, []),
    "moved away, which is no failure": (None, failing(MOVED), failing(MOVED), MOVED, []),
}


@pytest.mark.parametrize(("read", "process", "keep", "raised", "told"), CASES.values(), ids=CASES.keys())
async def test_second_failure_is_told_and_the_books_are_put_in_order(
    read: BaseException | None,
    process: Callable[[], Awaitable[None]],
    keep: Callable[[], Awaitable[None]],
    raised: BaseException,
    told: list[str],
) -> None:
    async def pump(_: LiveStream) -> bool:
        await (failing(read) if read else forever)()
        return True

    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    stream, counts = Stream(process, keep), Counts()
    connection = Connection(
        cast("LiveStream", stream), cast("StreamMetrics", counts), "ada", 4e9, 60.0, asyncio.Event()
    )
    try:
        with capture_logs() as lines:
            with pytest.raises(type(raised)) as caught:
                await connection.drive(pump)
            if process is forever and connection._working is not None:
                connection._working.cancel()
            await connection.leave()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert caught.value is raised
    assert sorted(line["part"] for line in lines if line["event"] == "stream_failed") == told
    assert counts.failures == ["stream"] * len(told)
    assert stream.wrapped_up
    assert connection.gone.is_set()
    assert not unheard
