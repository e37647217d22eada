"""GarmentService."""

from collections.abc import AsyncIterator
from typing import Any

from vitrine.type.v1 import garment_pb2
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

from mesh.failures import FailureStage
from mesh.status import status_of
from vision_svc.garments.analysis import GarmentAnalysis
from vision_svc.garments.embedding import BatchEmbedding, Embedded, EmbedItem, Subject
from vision_svc.garments.runs import Run
from vision_svc.garments.vocabulary import Understanding
from vision_svc.models.contract import Task
from vision_svc.models.registry import Registry
from vision_svc.servicers import convert
from vision_svc.servicers.errors import error_table, item_error
from vision_svc.servicers.stream import AnalyzeStream

Context = Any


class GarmentServicer(garment_service_pb2_grpc.GarmentServiceServicer):
    """Converts, calls one use case, converts."""

    def __init__(
        self,
        analysis: GarmentAnalysis,
        embedding: BatchEmbedding,
        registry: Registry,
        run: Run,
        stream: AnalyzeStream,
        *,
        min_score: float,
    ) -> None:
        """Takes the use cases; `run` is where answers with masks are written."""
        self._analysis, self._embedding, self._registry = analysis, embedding, registry
        self._run, self._stream, self._min_score = run, stream, min_score
        self._failures = FailureStage(error_table())

    async def AnalyzeImage(
        self, request: garment_service_pb2.AnalyzeImageRequest, context: Context
    ) -> garment_service_pb2.AnalyzeImageResponse:
        """Finds the garments in a picture."""
        del context
        region = convert.region_of(request.region if request.HasField("region") else None)
        min_score = request.min_score if request.HasField("min_score") else self._min_score
        options, parts = convert.options_of(request.parts, min_score, region, request.face_boxes)
        analysis = await self._analysis.analyze(request.image.data, options)
        message: garment_service_pb2.ImageAnalysis = await self._run(convert.analysis_message, analysis, parts)
        return garment_service_pb2.AnalyzeImageResponse(analysis=message)

    async def BatchEmbedImages(
        self, request: garment_service_pb2.BatchEmbedImagesRequest, context: Context
    ) -> garment_service_pb2.BatchEmbedImagesResponse:
        """Embeds pictures."""
        del context
        items = [_item(item) for item in request.items]
        results = await self._embedding.embed(items, with_attributes=request.with_attributes)
        model = self._registry.use(Task.GARMENT_EMBED).model
        uses = dict.fromkeys(use for one in results if isinstance(one, Embedded) for use in one.models)
        return garment_service_pb2.BatchEmbedImagesResponse(
            items=[self._embedded(index, result, model) for index, result in enumerate(results)],
            models=[convert.model_use_message(use) for use in uses],
        )

    async def EmbedText(
        self, request: garment_service_pb2.EmbedTextRequest, context: Context
    ) -> garment_service_pb2.EmbedTextResponse:
        """Embeds words."""
        del context
        found, use = await self._analysis.embed_text(request.text)
        return garment_service_pb2.EmbedTextResponse(
            embedding=convert.embedding_message(found.vector, use.model),
            understanding=_understanding(found.understanding),
            models=[convert.model_use_message(use)],
        )

    def _embedded(self, index: int, result: Embedded | Exception, model: str) -> garment_service_pb2.EmbeddedImage:
        if isinstance(result, Exception):
            error = item_error(result, index) or self._failures.convert(result)
            return garment_service_pb2.EmbeddedImage(error=status_of(error))
        attributes = result.attributes
        return garment_service_pb2.EmbeddedImage(
            image=garment_service_pb2.ImageEmbedding(
                embedding=convert.embedding_message(result.vector, model),
                foreground_share=result.foreground_share,
                background_removed=result.background_removed,
                attributes=convert.attributes_message(attributes) if attributes is not None else None,
            )
        )

    def StreamAnalyze(
        self, request_iterator: AsyncIterator[garment_service_pb2.StreamAnalyzeRequest], context: Context
    ) -> AsyncIterator[garment_service_pb2.StreamAnalyzeResponse]:
        """Analyses many pictures on one stream."""
        del context
        return self._stream.serve(request_iterator)


def _item(item: garment_service_pb2.EmbedImageItem) -> EmbedItem:
    return EmbedItem(
        item.image.data,
        Subject(item.subject),
        convert.region_of(item.region if item.HasField("region") else None),
        item.mask.png if item.HasField("mask") else None,
    )


def _understanding(said: Understanding) -> garment_service_pb2.TextUnderstanding:
    return garment_service_pb2.TextUnderstanding(
        categories=said.categories,
        buckets=[garment_pb2.GarmentBucket.ValueType(bucket.value) for bucket in said.buckets],
        colors=said.colors,
        patterns=said.patterns,
        attributes=said.attributes,
        ignored_words=said.ignored,
        coverage=said.coverage,
    )
