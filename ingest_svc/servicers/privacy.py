"""PrivacyService."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, TypeAlias

import grpc.aio
from vitrine.ingest.v1 import privacy_service_pb2 as pb
from vitrine.ingest.v1 import privacy_service_pb2_grpc

from ingest_svc.privacy.erase import Eraser
from ingest_svc.privacy.export import Exporter, FilePart, Record, Summary
from ingest_svc.privacy.receipt import Receipt, Store

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_STORES = {
    Store.ROWS: pb.ErasedKind.STORE_ROWS,
    Store.OBJECTS: pb.ErasedKind.STORE_OBJECTS,
    Store.VECTORS: pb.ErasedKind.STORE_VECTORS,
    Store.MEMORY: pb.ErasedKind.STORE_MEMORY,
}


class PrivacyServicer(privacy_service_pb2_grpc.PrivacyServiceServicer):
    """Serves `vitrine.ingest.v1.PrivacyService`."""

    def __init__(self, eraser: Eraser, exporter: Exporter, *, clock: Callable[[], datetime]) -> None:
        self._eraser = eraser
        self._exporter = exporter
        self._clock = clock

    async def ExportUser(self, request: pb.ExportUserRequest, context: Context) -> AsyncIterator[pb.ExportUserResponse]:
        """Streams all that is kept about a user."""
        sequence = 0
        async for part in self._exporter.export(_user(request.name), files=not request.skip_files):
            sequence += 1
            response = pb.ExportUserResponse(sequence=sequence)
            response.server_time.FromDatetime(self._clock())
            _fill(response, part)
            yield response

    async def EraseUser(self, request: pb.EraseUserRequest, context: Context) -> pb.EraseUserResponse:
        """Erases all that is kept about a user."""
        return pb.EraseUserResponse(receipt=_receipt(await self._eraser.erase(_user(request.name))))


def _user(name: str) -> str:
    return name.split("/")[1]


def _fill(response: pb.ExportUserResponse, part: Record | FilePart | Summary) -> None:
    match part:
        case Record():
            response.record.service, response.record.kind, response.record.json = part.service, part.kind, part.json
        case FilePart():
            response.file_part.CopyFrom(
                pb.ExportFilePart(
                    service=part.service,
                    path=part.path,
                    content_type=part.content_type,
                    offset_bytes=part.offset,
                    data=part.data,
                    last=part.last,
                )
            )
        case Summary():
            response.summary.SetInParent()
            for (service, kind), count in sorted(part.counts.items()):
                response.summary.counts.add(service=service, kind=kind, item_count=count)


def _receipt(receipt: Receipt) -> pb.ErasureReceipt:
    message = pb.ErasureReceipt(receipt_id=str(receipt.receipt_id), sha256=receipt.sha256)
    message.start_time.FromDatetime(receipt.start_time)
    message.end_time.FromDatetime(receipt.end_time)
    for entry in receipt.erased:
        erased = message.erased.add(
            service=entry.service,
            store=_STORES[entry.store],
            kind=entry.kind,
            item_count=entry.item_count,
            ids_sha256=entry.ids_sha256,
        )
        erased.erase_time.FromDatetime(entry.erase_time)
    return message
