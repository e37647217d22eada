"""A server that takes any RPC and remembers what came, behind a real Envoy with the real routes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
from vitrine.embedded.children import Child, ChildSpec
from vitrine.embedded.plan import base_environment
from vitrine.embedded.ports import free_ports

from edge_proxy.__main__ import envoy_path
from edge_proxy.render import render
from edge_proxy.settings import EdgeSettings
from mesh.keys import SigningKey, key_set

_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse


class Anything(grpc.GenericRpcHandler):
    """Answers every RPC with an empty message, or never."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.silent = False

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        path = details.method

        async def answer(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
            async for request in requests:
                if path.startswith("/grpc.health."):
                    yield _SERVING
                    return
                self.calls.append((path, request))
            if self.silent:
                await asyncio.Event().wait()
            yield b""

        return grpc.stream_stream_rpc_method_handler(answer)


@dataclass
class Recorder:
    """The mesh as seen by a caller that sends JSON, and what came out at the other end.

    Attributes:
        http: Calls the edge over HTTP/1.1.
        key: Signs tokens that the edge takes.
        envoy: Envoy, kept alive.
        log: What Envoy complains about, a script that fails for example.
        upstream: What came out.
    """

    http: httpx.AsyncClient
    key: SigningKey
    envoy: Child
    log: Path
    upstream: Anything = field(default_factory=Anything)

    async def send(
        self, verb: str, path: str, body: bytes | str | AsyncIterator[bytes], **headers: str
    ) -> httpx.Response:
        """Sends a body; the calls seen before are forgotten."""
        return await self.send_with(self.http, verb, path, body, **headers)

    async def send_with(
        self, http: httpx.AsyncClient, verb: str, path: str, body: bytes | str | AsyncIterator[bytes], **headers: str
    ) -> httpx.Response:
        """Sends a body with another client."""
        self.upstream.calls.clear()
        every = {"authorization": f"Bearer {self.token()}", "content-type": "application/json"}
        every |= {key.replace("_", "-"): value for key, value in headers.items()}
        raw = {key.encode(): value.encode() for key, value in every.items()}  # also what is not ASCII
        return await http.request(verb, path, content=body, headers=raw)

    async def until_open(self) -> None:
        """Waits until calls get through."""
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if (await self.send("POST", "/v1/texts:embed", "{}")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError("Envoy does not get ready")

    def token(self) -> str:
        """Makes a token."""
        return self.key.sign("ada", ttl_s=60)

    def memory_peak(self) -> int:
        """The most memory that Envoy has had, in bytes."""
        status = Path(f"/proc/{self.envoy.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def cpu_s(self) -> float:
        """CPU time that Envoy has used, in seconds."""
        fields = Path(f"/proc/{self.envoy.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def envoy(settings: EdgeSettings, folder: Path) -> AsyncIterator[Child]:
    """Runs Envoy as the embedded mesh does: when it dies it is started again."""
    config = folder / "envoy.yaml"
    config.write_text(render(settings))
    options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"]
    command = [envoy_path(), "-c", str(config), *options, "--file-flush-interval-msec", "50"]
    child = Child(ChildSpec("envoy", command, base_environment(), {}, folder / "envoy.log", folder))
    await child.start()
    try:
        yield child
    finally:
        await child.stop(grace_s=2)


@contextlib.asynccontextmanager
async def recording(folder: Path, **changes: Any) -> AsyncIterator[Recorder]:
    """Runs Envoy in front of such a server."""
    key, upstream = SigningKey.generate(), Anything()
    (folder / "jwks.json").write_text(key_set([key]))
    port, admin, metrics, away = free_ports(4)
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 32 * 1024 * 1024)])
    server.add_generic_rpc_handlers([upstream])
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    everything: dict[str, Any] = {f"{name}_targets": (target,) for name in ("ingest", "vision", "retrieval", "profile")}
    settings = EdgeSettings(
        port=port, admin_port=admin, metrics_port=metrics, jwks=str(folder / "jwks.json"), health_interval_s=0.2,
        ingest_http_targets=(f"127.0.0.1:{away}",), access_log=str(folder / "access.log"),
        **{"requests_per_second": 100_000, "total_requests_per_second": 100_000, **everything, **changes},
    )  # fmt: skip
    await server.start()
    async with (
        envoy(settings, folder) as child,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http,
    ):
        recorder = Recorder(http, key, child, folder / "envoy.log", upstream)
        await recorder.until_open()
        yield recorder
    await server.stop(0)
