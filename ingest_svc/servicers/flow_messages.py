"""Messages of the contract about the flow of a stream: stalls, advice, and their part of the totals."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from vitrine.ingest.v1 import stream_service_pb2

from ingest_svc.streams.advice import Advice
from ingest_svc.streams.watch import FlowStats
from ingest_svc.streams.watchdog import Stall, StallKind

_NS = 1_000_000_000


def fill_stall(stall: Stall, into: stream_service_pb2.StreamStall) -> None:
    """Fills in a stall.

    Args:
        stall: What happened; its times are nanoseconds since 1970.
        into: The message.
    """
    into.kind = int(stall.kind)  # type: ignore[assignment]  # values are the same, a test holds them equal
    into.start_time.FromNanoseconds(stall.start_ns)
    into.duration.FromNanoseconds(stall.duration_ns)
    into.over = stall.over
    into.arrival_fps, into.usual_fps = stall.arrival_fps, stall.usual_fps
    into.burst_frame_count = stall.burst_frames
    into.description = stall.description


def fill_advice(advice: Advice, into: stream_service_pb2.QualityAdvice) -> None:
    """Fills in advice.

    Args:
        advice: What the client is asked to send.
        into: The message.
    """
    into.frame_rate_fps = advice.fps
    into.long_side_px, into.jpeg_quality = advice.long_side_px, advice.jpeg_quality
    into.description = advice.description


def fill_flow(flow: FlowStats, into: stream_service_pb2.StreamStats) -> None:
    """Fills in what the totals say about the flow.

    Args:
        flow: How it goes.
        into: The message.
    """
    into.arrival_fps = flow.arrival_fps
    into.silence_count = flow.counts[StallKind.SILENCE]
    into.slow_count = flow.counts[StallKind.SLOW]
    into.burst_count = flow.counts[StallKind.BURST]
    _fill(into.silent_duration, flow.silent_s)
    if flow.delay_p50_s is not None and flow.delay_p95_s is not None:
        _fill(into.delay_p50, flow.delay_p50_s)
        _fill(into.delay_p95, flow.delay_p95_s)
    if flow.clock_offset_s is not None:
        _fill(into.clock_offset, flow.clock_offset_s)
    if flow.clock_drift_ppm is not None:
        into.clock_drift_ppm = flow.clock_drift_ppm
    into.loss_rate = flow.loss_rate
    if flow.advice is not None:
        fill_advice(flow.advice, into.advice)


def _fill(duration: Duration, seconds: float) -> None:
    duration.FromNanoseconds(round(seconds * _NS))
