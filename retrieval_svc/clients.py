"""The vision service, as this one uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

import grpc.aio
from google.rpc import status_pb2
from vitrine.type.v1 import garment_pb2, image_pb2, model_pb2
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

from mesh.errors import FieldViolation, InternalError, InvalidInputError, UnavailableError
from mesh.status import error_from_rpc, error_of
from retrieval_svc.catalog.encoder import Embedded, EncodedQuery, ModelUse, RefusedPicture, Vector
from retrieval_svc.catalog.patterns import PATTERNS, SURE, pattern_of
from retrieval_svc.one_by_one import with_faults_alone

_DEPENDENCY = "vision"
_QUERY_FIELD = "image.data"
T = TypeVar("T")


class VisionEncoder:
    """`Encoder` over gRPC."""

    def __init__(self, channel: grpc.aio.Channel, *, batch_deadline_s: float, query_deadline_s: float) -> None:
        """Makes the client.

        Args:
            channel: To the vision service.
            batch_deadline_s: Time for a batch of product pictures, in seconds.
            query_deadline_s: Time for the picture or words of a search, in seconds.
        """
        self._stub = garment_service_pb2_grpc.GarmentServiceStub(channel)
        self._batch_deadline_s = batch_deadline_s
        self._query_deadline_s = query_deadline_s

    async def embed_products(self, pictures: Sequence[bytes], *, describe: bool = False) -> list[Embedded]:
        """Makes vectors of product pictures; see `Encoder`."""

        async def ask(some: Sequence[bytes]) -> list[Vector | RefusedPicture | InternalError]:
            request = _batch(some, garment_service_pb2.EMBED_SUBJECT_PRODUCT)
            request.with_attributes = describe
            answer = await _called(self._stub.BatchEmbedImages(request, timeout=self._batch_deadline_s))
            return _results(answer, len(some))

        return await with_faults_alone(ask, pictures)

    async def embed_picture(self, picture: bytes) -> EncodedQuery:
        """Makes the vector of a picture to search with; see `Encoder`.

        Raises:
            InvalidInputError: When the picture cannot be used; the field is `image.data`.
        """
        request = _batch([picture], garment_service_pb2.EMBED_SUBJECT_UNSPECIFIED)
        try:
            answer = await _called(self._stub.BatchEmbedImages(request, timeout=self._query_deadline_s))
            result: Vector | RefusedPicture | InternalError = _results(answer, 1)[0]
        except InvalidInputError as error:  # about all of our message, of which the picture is all
            result = _refused(error)
        if isinstance(result, InternalError):
            raise result
        if isinstance(result, RefusedPicture):
            raise _about(_QUERY_FIELD, result)
        return EncodedQuery(result, 1.0, _models(answer.models))

    async def embed_text(self, text: str) -> EncodedQuery:
        """Makes the vector of words; see `Encoder`."""
        request = garment_service_pb2.EmbedTextRequest(text=text)
        answer = await _called(self._stub.EmbedText(request, timeout=self._query_deadline_s))
        understood = answer.understanding.coverage if answer.HasField("understanding") else 1.0
        uses = _models(answer.models)
        return EncodedQuery(_vector(answer.embedding, uses), min(1.0, max(0.0, understood)), uses)


def _batch(
    pictures: Sequence[bytes], subject: garment_service_pb2.EmbedSubject.ValueType
) -> garment_service_pb2.BatchEmbedImagesRequest:
    items = [garment_service_pb2.EmbedImageItem(image=image_pb2.Image(data=data), subject=subject) for data in pictures]
    return garment_service_pb2.BatchEmbedImagesRequest(items=items)


async def _called(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error, dependency=_DEPENDENCY) from error


def _results(
    answer: garment_service_pb2.BatchEmbedImagesResponse, count: int
) -> list[Vector | RefusedPicture | InternalError]:
    if len(answer.items) != count:
        text, facts = "vision answered for other pictures", {"dependency": _DEPENDENCY}
        raise UnavailableError(text, "DEPENDENCY_UNAVAILABLE", facts, retry_after_s=1.0)
    uses = _models(answer.models)
    return [_result(item, uses) for item in answer.items]


def _result(
    item: garment_service_pb2.EmbeddedImage, uses: Sequence[ModelUse]
) -> Vector | RefusedPicture | InternalError:
    if item.WhichOneof("result") == "image":
        return replace(_vector(item.image.embedding, uses), pattern=_pattern(item.image.attributes))
    return _refusal(item.error)


def _pattern(attributes: garment_pb2.GarmentAttributes) -> str:
    """The pattern that was seen, where it is one of those with a name and vision is sure of it."""
    name = pattern_of(attributes.pattern)
    return name if name in PATTERNS and attributes.confidence.get("pattern", 0.0) >= SURE else ""


def _refusal(status: status_pb2.Status) -> RefusedPicture | InternalError:
    """What vision says against a picture; that it cannot answer now is no word about the picture."""
    error = error_of(status, dependency=_DEPENDENCY)
    if isinstance(error, InternalError):
        return error
    if not isinstance(error, InvalidInputError):
        raise error
    return _refused(error)


def _refused(error: InvalidInputError) -> RefusedPicture:
    text = error.violations[0].description if error.violations else error.message
    return RefusedPicture(error.reason, text, error.metadata)


def _about(field: str, refused: RefusedPicture) -> InvalidInputError:
    """The same in the words of our own contract: vision's names of fields mean nothing to our caller."""
    violation = FieldViolation(field, refused.description)
    return InvalidInputError(f"{field}: {refused.description}", refused.reason, refused.metadata, (violation,))


def _vector(embedding: model_pb2.Embedding, uses: Sequence[ModelUse]) -> Vector:
    degraded = any(use.degraded and use.model == embedding.model for use in uses)
    return Vector(tuple(embedding.values), embedding.model, degraded)


def _models(uses: Sequence[model_pb2.ModelUse]) -> tuple[ModelUse, ...]:
    return tuple(ModelUse(use.task, use.model, use.degraded, use.degraded_reason) for use in uses)
