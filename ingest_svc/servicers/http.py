"""The HTTP server of ingest: WebSockets and `/health`, on the loop of the gRPC server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from ingest_svc.servicers.health_http import HealthPage
from ingest_svc.servicers.websocket import StreamSockets


@contextlib.asynccontextmanager
async def serving_http(host: str, port: int, sockets: StreamSockets, health: HealthPage) -> AsyncIterator[int]:
    """Serves within the block.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        sockets: WebSockets.
        health: The health page.

    Yields:
        The port.
    """
    app = web.Application()
    app.router.add_get("/v1/stream", sockets.stream)
    app.router.add_get("/v1/try-on", sockets.try_on)
    app.router.add_get("/health", health.get)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
