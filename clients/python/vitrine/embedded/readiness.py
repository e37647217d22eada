"""Waiting until processes answer."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vitrine.embedded.children import Child

_POLL_S = 0.1
_TAIL_LINES = 12


class NotReadyError(RuntimeError):
    """Something did not get ready in time; the message says what and where its log is."""


async def until_child_serves(child: Child, target: str, *, deadline: float) -> None:
    """Waits until a child says SERVING, and no longer than there is hope.

    Args:
        child: The child.
        target: Its gRPC address.
        deadline: When to give up, by `time.monotonic`.

    Raises:
        NotReadyError: It did not, or dies again and again.
    """
    serving = asyncio.create_task(until_serving(target, deadline=deadline))
    hopeless = asyncio.create_task(child.keeps_dying())
    try:
        await asyncio.wait([serving, hopeless], return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and serving.exception() is None:
            return
    finally:
        for task in (serving, hopeless):
            task.cancel()
        await asyncio.gather(serving, hopeless, return_exceptions=True)
    log = child.spec.log
    said = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:] if log.exists() else []
    raise NotReadyError("\n".join([f"{child.spec.name} does not get ready; see {log}", *said]))


async def until_serving(target: str, *, deadline: float) -> None:
    """Waits until a gRPC server says SERVING.

    Args:
        target: `host:port`.
        deadline: When to give up, by `time.monotonic`.

    Raises:
        TimeoutError: It did not.
    """
    request = health_pb2.HealthCheckRequest()
    # A channel that failed to connect pauses longer and longer; a poll needs a short pause.
    options = [("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
    async with grpc.aio.insecure_channel(target, [*options, ("grpc.initial_reconnect_backoff_ms", 100)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # the stub file of this package is wrong about async stubs
        while time.monotonic() < deadline:
            try:
                answer = await stub.Check(request, timeout=2)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.aio.AioRpcError:
                pass
            await asyncio.sleep(_POLL_S)
    raise TimeoutError(f"{target} is not serving")


async def until_edge_ready(admin_url: str, upstreams: dict[str, int], *, deadline: float) -> None:
    """Waits until Envoy sees every upstream well.

    Args:
        admin_url: Envoy's admin pages.
        upstreams: How many healthy members each cluster must have.
        deadline: When to give up, by `time.monotonic`.

    Raises:
        TimeoutError: It does not.
    """
    missing: list[str] = list(upstreams)
    while time.monotonic() < deadline:
        healthy = await asyncio.to_thread(_healthy_members, admin_url)
        missing = [name for name, count in upstreams.items() if healthy.get(name, 0) < count]
        if not missing:
            return
        await asyncio.sleep(_POLL_S)
    raise TimeoutError(f"Envoy does not see {', '.join(missing)}")


def _healthy_members(admin_url: str) -> dict[str, int]:
    url = f"{admin_url}/stats?format=json&filter=^cluster\\..*\\.membership_healthy$"
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address on loopback
            stats = json.load(response)["stats"]
    except (OSError, ValueError):
        return {}
    return {each["name"].split(".")[1]: int(each["value"]) for each in stats if "name" in each}
