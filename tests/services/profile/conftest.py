"""The profile service on a real PostgreSQL, and callers of every kind."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest
from pydantic import SecretStr
from vitrine.embedded.postgres import PostgresServer
from vitrine.profile.v1 import avatar_service_pb2_grpc, profile_service_pb2_grpc, stylist_service_pb2_grpc

from mesh.keys import SigningKey, key_set
from mesh.server import RunningServer, serving
from profile_svc.__main__ import build
from profile_svc.settings import ProfileSettings

_users = itertools.count(1)


class Caller:
    """Stubs of the three services that send one token."""

    def __init__(self, port: int, token: str) -> None:
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.metadata = (("authorization", f"Bearer {token}"),)
        self.profiles = profile_service_pb2_grpc.ProfileServiceStub(self.channel)
        self.avatars = avatar_service_pb2_grpc.AvatarServiceStub(self.channel)
        self.stylist = stylist_service_pb2_grpc.StylistServiceStub(self.channel)


@dataclass
class Mesh:
    """Two replicas of the profile service on one database."""

    first: RunningServer
    second: RunningServer
    key: SigningKey
    database_url: str

    def token(self, subject: str, *roles: str) -> str:
        return self.key.sign(subject, roles, ttl_s=600)

    def user(self, subject: str, *, replica: int = 1) -> Caller:
        return Caller((self.first if replica == 1 else self.second).port, self.token(subject))

    def service(self, *, replica: int = 1) -> Caller:
        return Caller((self.first if replica == 1 else self.second).port, self.token("ingest", "service"))


def settings_for(folder: Path, key: SigningKey, url: str, **changes: object) -> ProfileSettings:
    jwks = folder / "jwks.json"
    jwks.write_text(key_set([key]))
    values = {"watch_heartbeat_s": 0.4, "shutdown_grace_s": 1.0, "grpc_port": 0, "metrics_port": 0, **changes}
    trusted = {"jwks": str(jwks), "service_token_keys": key.key_id}
    return ProfileSettings(database_url=SecretStr(url), **trusted, **values)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session")
async def mesh(
    postgres: PostgresServer, key: SigningKey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mesh]:
    url = postgres.new_database()
    folder = tmp_path_factory.mktemp("profile")
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(settings_for(folder, key, url), build)) for _ in range(2)]
        for server in servers:
            await server.ready.wait()
        yield Mesh(servers[0], servers[1], key, url)


@pytest.fixture
def user_id() -> str:
    """A user whom no other test knows."""
    return f"user-{next(_users)}"
