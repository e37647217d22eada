"""What waits, and what gives way: the newest frame and the newest keyframe win."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Room for one item, in which the newest wins; it may be taken from another thread."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._lock = threading.Lock()

    @property
    def item(self) -> T | None:
        """What waits."""
        return self._item

    def put(self, item: T) -> T | None:
        """Puts an item; returns the one that gave way, if one still waited."""
        with self._lock:
            displaced, self._item = self._item, item
            return displaced

    def take(self) -> T | None:
        """Takes what waits."""
        with self._lock:
            item, self._item = self._item, None
            return item


class InOrder(Generic[T]):
    """Hands items on in the order in which their places were taken, each once it and all before it are there."""

    def __init__(self, hand_on: Callable[[T], Awaitable[None]]) -> None:
        """Begins with no place taken.

        Args:
            hand_on: Gets the items. Called anew while an earlier call waits; what it waits for must be fair.
        """
        self._hand_on = hand_on
        self._places: deque[list[T]] = deque()

    def __len__(self) -> int:
        """How many places are taken."""
        return len(self._places)

    def place(self) -> list[T]:
        """Takes a place behind all others."""
        place: list[T] = []
        self._places.append(place)
        return place

    async def fill(self, place: list[T], item: T) -> None:
        """Fills a place, and hands on what has waited for that.

        Args:
            place: From `place`.
            item: What belongs there.
        """
        place.append(item)
        while self._places and self._places[0]:
            await self._hand_on(self._places.popleft()[0])


class LatestSlot(Generic[T]):
    """A queue of length one: a newer item takes the place of one that still waits.

    Processing a keyframe takes longer than choosing one; of a backlog only the newest says what is worn now.
    """

    def __init__(self) -> None:
        self._item: T | None = None
        self._filled = asyncio.Event()
        self._closed = False

    def put(self, item: T) -> T | None:
        """Puts an item.

        Returns:
            The item that gave way, if one still waited.
        """
        displaced, self._item = self._item, item
        self._filled.set()
        return displaced

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def close(self) -> None:
        """Takes no more; what waits is still handed out."""
        self._closed = True
        self._filled.set()

    async def take(self) -> T | None:
        """Waits for an item; None when the slot is closed and empty. Cancellation loses nothing."""
        while self._item is None:
            if self._closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        item, self._item = self._item, None
        return item

    async def filled_within(self, seconds: float) -> bool:
        """Waits for an item without taking it; also ends when the slot is closed.

        Args:
            seconds: The longest wait.

        Returns:
            Whether an item waits.
        """
        if self._item is None and not self._closed:
            self._filled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), seconds)
        return self._item is not None


class RecentMedian:
    """The median of the last values."""

    def __init__(self, span: int = 20) -> None:
        self._values: deque[float] = deque(maxlen=span)

    def add(self, value: float) -> None:
        """Notes a value."""
        self._values.append(value)

    def value(self) -> float | None:
        """Returns the median, or None without values."""
        return median(self._values) if self._values else None
