"""The vision service, as this one uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import grpc.aio
from google.rpc import status_pb2
from vitrine.type.v1 import image_pb2, model_pb2
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

from mesh.errors import InvalidInputError, UnavailableError
from mesh.status import error_from_rpc, error_of
from retrieval_svc.catalog.encoder import EncodedQuery, ModelUse, RefusedPicture, Vector

_DEPENDENCY = "vision"
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

    async def embed_products(self, pictures: Sequence[bytes]) -> list[Vector | RefusedPicture]:
        """Makes vectors of product pictures; see `Encoder`."""
        request = _batch(pictures, garment_service_pb2.EMBED_SUBJECT_PRODUCT)
        answer = await _called(self._stub.BatchEmbedImages(request, timeout=self._batch_deadline_s))
        if len(answer.items) != len(pictures):
            raise UnavailableError(
                "vision answered for other pictures", "DEPENDENCY_UNAVAILABLE", {"dependency": "vision"}
            )
        return [_result(item) for item in answer.items]

    async def embed_picture(self, picture: bytes) -> EncodedQuery:
        """Makes the vector of a picture to search with; see `Encoder`.

        Raises:
            InvalidInputError: When the picture cannot be used; the field is `image.data`.
        """
        request = _batch([picture], garment_service_pb2.EMBED_SUBJECT_UNSPECIFIED)
        answer = await _called(self._stub.BatchEmbedImages(request, timeout=self._query_deadline_s))
        item = answer.items[0]
        if item.WhichOneof("result") == "error":
            refused = _refusal(item.error)
            raise InvalidInputError.of("image.data", refused.description, refused.reason, **refused.metadata)
        return EncodedQuery(_vector(item.image.embedding), 1.0, _models(answer.models))

    async def embed_text(self, text: str) -> EncodedQuery:
        """Makes the vector of words; see `Encoder`."""
        request = garment_service_pb2.EmbedTextRequest(text=text)
        answer = await _called(self._stub.EmbedText(request, timeout=self._query_deadline_s))
        understood = answer.understanding.coverage if answer.HasField("understanding") else 1.0
        return EncodedQuery(_vector(answer.embedding), min(1.0, max(0.0, understood)), _models(answer.models))


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


def _result(item: garment_service_pb2.EmbeddedImage) -> Vector | RefusedPicture:
    if item.WhichOneof("result") == "image":
        return _vector(item.image.embedding)
    return _refusal(item.error)


def _refusal(status: status_pb2.Status) -> RefusedPicture:
    """What vision says against a picture; that it cannot answer now is no word about the picture."""
    error = error_of(status, dependency=_DEPENDENCY)
    if not isinstance(error, InvalidInputError):
        raise error
    text = error.violations[0].description if error.violations else error.message
    return RefusedPicture(error.reason, text, error.metadata)


def _vector(embedding: model_pb2.Embedding) -> Vector:
    return Vector(tuple(embedding.values), embedding.model)


def _models(uses: Sequence[model_pb2.ModelUse]) -> tuple[ModelUse, ...]:
    return tuple(ModelUse(use.task, use.model, use.degraded, use.degraded_reason) for use in uses)
