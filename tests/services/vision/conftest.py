"""The vision service as a real server, and callers of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import grpc.aio
import numpy as np
import pytest
from skimage import data as skimage_data
from vitrine.type.v1 import geometry_pb2, image_pb2
from vitrine.vision.v1 import (
    body_service_pb2_grpc,
    design_service_pb2_grpc,
    face_service_pb2_grpc,
    garment_service_pb2_grpc,
    model_service_pb2_grpc,
    nail_service_pb2_grpc,
)

from imaging.decode import encode_jpeg
from mesh.keys import SigningKey, key_set
from mesh.server import RunningServer, serving
from vision_svc.__main__ import build
from vision_svc.settings import VisionSettings


class Caller:
    """Stubs of all services, and one token."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self.metadata = (("authorization", f"Bearer {token}"),)
        self.garments = garment_service_pb2_grpc.GarmentServiceStub(channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(channel)
        self.faces = face_service_pb2_grpc.FaceServiceStub(channel)
        self.bodies = body_service_pb2_grpc.BodyServiceStub(channel)
        self.nails = nail_service_pb2_grpc.NailServiceStub(channel)
        self.designs = design_service_pb2_grpc.DesignServiceStub(channel)


@dataclass
class Vision:
    """A running service."""

    server: RunningServer
    channel: grpc.aio.Channel
    key: SigningKey

    def caller(self, subject: str = "ada", *roles: str) -> Caller:
        return Caller(self.channel, self.key.sign(subject, roles, ttl_s=600))


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session")
def jwks(key: SigningKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vision") / "jwks.json"
    path.write_text(key_set([key]))
    return path


@pytest.fixture(scope="session")
async def vision(key: SigningKey, jwks: Path, models_dir: Path) -> AsyncIterator[Vision]:
    settings = VisionSettings(
        jwks=str(jwks), service_token_keys=key.key_id, models_dir=models_dir, grpc_port=0, metrics_port=0,
        shutdown_grace_s=1.0, executor_threads=2,
    )  # fmt: skip
    async with serving(settings, build) as server:
        await server.ready.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Vision(server, channel, key)


@pytest.fixture(scope="session")
def user(vision: Vision) -> Caller:
    return vision.caller("ada")


@pytest.fixture(scope="session")
def service(vision: Vision) -> Caller:
    return vision.caller("ingest", "service")


@pytest.fixture(scope="session")
def astronaut() -> image_pb2.Image:
    """Eileen Collins in an orange suit (NASA, public domain): one person, head to waist."""
    return image_pb2.Image(data=encode_jpeg(np.ascontiguousarray(skimage_data.astronaut()[..., ::-1])))


@pytest.fixture(scope="session")
def faceless() -> tuple[image_pb2.Image, geometry_pb2.NormalizedBox]:
    """The same photograph with a grey patch over the face, which hides her from the pose detector; and where it was."""
    photo = np.ascontiguousarray(skimage_data.astronaut()[..., ::-1])
    photo[15:208, 136:315] = 128
    face = geometry_pb2.NormalizedBox(x_min=171 / 512, y_min=65 / 512, x_max=279 / 512, y_max=172 / 512)
    return image_pb2.Image(data=encode_jpeg(photo)), face


@pytest.fixture(scope="session")
def nobody() -> image_pb2.Image:
    """A cup of coffee on a table (scikit-image): no person."""
    return image_pb2.Image(data=encode_jpeg(np.ascontiguousarray(skimage_data.coffee()[..., ::-1])))


@pytest.fixture(scope="session")
def shirt() -> image_pb2.Image:
    """A drawn navy shirt on white."""
    return image_pb2.Image(data=encode_jpeg(draw_shirt((69, 37, 27))))


def draw_shirt(color_bgr: tuple[int, int, int]) -> np.typing.NDArray[np.uint8]:
    picture = np.full((400, 360, 3), 248, np.uint8)
    outline = [
        [120, 60],
        [240, 60],
        [330, 130],
        [300, 190],
        [250, 160],
        [250, 350],
        [110, 350],
        [110, 160],
        [60, 190],
        [30, 130],
    ]
    cv2.fillPoly(picture, [np.array(outline, np.int32)], color_bgr, cv2.LINE_AA)
    return picture
