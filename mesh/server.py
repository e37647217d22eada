"""The life of a service: listen, start up, serve, drain, close."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from opentelemetry import trace

from mesh.contract import rules_of
from mesh.failures import FailureStage, where_raised
from mesh.interceptors import MeshInterceptor
from mesh.metrics import MetricsServer
from mesh.observation import TelemetryStage
from mesh.reflection import add_reflection
from mesh.runtime import Registration, Runtime, Service
from mesh.settings import ServiceSettings, metadata_options
from mesh.telemetry import configure_logging
from mesh.validation import warm_up

__all__ = ["Build", "Registration", "RunningServer", "Runtime", "Service", "run", "serving"]

S = TypeVar("S", bound=ServiceSettings)

# Envoy pings idle connections every 30 s; without this gRPC's servers answer that with "too many pings" and hang up.
_MIN_PING_INTERVAL_MS = 10_000
_BACKOFF_FIRST_S = 0.2
_BACKOFF_MAX_S = 5.0


Build = Callable[[Runtime[S]], AbstractAsyncContextManager[Service]]


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that listens.

    Attributes:
        port: Port of gRPC.
        metrics_port: Port of `/metrics`.
        ready: Set when start-up is done and health says SERVING.
        runtime: The runtime of the service.
    """

    port: int
    metrics_port: int
    ready: asyncio.Event
    runtime: Runtime[Any]


def run(settings: S, build: Build[S]) -> None:
    """Runs a service until SIGTERM or SIGINT; this is all that `__main__` has to call.

    Args:
        settings: The settings of the service.
        build: Makes the collaborators; see `serving`.
    """
    configure_logging(settings)
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_run(settings, build))


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which spends a sixth less CPU on a frame than asyncio's own; Windows has none."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not there on every system

    return uvloop.new_event_loop()


async def _run(settings: S, build: Build[S]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings, build) as running:
        running.runtime.background(_spare_garbage_collector(running.ready), name="spare-garbage-collector")
        trace.set_tracer_provider(running.runtime.tracing.provider)
        await stop.wait()


async def _spare_garbage_collector(ready: asyncio.Event) -> None:
    """Takes what start-up has made, hundreds of thousands of objects, out of its rounds: they are there to stay.

    Only here, in a process that serves until its end: what is frozen is never collected.
    """
    await ready.wait()
    gc.collect()
    gc.freeze()


@contextlib.asynccontextmanager
async def serving(settings: S, build: Build[S]) -> AsyncIterator[RunningServer]:
    """Serves within the block.

    The server listens at once, also when a database is down: health says NOT_SERVING and calls are answered with
    UNAVAILABLE until `Service.startup` has succeeded.

    Args:
        settings: The settings of the service.
        build: Makes the collaborators; what it opens it closes again when the block ends.

    Yields:
        The running server.
    """
    runtime = Runtime(settings)
    metrics_server = MetricsServer(runtime.metrics, settings.host, settings.metrics_port)
    try:
        async with build(runtime) as service:
            server, checker = await _make(runtime, service)
            port = _bind(server, settings)
            await server.start()
            ready = asyncio.Event()
            running = RunningServer(port, metrics_server.port, ready, runtime)
            runtime.log.info("listening", port=port, metrics_port=metrics_server.port)
            starting = runtime.background(_start_up(runtime, service, checker, ready), name="startup")
            try:
                yield running
            finally:
                starting.cancel()
                await _drain(runtime, server, checker)
    finally:
        await runtime.close()
        await asyncio.to_thread(metrics_server.close)


async def _make(runtime: Runtime[Any], service: Service) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    settings: ServiceSettings = runtime.settings
    names = [registration.name for registration in service.registrations]
    plain = {registration.name: registration.plain for registration in service.registrations}
    rules = {path: replace(rule, plain=plain[rule.service]) for path, rule in rules_of(names).items()}
    warm_up(rules.values())
    interceptor = MeshInterceptor(
        rules,
        telemetry=TelemetryStage(runtime.tracing, runtime.metrics),
        readiness=runtime.readiness,
        verifier=runtime.verifier,
        failures=FailureStage(service.error_table),
        default_deadline_s=settings.default_deadline_s,
        max_message_bytes=settings.max_message_bytes,
    )
    server = grpc.aio.server(interceptors=[interceptor], options=_options(settings))
    for registration in service.registrations:
        registration.add(registration.servicer, server)
    checker = health.aio.HealthServicer()
    for name in ("", *names):
        await checker.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    add_reflection(names, server)
    return server, checker


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        # gRPC refuses what is larger without saying why; up to twice the limit we read it and say it.
        ("grpc.max_receive_message_length", 2 * settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_concurrent_streams", settings.max_concurrent_streams),
        *metadata_options(settings),
        (
            "grpc.so_reuseport",
            0,
        ),  # a port that is taken must be an error, not a second server that gets half of the calls
    ]


def _bind(server: grpc.aio.Server, settings: ServiceSettings) -> int:
    port = server.add_insecure_port(f"{settings.host}:{settings.grpc_port}")
    if port == 0:
        raise OSError(f"cannot listen on {settings.host}:{settings.grpc_port}")
    return int(port)


async def _start_up(
    runtime: Runtime[Any], service: Service, checker: health.aio.HealthServicer, ready: asyncio.Event
) -> None:
    wait_s = _BACKOFF_FIRST_S
    while service.startup is not None:
        try:
            await service.startup()
            break
        except Exception as error:  # noqa: BLE001 - whatever it is, it may be gone at the next attempt
            runtime.metrics.failures.labels("startup").inc()
            runtime.log.warning(
                "startup_failed", causes=_causes(error), where=where_raised(error), retry_in_s=round(wait_s, 2)
            )
        await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
        wait_s = min(2 * wait_s, _BACKOFF_MAX_S)
    runtime.readiness.serve()
    for name in ("", *(registration.name for registration in service.registrations)):
        await checker.set(name, health_pb2.HealthCheckResponse.SERVING)
    ready.set()
    runtime.log.info("serving")


def _causes(error: BaseException) -> list[str]:
    """The chain of causes in words. At start-up there are no people's data that they could quote."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__
    return chain


async def _drain(runtime: Runtime[Any], server: grpc.aio.Server, checker: health.aio.HealthServicer) -> None:
    settings: ServiceSettings = runtime.settings
    runtime.log.info("stopping", grace_s=settings.shutdown_grace_s)
    await checker.enter_graceful_shutdown()
    runtime.readiness.stop()
    await asyncio.sleep(settings.drain_delay_s)
    runtime.readiness.refuse()
    await server.stop(settings.shutdown_grace_s)
