"""Limits, shutdown and what is counted."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry
from vitrine.ingest.v1 import frame_pb2

from ingest_svc.__main__ import build
from ingest_svc.captures.room import PictureRoom
from mesh.server import serving
from mesh.status import DETAILS_KEY, details_of
from tests.services.ingest.streams.client import StreamClient, accounted
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.services.ingest.streams.neighbours import Neighbours
from tests.support.waiting import until

pytestmark = pytest.mark.service

_SCENE = jpeg(50)


async def _status(client: StreamClient) -> status_pb2.Status:
    await client.status()
    for key, value in await client.call.trailing_metadata():
        if key == DETAILS_KEY:
            return status_pb2.Status.FromString(value)
    raise AssertionError("no details")


async def _shows(registry: CollectorRegistry, refusing: float) -> bool:
    return registry.get_sample_value("vitrine_streams_refusing") == refusing


@pytest.mark.parametrize("limit", ["max_streams", "max_streams_per_user"])
async def test_streams_above_the_capacity_are_told_when_to_come_again(
    connect: Connect, ingest: Ingest, limit: str
) -> None:
    async with serving(ingest.settings(**{limit: 1}), build) as server:
        await server.ready.wait()
        first = connect(port=server.port)
        await first.config()
        second = connect(port=server.port)
        with pytest.raises(AssertionError, match="RESOURCE_EXHAUSTED"):
            await second.config()
        status = await _status(second)
        [info] = details_of(status, error_details_pb2.ErrorInfo)
        scope = "user" if limit.endswith("user") else "server"
        assert (info.reason, info.metadata) == ("CAPACITY_REACHED", {"limit": "1", "scope": scope, "setting": limit})
        [retry] = details_of(status, error_details_pb2.RetryInfo)
        assert 4 <= retry.retry_delay.seconds <= 6
        await first.stop()
        third = connect(port=server.port)
        await third.config()


@pytest.mark.parametrize("limit", ["max_streams", "max_streams_per_user"])
async def test_at_the_capacity_a_session_is_resumed_beside_its_own_dead_connection(
    connect: Connect, ingest: Ingest, limit: str
) -> None:
    async with serving(ingest.settings(**{limit: 1}), build) as server:
        await server.ready.wait()
        ready = await connect(port=server.port).config()
        again = await connect(port=server.port).config(resume_token=ready.resume_token)
        assert again.resumed


async def test_connection_that_opens_no_session_is_ended(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest_svc.servicers.conversation._CONFIG_S", 0.2)
    client = connect()
    assert await client.status() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [info.reason for info in details_of(await _status(client), error_details_pb2.ErrorInfo)] == [
        "DEADLINE_EXCEEDED"
    ]


async def test_at_shutdown_a_stream_hears_why_and_goes_on_elsewhere(connect: Connect, ingest: Ingest) -> None:
    async with serving(ingest.settings(), build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        ready = await client.config()
        await client.frame(_SCENE)
        await client.ack(1)
    assert await client.status() is grpc.StatusCode.UNAVAILABLE
    kinds = [event.WhichOneof("event") for event in client.events]
    assert kinds[-1] == "error"
    assert "result" in kinds  # the keyframe in work was finished first
    goodbye = client.events[-1].error
    assert (goodbye.reason, goodbye.fatal) == ("SHUTTING_DOWN", True)
    again = await connect().config(resume_token=ready.resume_token)
    assert again.resumed
    assert again.totals.processed_count == 1


async def test_a_session_ends_at_its_maximum_length_with_its_work_done_and_its_last_books(
    connect: Connect, ingest: Ingest, near: Neighbours, user: str
) -> None:
    near.delay_s = 1.0  # the keyframe is in work when the session ends
    async with serving(ingest.settings(max_session_s=0.5), build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        ready = await client.config()
        assert ready.limits.max_session_duration.ToMilliseconds() == 500
        await client.frame(_SCENE)
        await client.frame(_SCENE)
        assert await client.status() is grpc.StatusCode.FAILED_PRECONDITION
        *_, result, ack, stats, error = client.events
        assert (result.result.frame_number, ack.ack.outcome) == (1, frame_pb2.FRAME_OUTCOME_PROCESSED)
        totals = stats.stats.totals
        assert accounted(totals) == totals.highest_frame_number == 2
        assert (totals.processed_count, totals.pending_count, stats.stats.final) == (1, 0, False)
        assert (error.error.reason, error.error.fatal) == ("SESSION_EXPIRED", True)
        [info] = details_of(error.error.status, error_details_pb2.ErrorInfo)
        assert info.metadata == {"limit": "0.5", "scope": "session", "setting": "max_session_s"}
        assert ingest.rows("SELECT 1 FROM ingest.streams WHERE user_id = %s", user) == []


async def test_a_message_above_the_limit_is_refused(connect: Connect, ingest: Ingest) -> None:
    async with serving(ingest.settings(max_message_bytes=50_000), build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        assert (await client.config()).limits.max_message_bytes == 50_000
        await client.frame(bytes(60_000))
        assert await client.status() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_frame_above_the_pixel_limit_is_rejected_and_the_stream_goes_on(
    connect: Connect, ingest: Ingest
) -> None:
    async with serving(ingest.settings(max_frame_pixels=100_000), build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        await client.config()
        await client.frame(_SCENE)
        ack = await client.ack(1)
        assert (ack.outcome, ack.rejected_reason) == (frame_pb2.FRAME_OUTCOME_REJECTED, "IMAGE_TOO_LARGE")
        await client.stop()


async def test_frames_keyframes_and_sessions_are_counted(connect: Connect, ingest: Ingest) -> None:
    registry = ingest.replicas[0].server.runtime.metrics.registry

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0.0

    before = value("vitrine_frames_total", outcome="processed"), value("vitrine_keyframes_total", reason="first")
    client = connect()
    await client.config()
    assert value("vitrine_sessions", kind="stream", transport="grpc") >= 1
    await client.frame(_SCENE)
    await client.end_of(1)
    await client.stop()
    assert value("vitrine_frames_total", outcome="processed") == before[0] + 1
    assert value("vitrine_keyframes_total", reason="first") == before[1] + 1


async def test_sessions_that_nobody_can_resume_are_swept(connect: Connect, ingest: Ingest) -> None:
    settings = ingest.settings(resume_window_s=0.2, session_sweep_s=0.1)
    async with serving(settings, build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        ready = await client.config()
        await client.drop()
        await asyncio.sleep(0.8)
        late = connect(port=server.port)
        with pytest.raises(AssertionError, match="NOT_FOUND"):
            await late.config(resume_token=ready.resume_token)


async def test_a_stream_without_keyframes_is_not_swept(connect: Connect, ingest: Ingest) -> None:
    settings = ingest.settings(resume_window_s=0.6, session_sweep_s=0.1)
    async with serving(settings, build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        ready = await client.config()
        await asyncio.sleep(1.2)
        await client.drop()
        again = await connect(port=server.port).config(resume_token=ready.resume_token)
        assert again.resumed


async def test_an_idle_older_connection_elsewhere_ends_soon(connect: Connect, ingest: Ingest) -> None:
    async with serving(ingest.settings(stream_save_s=0.2), build) as server:
        await server.ready.wait()
        older = connect(port=server.port)
        ready = await older.config()
        await connect().config(resume_token=ready.resume_token)
        assert await asyncio.wait_for(older.status(), 2) is grpc.StatusCode.FAILED_PRECONDITION


async def test_frames_above_the_rate_of_their_user_are_rejected_and_the_client_hears_it_once(
    connect: Connect, ingest: Ingest
) -> None:
    async with serving(ingest.settings(max_frame_rate_fps=2.0, frame_burst_s=2.0), build) as server:
        await server.ready.wait()
        clients = [connect(port=server.port) for _ in range(2)]
        for client in clients:
            limits = (await client.config()).limits
            assert (limits.max_frame_rate_fps, limits.max_streams_per_user) == (2.0, 20)
        for _ in range(20):
            for client in clients:
                await client.frame(_SCENE)
        finals = [(await client.stop()).totals for client in clients]
        let_in = sum(totals.received_count - totals.rejected_count for totals in finals)
        assert 4 <= let_in < 30  # the burst, and two more for each second that this took
        for client, totals in zip(clients, finals, strict=True):
            acks = [event.ack for event in client.events if event.ack.rejected_reason]
            assert {ack.rejected_reason for ack in acks} == {"RATE_LIMITED"}
            assert len(acks) == totals.rejected_count
            assert accounted(totals) == totals.highest_frame_number == 20
            [told] = [event.error for event in client.events if event.WhichOneof("event") == "error"]
            assert (told.reason, told.fatal, told.frame_number) == ("RATE_LIMITED", False, acks[0].frame_number)
            [info] = details_of(told.status, error_details_pb2.ErrorInfo)
            assert info.metadata == {"limit": "2", "scope": "user", "setting": "max_frame_rate_fps"}
            assert [retry.retry_delay.seconds for retry in details_of(told.status, error_details_pb2.RetryInfo)] == [1]


async def test_busy_server_refuses_new_streams_says_why_and_lets_sessions_come_back(
    connect: Connect, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(ingest.settings(max_waiting_pictures=2), build) as server:
        await server.ready.wait()
        registry = server.runtime.metrics.registry
        first = connect(port=server.port)
        ready = await first.config()
        await first.drop()
        monkeypatch.setattr(PictureRoom, "held_count", 3)
        await until(lambda: _shows(registry, 1.0))
        refused = connect(port=server.port)
        with pytest.raises(AssertionError, match="RESOURCE_EXHAUSTED"):
            await refused.config()
        status = await _status(refused)
        [info] = details_of(status, error_details_pb2.ErrorInfo)
        assert info.reason == "CAPACITY_REACHED"
        assert info.metadata == {"limit": "2", "actual": "3", "scope": "server", "setting": "max_waiting_pictures"}
        assert [retry.retry_delay.seconds for retry in details_of(status, error_details_pb2.RetryInfo)] in ([1], [2])
        assert registry.get_sample_value("vitrine_streams_refused_total", {"scope": "server"}) == 1.0
        again = connect(port=server.port)
        assert (await again.config(resume_token=ready.resume_token)).resumed
        monkeypatch.setattr(PictureRoom, "held_count", 0)
        await until(lambda: _shows(registry, 0.0))
        await connect(port=server.port).config()
