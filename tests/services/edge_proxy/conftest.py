"""The real Envoy in front of a small service that speaks a part of the contract."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from aiohttp import web
from vitrine.embedded.ports import free_ports
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2, capture_service_pb2_grpc

from edge_proxy.settings import EdgeSettings
from mesh.errors import InvalidInputError, UnavailableError
from mesh.keys import SigningKey, key_set
from mesh.runtime import Runtime
from mesh.server import Registration, Service, serving
from mesh.settings import ServiceSettings
from tests.services.edge_proxy.everything import write_contract
from tests.services.edge_proxy.recorder import Recorder, envoy, recording

# A script of the dashboard, long enough to be worth compressing.
SCRIPT = "export const hello = 'Vitrine';\n" * 100


class Captures:
    """Answers just enough to see what the edge does with calls."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.failures_left = 0

    async def GetCapture(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.seen.append(dict(context.invocation_metadata()))
        self._fail_sometimes()
        if request.name.endswith("/gone"):
            raise InvalidInputError.of("name", "this one is gone")
        return capture_service_pb2.GetCaptureResponse(capture=capture_pb2.Capture(name=request.name))

    async def CreateCapture(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.seen.append(dict(context.invocation_metadata()))
        self._fail_sometimes()
        return capture_service_pb2.CreateCaptureResponse(
            capture=capture_pb2.Capture(name=f"{request.parent}/captures/1")
        )

    async def WatchCapture(self, request: Any, _: Any) -> AsyncIterator[Any]:  # noqa: N802
        for percent in (0, 50, 100):
            capture = capture_pb2.Capture(name=request.name, progress_percent=percent)
            yield capture_service_pb2.WatchCaptureResponse(change=capture_service_pb2.CaptureChange(capture=capture))

    ListCaptures = CancelCapture = DeleteCapture = GetCaptureImage = GetCapture

    def _fail_sometimes(self) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise UnavailableError("not now", "DEPENDENCY_UNAVAILABLE")


@dataclass
class Edge:
    """A running edge."""

    port: int
    admin_port: int
    metrics_port: int
    log: Path
    key: SigningKey
    captures: Captures
    http: httpx.AsyncClient

    def token(self, subject: str = "ada", **changes: Any) -> str:
        return self.key.sign(subject, **{"ttl_s": 60, **changes})

    def headers(self, **changes: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**changes)}"}


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=("vitrine.v1.json",))
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"echo {message.data}")
    return socket


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "healthy"})


@contextlib.asynccontextmanager
async def _http_upstream(port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/v1/stream", _echo)
    app.router.add_get("/health", _health)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture(scope="session")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real contract and `vitrine.vision.v1.Thing`, which has every kind of field."""
    return write_contract(tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="session")
async def recorder(descriptors: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorder]:
    """Envoy with that contract, in front of a server that takes anything."""
    async with recording(tmp_path_factory.mktemp("recorder"), descriptors=descriptors) as running:
        yield running
        assert "lua" not in running.log.read_text(), running.log.read_text()


@pytest.fixture(scope="session")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    key = SigningKey.generate()
    (folder / "jwks.json").write_text(key_set([key]))
    (folder / "dashboard/assets").mkdir(parents=True)
    (folder / "dashboard/index.html").write_text("<h1>Vitrine</h1>")
    (folder / "dashboard/assets/app-1.js").write_text(SCRIPT)
    grpc_port, http_port, dead, port, admin_port, metrics_port = free_ports(6)
    captures = Captures()
    settings = EdgeSettings(
        port=port, admin_port=admin_port, metrics_port=metrics_port, jwks=str(folder / "jwks.json"),
        ingest_targets=(f"127.0.0.1:{grpc_port}",), ingest_http_targets=(f"127.0.0.1:{http_port}",),
        vision_targets=(f"127.0.0.1:{dead}",), retrieval_targets=(f"127.0.0.1:{dead}",),
        profile_targets=(f"127.0.0.1:{dead}",), dashboard=folder / "dashboard", health_interval_s=0.2,
        access_log=str(folder / "access.log"), requests_per_second=20, unary_timeout_s=5,
    )  # fmt: skip
    service_settings = ServiceSettings(grpc_port=grpc_port, jwks=str(folder / "jwks.json"), shutdown_grace_s=0.1)

    @contextlib.asynccontextmanager
    async def build(_: Runtime[ServiceSettings]) -> AsyncIterator[Service]:
        add = capture_service_pb2_grpc.add_CaptureServiceServicer_to_server
        yield Service([Registration(add, captures, "vitrine.ingest.v1.CaptureService")])

    async with (
        serving(service_settings, build) as running,
        _http_upstream(http_port),
        envoy(settings, folder),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        await running.ready.wait()
        await _until_healthy(http)
        yield Edge(port, admin_port, metrics_port, folder / "access.log", key, captures, http)


async def _until_healthy(http: httpx.AsyncClient) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if (await http.get("/health")).status_code == 200:
                await asyncio.sleep(0.3)
                return
        await asyncio.sleep(0.1)
    raise AssertionError("Envoy did not get ready")


@pytest.fixture
async def channel(edge: Edge) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{edge.port}") as made:
        yield made
