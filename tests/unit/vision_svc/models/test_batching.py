from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from vision_svc.models.batching import Batcher

pytestmark = pytest.mark.unit


class Runner:
    """Doubles numbers, one batch at a time, when the test opens the gate."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.batches: list[list[int]] = []
        self.at_once = 0

    async def __call__(self, items: Sequence[int]) -> list[int]:
        assert self.at_once == 0, "one batch at a time"
        self.at_once += 1
        self.batches.append(list(items))
        await self.gate.wait()
        self.at_once -= 1
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


async def submit_while_busy(batcher: Batcher[int, int], *groups: list[int]) -> list[asyncio.Task[list[int]]]:
    tasks = [asyncio.create_task(batcher.submit(group)) for group in groups]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_nothing_gives_nothing() -> None:
    assert await Batcher(Runner()).submit([]) == []


async def test_callers_share_batches_and_get_their_own_results() -> None:
    runner = Runner()
    batcher = Batcher(runner, max_batch=4)
    tasks = await submit_while_busy(batcher, [1], [2, 3], [4, 5, 6], [7])
    runner.gate.set()
    assert await asyncio.gather(*tasks) == [[2], [4, 6], [8, 10, 12], [14]]
    assert runner.batches == [[1, 2, 3, 4], [5, 6, 7]] or runner.batches == [[1], [2, 3, 4, 5], [6, 7]]


async def test_a_failing_batch_fails_its_callers_and_the_next_one_works() -> None:
    runner = Runner()
    runner.gate.set()
    batcher = Batcher(runner)
    with pytest.raises(ValueError, match="13"):
        await batcher.submit([13, 14])
    assert await batcher.submit([5]) == [10]


async def test_a_cancelled_caller_leaves_the_queue() -> None:
    runner = Runner()
    batcher = Batcher(runner, max_batch=1)
    first, second, third = await submit_while_busy(batcher, [1], [2], [3])
    second.cancel()
    await asyncio.sleep(0)
    runner.gate.set()
    assert [await first, await third] == [[2], [6]]
    assert runner.batches == [[1], [3]]
