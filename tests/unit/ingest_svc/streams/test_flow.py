"""The queue of length one: the newest keyframe wins, and nothing is lost on the way."""

from __future__ import annotations

import asyncio

import pytest

from ingest_svc.streams.flow import ArrivalRate, LatestSlot, RecentMedian

pytestmark = pytest.mark.unit


async def test_a_newer_item_takes_the_place_of_a_waiting_one() -> None:
    slot: LatestSlot[str] = LatestSlot()
    assert slot.put("a") is None
    assert slot.put("b") == "a"
    assert await slot.take() == "b"
    slot.close()
    assert await slot.take() is None


async def test_what_waits_at_the_end_is_still_handed_out() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    slot.close()
    assert [await slot.take(), await slot.take()] == [1, None]


async def test_a_cancelled_taker_loses_nothing() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taker = asyncio.create_task(slot.take())
    await asyncio.sleep(0)
    taker.cancel()
    slot.put(5)
    assert await slot.take() == 5


async def test_waiting_for_a_newer_item_does_not_take_it() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert not await slot.filled_within(0.01)
    waiting = asyncio.create_task(slot.filled_within(5))
    await asyncio.sleep(0)
    slot.put(1)
    assert await waiting
    assert await slot.take() == 1


async def test_closing_ends_the_wait() -> None:
    slot: LatestSlot[int] = LatestSlot()
    waiting = asyncio.create_task(slot.filled_within(5))
    await asyncio.sleep(0)
    slot.close()
    assert not await waiting


def test_rate_and_median_of_nothing() -> None:
    assert ArrivalRate().fps(1) == 0
    assert RecentMedian().value() is None


def test_rate_counts_the_silence_since_the_last_frame() -> None:
    rate = ArrivalRate()
    for i in range(11):
        rate.add(i * 100_000_000)
    assert rate.fps(1_000_000_000) == pytest.approx(10)
    assert rate.fps(2_000_000_000) == pytest.approx(5)


def test_rate_is_that_of_the_last_seconds() -> None:
    rate = ArrivalRate()
    for at_s in [*(i / 10 for i in range(50)), *range(5, 16)]:
        rate.add(round(at_s * 1e9))
    assert rate.fps(15_000_000_000) == pytest.approx(1, abs=0.01)
    assert 0 < rate.fps(60_000_000_000) < 0.1
