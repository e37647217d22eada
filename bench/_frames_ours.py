"""StreamService as ingest serves it, for `frames.py`: mesh server, interceptors, token check, validation, hub, rule,
over gRPC and over WebSocket.

Only what a keyframe sets off (blur and the other services) and the database are replaced, because the published stack
that it is compared with has neither on its frame path.

    python bench/_frames_ours.py JWKS PORT HTTP_PORT due|all

With `all`, frames inside the minimum interval are decoded too.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager

import cv2
from vitrine.ingest.v1 import stream_service_pb2_grpc

from imaging.decode import DecodeLimits
from ingest_svc.captures.outfit import Analysis, OutfitInput, OutfitOutcome
from ingest_svc.captures.room import PictureRoom
from ingest_svc.privacy.blur import FaceBlur
from ingest_svc.servicers.health_http import HealthPage
from ingest_svc.servicers.http import serving_http
from ingest_svc.servicers.plain_frames import plain_frame
from ingest_svc.servicers.streams import StreamServicer
from ingest_svc.servicers.websocket import StreamSockets
from ingest_svc.streams.counting import PrometheusStreamMetrics
from ingest_svc.streams.darkroom import FrameDarkroom
from ingest_svc.streams.events import KeptResult, Limits
from ingest_svc.streams.hub import StreamHub
from ingest_svc.streams.keyframes import KeyframeSelector
from ingest_svc.streams.limits.elsewhere import OpenStream
from ingest_svc.streams.limits.entry import Entry
from ingest_svc.streams.limits.load import Load, LoadLimits
from ingest_svc.streams.ports import SafePicture, StoredSession, Surroundings
from mesh.failures import FailureStage
from mesh.observation import TelemetryStage
from mesh.server import Registration, Runtime, Service, run
from mesh.settings import ServiceSettings
from mesh.status import ErrorTable


class Forgetful:
    """Keeps nothing."""

    async def create(self, session: StoredSession, token_hash: bytes) -> None:
        pass

    async def resume(self, _user: str, _token_hash: bytes) -> tuple[StoredSession, list[KeptResult]] | None:
        return None

    async def save(
        self,
        session: StoredSession,  # noqa: ARG002 - the protocol's name
        results: Sequence[KeptResult] = (),  # noqa: ARG002
        *,
        acknowledged: Collection[int] = (),  # noqa: ARG002
        known: Collection[int] = (),  # noqa: ARG002
        keep: int,  # noqa: ARG002
    ) -> list[KeptResult]:
        return []

    async def open_elsewhere(self, _users: Collection[str], _here: Collection[str]) -> list[OpenStream]:
        return []

    async def end(self, session: StoredSession) -> None:
        pass


# As the service's default (`VITRINE_PICTURE_QUEUE_BYTES`).
_PICTURE_BYTES = 128 << 20


class ThumbnailsOnly(FrameDarkroom):
    """Decodes thumbnails and develops nothing."""

    async def develop(self, _data: bytes) -> SafePicture:
        return SafePicture(b"")


class Silent:
    """A pipeline that sees nothing."""

    async def run(self, _seen: OutfitInput) -> OutfitOutcome:
        return OutfitOutcome(Analysis((), None, 0))


def building(http_port: int) -> Callable[[Runtime[ServiceSettings]], AbstractAsyncContextManager[Service]]:
    """Returns what builds the service, with WebSockets on `http_port`."""

    @contextlib.asynccontextmanager
    async def build(runtime: Runtime[ServiceSettings]) -> AsyncIterator[Service]:
        hub = _hub(runtime)
        servicer = StreamServicer(hub, runtime.metrics)
        add = stream_service_pb2_grpc.add_StreamServiceServicer_to_server
        registration = Registration(add, servicer, "vitrine.ingest.v1.StreamService", plain_frame)
        health = HealthPage(_well, {}, timeout_s=1.0)
        async with serving_http("127.0.0.1", http_port, _sockets(runtime, hub), health):
            yield Service([registration])

    return build


async def _well() -> bool:
    return True


def _hub(runtime: Runtime[ServiceSettings]) -> StreamHub:
    darkroom = ThumbnailsOnly(runtime.executor, FaceBlur(), DecodeLimits(), PictureRoom(_PICTURE_BYTES))
    limits = Limits(max_streams=1000, max_streams_per_user=1000)
    metrics, entry = PrometheusStreamMetrics(runtime.metrics), _entry(runtime, limits)
    around = Surroundings(Forgetful(), darkroom, Silent(), metrics, limits, entry)
    return StreamHub(around, runtime.stopping, runtime.background)


def _entry(runtime: Runtime[ServiceSettings], limits: Limits) -> Entry:
    load = Load(LoadLimits(), lambda: 0)
    runtime.background(load.watch())
    return Entry(limits, load)


def _sockets(runtime: Runtime[ServiceSettings], hub: StreamHub) -> StreamSockets:
    return StreamSockets(
        hub, runtime.verifier, runtime.readiness, TelemetryStage(runtime.tracing, runtime.metrics),
        FailureStage(ErrorTable()), runtime.metrics, cookie="bench", origins=frozenset(),
        max_message_bytes=runtime.settings.max_message_bytes,
    )  # fmt: skip


def main(jwks: str, port: str, http_port: str, decode: str) -> None:
    if decode == "all":
        setattr(KeyframeSelector, "is_due", lambda *_: True)  # noqa: B010 - mypy refuses it as an assignment
    cv2.setNumThreads(1)
    settings = ServiceSettings(service_name="bench", jwks=jwks, grpc_port=int(port), log_level="warning")
    run(settings, building(int(http_port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
