"""What waits, and what is told of it: the newest wins, in order, and nothing is lost on the way."""

from __future__ import annotations

import asyncio

import pytest

from ingest_svc.streams.flow import InOrder, LatestSlot, Newest, RecentMedian
from ingest_svc.streams.pace import RecentArrivals

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


def test_the_newest_item_wins_and_is_taken_once() -> None:
    room: Newest[str] = Newest()
    assert [room.take(), room.put("a"), room.put("b"), room.item, room.take(), room.take()] == [
        None, None, "a", "b", "b", None,
    ]  # fmt: skip


async def test_items_are_handed_on_in_the_order_of_their_places() -> None:
    handed: list[int] = []

    async def hand_on(item: int) -> None:
        await asyncio.sleep(0)
        handed.append(item)

    line = InOrder(hand_on)
    first, second, third = (line.place() for _ in range(3))
    await line.fill(second, 2)
    assert (handed, len(line)) == ([], 3)
    await asyncio.gather(line.fill(first, 1), line.fill(third, 3))
    assert (handed, len(line)) == ([1, 2, 3], 0)


def test_rate_and_median_of_nothing() -> None:
    assert RecentArrivals().fps_lately(1) == 0
    assert RecentMedian().value() is None


def test_rate_counts_the_silence_since_the_last_frame() -> None:
    rate = RecentArrivals()
    for i in range(11):
        rate.add(i * 100_000_000)
    assert rate.fps_lately(1_000_000_000) == pytest.approx(10)
    assert rate.fps_lately(2_000_000_000) == pytest.approx(5)


def test_rate_is_that_of_the_last_seconds() -> None:
    rate = RecentArrivals()
    for at_s in [*(i / 10 for i in range(50)), *range(5, 16)]:
        rate.add(round(at_s * 1e9))
    assert rate.fps_lately(15_000_000_000) == pytest.approx(1, abs=0.01)
    assert 0 < rate.fps_lately(60_000_000_000) < 0.1


def test_a_short_window_takes_nothing_from_a_long_one() -> None:
    rate = RecentArrivals()
    for at_s in range(1, 11):
        rate.add(at_s * 1_000_000_000)
    now_ns = 10_000_000_000
    assert [rate.fps(now_ns, seconds * 1_000_000_000) for seconds in (8, 2, 8)] == [1, 1, 1]
    assert rate.first_gap_ns(5e8, now_ns, 8_000_000_000) == 3_000_000_000
