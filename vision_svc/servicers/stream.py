"""StreamAnalyze: many pictures on one stream, bounded, answered as they are done."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from vitrine.vision.v1 import garment_service_pb2

from mesh.errors import InvalidInputError, UnavailableError, VitrineError
from mesh.failures import FailureStage
from mesh.status import ErrorTable, status_of
from vision_svc.garments.analysis import GarmentAnalysis
from vision_svc.garments.runs import Run
from vision_svc.servicers import convert

Request = garment_service_pb2.StreamAnalyzeRequest
Response = garment_service_pb2.StreamAnalyzeResponse

_DEFAULT_IN_FLIGHT = 4


@dataclass(frozen=True)
class _Done:
    """The end of the input: None when the caller is done, else why the stream breaks off."""

    error: BaseException | None


class AnalyzeStream:
    """Serves StreamAnalyze; one for the process."""

    def __init__(
        self, analysis: GarmentAnalysis, run: Run, errors: ErrorTable, stopping: asyncio.Event, *, min_score: float
    ) -> None:
        """Takes the use case.

        Args:
            analysis: The use case.
            run: Where answers are written, off the event loop.
            errors: Turns what goes wrong with one picture into its answer.
            stopping: Set when the server drains; pictures that were read are still answered.
            min_score: Threshold where the config says nothing.
        """
        self._analysis, self._run, self._failures = analysis, run, FailureStage(errors)
        self._stopping, self._min_score = stopping, min_score

    async def serve(self, requests: AsyncIterator[Request]) -> AsyncIterator[Response]:
        """Answers a stream, in the order in which pictures are done.

        Not more than `max_in_flight` pictures, and one that is being sent, are read and unanswered: then nothing is
        read, and gRPC's flow control stops the caller. A caller who does not read answers is not read from either. When
        the stream ends or breaks, what is still at work is cancelled.

        Raises:
            InvalidInputError: A picture came before the config.
            UnavailableError: The server drains.
        """
        answers: asyncio.Queue[Response | _Done] = asyncio.Queue(maxsize=1)  # a full one holds the pictures back
        reader = asyncio.create_task(self._read(requests, answers))
        try:
            while not isinstance(answer := await answers.get(), _Done):
                yield answer
            if answer.error is not None:
                raise answer.error
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    async def _read(self, requests: AsyncIterator[Request], answers: "asyncio.Queue[Response | _Done]") -> None:
        error: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                await self._feed(requests, answers, group)
        except* VitrineError as failures:
            error = failures.exceptions[0]
        except* Exception as failures:  # noqa: BLE001 - the interceptor logs it and answers for it
            error = failures.exceptions[0]
        await answers.put(_Done(error))

    async def _feed(
        self, requests: AsyncIterator[Request], answers: "asyncio.Queue[Response | _Done]", group: asyncio.TaskGroup
    ) -> None:
        config: garment_service_pb2.StreamAnalyzeConfig | None = None
        places, pending = _DEFAULT_IN_FLIGHT, set[asyncio.Task[None]]()
        while (request := await self._next(requests)) is not None:
            if request.WhichOneof("message") == "config":
                config = request.config
                places = config.max_in_flight or _DEFAULT_IN_FLIGHT
                continue
            if config is None:
                raise InvalidInputError.of("image", "a picture came before the config", "PROTOCOL_VIOLATION")
            task = group.create_task(self._answer(request.image, config, answers))
            pending.add(task)
            while len(pending) >= places:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if self._stopping.is_set() and pending:
            await asyncio.wait(pending)
        if self._stopping.is_set():
            raise UnavailableError("the server drains; connect again", "SHUTTING_DOWN", retry_after_s=1.0)

    async def _next(self, requests: AsyncIterator[Request]) -> Request | None:
        """Reads the next message; None at the end of the stream or when the server drains."""
        reading = asyncio.ensure_future(anext(requests, None))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else None
        finally:
            reading.cancel()
            stopping.cancel()

    async def _answer(
        self,
        image: garment_service_pb2.StreamAnalyzeImage,
        config: garment_service_pb2.StreamAnalyzeConfig,
        answers: "asyncio.Queue[Response | _Done]",
    ) -> None:
        region = convert.region_of(image.region if image.HasField("region") else None)
        min_score = config.min_score if config.HasField("min_score") else self._min_score
        options, parts = convert.options_of(config.parts, min_score, region, image.face_boxes)
        try:
            analysis = await self._analysis.analyze(image.image.data, options)
            message: garment_service_pb2.ImageAnalysis = await self._run(convert.analysis_message, analysis, parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is about this picture; ours is logged
            answer = Response(sequence=image.sequence, error=status_of(self._failures.convert(error)))
        else:
            answer = Response(sequence=image.sequence, analysis=message)
        await answers.put(answer)
