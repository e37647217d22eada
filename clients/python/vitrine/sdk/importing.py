"""Sending a catalogue: a connection that breaks is taken up behind the rows that are done."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import grpc
import grpc.aio
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.sdk.catalog import CatalogSource
from vitrine.sdk.client import Vitrine
from vitrine.sdk.errors import RpcFailure
from vitrine.sdk.transport import Ending

# Attempts that bring no row further, with growing pauses: about a minute, in which a server is started anew.
_ATTEMPTS = 16
_LONGEST_PAUSE_S = 5.0
_MOST_REPORTED = 10_000


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is.

    Attributes:
        sent_count: Rows sent, with those that were done before.
        total_count: Rows in the file.
    """

    sent_count: int
    total_count: int


async def import_catalog(
    mesh: Vitrine,
    source: CatalogSource,
    *,
    dry_run: bool = False,
    resume: str = "",
    on_progress: Callable[[ImportProgress], None] = lambda _: None,
) -> pb.ImportProductsResponse:
    """Sends a catalogue. The server reads on only when the rows before are stored, so progress is true.

    A connection that breaks is taken up: rows that are done are neither read nor sent again.

    Args:
        mesh: A client with the role `operator`.
        source: The catalogue.
        dry_run: Check every row, write nothing.
        resume: An import that broke, ``imports/{import}``, to go on with; of the same catalogue.
        on_progress: Called after each chunk.

    Returns:
        The import and every rejected row.

    Raises:
        RpcFailure: The import broke, and the mesh stays away; rows done so far stay. Its metadata have the name of the
            import as `import`, to go on with.
    """
    config = pb.ImportConfig(
        source=source.path.name,
        default_currency_code=source.default_currency,
        dry_run=dry_run,
        total_row_count=sum(1 for _ in source.rows()),
        request_id=str(uuid.uuid4()),
        resume=resume,
    )
    name, attempts, furthest = resume or f"imports/{config.request_id}", 0, -1
    while True:
        try:
            known = await _find(mesh, name) if resume or attempts else None
            if known is not None and attempts and known.state == pb.Import.STATE_SUCCEEDED:
                return await _report(mesh, known)
            if known is not None:
                config.resume, config.done_row_count = name, known.row_count
            return await _send(mesh, source, config, on_progress)
        except RpcFailure as failure:
            attempts = 1 if config.done_row_count > furthest else attempts + 1
            furthest = max(furthest, config.done_row_count)
            if not _may_go_on(failure) or attempts >= _ATTEMPTS:
                failure.metadata = {**failure.metadata, "import": name}
                raise
            await asyncio.sleep(failure.retry_after_s or min(_LONGEST_PAUSE_S, 0.1 * 2**attempts))


def _may_go_on(failure: RpcFailure) -> bool:
    """Tells whether to try again: the connection broke, or the stream before had not ended yet when we asked."""
    return failure.connection_broke or failure.code is grpc.StatusCode.ABORTED


async def _find(mesh: Vitrine, name: str) -> pb.Import | None:
    """Reads how far an import is; None when it never began."""
    try:
        answer = await mesh.catalog.GetImport(pb.GetImportRequest(name=name))
    except RpcFailure as failure:
        if failure.code is grpc.StatusCode.NOT_FOUND:
            return None
        raise
    found: pb.Import = getattr(answer, "import")
    return found


async def _report(mesh: Vitrine, done: pb.Import) -> pb.ImportProductsResponse:
    """Reads what the response said that got lost."""
    report = pb.ImportProductsResponse()
    getattr(report, "import").CopyFrom(done)  # a word of Python's own
    request = pb.ListImportRejectionsRequest(parent=done.name, page_size=1_000)
    while len(report.rejections) < _MOST_REPORTED:
        page = await mesh.catalog.ListImportRejections(request)
        report.rejections.extend(page.rejections)
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    return report


async def _send(
    mesh: Vitrine, source: CatalogSource, config: pb.ImportConfig, on_progress: Callable[[ImportProgress], None]
) -> pb.ImportProductsResponse:
    async def requests() -> AsyncIterator[pb.ImportProductsRequest]:
        yield pb.ImportProductsRequest(config=config)
        sent, chunks = config.done_row_count, source.chunks(config.done_row_count)
        while chunk := await asyncio.to_thread(next, chunks, None):
            yield pb.ImportProductsRequest(chunk=chunk)
            sent += len(chunk.rows)
            on_progress(ImportProgress(sent, config.total_row_count))

    call = mesh.catalog.ImportProducts(requests())
    ending = Ending(call)
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise await ending.of(error) from error
