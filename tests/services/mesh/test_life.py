"""The life of a service: listen, start up, serve, drain, close."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from mesh.errors import UnavailableError
from mesh.server import Registration, Runtime, Service, serving
from mesh.settings import ServiceSettings
from tests.services.mesh.probe import ROOT, SERVICE, Keys, Probe, ProbeServicer, Running, failure_of, run_probe

pytestmark = pytest.mark.service

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=service))).status)


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_says_serving(running: Running, service: str) -> None:
    assert await health(running.channel, service) == SERVING


async def test_reflection_lists_every_service(running: Running) -> None:
    make: Any = reflection_pb2_grpc.ServerReflectionStub
    stub = make(running.channel)

    async def ask() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    answers = [answer async for answer in stub.ServerReflectionInfo(ask())]
    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_service_listens_before_it_is_ready_and_start_up_is_retried(
    settings: ServiceSettings, probe: Probe, keys: Keys
) -> None:
    attempts: list[int] = []
    database_is_up = asyncio.Event()

    async def startup() -> None:
        attempts.append(1)
        if not database_is_up.is_set():
            raise UnavailableError("the database does not answer", "DEPENDENCY_UNAVAILABLE")

    async with run_probe(settings, probe, startup=startup) as made:
        assert [await health(made.channel), await health(made.channel, SERVICE)] == [NOT_SERVING, NOT_SERVING]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await made.stub.Echo(made.request(), metadata=keys.user())
        failure = failure_of(caught.value)
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
        assert failure.retry_after_s == 1
        database_is_up.set()
        await asyncio.wait_for(made.server.ready.wait(), 20)
        assert len(attempts) >= 2
        assert [await health(made.channel), await health(made.channel, SERVICE)] == [SERVING, SERVING]
        assert await made.stub.Echo(made.request(), metadata=keys.user()) is not None


async def test_open_call_may_end_while_draining(settings: ServiceSettings, probe: Probe, keys: Keys) -> None:
    patient = settings.model_copy(update={"shutdown_grace_s": 5.0})
    async with contextlib.AsyncExitStack() as stack:
        async with run_probe(patient, probe) as made:
            await made.server.ready.wait()
            target = f"127.0.0.1:{made.server.port}"
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(target))
            stub = probe.grpc.ProbeServiceStub(channel)
            slow = stub.Echo(made.request(text="late", act="sleep:0.3"), metadata=keys.user())
            await asyncio.sleep(0.1)
        assert (await slow).text == "late"
        assert made.server.runtime.stopping.is_set()


async def test_call_that_outlasts_the_grace_is_cut(settings: ServiceSettings, probe: Probe, keys: Keys) -> None:
    async with run_probe(settings, probe) as made:
        await made.server.ready.wait()
        endless = made.stub.Echo(made.request(act="sleep:30"), metadata=keys.user())
        await asyncio.sleep(0.1)
    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
        await endless
    assert made.servicer.cancelled == ["sleep"]


async def test_health_says_not_serving_while_calls_drain(settings: ServiceSettings, probe: Probe) -> None:
    slow = settings.model_copy(update={"drain_delay_s": 0.4})
    seen = asyncio.Event()

    async def watch(port: int, ready: asyncio.Event) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await ready.wait()
            while await health(channel) == SERVING:  # noqa: ASYNC110 - health is asked, as a load balancer does
                await asyncio.sleep(0.02)
            seen.set()

    async with run_probe(slow, probe) as made:
        await made.server.ready.wait()
        watcher = asyncio.ensure_future(watch(made.server.port, made.server.ready))
        await asyncio.sleep(0.1)
    await asyncio.wait_for(watcher, 20)
    assert seen.is_set()


async def test_metrics_are_served(running: Running, keys: Keys) -> None:
    await running.stub.Echo(running.request(), metadata=keys.user())
    url = f"http://127.0.0.1:{running.server.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    assert 'vitrine_rpc_handled_total{code="OK",rpc="vitrine.probe.v1.ProbeService/Echo"}' in text
    for name in ("frames", "keyframes", "captures", "drops", "failures"):
        assert f"# TYPE vitrine_{name}_total counter" in text
    for name in ("sessions", "queue_depth"):
        assert f"# TYPE vitrine_{name} gauge" in text


async def test_port_that_is_taken_is_an_error(settings: ServiceSettings, probe: Probe) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises((OSError, RuntimeError)):
            async with run_probe(settings.model_copy(update={"grpc_port": port}), probe):
                pass


async def test_service_that_does_not_say_who_may_call_it_is_not_served(settings: ServiceSettings, probe: Probe) -> None:
    @contextlib.asynccontextmanager
    async def build(_: Runtime[ServiceSettings]) -> AsyncIterator[Service]:
        add = probe.grpc.add_UndeclaredServiceServicer_to_server
        yield Service([Registration(add, ProbeServicer(probe.pb), "vitrine.probe.v1.UndeclaredService")])

    with pytest.raises(ValueError, match="Undeclared has no option"):
        async with serving(settings, build):
            pass


async def test_failed_background_work_is_counted(running: Running) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    runtime = running.server.runtime
    task = runtime.background(fail())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert runtime.metrics.registry.get_sample_value("vitrine_failures_total", {"part": "background"}) == 1


MAIN = """
import asyncio, contextlib
from mesh.server import Runtime, Service, run
from mesh.settings import ServiceSettings

@contextlib.asynccontextmanager
async def build(runtime):
    yield Service([])
    print("closed", type(asyncio.get_running_loop()).__module__, flush=True)

run(ServiceSettings(service_name="alone"), build)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_process_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "gen/python")])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", MAIN,
        env={"PYTHONPATH": paths, "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT.anchor,
    )  # fmt: skip
    assert process.stderr is not None
    lines = [await asyncio.wait_for(process.stderr.readline(), 20)]
    while b'"serving"' not in lines[-1]:
        lines.append(await asyncio.wait_for(process.stderr.readline(), 20))
    process.send_signal(number)
    out, rest = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, out) == (0, b"closed uvloop\n"), rest.decode()
    assert b'"service": "alone"' in b"".join(lines)
