"""The one executor on which models and decoding run, with a bounded queue."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar

from mesh.errors import ResourceExhaustedError

P = ParamSpec("P")
T = TypeVar("T")


class DepthGauge(Protocol):
    """Where the length of the queue is shown, such as a Prometheus gauge."""

    def set(self, value: float) -> None:
        """Takes the number of jobs that wait."""


class ModelExecutor:
    """Runs blocking work beside the event loop.

    The queue is bounded because work that waits longer than its caller does is lost twice: better refuse it at once
    and tell when to come again.
    """

    def __init__(self, threads: int = 1, *, queue_limit: int = 64, depth: DepthGauge | None = None) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="vitrine-model")
        self._limit = threads + queue_limit
        self._threads = threads
        self._pending = 0
        self._lock = threading.Lock()
        self._depth = depth

    @property
    def waiting(self) -> int:
        """Jobs that wait for a thread."""
        return max(0, self._pending - self._threads)

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `fn` on a thread of the executor and waits for it.

        Cancelling the wait takes the job out of the queue; a job that runs already runs to its end.

        Args:
            fn: Blocking function.
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Returns:
            What `fn` returns.

        Raises:
            ResourceExhaustedError: When the queue is full.
        """
        self._admit()
        context = contextvars.copy_context()
        work = functools.partial(fn, *args, **kwargs)
        try:
            future = self._pool.submit(context.run, work)
        except RuntimeError:
            self._count(-1)
            raise
        future.add_done_callback(self._forget)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drops what waits and lets what runs come to its end, without waiting for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _admit(self) -> None:
        if self._pending >= self._limit:
            raise ResourceExhaustedError(
                f"the model queue is full ({self._limit - self._threads} jobs wait)",
                "CAPACITY_REACHED",
                {"limit": str(self._limit - self._threads)},
                retry_after_s=1.0,
            )
        self._count(1)

    def _forget(self, _: Future[T]) -> None:
        self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._pending += change
        if self._depth is not None:
            self._depth.set(self.waiting)
