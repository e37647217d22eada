"""The use cases with models of our own making: who fails, who took part, how long it took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from imaging.decode import DecodeLimits, encode_png
from mesh.errors import ResourceExhaustedError
from vision_svc.garments import fashion_space, runs
from vision_svc.garments.analysis import AnalysisOptions, GarmentAnalysis
from vision_svc.garments.embedding import BatchEmbedding, Embedded, EmbedItem, Subject
from vision_svc.garments.fashion import FASHION
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import Bucket, ParsedGarment, ParsedImage
from vision_svc.models.batching import QueueLimits
from vision_svc.models.contract import ModelSpec, ModelUse, Task
from vision_svc.models.latency import LatencyRecorder
from vision_svc.models.registry import Registry
from vision_svc.people.types import Box, ImageBgr

pytestmark = pytest.mark.unit

DECODE_S, PARSE_S, EMBED_S, WAIT_S = 0.003, 0.020, 0.005, 1000.0
# A picture of this height makes the model fail whose name it has.
BAD_FOR_PARSER, BAD_FOR_EMBEDDER = 66, 77


class Clock:
    """Moves when models work and when jobs wait."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        return self.now_s


class Parser:
    """Finds one garment in the middle of every picture, by itself."""

    def __init__(self, clock: Clock, latency: LatencyRecorder) -> None:
        self._clock, self._latency = clock, latency
        self.batches: list[int] = []

    def parse(self, image_bgr: ImageBgr, faces_xyxy: Sequence[Box] = ()) -> ParsedImage:
        assert not faces_xyxy
        height, width = image_bgr.shape[:2]
        if height == BAD_FOR_PARSER:
            raise RuntimeError("66")
        with self._latency.measure(Task.PERSON_POSE, "pose/1"):
            self._clock.now_s += PARSE_S
        mask = np.ones((height - 20, width - 20), np.bool_)
        box = (10, 10, width - 10, height - 10)
        return ParsedImage(width, height, (), (ParsedGarment(Bucket.TOP, "top", 0.9, box, mask, (), 0.5),))


class TogetherParser(Parser):
    """The same, on batches."""

    def parse_batch(self, images: Sequence[ImageBgr], faces_xyxy: Sequence[Sequence[Box]]) -> list[ParsedImage]:
        assert len(images) == len(faces_xyxy)
        self.batches.append(len(images))
        return [self.parse(image) for image in images]


class Embedder:
    """Gives every garment the same vector."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def infer(self, views: Sequence[GarmentView]) -> list[npt.NDArray[np.float32]]:
        if any(view.image_bgr.shape[0] == BAD_FOR_EMBEDDER - 20 for view in views):
            raise RuntimeError("77")
        self._clock.now_s += EMBED_S * len(views)
        return [np.array([0.6, 0.8], np.float32) for _ in views]


def missing() -> Any:
    raise OSError("no such file")


class Reader:
    """Sees stripes in small pictures, and hardly any in large ones; for "fashion/3"."""

    def __init__(self) -> None:
        self.heights: list[int] = []

    def infer(self, views: Sequence[GarmentView]) -> list[npt.NDArray[np.float32]]:
        heights = [view.image_bgr.shape[0] for view in views]
        self.heights += heights
        stripes = np.array([0.999 if height < 100 else 0.7 for height in heights])
        chances = np.stack([1 - stripes, stripes, *[stripes * 0] * 4], axis=1)
        return list(fashion_space.join({"pattern": np.sqrt(chances)}))


class Place:
    """The use cases, with a parser of either kind that stands in for one that is missing."""

    def __init__(self, *, together: bool, queue: QueueLimits | None = None) -> None:
        self.clock, latency = Clock(), LatencyRecorder()
        self.parser = (TogetherParser if together else Parser)(self.clock, latency)
        self.registry = Registry(latency)
        for task, model, load in (
            (Task.PERSON_POSE, "pose/1", lambda: "pose"),
            (Task.GARMENT_PARSE, "weak/1", lambda: self.parser),
            (Task.GARMENT_PARSE, "big/1", missing),
            (Task.GARMENT_EMBED, "embed/1", lambda: Embedder(self.clock)),
        ):
            self.registry.register(ModelSpec(task, model, "numpy", "MIT", "test", "A test."), load)
        self.registry.select(Task.PERSON_POSE, "pose/1")
        self.registry.select(Task.GARMENT_PARSE, "big/1", "weak/1")
        self.registry.select(Task.GARMENT_EMBED, "embed/1")
        self.registry.load_selected()
        self.analysis = GarmentAnalysis(self.registry, self.run, limits=DecodeLimits(), max_side_px=960, queue=queue)
        self.embedding = BatchEmbedding(self.analysis, self.registry)

    async def run(self, fn: Callable[..., Any], /, *args: Any) -> Any:
        self.clock.now_s += WAIT_S
        await asyncio.sleep(0)
        return fn(*args)


@pytest.fixture(params=[False, True], ids=["one by one", "in batches"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(together=request.param)
    monkeypatch.setattr(runs, "time", place.clock)
    return place


def picture(height: int = 60) -> bytes:
    return encode_png(np.random.default_rng(height).integers(0, 255, (height, 50, 3), np.uint8))


async def test_what_waits_is_not_in_the_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> tuple[ImageBgr, tuple[int, int]]:
        place.clock.now_s += DECODE_S
        return np.zeros((60, 50, 3), np.uint8), (50, 60)

    monkeypatch.setattr(place.analysis, "decode", decode)
    options = AnalysisOptions(attributes=False)
    seen = await asyncio.gather(*(place.analysis.analyze(b"", options) for _ in range(4)))
    spent_ms = 1000 * (DECODE_S + PARSE_S + EMBED_S)
    assert [one.processing_ms for one in seen] == pytest.approx([spent_ms] * 4, abs=1e-3)


async def test_each_picture_of_a_batch_fails_alone(place: Place) -> None:
    heights = [60, BAD_FOR_PARSER, BAD_FOR_EMBEDDER, 61]
    items = [EmbedItem(picture(height), Subject.OUTFIT) for height in heights] + [EmbedItem(b"nonsense")]
    results = await place.embedding.embed(items, with_attributes=False)
    assert [isinstance(result, Embedded) for result in results] == [True, False, False, True, False]
    assert [str(results[1]), str(results[2])] == ["66", "77"]


async def test_worn_pictures_go_to_the_parser_together() -> None:
    place = Place(together=True)
    results = await place.embedding.embed([EmbedItem(picture(), Subject.OUTFIT)] * 5, with_attributes=False)
    assert all(isinstance(result, Embedded) for result in results)
    assert place.parser.batches == [5]


async def test_the_models_that_took_part_are_told(place: Place) -> None:
    found = (
        ModelUse(Task.PERSON_POSE, "pose/1"),
        ModelUse(Task.GARMENT_PARSE, "weak/1", "stands in for big/1: no such file"),
    )
    items = [
        EmbedItem(picture(), Subject.OUTFIT),
        EmbedItem(picture(), Subject.PRODUCT),
        EmbedItem(picture(), Subject.PRODUCT, None, encode_png(np.full((60, 50), 255, np.uint8))),
    ]
    told = []
    for result in await place.embedding.embed(items, with_attributes=True):
        assert isinstance(result, Embedded)
        told.append(result.models)
    embed, describe = ModelUse(Task.GARMENT_EMBED, "embed/1"), ModelUse(Task.GARMENT_DESCRIBE, "described/1")
    cut = ModelUse(Task.GARMENT_FOREGROUND, "border-grabcut/1")
    assert told == [(*found, describe, embed), (cut, describe, embed), (describe, embed)]
    seen = await place.analysis.analyze(picture(), AnalysisOptions())
    assert seen.models == (*found, describe, embed)


async def test_a_full_queue_refuses_the_whole_call() -> None:
    place = Place(together=True, queue=QueueLimits(calls=1))
    calls = [place.analysis.analyze(picture(), AnalysisOptions()) for _ in range(6)]
    calls += [place.embedding.embed([EmbedItem(picture())] * 3, with_attributes=False)]  # type: ignore[list-item]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert 0 < len(refused) < len(calls)
    assert all(isinstance(error, ResourceExhaustedError) for error in refused)


@pytest.mark.parametrize(
    ("options", "heights"),
    [
        pytest.param(AnalysisOptions(), [280, 93], id="a close-up for the pattern"),
        pytest.param(AnalysisOptions(attributes=False), [280], id="no attributes, no close-up"),
        pytest.param(AnalysisOptions(embeddings=False), [], id="no vectors, no close-up"),
    ],
)
async def test_patterns_are_read_from_close_ups_too(place: Place, options: AnalysisOptions, heights: list[int]) -> None:
    reader = Reader()
    place.registry.register(ModelSpec(Task.GARMENT_EMBED, FASHION, "numpy", "MIT", "test", "A test."), lambda: reader)
    place.registry.select(Task.GARMENT_EMBED, FASHION)
    place.registry.load_selected()
    (garment,) = (await place.analysis.analyze(picture(300), options)).garments
    assert reader.heights == heights
    if options.attributes and options.embeddings:
        assert garment.attributes is not None
        assert garment.attributes.pattern.word == "striped"
    if options.embeddings:
        assert garment.vector is not None
        assert fashion_space.chances(garment.vector, "pattern")[0] == pytest.approx(0.3, abs=1e-5)
