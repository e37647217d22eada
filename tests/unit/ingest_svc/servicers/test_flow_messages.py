"""Stalls, advice and flow as messages of the contract, and as the JSON of the WebSocket."""

from __future__ import annotations

import json

import pytest
from vitrine.ingest.v1 import stream_service_pb2 as pb

from ingest_svc.servicers.flow_messages import fill_flow
from ingest_svc.servicers.stream_messages import response
from ingest_svc.servicers.websocket_json import JsonSink
from ingest_svc.streams.advice import Advice
from ingest_svc.streams.events import Event
from ingest_svc.streams.watch import FlowStats
from ingest_svc.streams.watchdog import Stall, StallKind

pytestmark = pytest.mark.unit

_STALL = Stall(StallKind.BURST, 1_900_000_000_500_000_000, 250_000_000, True, 30.0, 24.0, 240, "late")
_ADVICE = Advice(5.0, 640, 70, "slow line")


def test_kinds_are_those_of_the_contract() -> None:
    ours = {f"STALL_KIND_{kind.name}": int(kind) for kind in StallKind}
    assert {"STALL_KIND_UNSPECIFIED": 0, **ours} == dict(pb.StallKind.items())


def test_a_stall_keeps_all_it_says() -> None:
    stall = response(_STALL, 3).stall
    assert (stall.kind, stall.over, stall.burst_frame_count) == (pb.STALL_KIND_BURST, True, 240)
    assert stall.start_time.ToNanoseconds() == 1_900_000_000_500_000_000
    assert stall.duration.ToMilliseconds() == 250
    assert (stall.arrival_fps, stall.usual_fps, stall.description) == (30, 24, "late")


def test_advice_keeps_all_it_says() -> None:
    advice = response(_ADVICE, 3).quality_advice
    assert (advice.frame_rate_fps, advice.long_side_px, advice.jpeg_quality) == (5, 640, 70)
    assert advice.description == "slow line"


def test_what_is_not_known_is_absent_from_the_totals() -> None:
    stats = pb.StreamStats()
    fill_flow(FlowStats(), stats)
    assert not any(stats.HasField(name) for name in ("delay_p50", "delay_p95", "clock_offset", "advice"))
    assert not stats.HasField("clock_drift_ppm")


def test_the_totals_say_how_it_flows_also_of_a_clock_that_is_ahead() -> None:
    stats = pb.StreamStats()
    counts = {StallKind.SILENCE: 3, StallKind.SLOW: 2, StallKind.BURST: 1}
    fill_flow(FlowStats(counts, 4.5, 0.02, 0.4, -3600.25, 0.0, 0.125, _ADVICE, 14.5), stats)
    assert (stats.silence_count, stats.slow_count, stats.burst_count) == (3, 2, 1)
    assert stats.silent_duration.ToMilliseconds() == 4500
    assert (stats.delay_p50.ToMilliseconds(), stats.delay_p95.ToMilliseconds()) == (20, 400)
    assert stats.clock_offset.ToMilliseconds() == -3_600_250
    assert stats.HasField("clock_drift_ppm")
    assert (stats.loss_rate, stats.arrival_fps) == (0.125, 14.5)
    assert stats.advice.frame_rate_fps == 5


@pytest.mark.parametrize(
    ("event", "kind", "part"),
    [
        (_STALL, "stall", {"kind": "STALL_KIND_BURST", "over": True, "duration": "0.250s", "burstFrameCount": 240}),
        (_ADVICE, "quality_advice", {"frameRateFps": 5.0, "longSidePx": 640, "jpegQuality": 70}),
    ],
    ids=["stall", "advice"],
)
async def test_json_names_the_event_and_its_fields(event: Event, kind: str, part: dict[str, object]) -> None:
    texts: list[str] = []

    async def write(text: str) -> None:
        texts.append(text)

    await JsonSink(write).send(event)
    body = json.loads(texts[0])
    assert body["type"] == kind
    message = body["stall" if kind == "stall" else "qualityAdvice"]
    assert part.items() <= message.items()
