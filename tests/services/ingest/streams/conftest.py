"""Two replicas of ingest on one real PostgreSQL, and their neighbours."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psycopg
import pytest
import skimage.data
from pydantic import SecretStr
from vitrine.embedded.ports import free_port
from vitrine.embedded.postgres import PostgresServer

from ingest_svc.__main__ import build
from ingest_svc.settings import IngestSettings
from mesh.keys import SigningKey, key_set
from mesh.server import RunningServer, serving
from tests.services.ingest.streams.client import StreamClient
from tests.services.ingest.streams.neighbours import Neighbours, neighbours
from tests.support.waiting import until
from tests.unit.ingest_svc.streams.clips import scene

_users = itertools.count(1)


@dataclass
class Replica:
    """One ingest process (here: server) that runs."""

    server: RunningServer
    http_port: int


@dataclass
class Ingest:
    """Ingest as these tests see it."""

    folder: Path
    key: SigningKey
    database_url: str
    neighbours: Neighbours
    replicas: list[Replica]

    def settings(self, **changes: Any) -> IngestSettings:
        target = f"127.0.0.1:{self.neighbours.port}"
        values: dict[str, Any] = {
            "jwks": str(self.folder / "jwks.json"), "database_url": SecretStr(self.database_url), "grpc_port": 0,
            "metrics_port": 0, "http_port": free_port(), "vision_target": target, "retrieval_target": target,
            "profile_target": target, "objects_url": f"file://{self.folder}/objects", "shutdown_grace_s": 5.0,
            "models_dir": Path("models"), "max_loop_lag_s": 60.0,
        }  # fmt: skip
        return IngestSettings(**{**values, **changes})

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Asks the database, past the service."""
        with psycopg.connect(self.database_url.replace("postgresql+psycopg", "postgresql")) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def token(self, user: str, *roles: str) -> str:
        return self.key.sign(user, roles, ttl_s=600)

    async def quiet(self) -> bool:
        """Tells whether no replica serves a stream any more."""
        labels = {"rpc": "vitrine.ingest.v1.StreamService/StreamFrames"}
        registries = [replica.server.runtime.metrics.registry for replica in self.replicas]
        return not any(registry.get_sample_value("vitrine_rpc_open", labels) for registry in registries)


@pytest.fixture(scope="session")
async def ingest(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ingest]:
    folder, key = tmp_path_factory.mktemp("ingest-streams"), SigningKey.generate()
    (folder / "jwks.json").write_text(key_set([key]))
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(neighbours())
        made = Ingest(folder, key, postgres.new_database(), near, [])
        for _ in range(2):
            settings = made.settings()
            server = await stack.enter_async_context(serving(settings, build))
            await server.ready.wait()
            made.replicas.append(Replica(server, settings.http_port))
        yield made


@pytest.fixture
def near(ingest: Ingest) -> Iterator[Neighbours]:
    """The neighbours, as they were before this test."""
    yield ingest.neighbours
    ingest.neighbours.away.clear()
    ingest.neighbours.delay_s = 0.0


@pytest.fixture
def user() -> str:
    """A user whom no other test knows."""
    return f"user-{os.getpid()}-{next(_users)}"


Connect = Callable[..., StreamClient]


@pytest.fixture
async def connect(ingest: Ingest, user: str) -> AsyncIterator[Connect]:
    """Opens connections of one user: ``connect()``, or ``connect(replica=1)`` for another server."""
    opened: list[StreamClient] = []

    def make(*, replica: int = 0, port: int | None = None, token: str | None = None) -> StreamClient:
        chosen = port or ingest.replicas[replica].server.port
        opened.append(StreamClient(chosen, token or ingest.token(user), user))
        return opened[-1]

    yield make
    for client in opened:
        if not client.call.done():
            await client.drop()
        await client.close()
    await until(ingest.quiet)  # a call outlives its client a little, and would speak in the next test's log


def jpeg(seed: int) -> bytes:
    """A scene as JPEG; another seed is another scene."""
    _, data = cv2.imencode(".jpg", scene(np.random.default_rng(seed)), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return data.tobytes()


def portrait() -> bytes:
    """A photograph with a face."""
    photo = skimage.data.astronaut()
    _, data = cv2.imencode(".jpg", photo[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return data.tobytes()
