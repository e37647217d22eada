"""A small real vision service for tests: vectors that mean something, and a server that can go away and come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import grpc
import grpc.aio
import numpy as np
from google.rpc import code_pb2, error_details_pb2, status_pb2
from vitrine.type.v1 import garment_pb2, model_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb
from vitrine.vision.v1 import garment_service_pb2_grpc

DIMENSION = 24
# sRGB, as BGR.
COLORS = {
    "navy": (90, 40, 20),
    "red": (40, 40, 210),
    "white": (245, 245, 245),
    "black": (20, 20, 20),
    "olive": (40, 110, 110),
    "pink": (180, 120, 240),
}
STYLES = ("shirt", "trousers", "dress", "coat")


def draw(color: str, *, stripes: int = 0, size: tuple[int, int] = (60, 80), fmt: str = ".png") -> bytes:
    """Draws a picture in one colour, with black stripes."""
    width, height = size
    image = np.full((height, width, 3), COLORS[color], np.uint8)
    for stripe in range(stripes):
        image[stripe * height // max(1, stripes) :: height, :] = 0
        image[stripe * height // stripes : stripe * height // stripes + height // (3 * stripes), :] = 0
    return cv2.imencode(fmt, image)[1].tobytes()


def embed(picture: bytes) -> list[float]:
    """The vector of a picture: its colours on a grid of 2 x 4, centred, with length 1."""
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not a picture")
    small = cv2.resize(image, (2, 4), interpolation=cv2.INTER_AREA).astype(np.float64).ravel() / 255 - 0.45
    return [float(value) for value in (small / np.linalg.norm(small)).astype(np.float32)]


@dataclass(frozen=True)
class Fault:
    """At which pictures vision fails by its own fault, and whether the whole call does then."""

    width_px: int = 0
    everywhere: bool = False
    of_the_call: bool = False

    def at(self, picture: bytes) -> bool:
        """Whether it fails at a picture."""
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        return self.everywhere or (image is not None and image.shape[1] == self.width_px)


class VisionStub(garment_service_pb2_grpc.GarmentServiceServicer):
    """Serves the two RPCs that retrieval calls; the others are not there."""

    AnalyzeImage: Any = None
    StreamAnalyze: Any = None

    def __init__(self) -> None:
        self.model = "stub/1"
        self.degraded_reason = ""
        self.pattern_confidence = 0.9
        self.described = 0
        self.heard: dict[str, tuple[dict[str, str], float]] = {}
        self.calls = 0
        self.fault = Fault()
        self.port = 0
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listens, on the same port as before."""
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", 2**25)])
        garment_service_pb2_grpc.add_GarmentServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def stop(self) -> None:
        """Goes away at once."""
        if self._server is not None:
            await self._server.stop(0)
            self._server = None

    async def BatchEmbedImages(  # noqa: N802
        self,
        request: pb.BatchEmbedImagesRequest,
        context: Any,
    ) -> pb.BatchEmbedImagesResponse:
        self.calls += 1
        self._note(context)
        if self.fault.of_the_call and any(self.fault.at(item.image.data) for item in request.items):
            details = ("grpc-status-details-bin", _failure().SerializeToString())
            await context.abort(grpc.StatusCode.INTERNAL, "it broke", (details,))
        self.described += len(request.items) if request.with_attributes else 0
        return pb.BatchEmbedImagesResponse(
            items=[self._item(item, place, request.with_attributes) for place, item in enumerate(request.items)],
            models=[self._use("garments.embed")],
        )

    async def EmbedText(  # noqa: N802
        self,
        request: pb.EmbedTextRequest,
        context: Any,
    ) -> pb.EmbedTextResponse:
        self._note(context)
        words = request.text.lower().split()
        known = [word for word in words if word in COLORS]
        values = embed(draw(known[0] if known else "olive"))
        return pb.EmbedTextResponse(
            embedding=model_pb2.Embedding(values=values, model=self.model),
            understanding=pb.TextUnderstanding(colors=known, coverage=len(known) / max(1, len(words))),
            models=[self._use("texts.embed")],
        )

    def _note(self, context: Any) -> None:
        """Remembers what came along with the last call of each request id, and how long it might take."""
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        self.heard[metadata.get("x-request-id", "")] = metadata, context.time_remaining()

    def _use(self, task: str) -> model_pb2.ModelUse:
        degraded, reason = bool(self.degraded_reason), self.degraded_reason
        return model_pb2.ModelUse(task=task, model=self.model, degraded=degraded, degraded_reason=reason)

    def _item(self, item: pb.EmbedImageItem, place: int, describe: bool) -> pb.EmbeddedImage:
        if self.fault.at(item.image.data):
            return pb.EmbeddedImage(error=_failure())
        image = cv2.imdecode(np.frombuffer(item.image.data, np.uint8), cv2.IMREAD_COLOR)
        if image is None or image.shape[0] < 24:  # this model wants 24 rows at least
            return pb.EmbeddedImage(error=_refusal(f"items[{place}].image.data"))
        vector = model_pb2.Embedding(values=embed(item.image.data), model=self.model)
        attributes = self._attributes(image) if describe else None
        return pb.EmbeddedImage(image=pb.ImageEmbedding(embedding=vector, foreground_share=1.0, attributes=attributes))

    def _attributes(self, image: Any) -> garment_pb2.GarmentAttributes:
        """Rows that are black among others that are not make stripes."""
        dark = (image.max(axis=(1, 2)) < 16).mean()
        pattern = "striped" if 0.0 < dark < 1.0 else "plain"
        return garment_pb2.GarmentAttributes(pattern=pattern, confidence={"pattern": self.pattern_confidence})


def _failure() -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.INTERNAL, message="it broke")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="INTERNAL", domain="vitrine.dev"))
    return status


def _refusal(field: str) -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="too small")
    info = error_details_pb2.ErrorInfo(reason="IMAGE_TOO_SMALL", domain="vitrine.dev")
    status.details.add().Pack(info)
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field=field, description="must have at least 24 rows")
    status.details.add().Pack(bad)
    return status
