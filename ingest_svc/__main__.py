"""Runs ingest: ``python -m ingest_svc``. The only place that builds its collaborators."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import cv2
from vitrine.ingest.v1 import (
    capture_service_pb2_grpc,
    privacy_service_pb2_grpc,
    stream_service_pb2_grpc,
    tryon_service_pb2_grpc,
)

from imaging.decode import DecodeLimits
from ingest_svc.captures.intake import Intake
from ingest_svc.captures.jobs import JobQueue, job_app
from ingest_svc.captures.notify import CaptureNotifier
from ingest_svc.captures.watch import Watch
from ingest_svc.parts import Parts, capture_lifecycle, load_blur, now, sharing
from ingest_svc.privacy.erase import Eraser
from ingest_svc.privacy.export import Exporter
from ingest_svc.servicers.captures import CaptureServicer
from ingest_svc.servicers.health_http import HealthPage, health_check
from ingest_svc.servicers.http import serving_http
from ingest_svc.servicers.plain_frames import plain_frame
from ingest_svc.servicers.privacy import PrivacyServicer
from ingest_svc.servicers.streams import StreamServicer
from ingest_svc.servicers.tryon import TryOnServicer
from ingest_svc.servicers.websocket import StreamSockets
from ingest_svc.settings import IngestSettings
from ingest_svc.storage.sessions import PostgresSessionStore
from ingest_svc.storage.stream_leases import LeasePolicy
from ingest_svc.storage.stream_sweep import StreamSweeper
from ingest_svc.streams.counting import PrometheusStreamMetrics
from ingest_svc.streams.darkroom import FrameDarkroom
from ingest_svc.streams.events import Limits
from ingest_svc.streams.hub import StreamHub
from ingest_svc.streams.limits.entry import Entry
from ingest_svc.streams.limits.load import Load, LoadLimits
from ingest_svc.streams.ports import Surroundings
from mesh.errors import VitrineError
from mesh.failures import FailureStage
from mesh.observation import TelemetryStage
from mesh.readiness import Phase
from mesh.seats import Seats
from mesh.server import Registration, Runtime, Service, run

# A session counts as connected until it has missed so many saves: its process has died.
_LEASE_SAVES = 3
_CAPTURES = "vitrine.ingest.v1.CaptureService"
_PRIVACY = "vitrine.ingest.v1.PrivacyService"
_TRYON = "vitrine.ingest.v1.TryOnService"
_STREAMS = "vitrine.ingest.v1.StreamService"


@contextlib.asynccontextmanager
async def build(runtime: Runtime[IngestSettings]) -> AsyncIterator[Service]:
    """Builds ingest's server.

    Args:
        runtime: What the mesh brings.

    Yields:
        The service.
    """
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(sharing(runtime))
        parts.startup += [parts.database.migrate, lambda: load_blur(parts)]
        hub = await stack.enter_async_context(_streams(parts))
        _captures(parts, hub)

        async def startup() -> None:
            for step in parts.startup:
                await step()

        yield Service(parts.registrations, startup, parts.errors)


@contextlib.asynccontextmanager
async def _streams(parts: Parts) -> AsyncIterator[StreamHub]:
    runtime, settings = parts.runtime, parts.runtime.settings
    limits = settings.limits(settings.max_message_bytes)
    leases = LeasePolicy(limits.max_streams_per_user, _LEASE_SAVES * limits.save_interval_s, limits.capacity_retry_s)
    store = PostgresSessionStore(
        parts.database, resume_window_s=settings.resume_window_s, max_result_age_s=settings.max_result_age_s,
        leases=leases,
    )  # fmt: skip
    darkroom = FrameDarkroom(
        runtime.executor,
        parts.blur,
        DecodeLimits(max_pixels=settings.max_frame_pixels),
        parts.room,
        long_side_px=settings.keyframe_long_side_px,
    )
    around = Surroundings(
        store, darkroom, parts.pipeline, PrometheusStreamMetrics(runtime.metrics), limits, _entry(parts, limits)
    )
    hub = StreamHub(around, runtime.stopping, runtime.background)
    parts.registrations += [
        Registration(
            stream_service_pb2_grpc.add_StreamServiceServicer_to_server,
            StreamServicer(hub, runtime.metrics),
            _STREAMS,
            plain_frame,
        ),
        Registration(tryon_service_pb2_grpc.add_TryOnServiceServicer_to_server, TryOnServicer(), _TRYON),
    ]
    runtime.background(hub.share_rates(), name="stream-rates")
    runtime.background(_sweeper(parts).run(settings.session_sweep_s), name="stream-sweep")
    try:
        async with serving_http(settings.host, settings.http_port, _sockets(parts, hub), _health(parts)) as port:
            runtime.log.info("listening_http", port=port)
            yield hub
    finally:
        await hub.settle()


def _sweeper(parts: Parts) -> StreamSweeper:
    metrics = parts.runtime.metrics
    removed = metrics.counter("stream_removed", "Sessions and results removed because their time was over.", ("kind",))

    def count(kind: str, number: int) -> None:
        counter = metrics.failures.labels("session_sweep") if kind == "failure" else removed.labels(kind)
        counter.inc(number)

    return StreamSweeper(parts.database, count=count)


def _entry(parts: Parts, limits: Limits) -> Entry:
    runtime, settings, metrics = parts.runtime, parts.runtime.settings, parts.runtime.metrics
    load = Load(
        LoadLimits(settings.max_loop_lag_s, settings.max_waiting_pictures),
        lambda: parts.room.held_count,
        lag_gauge=metrics.gauge("loop_lag_seconds", "How late the event loop comes, as the median of 2 seconds."),
        refusing_gauge=metrics.gauge("streams_refusing", "Whether load refuses new streams, 0 or 1."),
    )
    refusals = metrics.counter("streams_refused", "Streams refused for want of capacity, by whose.", ("scope",))
    metrics.queue_depth.labels("pictures").set_function(lambda: parts.room.held_count)
    runtime.background(load.watch(), name="stream-load")
    return Entry(limits, load, lambda scope: refusals.labels(scope).inc())


def _captures(parts: Parts, hub: StreamHub) -> None:
    runtime, settings = parts.runtime, parts.runtime.settings
    url = settings.database_url.get_secret_value()
    jobs = JobQueue(job_app(url, "ingest"))
    notifier = CaptureNotifier(url, hub.end_sessions)
    lifecycle = capture_lifecycle(parts, jobs)
    intake = Intake(
        parts.database, parts.objects, runtime.executor, parts.blur, jobs, runtime.metrics,
        clock=now, queue_limit=settings.capture_queue_limit, room=parts.room,
    )  # fmt: skip
    seats = Seats("watches", total=settings.max_watches, per_user=settings.max_watches_per_user)
    watch = Watch(lifecycle, notifier, seats, heartbeat_s=settings.watch_heartbeat_s)
    limit_s = settings.privacy_deadline_s
    eraser = Eraser(
        parts.database, parts.objects, parts.profile,
        clock=now, deadline_s=limit_s, end_sessions=hub.end_sessions,
    )  # fmt: skip
    exporter = Exporter(parts.database, parts.objects, parts.profile, deadline_s=limit_s)
    parts.startup.append(parts.objects.ping)
    parts.registrations += [
        Registration(
            capture_service_pb2_grpc.add_CaptureServiceServicer_to_server,
            CaptureServicer(intake, lifecycle, watch, clock=now),
            _CAPTURES,
        ),
        Registration(
            privacy_service_pb2_grpc.add_PrivacyServiceServicer_to_server,
            PrivacyServicer(eraser, exporter, clock=now),
            _PRIVACY,
        ),
    ]
    runtime.background(notifier.listen(), name="capture-notifier")
    runtime.background(notifier.close_when(runtime.stopping), name="capture-watchers")


def _sockets(parts: Parts, hub: StreamHub) -> StreamSockets:
    runtime, settings = parts.runtime, parts.runtime.settings
    return StreamSockets(
        hub,
        runtime.verifier,
        runtime.readiness,
        TelemetryStage(runtime.tracing, runtime.metrics),
        FailureStage(parts.errors),
        runtime.metrics,
        cookie=settings.cookie_name,
        origins=frozenset(filter(None, (origin.strip() for origin in settings.websocket_origins.split(",")))),
        max_message_bytes=settings.max_message_bytes,
    )


def _health(parts: Parts) -> HealthPage:
    async def own() -> bool:
        if parts.runtime.readiness.phase is not Phase.SERVING:
            return False
        try:
            await parts.database.ping()
        except VitrineError:
            return False
        return True

    others = {name: health_check(channel) for name, channel in parts.channels.items()}
    return HealthPage(own, others, timeout_s=parts.runtime.settings.health_timeout_s)


def main() -> None:
    """Runs ingest until SIGTERM or SIGINT."""
    cv2.setNumThreads(1)  # frames come from many streams: threads inside one decode only get into each other's way
    run(IngestSettings(), build)


if __name__ == "__main__":
    main()
