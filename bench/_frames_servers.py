"""The processes that `frames.py` measures, their ports, and the tokens that they take."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vitrine.embedded.ports import free_ports

from edge_proxy.__main__ import envoy_path
from edge_proxy.render import render
from edge_proxy.settings import EdgeSettings
from mesh.keys import SigningKey, key_set

HERE = Path(__file__).resolve().parent
_READY_S = 60.0


@dataclass(frozen=True)
class Server:
    """One process.

    Attributes:
        process: The process.
        port: Its port; gRPC's, where it has two.
        http_port: The port of WebSockets, where it has one.
    """

    process: psutil.Process
    port: int
    http_port: int


class Bench:
    """Starts servers and signs tokens for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = SigningKey.generate()
        self._jwks = folder / "jwks.json"
        self._jwks.write_text(key_set([self._key]))

    def token(self, user: str = "bench") -> str:
        """A token of a user, good for three hours."""
        return self._key.sign(user, [], ttl_s=3 * 3600)

    @contextlib.asynccontextmanager
    async def ours(self, decode: str = "due") -> AsyncIterator[Server]:
        """Our server; `all` decodes every frame."""
        port, http_port = free_ports(2)
        with _running("_frames_ours.py", str(self._jwks), str(port), str(http_port), decode) as process:
            await _listening(port, http_port)
            await _serving(port)
            yield Server(process, port, http_port)

    @contextlib.asynccontextmanager
    async def echo(self) -> AsyncIterator[Server]:
        """The floor."""
        (port,) = free_ports(1)
        with _running("_frames_echo.py", str(port)) as process:
            await _listening(port)
            yield Server(process, port, 0)

    @contextlib.asynccontextmanager
    async def published(self, threads: str) -> AsyncIterator[Server]:
        """The published stack, with so many threads of OpenCV, or `default`."""
        (port,) = free_ports(1)
        with _running("_frames_published.py", str(port), threads) as process:
            await _listening(port)
            yield Server(process, port, port)

    @contextlib.asynccontextmanager
    async def envoy(self, behind: Sequence[Server]) -> AsyncIterator[Server]:
        """Envoy as the mesh runs it, one thread, in front of servers of ours."""
        port, admin, metrics = free_ports(3)
        settings = EdgeSettings(
            port=port, admin_port=admin, metrics_port=metrics, jwks=str(self._jwks), health_interval_s=0.5,
            access_log=str(self._folder / "access.log"), requests_per_second=10_000,
            ingest_targets=tuple(f"127.0.0.1:{server.port}" for server in behind),
            ingest_http_targets=tuple(f"127.0.0.1:{server.http_port}" for server in behind),
        )  # fmt: skip
        bootstrap = self._folder / f"envoy-{port}.yaml"
        bootstrap.write_text(render(settings))
        words = [envoy_path(), "-c", str(bootstrap), "--disable-hot-restart", "--concurrency", "1"]
        words += ["--log-level", "critical", "--drain-time-s", "1"]
        with _process(words) as process:
            await _listening(port)
            await asyncio.sleep(1.5)  # two health checks of what is behind it
            yield Server(process, port, port)


@contextlib.contextmanager
def _running(script: str, *words: str) -> Iterator[psutil.Process]:
    # Without this folder in the path: its `mesh.py` would hide the package.
    with _process([sys.executable, "-P", str(HERE / script), *words]) as process:
        yield process


@contextlib.contextmanager
def _process(words: Sequence[str]) -> Iterator[psutil.Process]:
    process = subprocess.Popen(words)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _listening(*ports: int) -> None:
    deadline = time.monotonic() + _READY_S
    for port in ports:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                assert time.monotonic() < deadline, "a server did not start"
                await asyncio.sleep(0.1)


async def _serving(port: int) -> None:
    deadline = time.monotonic() + _READY_S
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # untyped
        while (await stub.Check(health_pb2.HealthCheckRequest())).status != health_pb2.HealthCheckResponse.SERVING:
            assert time.monotonic() < deadline, "a server did not come up"
            await asyncio.sleep(0.05)
