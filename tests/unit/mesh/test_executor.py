"""The executor: beside the loop, bounded, and honest about its queue."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import pytest

from mesh.errors import ResourceExhaustedError
from mesh.executor import ModelExecutor

pytestmark = pytest.mark.unit


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


async def test_result_and_exception_come_back() -> None:
    executor = ModelExecutor()
    assert await executor.run(pow, 2, 10) == 1024
    with pytest.raises(ZeroDivisionError):
        await executor.run(divmod, 1, 0)
    executor.close()


async def test_context_goes_along() -> None:
    variable = contextvars.ContextVar("variable", default="outside")
    variable.set("inside")
    executor = ModelExecutor()
    assert await executor.run(variable.get) == "inside"
    executor.close()


async def test_full_queue_refuses_at_once(gate: threading.Event) -> None:
    depths: list[float] = []

    class Gauge:
        def set(self, value: float) -> None:
            depths.append(value)

    executor = ModelExecutor(2, queue_limit=3, depth=Gauge())
    running = [asyncio.ensure_future(executor.run(gate.wait)) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert executor.waiting == 3
    with pytest.raises(ResourceExhaustedError) as caught:
        await executor.run(gate.wait)
    assert (caught.value.reason, caught.value.metadata) == ("CAPACITY_REACHED", {"limit": "3"})
    assert caught.value.retry_after_s is not None
    gate.set()
    assert await asyncio.gather(*running) == [True] * 5
    assert (executor.waiting, max(depths), depths[-1]) == (0, 3, 0)
    executor.close()


async def test_cancelled_job_leaves_the_queue(gate: threading.Event) -> None:
    executor = ModelExecutor(1, queue_limit=1)
    first = asyncio.ensure_future(executor.run(gate.wait))
    ran = threading.Event()
    second = asyncio.ensure_future(executor.run(ran.set))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.sleep(0.05)
    third = asyncio.ensure_future(executor.run(lambda: "third"))
    await asyncio.sleep(0.05)
    gate.set()
    assert await third == "third"
    await first
    assert not ran.is_set()
    executor.close()


async def test_running_job_keeps_its_place_when_its_caller_leaves(gate: threading.Event) -> None:
    executor = ModelExecutor(1, queue_limit=0)
    first = asyncio.ensure_future(executor.run(gate.wait))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.sleep(0.05)
    with pytest.raises(ResourceExhaustedError):
        await executor.run(gate.wait)
    executor.close()
