"""Stalls and advice as a client of the service sees them, over gRPC and over WebSocket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb

from ingest_svc.__main__ import build
from mesh.server import serving
from tests.services.ingest.streams.client import StreamClient, accounted, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg

pytestmark = pytest.mark.service

_QUICK = jpeg(71)[:200]  # no picture: that is found out before anything is decoded


async def _pace(client: StreamClient, fps: float, seconds: float, *, behind_s: float = 0.0) -> None:
    """Sends frames at a pace, by a clock that is behind."""
    for _ in range(round(fps * seconds)):
        await client.frame(_QUICK, at_s=now_s() - behind_s)
        await asyncio.sleep(1 / fps)


def _stalls(client: StreamClient) -> list[pb.StreamStall]:
    return [event.stall for event in client.events if event.WhichOneof("event") == "stall"]


async def test_a_silence_is_told_while_it_lasts_and_when_it_is_over(connect: Connect, ingest: Ingest) -> None:
    registry = ingest.replicas[0].server.runtime.metrics.registry
    before = registry.get_sample_value("vitrine_stream_stalls_total", {"kind": "silence"}) or 0.0
    client = connect()
    await client.config()
    await _pace(client, 20, 3.5, behind_s=7200)
    begun = (await client.event("stall")).stall  # nothing is sent meanwhile
    assert (begun.kind, begun.over) == (pb.STALL_KIND_SILENCE, False)
    assert abs(begun.start_time.ToSeconds() + begun.duration.ToSeconds() - now_s()) < 2.5
    await client.frame(_QUICK, at_s=now_s() - 7200)
    over = (await client.until(lambda event: event.stall.over)).stall
    assert over.start_time == begun.start_time
    assert over.duration.ToNanoseconds() > begun.duration.ToNanoseconds()
    await client.command("stats")
    stats = (await client.event("stats")).stats
    assert (stats.silence_count, stats.slow_count, stats.burst_count) == (1, 0, 0)
    assert 1 < stats.silent_duration.ToNanoseconds() / 1e9 < 5
    assert stats.clock_offset.ToNanoseconds() / 1e9 == pytest.approx(7200, abs=1)
    assert stats.HasField("delay_p50")
    assert stats.delay_p95.ToNanoseconds() >= stats.delay_p50.ToNanoseconds() >= 0
    assert (registry.get_sample_value("vitrine_stream_stalls_total", {"kind": "silence"}) or 0.0) >= before + 1


async def test_nobody_is_accused_who_says_stop(connect: Connect) -> None:
    client = connect()
    await client.config()
    await _pace(client, 20, 1)
    stats = await client.stop()
    assert not _stalls(client)
    assert stats.silence_count == 0


async def test_a_burst_is_told_and_what_is_late_of_it_is_not_looked_at(connect: Connect, ingest: Ingest) -> None:
    async with serving(ingest.settings(max_frame_delay_s=0.8), build) as server:
        await server.ready.wait()
        client = connect(port=server.port)
        await client.config(keyframes={"min_interval_s": 0.0})
        await _pace(client, 20, 1)
        held = [now_s() + i / 20 for i in range(52)]
        await asyncio.sleep(held[-1] - now_s())
        for at_s in held:
            await client.frame(_QUICK, at_s=at_s)
        over = (await client.until(lambda event: event.stall.kind == pb.STALL_KIND_BURST and event.stall.over)).stall
        assert 30 <= over.burst_frame_count <= 53
        assert over.duration.ToNanoseconds() < 6e8
        kinds = [(stall.kind, stall.over) for stall in _stalls(client)]
        assert kinds[:2] == [(pb.STALL_KIND_SILENCE, False), (pb.STALL_KIND_SILENCE, True)]
        totals = (await client.stop()).totals
    assert accounted(totals) == totals.highest_frame_number == 72
    assert 30 <= totals.late_count <= 40  # 0.8 s of 2.6 are in time
    assert totals.rejected_count == 72 - totals.late_count


async def test_a_client_without_capture_times_hears_of_silence_too(connect: Connect) -> None:
    client = connect()
    await client.config()
    for _ in range(30):
        await client.frame(_QUICK)
        await asyncio.sleep(0.05)
    begun = (await client.event("stall")).stall
    assert begun.kind == pb.STALL_KIND_SILENCE
    stats = await client.stop()
    assert not stats.HasField("delay_p50")
    assert not stats.HasField("clock_offset")


async def test_json_hears_of_silence_as_an_event_of_its_own(ingest: Ingest, user: str) -> None:
    url = f"http://127.0.0.1:{ingest.replicas[0].http_port}/v1/stream"
    headers = {"authorization": f"Bearer {ingest.token(user)}"}
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        for _ in range(30):
            await socket.send_bytes(_QUICK)
            await asyncio.sleep(0.05)
        begun = await _next(socket, "stall")
        assert begun["stall"]["kind"] == "STALL_KIND_SILENCE"
        assert "over" not in begun["stall"]
        await socket.send_bytes(_QUICK)
        over = await _next(socket, "stall")
        assert over["stall"]["over"] is True
        assert over["stall"]["startTime"] == begun["stall"]["startTime"]
        await socket.send_json({"type": "stats"})
        assert (await _next(socket, "stats"))["stats"]["silenceCount"] == 1


async def _next(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads((await socket.receive(15)).data)
        if event["type"] == kind:
            return event


async def test_losses_bring_advice_which_the_totals_repeat(connect: Connect, ingest: Ingest) -> None:
    client = connect()
    await client.config()
    number = 0
    while not any(event.WhichOneof("event") == "quality_advice" for event in client.events):
        number += 2  # every other one is lost
        await client.frame(_QUICK, number, at_s=now_s())
        await asyncio.sleep(0.05)
        assert number < 500
    advice = (await client.event("quality_advice")).quality_advice
    assert "lost" in advice.description
    assert 0 < advice.frame_rate_fps < 20
    await client.command("stats")
    stats = (await client.event("stats")).stats
    assert stats.advice == advice
    assert stats.loss_rate == pytest.approx(0.5, abs=0.1)
    registry = ingest.replicas[0].server.runtime.metrics.registry
    assert (registry.get_sample_value("vitrine_stream_advice_total", {"direction": "down"}) or 0.0) >= 1
    assert frame_pb2.FRAME_OUTCOME_REJECTED in {event.ack.outcome for event in client.events}
