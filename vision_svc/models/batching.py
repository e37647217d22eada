"""Batching across requests: what arrives while the model works goes into its next batch."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")


class Batcher(Generic[InputT, OutputT]):
    """Joins the inputs of many callers into batches for one model.

    One batch runs at a time. While it runs, inputs gather; when it is done, up to `max_batch` of them go in together.
    So a single request waits for nothing, and under load the batches grow by themselves. For use on one event loop.
    """

    def __init__(self, run: Callable[[Sequence[InputT]], Awaitable[Sequence[OutputT]]], *, max_batch: int = 32) -> None:
        """Makes a batcher.

        Args:
            run: Runs one batch off the event loop; answers in order.
            max_batch: Largest batch.
        """
        self._run, self._max_batch = run, max_batch
        self._waiting: list[tuple[InputT, asyncio.Future[OutputT]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, inputs: Sequence[InputT]) -> list[OutputT]:
        """Puts inputs into the next batches and waits for their results.

        Cancelling it takes those of its inputs that still wait out of the queue.

        Args:
            inputs: Inputs of one caller.

        Returns:
            One result per input, in order.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[OutputT]] = [loop.create_future() for _ in inputs]
        self._waiting.extend(zip(inputs, futures, strict=True))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return list(await asyncio.gather(*futures))

    async def _work(self) -> None:
        while batch := self._take():
            try:
                outputs = await self._run([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - the callers get it, each at its own await
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), output in zip(batch, outputs, strict=True):
                    if not future.done():
                        future.set_result(output)

    def _take(self) -> list[tuple[InputT, asyncio.Future[OutputT]]]:
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].done()]
        batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
        return batch
