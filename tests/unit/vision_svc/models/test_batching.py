from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mesh.errors import ResourceExhaustedError, UnavailableError
from vision_svc.models.batching import Batcher, QueueLimits
from vision_svc.models.contract import Task
from vision_svc.models.registry import ModelUnavailableError

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


async def test_a_failing_input_fails_its_caller_and_the_next_one_works() -> None:
    runner = Runner()
    runner.gate.set()
    batcher = Batcher(runner)
    with pytest.raises(ValueError, match="13"):
        await batcher.submit([13, 14])
    assert await batcher.submit([5]) == [10]


@pytest.mark.parametrize("place", range(7))
async def test_what_makes_a_batch_fail_fails_alone(place: int) -> None:
    """Eight callers whose inputs go in together; one of them has a picture that no model takes."""
    runner = Runner()
    batcher = Batcher(runner)
    groups = [[20 + number] for number in range(7)]
    groups[place] = [1, 13]
    tasks = await submit_while_busy(batcher, [0], *groups)
    runner.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[0] == [0]
    bad = answers[1 + place]
    assert isinstance(bad, ValueError)
    good = [group for group in groups if 13 not in group]
    assert [answer for answer in answers[1:] if answer is not bad] == [[2 * number] for (number,) in good]
    assert len(runner.batches) <= 1 + 2 * 4  # nine inputs in halves


@pytest.mark.parametrize(
    "error",
    [
        ResourceExhaustedError("full", "CAPACITY_REACHED"),
        ModelUnavailableError(Task.GARMENT_PARSE, "pose-unet/1", "no file"),
    ],
    ids=["full queue", "no model"],
)
async def test_what_is_no_inputs_fault_is_not_tried_again(error: Exception) -> None:
    runs = 0

    async def run(_: Sequence[int]) -> list[int]:
        nonlocal runs
        runs += 1
        raise error

    tasks = [asyncio.create_task(Batcher(run).submit([1, 2, 3])), asyncio.create_task(Batcher(run).submit([4]))]
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error, error]
    assert runs == 2


async def test_batch_that_is_too_large_for_the_model_is_cut() -> None:
    async def run(items: Sequence[int]) -> list[int]:
        if len(items) > 2:
            raise MemoryError
        return [2 * item for item in items]

    assert await Batcher(run).submit(list(range(7))) == [0, 2, 4, 6, 8, 10, 12]


async def test_model_that_answers_too_little_leaves_nobody_waiting() -> None:
    async def run(items: Sequence[int]) -> list[int]:
        return [2 * item for item in items][: 1 if 13 in items else None]

    batcher = Batcher(run)
    async with asyncio.timeout(5):
        good, bad = await asyncio.gather(batcher.submit([1, 2]), batcher.submit([13, 13]), return_exceptions=True)
    assert (good, bad) == ([2, 4], [26, 26])  # one at a time it answers them all


async def test_each_input_has_its_own_result() -> None:
    runner = Runner()
    runner.gate.set()
    one, bad, other = await Batcher(runner).submit_each([1, 13, 2])
    assert (one, other) == (2, 4)
    assert isinstance(bad, ValueError)


@pytest.mark.parametrize(
    ("limits", "groups", "unit"),
    [
        pytest.param(QueueLimits(2, 1000), [[1, 2, 3], [4], [5]], "calls", id="calls"),
        pytest.param(QueueLimits(9, 30), [[1, 10], [10], [10]], "bytes", id="bytes"),
    ],
)
async def test_a_full_queue_refuses_and_serves_those_who_wait(
    limits: QueueLimits, groups: list[list[int]], unit: str
) -> None:
    """The batch at work does not count; of three calls that come meanwhile the third is one too many."""
    runner = Runner()
    batcher = Batcher(runner, limits=limits, size_bytes=lambda item: item)
    (working,) = await submit_while_busy(batcher, [7])
    *served, refused = await submit_while_busy(batcher, *groups)
    with pytest.raises(ResourceExhaustedError) as caught:
        await refused
    assert (caught.value.reason, caught.value.metadata["unit"]) == ("CAPACITY_REACHED", unit)
    assert caught.value.retry_after_s
    runner.gate.set()
    assert await working == [14]
    assert [await task for task in served] == [[2 * item for item in group] for group in groups[:2]]
    assert await batcher.submit([5]) == [10]


async def test_a_call_alone_is_never_too_large() -> None:
    runner = Runner()
    runner.gate.set()
    batcher = Batcher(runner, limits=QueueLimits(1, 5), size_bytes=lambda item: item)
    assert await batcher.submit([6, 7]) == [12, 14]


async def test_who_has_gone_makes_room() -> None:
    runner = Runner()
    batcher = Batcher(runner, limits=QueueLimits(calls=1))
    first, second = await submit_while_busy(batcher, [1]) + await submit_while_busy(batcher, [2])
    second.cancel()
    await asyncio.sleep(0)
    (third,) = await submit_while_busy(batcher, [3])
    runner.gate.set()
    assert [await first, await third] == [[2], [6]]


async def test_a_run_that_is_broken_off_leaves_nobody_waiting() -> None:
    """As when the executor closes: it cancels what it was given."""
    started = asyncio.Event()

    async def run(items: Sequence[int]) -> list[int]:
        started.set()
        await asyncio.sleep(0.01)
        raise asyncio.CancelledError(len(items))

    batcher = Batcher(run, max_batch=1)
    tasks = [asyncio.create_task(batcher.submit([number])) for number in range(3)]
    await started.wait()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(answer, "reason", answer) for answer in answers] == ["SHUTTING_DOWN"] * 3
    assert all(isinstance(answer, UnavailableError) for answer in answers)


async def test_callers_that_have_gone_are_not_tried_again() -> None:
    runner = Runner()
    batcher = Batcher(runner)
    first, second = await submit_while_busy(batcher, [13, 1], [2])
    first.cancel()
    await asyncio.sleep(0)
    runner.gate.set()
    assert await second == [4]
    assert runner.batches == [[13, 1, 2], [2]]


async def test_a_cancelled_caller_leaves_the_queue() -> None:
    runner = Runner()
    batcher = Batcher(runner, max_batch=1)
    first, second, third = await submit_while_busy(batcher, [1], [2], [3])
    second.cancel()
    await asyncio.sleep(0)
    runner.gate.set()
    assert [await first, await third] == [[2], [6]]
    assert runner.batches == [[1], [3]]
