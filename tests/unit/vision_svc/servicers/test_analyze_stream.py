"""StreamAnalyze holds its input back when nobody reads its answers, and outlives a picture that breaks a model."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from google.rpc import code_pb2
from vitrine.type.v1 import image_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb

from imaging.errors import corrupt_image
from vision_svc.garments.analysis import Analysis, AnalysisOptions, GarmentAnalysis
from vision_svc.servicers.errors import error_table
from vision_svc.servicers.stream import AnalyzeStream

pytestmark = pytest.mark.unit

COUNT, IN_FLIGHT = 50, 2


class RefusesAll:
    """An analysis that is done at once."""

    async def analyze(self, data: bytes, options: AnalysisOptions) -> Analysis:
        raise corrupt_image(f"{len(data)} bytes, {options.min_score}")


class FailsOnTwo:
    """An analysis that refuses all pictures, and breaks on the second."""

    async def analyze(self, data: bytes, options: AnalysisOptions) -> Analysis:
        if data == b"2":
            raise RuntimeError("/secret/path")
        return await RefusesAll().analyze(data, options)


async def run(*_: Any) -> Any:
    raise AssertionError("nothing is written for a refused picture")


async def test_a_caller_who_does_not_read_is_not_read_from() -> None:
    read = 0

    async def requests() -> AsyncIterator[pb.StreamAnalyzeRequest]:
        nonlocal read
        yield pb.StreamAnalyzeRequest(config=pb.StreamAnalyzeConfig(max_in_flight=IN_FLIGHT))
        for sequence in range(COUNT):
            read += 1
            yield pb.StreamAnalyzeRequest(image=pb.StreamAnalyzeImage(sequence=sequence))

    stream = AnalyzeStream(cast("GarmentAnalysis", RefusesAll()), run, error_table(), asyncio.Event(), min_score=0.3)
    answers = stream.serve(requests())
    first = await anext(answers)
    for _ in range(200):
        await asyncio.sleep(0)
    assert read <= IN_FLIGHT + 3
    numbers = [first.sequence] + [answer.sequence async for answer in answers]
    assert sorted(numbers) == list(range(COUNT))


async def test_a_picture_that_breaks_a_model_does_not_end_the_stream() -> None:
    async def requests() -> AsyncIterator[pb.StreamAnalyzeRequest]:
        yield pb.StreamAnalyzeRequest(config=pb.StreamAnalyzeConfig(max_in_flight=1))
        for sequence in (1, 2, 3):
            image = image_pb2.Image(data=str(sequence).encode())
            yield pb.StreamAnalyzeRequest(image=pb.StreamAnalyzeImage(sequence=sequence, image=image))

    stream = AnalyzeStream(cast("GarmentAnalysis", FailsOnTwo()), run, error_table(), asyncio.Event(), min_score=0.3)
    answers = {answer.sequence: answer.error async for answer in stream.serve(requests())}
    codes = {sequence: error.code for sequence, error in answers.items()}
    assert codes == {1: code_pb2.INVALID_ARGUMENT, 2: code_pb2.INTERNAL, 3: code_pb2.INVALID_ARGUMENT}
    assert "secret" not in str(answers[2])
