"""Batching across requests: what arrives while the model works goes into its next batch."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mesh.errors import ResourceExhaustedError, UnavailableError, VitrineError
from vision_svc.models.registry import ModelUnavailableError

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")

# A full queue, a model that is not there: every input fails alike, and trying them one by one makes it worse.
OF_NO_INPUT = (VitrineError, ModelUnavailableError)
_RETRY_AFTER_S = 1.0


@dataclass(frozen=True)
class QueueLimits:
    """How much may wait for one model, beside the batch that it works on.

    Attributes:
        calls: Calls whose inputs wait.
        size_bytes: Bytes of these inputs.
    """

    calls: int = 64
    size_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True)
class _Waiting(Generic[InputT, OutputT]):
    item: InputT
    future: "asyncio.Future[OutputT]"
    call: int
    size_bytes: int


class Batcher(Generic[InputT, OutputT]):
    """Joins the inputs of many callers into batches for one model.

    One batch runs at a time. While it runs, inputs gather; when it is done, up to `max_batch` of them go in together.
    So a single request waits for nothing, and under load the batches grow by themselves. An input that makes its batch
    fail fails alone. The queue is bounded, because what waits longer than its caller does is lost twice, and because
    pictures are large. For use on one event loop.
    """

    def __init__(
        self,
        run: Callable[[Sequence[InputT]], Awaitable[Sequence[OutputT]]],
        *,
        max_batch: int = 32,
        limits: QueueLimits | None = None,
        size_bytes: Callable[[InputT], int] = lambda _: 0,
    ) -> None:
        """Makes a batcher.

        Args:
            run: Runs one batch off the event loop; answers in order.
            max_batch: Largest batch.
            limits: How much may wait; None takes the defaults.
            size_bytes: Tells what an input weighs, in bytes.
        """
        self._run, self._max_batch = run, max_batch
        self._limits, self._size_bytes = limits or QueueLimits(), size_bytes
        self._waiting: list[_Waiting[InputT, OutputT]] = []
        self._calls = itertools.count()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, inputs: Sequence[InputT]) -> list[OutputT]:
        """Puts inputs into the next batches and waits for their results.

        Cancelling it takes those of its inputs that still wait out of the queue.

        Args:
            inputs: Inputs of one caller.

        Returns:
            One result per input, in order.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED: too much waits already. A call is never too large by itself.
            Exception: What `run` raised for the first of these inputs that failed.
        """
        outputs: list[OutputT] = []
        for result in await self.submit_each(inputs):
            if isinstance(result, BaseException):
                raise result
            outputs.append(result)
        return outputs

    async def submit_each(self, inputs: Sequence[InputT]) -> list[OutputT | BaseException]:
        """As `submit`, but an input that fails has its error for a result, and the others have theirs."""
        self._make_sure_of_room(inputs)
        loop, call = asyncio.get_running_loop(), next(self._calls)
        futures: list[asyncio.Future[OutputT]] = [loop.create_future() for _ in inputs]
        self._waiting += [
            _Waiting(item, future, call, self._size_bytes(item)) for item, future in zip(inputs, futures, strict=True)
        ]
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return list(await asyncio.gather(*futures, return_exceptions=True))

    def _make_sure_of_room(self, inputs: Sequence[InputT]) -> None:
        self._forget_the_gone()
        if not self._waiting or not inputs:
            return
        calls = len({waiting.call for waiting in self._waiting})
        held = sum(waiting.size_bytes for waiting in self._waiting)
        if calls >= self._limits.calls:
            raise _full(self._limits.calls, "calls")
        if held + sum(map(self._size_bytes, inputs)) > self._limits.size_bytes:
            raise _full(self._limits.size_bytes, "bytes")

    async def _work(self) -> None:
        batch: list[_Waiting[InputT, OutputT]] = []
        try:
            while batch := self._take():
                await self._settle(batch)
        except BaseException:
            # The server stops, or the executor does. Nobody else would ever answer those who wait.
            _fail(itertools.chain(batch, self._waiting), _broken_off())
            self._waiting = []
            raise

    async def _settle(self, batch: list[_Waiting[InputT, OutputT]]) -> None:
        """Runs a batch, and one that fails in halves, until what fails stands alone: nobody else answers for it.

        An input alone among 32 costs ten more runs. A batch too large for the memory fits when it is cut.
        """
        try:
            outputs = await self._run([waiting.item for waiting in batch])
            settled = list(zip(batch, outputs, strict=True))
        except Exception as error:  # noqa: BLE001 - the callers get it, each at its own await
            left = [waiting for waiting in batch if not waiting.future.done()]
            if len(batch) > 1 and not isinstance(error, OF_NO_INPUT):
                for half in (left[: len(left) // 2], left[len(left) // 2 :]):
                    if half:
                        await self._settle(half)
                return
            _fail(left, error)
        else:
            for waiting, output in settled:
                if not waiting.future.done():
                    waiting.future.set_result(output)

    def _take(self) -> list[_Waiting[InputT, OutputT]]:
        self._forget_the_gone()
        batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
        return batch

    def _forget_the_gone(self) -> None:
        self._waiting = [waiting for waiting in self._waiting if not waiting.future.done()]


def _fail(many: Iterable[_Waiting[InputT, OutputT]], error: Exception) -> None:
    for waiting in many:
        if not waiting.future.done():
            waiting.future.set_exception(error)


def _full(limit: int, unit: str) -> ResourceExhaustedError:
    return ResourceExhaustedError(
        f"the queue of a model is full ({limit} {unit} wait)",
        "CAPACITY_REACHED",
        {"limit": str(limit), "unit": unit},
        retry_after_s=_RETRY_AFTER_S,
    )


def _broken_off() -> UnavailableError:
    return UnavailableError("the run of a model was broken off", "SHUTTING_DOWN", retry_after_s=_RETRY_AFTER_S)
