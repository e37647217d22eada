"""Batching across requests: what arrives while the model works goes into its next batch."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from mesh.errors import VitrineError
from vision_svc.models.registry import ModelUnavailableError

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")

# A full queue, a model that is not there: every input fails alike, and trying them one by one makes it worse.
_OF_NO_INPUT = (VitrineError, ModelUnavailableError)


class Batcher(Generic[InputT, OutputT]):
    """Joins the inputs of many callers into batches for one model.

    One batch runs at a time. While it runs, inputs gather; when it is done, up to `max_batch` of them go in together.
    So a single request waits for nothing, and under load the batches grow by themselves. An input that makes its batch
    fail fails alone. For use on one event loop.
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

        Raises:
            Exception: What `run` raised for one of these inputs.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[OutputT]] = [loop.create_future() for _ in inputs]
        self._waiting.extend(zip(inputs, futures, strict=True))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return list(await asyncio.gather(*futures))

    async def _work(self) -> None:
        while batch := self._take():
            await self._settle(batch)

    async def _settle(self, batch: list[tuple[InputT, asyncio.Future[OutputT]]]) -> None:
        """Runs a batch, and one that fails in halves, until what fails stands alone: nobody else answers for it.

        An input alone among 32 costs ten more runs. A batch too large for the memory fits when it is cut.
        """
        try:
            outputs = await self._run([item for item, _ in batch])
            settled = list(zip(batch, outputs, strict=True))
        except Exception as error:  # noqa: BLE001 - the callers get it, each at its own await
            left = [waiting for waiting in batch if not waiting[1].done()]
            if len(batch) > 1 and not isinstance(error, _OF_NO_INPUT):
                for half in (left[: len(left) // 2], left[len(left) // 2 :]):
                    if half:
                        await self._settle(half)
                return
            for _, future in left:
                future.set_exception(error)
        else:
            for (_, future), output in settled:
                if not future.done():
                    future.set_result(output)

    def _take(self) -> list[tuple[InputT, asyncio.Future[OutputT]]]:
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].done()]
        batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
        return batch
