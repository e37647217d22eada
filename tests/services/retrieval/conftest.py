"""The retrieval service on a real PostgreSQL and the real in-process engine, with a small vision service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from pydantic import SecretStr
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import (
    atelier_service_pb2_grpc,
    catalog_service_pb2_grpc,
    search_service_pb2_grpc,
)
from vitrine.retrieval.v1 import (
    catalog_service_pb2 as catalog_pb2,
)
from vitrine.retrieval.v1 import (
    search_service_pb2 as search_pb2,
)

from mesh.keys import SigningKey, key_set
from mesh.server import RunningServer, serving
from retrieval_svc.__main__ import build
from retrieval_svc.settings import RetrievalSettings
from tests.services.retrieval.rows import demo_rows, stream_of
from tests.services.retrieval.vision_stub import VisionStub


class Stubs:
    """Stubs of the three services that send one token."""

    def __init__(self, port: int, token: str) -> None:
        headers = (("authorization", f"Bearer {token}"),)
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
        interceptors = _interceptors(headers)
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options, interceptors=interceptors)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(self.channel)
        self.search = search_service_pb2_grpc.SearchServiceStub(self.channel)
        self.ateliers = atelier_service_pb2_grpc.AtelierServiceStub(self.channel)

    async def index(self) -> search_pb2.GetIndexResponse:
        """Asks how far the index is."""
        return await self.search.GetIndex(search_pb2.GetIndexRequest())

    async def import_rows(self, rows: Any, **config: Any) -> catalog_pb2.ImportProductsResponse:
        """Imports rows."""
        return await self.catalog.ImportProducts(stream_of(rows, **config))


class _Identity(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, headers: Any) -> None:
        self._headers = headers

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return await continuation(details._replace(metadata=self._headers), request)


class _StreamIdentity(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, headers: Any) -> None:
        self._headers = headers

    async def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        return await continuation(details._replace(metadata=self._headers), requests)


def _interceptors(headers: Any) -> list[grpc.aio.ClientInterceptor]:
    return [_Identity(headers), _StreamIdentity(headers)]


@dataclass
class Place:
    """A running service and what it stands on."""

    server: RunningServer
    key: SigningKey
    folder: Path
    vision: VisionStub
    database_url: str

    def stubs(self, *roles: str, subject: str = "ada") -> Stubs:
        """Stubs of a caller with these roles."""
        return Stubs(self.server.port, self.key.sign(subject, roles, ttl_s=900))

    def files(self) -> set[str]:
        """What is in the object store."""
        return {path.name for path in (self.folder / "objects").rglob("*") if path.is_file()}


def settings_for(folder: Path, key: SigningKey, url: str, vision: VisionStub, **changes: Any) -> RetrievalSettings:
    """Settings of a service in a folder."""
    jwks = folder / "jwks.json"
    jwks.write_text(key_set([key]))
    values: dict[str, Any] = {
        "jwks": str(jwks),
        "database_url": SecretStr(url),
        "objects_url": f"file://{folder}/objects",
        "index_dir": folder / "index",
        "vision_target": f"127.0.0.1:{vision.port}",
        "grpc_port": 0,
        "metrics_port": 0,
        "shutdown_grace_s": 1.0,
        "index_poll_s": 0.2,
        "backfill_poll_s": 0.1,
        "model_probe_s": 0.5,
        "log_level": "warning",
    }
    return RetrievalSettings(**(values | changes))


@contextlib.asynccontextmanager
async def running(folder: Path, url: str, vision: VisionStub, **changes: Any) -> AsyncIterator[Place]:
    """Runs the service within the block."""
    key = SigningKey.generate()
    async with serving(settings_for(folder, key, url, vision, **changes), build) as server:
        async with asyncio.timeout(60):
            await server.ready.wait()
        yield Place(server, key, folder, vision, url)


async def eventually(check: Callable[[], Awaitable[bool]], *, within_s: float = 60.0) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + within_s
    while not await check():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)


async def ready(place: Place, *, count: int | None = None) -> None:
    """Waits until the index answers, and holds so many products."""
    stubs = place.stubs()

    async def check() -> bool:
        index = await stubs.index()
        return index.state == search_pb2.INDEX_STATE_READY and (count is None or index.product_count == count)

    await eventually(check)
    await stubs.channel.close()


@pytest.fixture(scope="session")
async def shared_vision() -> AsyncIterator[VisionStub]:
    stub = VisionStub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture(scope="session")
async def shop(
    postgres: PostgresServer, shared_vision: VisionStub, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """A service with a catalogue that no test changes."""
    folder = tmp_path_factory.mktemp("shop")
    async with running(folder, postgres.new_database(), shared_vision) as place:
        stubs = place.stubs("operator")
        answer = await stubs.import_rows(demo_rows(), brand_scores={"Nordlys": 0.9, "Mare": 0.2})
        assert not answer.rejections
        await stubs.channel.close()
        await ready(place, count=len(demo_rows()))
        yield place


@pytest.fixture(scope="session")
async def workshop(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A service whose catalogue the tests change."""
    vision = VisionStub()
    await vision.start()
    try:
        async with running(tmp_path_factory.mktemp("workshop"), postgres.new_database(), vision) as place:
            await ready(place, count=0)
            yield place
    finally:
        await vision.stop()


@pytest.fixture
async def place(workshop: Place) -> AsyncIterator[Place]:
    """The same with an empty catalogue; it is emptied again, and then nothing may be left."""
    yield workshop
    stubs = workshop.stubs("operator")
    while products := (await stubs.catalog.ListProducts(catalog_pb2.ListProductsRequest(page_size=200))).products:
        for product in products:
            await stubs.catalog.DeleteProduct(catalog_pb2.DeleteProductRequest(name=product.name))
    assert workshop.files() == set()
    assert (await stubs.index()).product_count == 0
    await stubs.channel.close()
