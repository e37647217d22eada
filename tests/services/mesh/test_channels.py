"""Calls from one service to another: what goes along, how long they wait, what is repeated."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from mesh.auth import ServiceTokens
from mesh.call import Call, serving_call
from mesh.channels import connect, service_config
from mesh.errors import DeadlineExceededError, InternalError, NotFoundError, UnavailableError
from mesh.metrics import Metrics
from mesh.settings import ServiceSettings
from mesh.status import error_from_rpc
from mesh.telemetry import Tracing
from tests.services.mesh.probe import Probe, Running, run_probe

pytestmark = pytest.mark.service

RPC = "vitrine.probe.v1.ProbeService"


@pytest.fixture(scope="session")
async def onward(running: Running, settings: ServiceSettings, probe: Probe) -> AsyncIterator[Any]:
    """A stub over the mesh's own channel, as one service has it of another."""
    target = f"127.0.0.1:{running.server.port}"
    async with connect(target, settings, ServiceTokens(settings), default_deadline_s=2) as channel:
        yield probe.grpc.ProbeServiceStub(channel)


async def test_service_token_goes_along(onward: Any, probe: Probe) -> None:
    answer = await onward.ServeEcho(probe.pb.EchoRequest(name="users/bob"))
    assert answer.subject == "probe"


async def test_request_id_goes_along(onward: Any, probe: Probe) -> None:
    with serving_call(Call("x", "request-7")):
        answer = await onward.Echo(probe.pb.EchoRequest())
    assert answer.metadata["x-request-id"] == "request-7"


async def test_all_kinds_of_rpc_pass(onward: Any, probe: Probe) -> None:
    async def requests() -> AsyncIterator[Any]:
        yield probe.pb.EchoRequest(text="a")
        yield probe.pb.EchoRequest(text="b")

    assert [answer.text async for answer in onward.EchoMany(probe.pb.EchoRequest(text="n"))] == ["n0", "n1", "n2"]
    assert (await onward.CollectEcho(requests())).text == "a,b"
    assert [answer.text async for answer in onward.ExchangeEcho(requests())] == ["a", "b"]
    hand = onward.ExchangeEcho()
    await hand.write(probe.pb.EchoRequest(text="by hand"))
    assert (await hand.read()).text == "by hand"
    await hand.done_writing()


@pytest.mark.parametrize(
    ("timeout_s", "rest_s", "expected_s"),
    [(None, None, 2.0), (1.0, None, 1.0), (None, 0.5, 0.5), (1.0, 30.0, 1.0), (30.0, 0.5, 0.5)],
    ids=["default", "stated", "the caller's rest", "stated below the rest", "never beyond the rest"],
)
async def test_deadlines(
    onward: Any, probe: Probe, timeout_s: float | None, rest_s: float | None, expected_s: float
) -> None:
    deadline = None if rest_s is None else time.monotonic() + rest_s
    with serving_call(Call("x", "r", deadline=deadline)):
        answer = await onward.Echo(probe.pb.EchoRequest(), timeout=timeout_s)
    assert answer.remaining_s == pytest.approx(expected_s, abs=0.2)


async def test_stream_ends_with_the_deadline_of_the_caller(onward: Any, probe: Probe) -> None:
    with serving_call(Call("x", "r", deadline=time.monotonic() + 0.2)):
        hand = onward.ExchangeEcho()
        await hand.write(probe.pb.EchoRequest(act="sleep:30"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hand.read()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_only_idempotent_unary_rpcs_are_retried(probe: Probe) -> None:  # noqa: ARG001 - loads the contract
    (config,) = service_config()["methodConfig"]
    names = {f"{name['service']}/{name['method']}" for name in config["name"]}
    assert f"{RPC}/ReadEcho" in names
    assert not names & {f"{RPC}/Echo", f"{RPC}/EchoMany", f"{RPC}/ExchangeEcho"}
    assert config["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]


@pytest.mark.parametrize(("rpc", "attempts"), [("ReadEcho", 4), ("Echo", 1)])
async def test_unavailable_answers_are_repeated_where_the_contract_allows(
    running: Running, settings: ServiceSettings, probe: Probe, rpc: str, attempts: int
) -> None:
    running.servicer.entered.clear()
    target = f"127.0.0.1:{running.server.port}"
    async with connect(target, settings, ServiceTokens(settings), default_deadline_s=10) as channel:
        stub = probe.grpc.ProbeServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await getattr(stub, rpc)(probe.pb.EchoRequest(act="raise:down"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(running.servicer.entered) == attempts


async def test_idempotent_call_survives_a_restart(settings: ServiceSettings, probe: Probe) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with run_probe(settings, probe) as first:
            port = first.server.port
            await first.server.ready.wait()
            channel = connect(f"127.0.0.1:{port}", settings, ServiceTokens(settings), default_deadline_s=10)
            stub = probe.grpc.ProbeServiceStub(await stack.enter_async_context(channel))
            assert (await stub.ReadEcho(probe.pb.EchoRequest(text="1"))).text == "1"
        again = asyncio.ensure_future(stub.ReadEcho(probe.pb.EchoRequest(text="2"), wait_for_ready=True))
        async with run_probe(settings.model_copy(update={"grpc_port": port}), probe) as second:
            await second.server.ready.wait()
            assert (await asyncio.wait_for(again, 10)).text == "2"


async def test_errors_of_others_come_back_as_ours(onward: Any, probe: Probe) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await onward.Echo(probe.pb.EchoRequest(act="raise:not_found"))
    error = error_from_rpc(caught.value, dependency="probe")
    assert isinstance(error, NotFoundError)
    assert (error.reason, error.metadata) == ("RESOURCE_NOT_FOUND", {"name": "x"})


async def test_refusal_of_our_token_stays_ours(running: Running, settings: ServiceSettings, probe: Probe) -> None:
    async with connect(f"127.0.0.1:{running.server.port}", settings, None, default_deadline_s=2) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.grpc.ProbeServiceStub(channel).Echo(probe.pb.EchoRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert isinstance(error_from_rpc(caught.value, dependency="probe"), InternalError)


async def test_nobody_there_is_unavailable(settings: ServiceSettings, probe: Probe) -> None:
    async with connect("127.0.0.1:1", settings, None, default_deadline_s=5) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.grpc.ProbeServiceStub(channel).Echo(probe.pb.EchoRequest())
    error = error_from_rpc(caught.value, dependency="vision")
    assert isinstance(error, UnavailableError)
    assert (error.reason, error.metadata, error.retry_after_s) == (
        "DEPENDENCY_UNAVAILABLE", {"dependency": "vision"}, 1.0,
    )  # fmt: skip


async def test_too_slow_is_a_deadline(onward: Any, probe: Probe) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await onward.Echo(probe.pb.EchoRequest(act="sleep:30"), timeout=0.1)
    assert isinstance(error_from_rpc(caught.value), DeadlineExceededError)


async def test_no_time_is_a_time_limit_too(onward: Any, running: Running, probe: Probe) -> None:
    running.servicer.entered.clear()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await onward.Echo(probe.pb.EchoRequest(), timeout=0)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not running.servicer.entered


async def test_span_of_a_call_that_could_not_be_made_is_ended(settings: ServiceSettings, probe: Probe) -> None:
    exporter, metrics = InMemorySpanExporter(), Metrics()
    tracing = Tracing(settings)
    tracing.provider.add_span_processor(SimpleSpanProcessor(exporter))
    channel = connect("127.0.0.1:1", settings, None, default_deadline_s=1, metrics=metrics, tracing=tracing)
    stub = probe.grpc.ProbeServiceStub(channel)
    await channel.close()
    with pytest.raises(grpc.aio.UsageError):
        await stub.Echo(probe.pb.EchoRequest())
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.status.status_code) == (f"{RPC}/Echo", StatusCode.ERROR)
    tracing.close()


async def test_calls_are_counted(running: Running, settings: ServiceSettings, probe: Probe) -> None:
    metrics = Metrics()
    target = f"127.0.0.1:{running.server.port}"
    async with connect(target, settings, ServiceTokens(settings), default_deadline_s=2, metrics=metrics) as channel:
        stub = probe.grpc.ProbeServiceStub(channel)
        await stub.Echo(probe.pb.EchoRequest())
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Echo(probe.pb.EchoRequest(act="raise:not_found"))
        assert [answer.text async for answer in stub.EchoMany(probe.pb.EchoRequest())] == ["0", "1", "2"]
        await asyncio.sleep(0)
    for rpc, code in [("Echo", "OK"), ("Echo", "NOT_FOUND"), ("EchoMany", "OK")]:
        labels = {"rpc": f"{RPC}/{rpc}", "code": code}
        assert metrics.registry.get_sample_value("vitrine_calls_handled_total", labels) == 1, labels


async def test_one_trace_spans_all_hops(settings: ServiceSettings, probe: Probe) -> None:
    exporter = InMemorySpanExporter()
    async with run_probe(settings, probe) as made:
        await made.server.ready.wait()
        provider: TracerProvider = made.server.runtime.tracing.provider
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        target = f"127.0.0.1:{made.server.port}"
        async with made.server.runtime.connect(target, default_deadline_s=2) as channel:
            made.servicer.onward = probe.grpc.ProbeServiceStub(channel)
            await made.servicer.onward.Echo(probe.pb.EchoRequest(act="onward"))
    spans = {span.context.span_id: span for span in exporter.get_finished_spans()}
    edges = {
        (f"{spans[span.parent.span_id].kind.name} {spans[span.parent.span_id].name.rpartition('/')[2]}",
         f"{span.kind.name} {span.name.rpartition('/')[2]}")
        for span in spans.values() if span.parent
    }  # fmt: skip
    assert edges == {
        ("CLIENT Echo", "SERVER Echo"), ("SERVER Echo", "CLIENT ReadEcho"), ("CLIENT ReadEcho", "SERVER ReadEcho"),
    }  # fmt: skip
    assert len({span.context.trace_id for span in spans.values()}) == 1
