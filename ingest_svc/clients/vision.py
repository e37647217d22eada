"""Asking vision what is in a picture."""

from __future__ import annotations

from collections.abc import Sequence

import grpc.aio
from vitrine.type.v1 import geometry_pb2, image_pb2
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

from ingest_svc.captures.outfit import Analysis, FaceBox
from mesh.status import error_from_rpc

DEPENDENCY = "vision"
_MAX_FACE_BOXES = 64  # as many as the contract takes


class VisionClient:
    """Implements `ingest_svc.captures.pipeline.Vision` over gRPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._garments = garment_service_pb2_grpc.GarmentServiceStub(channel)

    async def analyze(self, image_jpeg: bytes, face_boxes: Sequence[FaceBox], *, deadline_s: float) -> Analysis:
        """Finds the garments in a picture.

        Args:
            image_jpeg: The blurred picture.
            face_boxes: Where faces were blurred, shares of width and height.
            deadline_s: Time limit in seconds.

        Returns:
            What was seen, with every part of the analysis.

        Raises:
            VitrineError: As the service answered.
        """
        request = garment_service_pb2.AnalyzeImageRequest(
            image=image_pb2.Image(data=image_jpeg),
            face_boxes=[
                geometry_pb2.NormalizedBox(x_min=x0, y_min=y0, x_max=x1, y_max=y1)
                for x0, y0, x1, y1 in face_boxes[:_MAX_FACE_BOXES]
                if x0 < x1 and y0 < y1
            ],
        )
        try:
            response = await self._garments.AnalyzeImage(request, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, dependency=DEPENDENCY) from error
        return _analysis(response.analysis)


def _analysis(answer: garment_service_pb2.ImageAnalysis) -> Analysis:
    return Analysis(
        garments=tuple(answer.garments),
        outfit_embedding=answer.outfit_embedding if answer.HasField("outfit_embedding") else None,
        person_count=answer.person_count,
        quality=tuple(answer.findings),
        models=tuple(answer.models),
    )
