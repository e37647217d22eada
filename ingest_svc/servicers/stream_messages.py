"""Messages of the contract for a live stream, from and to the values of `ingest_svc.streams`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from vitrine.ingest.v1 import frame_pb2, stream_service_pb2

from ingest_svc.servicers.flow_messages import fill_advice, fill_flow, fill_stall
from ingest_svc.streams.advice import Advice
from ingest_svc.streams.events import (
    Event,
    Limits,
    OpenRequest,
    Pong,
    Ready,
    Result,
    ResultEvent,
    Stats,
    Trouble,
)
from ingest_svc.streams.keyframes import KeyframeConfig
from ingest_svc.streams.ledger import Totals
from ingest_svc.streams.session import Ack, ResultOptions
from ingest_svc.streams.watchdog import Stall
from mesh.status import status_of

Response = stream_service_pb2.StreamFramesResponse

_KEYFRAME_FIELDS = tuple(name for name in KeyframeConfig.__dataclass_fields__ if name != "mode")
_OPTION_FIELDS = tuple(ResultOptions.__dataclass_fields__)
_NS = 1_000_000_000


def open_request(config: stream_service_pb2.StreamConfig) -> OpenRequest:
    """Converts the first message of a client.

    Args:
        config: The message; its `parent` has been checked against the caller.
    """
    return OpenRequest(
        user=config.parent.removeprefix("users/"),
        resume_token=config.resume_token,
        keyframes=keyframe_values(config.keyframes),
        results=result_options(config.results) if config.HasField("results") else None,
        source=config.source,
    )


def keyframe_values(config: frame_pb2.KeyframeConfig) -> dict[str, float | None]:
    """Converts new values for how keyframes are chosen; None for what is not set."""
    values: dict[str, float | None] = {"mode": config.mode or None}
    for name in _KEYFRAME_FIELDS:
        values[name] = getattr(config, name) if config.HasField(name) else None  # type: ignore[arg-type]  # the stub wants literals
    return values


def result_options(options: stream_service_pb2.ResultOptions) -> ResultOptions:
    """Converts what results shall hold."""
    return ResultOptions(**{name: getattr(options, name) for name in _OPTION_FIELDS})


def capture_ns(frame: frame_pb2.Frame) -> int | None:
    """Returns when a frame was taken by the client's clock, nanoseconds since 1970, or None."""
    if not frame.HasField("capture_time"):
        return None
    return frame.capture_time.seconds * _NS + frame.capture_time.nanos


def response(event: Event, sequence: int) -> Response:
    """Makes the message of an event.

    Args:
        event: What happened.
        sequence: Its number on this connection.
    """
    message = Response(sequence=sequence)
    now_ns = time.time_ns()
    stamp = message.server_time
    stamp.seconds, stamp.nanos = divmod(now_ns, _NS)
    _FILL[type(event)](event, message)
    return message


def pack_result(result: Result) -> bytes:
    """Packs a result for keeping, without its picture."""
    return _result(result).SerializeToString()


def _fill_ack(ack: Ack, message: Response) -> None:
    into = message.ack
    into.frame_number = ack.number
    into.outcome = int(ack.outcome)  # type: ignore[assignment]  # values are the same, a test holds them equal
    judgement = ack.judgement
    if judgement is not None:
        into.keyframe_reason = int(judgement.reason)  # type: ignore[assignment]
        if judgement.pixel_diff is not None:
            into.pixel_diff = judgement.pixel_diff
        if judgement.ssim is not None:
            into.ssim = judgement.ssim
        if judgement.changed_area is not None:
            into.changed_area = judgement.changed_area
    if ack.rejected_reason:
        into.rejected_reason = ack.rejected_reason
    if ack.lost_before:
        into.lost_before_count = ack.lost_before


def _fill_ready(ready: Ready, message: Response) -> None:
    into = message.ready
    into.name, into.resume_token, into.resumed = ready.name, ready.resume_token, ready.resumed
    into.expire_time.FromNanoseconds(round(ready.expires_at_s * _NS))
    into.keyframes.CopyFrom(_keyframes(ready.keyframes))
    into.limits.CopyFrom(_limits(ready.limits))
    into.totals.CopyFrom(_totals(ready.totals))
    into.replayed_result_count = ready.replayed


def _fill_result(event: ResultEvent, message: Response) -> None:
    into = message.result
    into.ParseFromString(event.kept.payload)
    into.replayed = event.replayed
    if event.blurred_jpeg:
        into.blurred_image.data = event.blurred_jpeg


def _fill_stats(stats: Stats, message: Response) -> None:
    into = message.stats
    into.totals.CopyFrom(_totals(stats.totals))
    into.keyframes.CopyFrom(_keyframes(stats.keyframes))
    into.unacknowledged_result_count = stats.unacknowledged
    if stats.processing_p50_s is not None:
        into.processing_time_p50.FromNanoseconds(round(stats.processing_p50_s * _NS))
    into.session_duration.FromNanoseconds(round(max(0.0, stats.duration_s) * _NS))
    into.final = stats.final
    fill_flow(stats.flow, into)


def _fill_pong(pong: Pong, message: Response) -> None:
    message.pong.SetInParent()
    if pong.client_ns is not None:
        message.pong.client_time.FromNanoseconds(pong.client_ns)
    message.pong.receive_time.FromNanoseconds(pong.received_ns)


def _fill_trouble(trouble: Trouble, message: Response) -> None:
    into = message.error
    into.status.CopyFrom(status_of(trouble.error))
    into.reason, into.frame_number, into.fatal = trouble.error.reason, trouble.number, trouble.fatal


_FILL: dict[type[Event], Callable[[Any, Response], None]] = {
    Ack: _fill_ack,
    Ready: _fill_ready,
    ResultEvent: _fill_result,
    Stats: _fill_stats,
    Pong: _fill_pong,
    Trouble: _fill_trouble,
    Stall: lambda stall, message: fill_stall(stall, message.stall),
    Advice: lambda advice, message: fill_advice(advice, message.quality_advice),
}


def _result(result: Result) -> frame_pb2.StreamResult:
    outcome = result.outcome
    message = frame_pb2.StreamResult(
        event_id=result.event_id,
        frame_number=result.number,
        keyframe_reason=int(result.reason),  # type: ignore[arg-type]
        face_count=result.face_count,
        garments=outcome.analysis.garments,
        matches=outcome.matches,
        taste_change=outcome.taste_change,
        models=outcome.models,
        degraded=outcome.degraded,
        degraded_parts=outcome.degraded_parts,
        used_context=outcome.used_context,
        unused_context=outcome.unused_context,
    )
    message.capture_time.FromNanoseconds(round(result.captured_at_s * _NS))
    message.processing_time.FromNanoseconds(round(result.processing_s * _NS))
    for garment in message.garments:
        if not result.options.include_masks:
            garment.ClearField("mask")
        if not result.options.include_embeddings:
            garment.ClearField("embedding")
    return message


def _keyframes(config: KeyframeConfig) -> frame_pb2.KeyframeConfig:
    values = {name: getattr(config, name) for name in _KEYFRAME_FIELDS}
    return frame_pb2.KeyframeConfig(mode=int(config.mode), **values)  # type: ignore[arg-type]  # a test holds modes equal


def _totals(totals: Mapping[str, int]) -> frame_pb2.FrameTotals:
    message = frame_pb2.FrameTotals(highest_frame_number=totals["highest"])
    for name in Totals.__dataclass_fields__:
        if name != "highest":
            setattr(message, f"{name}_count", totals[name])
    return message


def _limits(limits: Limits) -> stream_service_pb2.StreamLimits:
    message = stream_service_pb2.StreamLimits(
        max_message_bytes=limits.max_message_bytes,
        max_frame_pixels=limits.max_frame_pixels,
        max_kept_results=limits.max_kept_results,
        max_streams_per_user=limits.max_streams_per_user,
    )
    if math.isfinite(limits.max_frame_rate_fps):
        message.max_frame_rate_fps = limits.max_frame_rate_fps
    message.max_session_duration.FromNanoseconds(round(limits.max_session_s * _NS))
    message.resume_window.FromNanoseconds(round(limits.resume_window_s * _NS))
    message.max_frame_delay.FromNanoseconds(round(limits.max_frame_delay_s * _NS))
    return message
