"""Runs the retrieval service: ``python -m retrieval_svc``."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import cv2
from qdrant_client import AsyncQdrantClient
from vitrine.retrieval.v1 import (
    atelier_service_pb2_grpc,
    catalog_service_pb2_grpc,
    search_service_pb2_grpc,
)

from imaging.errors import ImageError
from mesh.channels import connect
from mesh.database import Database
from mesh.errors import InvalidInputError
from mesh.objects import ObjectStore
from mesh.server import Registration, Runtime, Service, run
from mesh.status import ErrorTable
from retrieval_svc.catalog.backfill import Backfill
from retrieval_svc.catalog.gallery import Gallery
from retrieval_svc.catalog.importer import Importer
from retrieval_svc.catalog.janitor import Janitor, Keep
from retrieval_svc.catalog.pictures import PictureStore
from retrieval_svc.catalog.service import Catalog
from retrieval_svc.catalog.writer import CatalogWriter
from retrieval_svc.clients import VisionEncoder
from retrieval_svc.index.edge_backend import EdgeBackend
from retrieval_svc.index.generation import IndexBackend
from retrieval_svc.index.manager import IndexManager
from retrieval_svc.index.server_backend import ServerBackend
from retrieval_svc.search.ranker import Ranker
from retrieval_svc.search.service import Search
from retrieval_svc.servicers.ateliers import AtelierServicer
from retrieval_svc.servicers.catalog import CatalogServicer
from retrieval_svc.servicers.search import SearchServicer
from retrieval_svc.settings import RetrievalSettings
from retrieval_svc.storage.pending import PendingVectors

_SCHEMA = "retrieval"
_PACKAGE = "vitrine.retrieval.v1"
_CALL_DEADLINE_S = 5.0
# A pass of the index or a batch of vectors that takes longer is cancelled at shutdown.
_STOP_S = 3.0


@contextlib.asynccontextmanager
async def build(runtime: Runtime[RetrievalSettings]) -> AsyncIterator[Service]:
    """Builds the collaborators and gives them back when the service ends."""
    settings = runtime.settings
    cv2.setNumThreads(1)
    database = Database(
        settings.database_url,
        _SCHEMA,
        "retrieval_svc.migrations",
        pool_size=settings.database_pool_size,
        statement_timeout_s=settings.database_statement_timeout_s,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        channel = connect(
            settings.vision_target,
            settings,
            runtime.tokens,
            default_deadline_s=_CALL_DEADLINE_S,
            metrics=runtime.metrics,
        )
        stack.push_async_callback(channel.close)
        encoder = VisionEncoder(
            channel,
            batch_deadline_s=settings.vision_batch_deadline_s,
            query_deadline_s=settings.vision_query_deadline_s,
        )
        backend = await _backend(runtime, database, stack)
        manager = IndexManager(database, backend, runtime.metrics, runtime.log, poll_s=settings.index_poll_s)
        workers = _Workers(runtime)
        stack.push_async_callback(workers.stop)
        yield _service(runtime, database, encoder, manager, workers)


@contextlib.asynccontextmanager
async def build_alone(runtime: Runtime[RetrievalSettings]) -> AsyncIterator[Service]:
    """Does `build` for a process that has nothing else to do."""
    async with build(runtime) as service:
        with kept_from_collection(service) as kept:
            yield kept


@contextlib.contextmanager
def kept_from_collection(service: Service) -> Iterator[Service]:
    """Keeps what is there when a service has started away from Python's garbage collector, within the block.

    It stays until the end anyway: code, tables, rules of the contract. Walking over all of it now and then would stop
    the searches for a tenth of a second each time.

    Args:
        service: The service.

    Yields:
        The same service, with a longer start.
    """

    async def startup() -> None:
        if service.startup is not None:
            await service.startup()
        gc.collect()
        gc.freeze()

    try:
        yield replace(service, startup=startup)
    finally:
        gc.unfreeze()


class _Workers:
    """What runs beside the calls; it ends before the database is closed."""

    def __init__(self, runtime: Runtime[RetrievalSettings]) -> None:
        self._runtime = runtime
        self._running: list[tuple[IndexManager | Backfill | Janitor, asyncio.Task[Any]]] = []

    def start(self, *workers: IndexManager | Backfill | Janitor) -> None:
        for worker in workers:
            self._running.append((worker, self._runtime.background(worker.run())))

    async def stop(self) -> None:
        for worker, _ in self._running:
            worker.stop()
        tasks = [task for _, task in self._running]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _service(
    runtime: Runtime[RetrievalSettings],
    database: Database,
    encoder: VisionEncoder,
    manager: IndexManager,
    workers: _Workers,
) -> Service:
    settings = runtime.settings
    pictures = PictureStore(ObjectStore(settings.objects_url, s3_options=settings.s3_options()), runtime.executor)
    gallery = Gallery(database, pictures)
    writer = CatalogWriter(database, gallery, encoder)
    backfill = Backfill(
        database,
        pictures,
        encoder,
        gallery.sweep,
        manager.poke,
        runtime.metrics,
        runtime.log,
        poll_s=settings.backfill_poll_s,
        probe_s=settings.model_probe_s,
    )
    ranker = Ranker(exact_limit=settings.exact_limit, sample_share=settings.recall_sample_share)
    search = Search(
        manager, encoder, ranker, search_pool=settings.search_candidates, match_pool=settings.match_candidates
    )
    catalog = CatalogServicer(
        Catalog(database, pictures, gallery, writer, manager.settle),
        Importer(database, writer, runtime.metrics, manager.poke),
        manager.settle,
    )

    async def startup() -> None:
        await database.migrate()
        await manager.open()
        workers.start(manager, backfill, _janitor(runtime, database, manager))

    return Service(
        registrations=[
            Registration(
                catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server, catalog, f"{_PACKAGE}.CatalogService"
            ),
            Registration(
                search_service_pb2_grpc.add_SearchServiceServicer_to_server,
                SearchServicer(search, manager, PendingVectors(database)),
                f"{_PACKAGE}.SearchService",
            ),
            Registration(
                atelier_service_pb2_grpc.add_AtelierServiceServicer_to_server,
                AtelierServicer(),
                f"{_PACKAGE}.AtelierService",
            ),
        ],
        startup=startup,
        error_table=ErrorTable().add(ImageError, _image_error),
    )


def _janitor(runtime: Runtime[RetrievalSettings], database: Database, manager: IndexManager) -> Janitor:
    settings = runtime.settings

    def applied_seq() -> int | None:
        current = manager.health().current
        return None if current is None else current.state.applied_seq

    deleted = dt.timedelta(days=settings.deleted_products_kept_days)
    keep = Keep(deleted, dt.timedelta(days=settings.import_rejections_kept_days))
    return Janitor(database, applied_seq, keep, runtime.metrics, runtime.log, pause_s=settings.retention_pause_s)


async def _backend(
    runtime: Runtime[RetrievalSettings], database: Database, stack: contextlib.AsyncExitStack
) -> IndexBackend:
    settings = runtime.settings
    if settings.index_engine == "edge":
        folder, url = settings.index_dir, settings.database_url
        return EdgeBackend(folder, url, _SCHEMA, snapshot=settings.index_snapshot, log=runtime.log)
    key = settings.qdrant_api_key
    client = AsyncQdrantClient(settings.qdrant_url, api_key=key.get_secret_value() if key else None)
    stack.push_async_callback(client.close)
    return ServerBackend(client, database, settings.qdrant_collection)


def _image_error(error: ImageError) -> InvalidInputError:
    return InvalidInputError.of("image.data", error.description, error.reason.value, **error.metadata)


if __name__ == "__main__":
    run(RetrievalSettings(), build_alone)
