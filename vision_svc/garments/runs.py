"""Running models for the use cases: off the event loop, in batches where that is quicker, with time and models told."""

import functools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import GarmentParser, ParsedImage
from vision_svc.models.batching import OF_NO_INPUT, Batcher, QueueLimits
from vision_svc.models.contract import ModelUse, Task
from vision_svc.models.latency import taking_part
from vision_svc.models.registry import Registry
from vision_svc.people.types import Box, ImageBgr

FloatArray = npt.NDArray[np.float32]
ValueT = TypeVar("ValueT")

# A decoded picture, and where faces are known in it.
Picture = tuple[ImageBgr, Sequence[Box]]


class Run(Protocol):
    """Runs a function on the executor of models, such as `mesh.executor.ModelExecutor.run`."""

    def __call__(self, fn: Callable[..., Any], /, *args: Any) -> Awaitable[Any]:  # noqa: ANN401 - those of `fn`
        """Runs `fn(*args)` off the event loop."""


@runtime_checkable
class BatchParser(Protocol):
    """A parser that is quicker on several pictures at once."""

    def parse_batch(self, images: Sequence[ImageBgr], faces_xyxy: Sequence[Sequence[Box]]) -> list[ParsedImage]:
        """Finds the garments of each picture, with the faces that are known in each; see `GarmentParser.parse`."""


@dataclass(frozen=True)
class Ran(Generic[ValueT]):
    """What was made of one input.

    Attributes:
        value: What it is.
        ms: Time that it took, milliseconds: without waiting for the executor, and of a batch the input's share.
        models: The models that took part, in the order in which they were done; those of a batch are told of each.
    """

    value: ValueT
    ms: float
    models: tuple[ModelUse, ...] = ()


class ModelRuns:
    """Runs the models of the registry. One per process; for use from the event loop."""

    def __init__(self, registry: Registry, run: Run, *, max_batch: int = 32, limits: QueueLimits | None = None) -> None:
        """Joins models and executor.

        Args:
            registry: Where the models are.
            run: Runs blocking work.
            max_batch: Largest batch of parser and embedder.
            limits: How much may wait for each of them.
        """
        self._registry, self._run = registry, run
        self._parses: Batcher[Picture, Ran[ParsedImage]] = Batcher(
            self._parse_batch, max_batch=max_batch, limits=limits, size_bytes=lambda picture: picture[0].nbytes
        )
        self._embeds: Batcher[GarmentView, Ran[FloatArray]] = Batcher(
            self._embed_batch, max_batch=max_batch, limits=limits,
            size_bytes=lambda view: view.image_bgr.nbytes + view.mask.nbytes,
        )  # fmt: skip

    @property
    def parses_in_batches(self) -> bool:
        """Whether the parser joins the pictures of many callers. Otherwise `parse_now` may be part of another job."""
        return isinstance(self._registry.get(Task.GARMENT_PARSE), BatchParser)

    async def job(self, fn: Callable[..., ValueT], *args: Any) -> Ran[ValueT]:  # noqa: ANN401 - those of `fn`
        """Runs `fn(*args)` on the executor and tells how long it took there."""
        ran: Ran[ValueT] = await self._run(_timed, fn, *args)
        return ran

    async def model_job(self, task: Task, fn: Callable[..., ValueT], argument: Any) -> Ran[ValueT]:  # noqa: ANN401
        """As `job`, for the model of a task: its latency is recorded, and it is told among the models."""
        ran: Ran[ValueT] = await self._run(self._measured, task, fn, argument)
        return ran

    def parse_now(self, picture: Picture) -> Ran[ParsedImage]:
        """Finds people and garments in one picture; runs on the executor."""
        image, faces = picture
        parser: GarmentParser = self._registry.get(Task.GARMENT_PARSE)
        return self._measured(Task.GARMENT_PARSE, functools.partial(parser.parse, faces_xyxy=faces), image)

    async def parse_each(self, pictures: Sequence[Picture]) -> list[Ran[ParsedImage] | Exception]:
        """Finds people and garments in pictures; one that fails has its error for a result.

        Raises:
            ResourceExhaustedError: Too much waits already.
            vision_svc.models.registry.ModelUnavailableError: The parser is not ready.
        """
        if self.parses_in_batches:
            return _of_inputs(await self._parses.submit_each(pictures))
        return [await self.attempt(self.parse_now, picture) for picture in pictures]

    async def embed_each(self, views: Sequence[GarmentView]) -> list[Ran[FloatArray] | Exception]:
        """Makes vectors of garments, together with those of other callers; errors as `parse_each`."""
        return _of_inputs(await self._embeds.submit_each(views))

    async def attempt(self, fn: Callable[..., ValueT], *args: Any) -> ValueT | Exception:  # noqa: ANN401
        """Runs `fn(*args)` on the executor; returns an error that is the input's own, and raises any other."""
        try:
            value: ValueT = await self._run(fn, *args)
        except OF_NO_INPUT:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: the others' results do not depend on it
            return error
        return value

    async def _parse_batch(self, pictures: Sequence[Picture]) -> list[Ran[ParsedImage]]:
        parser: BatchParser = self._registry.get(Task.GARMENT_PARSE)
        parse = functools.partial(parser.parse_batch, faces_xyxy=[faces for _, faces in pictures])
        return _shares(await self.model_job(Task.GARMENT_PARSE, parse, [image for image, _ in pictures]))

    async def _embed_batch(self, views: Sequence[GarmentView]) -> list[Ran[FloatArray]]:
        model = self._registry.get(Task.GARMENT_EMBED)
        return _shares(await self.model_job(Task.GARMENT_EMBED, model.infer, views))

    def _measured(self, task: Task, fn: Callable[..., ValueT], argument: Any) -> Ran[ValueT]:  # noqa: ANN401
        use = self._registry.use(task)
        with taking_part() as seen:
            start = time.perf_counter()
            with self._registry.latency.measure(use.task, use.model):
                value = fn(argument)
            spent_ms = (time.perf_counter() - start) * 1000
        others = (self._registry.use(Task(name)) for name, _ in seen if name != use.task)
        return Ran(value, spent_ms, (*others, use))


def all_of(results: Iterable[ValueT | Exception]) -> list[ValueT]:
    """Returns results, or raises the first error among them."""
    values = []
    for result in results:
        if isinstance(result, Exception):
            raise result
        values.append(result)
    return values


def _timed(fn: Callable[..., ValueT], *args: Any) -> Ran[ValueT]:  # noqa: ANN401 - those of `fn`
    start = time.perf_counter()
    value = fn(*args)
    return Ran(value, (time.perf_counter() - start) * 1000)


def _shares(ran: Ran[list[ValueT]]) -> list[Ran[ValueT]]:
    """Gives each input of a batch its result and its share of the time."""
    return [Ran(value, ran.ms / len(ran.value), ran.models) for value in ran.value]


def _of_inputs(results: Iterable[ValueT | BaseException]) -> list[ValueT | Exception]:
    """Returns results and the errors of single inputs; raises any other error."""
    kept: list[ValueT | Exception] = []
    for result in results:
        if isinstance(result, OF_NO_INPUT) or (isinstance(result, BaseException) and not isinstance(result, Exception)):
            raise result
        kept.append(result)
    return kept
