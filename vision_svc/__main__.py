"""Runs the vision service: ``python -m vision_svc``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import cv2
from vitrine.vision.v1 import (
    body_service_pb2_grpc,
    design_service_pb2_grpc,
    face_service_pb2_grpc,
    garment_service_pb2_grpc,
    model_service_pb2_grpc,
    nail_service_pb2_grpc,
)

from imaging.decode import DecodeLimits
from mesh.server import Registration, Runtime, Service, run
from vision_svc.garments.analysis import GarmentAnalysis
from vision_svc.garments.embedding import BatchEmbedding
from vision_svc.models.batching import QueueLimits
from vision_svc.models.latency import LatencyRecorder
from vision_svc.models.registry import Registry
from vision_svc.registration import make_registry
from vision_svc.servicers.errors import error_table
from vision_svc.servicers.garments import GarmentServicer
from vision_svc.servicers.models import ModelServicer
from vision_svc.servicers.not_yet import BodyServicer, DesignServicer, FaceServicer, NailServicer
from vision_svc.servicers.stream import AnalyzeStream
from vision_svc.settings import VisionSettings


@contextlib.asynccontextmanager
async def build(runtime: Runtime[VisionSettings]) -> AsyncIterator[Service]:
    """Puts the service together.

    Args:
        runtime: What the mesh brings.

    Yields:
        The service; its start-up loads and tries the models.
    """
    # The executor decides how many cores are used; threads of OpenCV's own would only get in each other's way.
    cv2.setNumThreads(1)
    histogram = runtime.metrics.model_latency
    latency = LatencyRecorder(lambda task, model, seconds: histogram.labels(task, model).observe(seconds))
    registry = make_registry(runtime.settings, latency)

    async def startup() -> None:
        await asyncio.to_thread(registry.load_selected)

    yield Service(_registrations(runtime, registry), startup, error_table())


def _registrations(runtime: Runtime[VisionSettings], registry: Registry) -> list[Registration]:
    settings, work = runtime.settings, runtime.executor.run
    limits = DecodeLimits(max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels)
    analysis = GarmentAnalysis(
        registry, work, limits=limits, max_side_px=settings.analysis_side_px, max_batch=settings.embed_batch,
        queue=QueueLimits(settings.executor_queue, settings.picture_queue_bytes),
    )  # fmt: skip
    stream = AnalyzeStream(analysis, work, error_table(), runtime.stopping, min_score=settings.min_garment_score)
    garments = GarmentServicer(
        analysis, BatchEmbedding(analysis, registry), registry, work, stream,
        min_score=settings.min_garment_score,
    )  # fmt: skip
    return [
        Registration(garment_service_pb2_grpc.add_GarmentServiceServicer_to_server, garments, _name("GarmentService")),
        Registration(
            model_service_pb2_grpc.add_ModelServiceServicer_to_server, ModelServicer(registry), _name("ModelService")
        ),
        Registration(face_service_pb2_grpc.add_FaceServiceServicer_to_server, FaceServicer(), _name("FaceService")),
        Registration(body_service_pb2_grpc.add_BodyServiceServicer_to_server, BodyServicer(), _name("BodyService")),
        Registration(nail_service_pb2_grpc.add_NailServiceServicer_to_server, NailServicer(), _name("NailService")),
        Registration(
            design_service_pb2_grpc.add_DesignServiceServicer_to_server, DesignServicer(), _name("DesignService")
        ),
    ]


def _name(service: str) -> str:
    return f"vitrine.vision.v1.{service}"


def main() -> None:
    """Runs the service until it is told to stop."""
    run(VisionSettings(), build)


if __name__ == "__main__":
    main()
