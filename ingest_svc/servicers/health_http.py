"""`GET /health`: how the whole mesh is, in one answer for people and probes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import grpc.aio
from aiohttp import web
from grpc_health.v1 import health_pb2, health_pb2_grpc

Check = Callable[[], Awaitable[bool]]

HEALTHY = "healthy"
DEGRADED = "degraded"
UNHEALTHY = "unhealthy"
# Probes come from everywhere; the services are asked once a second at most.
_CACHE_S = 1.0


class HealthPage:
    """Asks every service and answers with the worst: healthy, degraded (some part is away) or unhealthy (ingest is)."""

    def __init__(self, own: Check, others: Mapping[str, Check], *, timeout_s: float) -> None:
        """Names whom to ask.

        Args:
            own: Whether ingest itself serves.
            others: Whether each other service serves, by its name.
            timeout_s: How long to wait for an answer, in seconds.
        """
        self._checks = {"ingest": own, **others}
        self._timeout_s = timeout_s
        self._asking = asyncio.Lock()
        self._answer: dict[str, Any] = {}
        self._asked_at = float("-inf")

    async def get(self, _: web.Request) -> web.Response:
        """Answers 200 while ingest serves (even when a part is away), else 503."""
        answer = await self.read()
        return web.json_response(
            answer, status=503 if answer["status"] == UNHEALTHY else 200, headers={"cache-control": "no-store"}
        )

    async def read(self) -> dict[str, Any]:
        """Returns the answer: `status`, `gateway`, `services` by name, `version`, `timestamp`."""
        async with self._asking:
            if time.monotonic() - self._asked_at > _CACHE_S:
                self._answer = await self._ask()
                self._asked_at = time.monotonic()
            return self._answer

    async def _ask(self) -> dict[str, Any]:
        answers = await asyncio.gather(*(self._one(check) for check in self._checks.values()))
        services = dict(zip(self._checks, answers, strict=True))
        states = {answer["status"] for answer in answers}
        status = HEALTHY if states == {HEALTHY} else DEGRADED
        if services["ingest"]["status"] != HEALTHY:
            status = UNHEALTHY
        return {
            "status": status, "gateway": services["ingest"]["status"], "app_name": "Vitrine", "version": _version(),
            "services": services, "timestamp": _now(),
        }  # fmt: skip

    async def _one(self, check: Check) -> dict[str, Any]:
        try:
            good = await asyncio.wait_for(check(), self._timeout_s)
        except (TimeoutError, grpc.aio.AioRpcError):
            good = False
        status = HEALTHY if good else UNHEALTHY
        return {"status": status, "data": {"status": status, "timestamp": _now()}}


def health_check(channel: grpc.aio.Channel) -> Check:
    """Makes the check of a service behind a channel, by the gRPC health protocol.

    Args:
        channel: To the service.
    """
    stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods have no types

    async def check() -> bool:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return check


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _version() -> str:
    try:
        return version("vitrine")
    except PackageNotFoundError:  # a source tree that was not installed
        return "0"
