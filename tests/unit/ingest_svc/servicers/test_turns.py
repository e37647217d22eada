"""A connection that has much to say does not keep the loop to itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from ingest_svc.servicers.turns import taking_turns

pytestmark = pytest.mark.unit


class _Clock:
    """Goes on by what is worked, and by nothing else."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr("ingest_svc.servicers.turns.time", SimpleNamespace(monotonic=made))
    return made


async def _buffered(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def _consume(items: AsyncIterator[int], clock: _Clock, work_s: float) -> int:
    count = 0
    async for _ in items:
        count += 1
        clock.now_s += work_s
    return count


async def _turns_of_others(until: asyncio.Task[int]) -> int:
    count = 0
    while not until.done():
        await asyncio.sleep(0)
        count += 1
    return count


@pytest.mark.parametrize(("work_s", "least", "most"), [(0.002, 48, 51), (0.0003, 11, 15), (0.000001, 0, 2)])
async def test_others_have_a_turn_after_each_millisecond_of_buffered_work(
    clock: _Clock, work_s: float, least: int, most: int
) -> None:
    flooding = asyncio.create_task(_consume(taking_turns(_buffered(50)), clock, work_s))
    assert least <= await _turns_of_others(flooding) <= most
    assert flooding.result() == 50


async def test_without_it_nobody_else_has_a_turn(clock: _Clock) -> None:
    greedy = asyncio.create_task(_consume(_buffered(50), clock, 0.002))
    assert await _turns_of_others(greedy) <= 2


async def test_who_has_waited_for_a_message_does_not_wait_again(clock: _Clock) -> None:
    async def slowly() -> AsyncIterator[int]:
        for number in range(20):
            clock.now_s += 0.1  # meanwhile the loop was elsewhere
            yield number

    paced = asyncio.create_task(_consume(taking_turns(slowly()), clock, 0.002))
    assert await _turns_of_others(paced) <= 2


async def test_items_come_in_order_and_an_error_passes() -> None:
    async def breaking() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ConnectionResetError

    items = taking_turns(breaking())
    assert [await anext(items), await anext(items)] == [1, 2]
    with pytest.raises(ConnectionResetError):
        await anext(items)
