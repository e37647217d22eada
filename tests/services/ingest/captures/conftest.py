"""Ingest on a real PostgreSQL and a real object folder, its worker, and the services that it calls."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import grpc.aio
import numpy as np
import psycopg
import pytest
from pydantic import SecretStr
from vitrine.embedded.postgres import PostgresServer
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2_grpc, privacy_service_pb2_grpc
from vitrine.ingest.v1 import capture_service_pb2 as pb

from ingest_svc import __main__ as server
from ingest_svc import worker
from ingest_svc.settings import IngestSettings
from mesh.keys import SigningKey, key_set
from mesh.server import RunningServer, serving
from tests.services.ingest.captures.peers import ProfilePeer, RetrievalPeer, VisionPeer

MODELS = Path(__file__).parents[4] / "models"
FINAL = (
    capture_pb2.Capture.STATE_SUCCEEDED,
    capture_pb2.Capture.STATE_FAILED,
    capture_pb2.Capture.STATE_CANCELLED,
)
_users = itertools.count(1)


@dataclass
class Peers:
    vision: VisionPeer = field(default_factory=VisionPeer)
    retrieval: RetrievalPeer = field(default_factory=RetrievalPeer)
    profile: ProfilePeer = field(default_factory=ProfilePeer)

    def all(self) -> tuple[VisionPeer, RetrievalPeer, ProfilePeer]:
        return self.vision, self.retrieval, self.profile


class User:
    """A user with stubs and shorthands."""

    def __init__(self, port: int, subject: str, token: str) -> None:
        self.subject = subject
        self.name = f"users/{subject}"
        self.metadata = (("authorization", f"Bearer {token}"),)
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.captures = capture_service_pb2_grpc.CaptureServiceStub(self.channel)
        self.privacy = privacy_service_pb2_grpc.PrivacyServiceStub(self.channel)

    async def create(self, image: bytes, **fields: Any) -> Any:
        request = pb.CreateCaptureRequest(parent=self.name, kind=capture_pb2.CAPTURE_KIND_OUTFIT, **fields)
        request.image.data = image
        return (await self.captures.CreateCapture(request, metadata=self.metadata)).capture

    async def get(self, name: str) -> Any:
        return (await self.captures.GetCapture(pb.GetCaptureRequest(name=name), metadata=self.metadata)).capture

    async def watch(self, name: str) -> list[Any]:
        call = self.captures.WatchCapture(pb.WatchCaptureRequest(name=name), metadata=self.metadata, timeout=60)
        return [event async for event in call]

    async def finished(self, name: str) -> Any:
        """The capture in its final state."""
        capture = (await self.watch(name))[-1].change.capture
        assert capture.state in FINAL
        return capture


@dataclass
class Mesh:
    """Ingest as it runs, and what stands around it."""

    server: RunningServer
    peers: Peers
    key: SigningKey
    settings: IngestSettings
    objects: Path

    def user(self, subject: str) -> User:
        return User(self.server.port, subject, self.key.sign(subject, [], ttl_s=600))

    def pictures(self) -> list[Path]:
        return [path for path in self.objects.rglob("*") if path.is_file()]

    async def rows(self, query: str, *parameters: object) -> list[Any]:
        url = self.settings.database_url.get_secret_value().replace("postgresql+psycopg", "postgresql")
        async with await psycopg.AsyncConnection.connect(url, options="-c search_path=ingest") as connection:
            return await (await connection.execute(query, parameters)).fetchall()


@pytest.fixture(scope="session")
def capture_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[SigningKey, Path, Path]:
    folder = tmp_path_factory.mktemp("capture-keys")
    issuer, service = SigningKey.generate(), SigningKey.generate()
    (folder / "jwks.json").write_text(key_set([issuer, service]))
    service.save(folder / "service.pem")
    return issuer, folder / "jwks.json", folder / "service.pem"


@pytest.fixture(scope="session")
async def peers() -> AsyncIterator[Peers]:
    made = Peers()
    for peer in made.all():
        await peer.start()
    yield made
    for peer in made.all():
        await peer.stop()


@pytest.fixture(scope="session")
async def mesh(
    postgres: PostgresServer,
    peers: Peers,
    capture_keys: tuple[SigningKey, Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Mesh]:
    issuer, jwks, service_key = capture_keys
    objects = tmp_path_factory.mktemp("objects")
    settings = IngestSettings(
        jwks=str(jwks), service_key_file=service_key, database_url=SecretStr(postgres.new_database()),
        objects_url=objects.as_uri(), models_dir=MODELS, grpc_port=0, metrics_port=0, http_port=0,
        vision_target=peers.vision.target, retrieval_target=peers.retrieval.target,
        profile_target=peers.profile.target, shutdown_grace_s=1.0, watch_heartbeat_s=0.5,
        capture_max_attempts=4, capture_degrade_after_attempts=2, capture_retry_first_s=0.1,
        capture_retry_longest_s=0.2, analyze_deadline_s=3, match_deadline_s=2, record_deadline_s=2,
        worker_poll_s=0.1, worker_heartbeat_s=0.2, worker_stalled_s=1.0, worker_recovery_s=0.3,
        webhook_allow_private=True,
    )  # fmt: skip
    async with serving(settings, server.build) as running:
        await running.ready.wait()
        yield Mesh(running, peers, issuer, settings, objects)


@pytest.fixture
async def quiet(mesh: Mesh) -> AsyncIterator[None]:
    """Every test begins and ends with all peers up and well behaved."""
    for peer in mesh.peers.all():
        await peer.restore()
    mesh.peers.vision.garment_count = 2
    yield
    for peer in mesh.peers.all():
        await peer.restore()


@contextlib.asynccontextmanager
async def working(mesh: Mesh, **changes: object) -> AsyncIterator[RunningServer]:
    """A worker in this process."""
    settings = mesh.settings.model_copy(update={"service_name": "ingest-worker", **changes})
    async with serving(settings, worker.build) as running:
        await running.ready.wait()
        yield running


@pytest.fixture(scope="module")
async def a_worker(mesh: Mesh) -> AsyncIterator[RunningServer]:
    async with working(mesh) as running:
        yield running


@pytest.fixture
def user(mesh: Mesh, quiet: None) -> User:  # noqa: ARG001
    """A user whom no other test knows."""
    return mesh.user(f"user-{next(_users)}")


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A drawn picture of 800x1000 without a face."""
    return drawn(800, 1000)


def drawn(width: int, height: int, seed: int = 1) -> bytes:
    random = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 200, np.uint8)
    cv2.rectangle(pixels, (width // 4, height // 5), (3 * width // 4, height // 2), (90, 40, 30), -1)
    cv2.rectangle(pixels, (width // 3, height // 2), (2 * width // 3, 9 * height // 10), (120, 120, 120), -1)
    pixels[:: max(1, height // 50)] = random.integers(0, 255, 3, np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def request_id() -> str:
    return str(uuid.uuid4())


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)
