"""What the server and the worker of ingest have in common, built once in each process by their mains."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import grpc.aio

from imaging.errors import ImageError
from imaging.faces import FaceDetector
from ingest_svc.captures.jobs import JobQueue
from ingest_svc.captures.lifecycle import Captures
from ingest_svc.captures.pipeline import Deadlines, OutfitPipeline
from ingest_svc.captures.room import PictureRoom
from ingest_svc.captures.search import ProductSearch
from ingest_svc.clients.profile import ProfileClient
from ingest_svc.clients.retrieval import RetrievalClient
from ingest_svc.clients.vision import VisionClient
from ingest_svc.privacy.blur import FaceBlur
from ingest_svc.settings import IngestSettings
from mesh.channels import connect
from mesh.database import Database
from mesh.errors import FieldViolation, InvalidInputError, VitrineError
from mesh.objects import ObjectStore
from mesh.server import Registration, Runtime
from mesh.status import ErrorTable


@dataclass
class Parts:
    """What several capabilities of ingest share.

    Attributes:
        runtime: What the mesh brings.
        database: The schema `ingest`.
        objects: Where pictures are kept.
        channels: To the other services, by name.
        profile: The client of the profile.
        pipeline: From a blurred picture to garments, products and taste.
        room: Where pictures wait for the executor.
        blur: Blurs faces; it has its detector after start-up.
        errors: Which exceptions of libraries have a meaning for callers.
        startup: What has to be done before calls are served, in order.
        registrations: What is served.
    """

    runtime: Runtime[IngestSettings]
    database: Database
    objects: ObjectStore
    channels: dict[str, grpc.aio.Channel]
    profile: ProfileClient
    pipeline: OutfitPipeline
    room: PictureRoom
    blur: FaceBlur = field(default_factory=FaceBlur)
    errors: ErrorTable = field(default_factory=lambda: ErrorTable().add(ImageError, image_refused))
    startup: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)


def image_refused(error: ImageError) -> VitrineError:
    """Makes our error from that of a picture in a request.

    Args:
        error: From `imaging`.
    """
    violations = (FieldViolation("image.data", error.description),)
    return InvalidInputError(f"image.data: {error.description}", str(error.reason), error.metadata, violations)


@contextlib.asynccontextmanager
async def sharing(runtime: Runtime[IngestSettings]) -> AsyncIterator[Parts]:
    """Builds what the server and the worker both need; nothing is contacted yet.

    Args:
        runtime: What the mesh brings.

    Yields:
        The parts.
    """
    settings = runtime.settings
    database = Database(
        settings.database_url, "ingest", "ingest_svc.migrations",
        pool_size=settings.database_pool_size, statement_timeout_s=settings.database_statement_timeout_s,
    )  # fmt: skip
    targets = {
        "vision": (settings.vision_target, settings.analyze_deadline_s),
        "retrieval": (settings.retrieval_target, settings.match_deadline_s),
        "profile": (settings.profile_target, settings.record_deadline_s),
    }
    channels = {
        name: connect(target, settings, runtime.tokens, default_deadline_s=deadline_s, metrics=runtime.metrics)
        for name, (target, deadline_s) in targets.items()
    }
    profile = ProfileClient(channels["profile"])
    search = ProductSearch(
        RetrievalClient(channels["retrieval"]), profile, settings.personal_weights(),
        match_s=settings.match_deadline_s, context_s=settings.context_deadline_s,
    )  # fmt: skip
    pipeline = OutfitPipeline(
        VisionClient(channels["vision"]), search, profile,
        Deadlines(settings.analyze_deadline_s, settings.record_deadline_s),
    )  # fmt: skip
    objects = ObjectStore(settings.objects_url, s3_options=settings.s3_options())
    try:
        room = PictureRoom(settings.picture_queue_bytes)
        yield Parts(runtime, database, objects, channels, profile, pipeline, room)
    finally:
        await asyncio.gather(*(channel.close() for channel in channels.values()))
        await database.close()


async def load_blur(parts: Parts) -> None:
    """Loads the face detector.

    Args:
        parts: Its `blur` gets the detector.
    """
    parts.blur.use(await asyncio.to_thread(FaceDetector.load, parts.runtime.settings.models_dir))


def capture_lifecycle(parts: Parts, jobs: JobQueue) -> Captures:
    """Builds what reads, cancels and deletes captures.

    Args:
        parts: What is shared.
        jobs: The queue.
    """
    runtime = parts.runtime
    return Captures(
        parts.database, parts.objects, jobs, parts.profile, runtime.metrics,
        clock=now, undo_deadline_s=runtime.settings.record_deadline_s,
    )  # fmt: skip


def now() -> datetime:
    """Returns the time, in UTC."""
    return datetime.now(UTC)
