"""What the service does when it has too much to do, or lacks its models."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vitrine.type.v1 import image_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb

from mesh.keys import SigningKey
from mesh.server import serving
from tests.services.vision.conftest import Caller
from tests.services.vision.failures import failure_of
from vision_svc.__main__ import build
from vision_svc.settings import VisionSettings

pytestmark = pytest.mark.service


def settings(jwks: Path, models_dir: Path, **changes: Any) -> VisionSettings:
    values = {"grpc_port": 0, "metrics_port": 0, "shutdown_grace_s": 1.0, **changes}
    return VisionSettings(jwks=str(jwks), models_dir=models_dir, **values)


async def outcome(call: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return error


async def test_a_full_queue_refuses_and_says_when_to_come_again(
    key: SigningKey, jwks: Path, models_dir: Path, astronaut: image_pb2.Image
) -> None:
    async with serving(settings(jwks, models_dir, executor_queue=1), build) as server:
        await server.ready.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            caller = Caller(channel, key.sign("ada", (), ttl_s=60))
            request = pb.AnalyzeImageRequest(image=astronaut)

            async def analyze() -> Any:
                return await caller.garments.AnalyzeImage(request, metadata=caller.metadata)

            results = await asyncio.gather(*(outcome(analyze()) for _ in range(8)))
            served = [result for result in results if not isinstance(result, grpc.aio.AioRpcError)]
            refused = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
            assert served
            assert refused
            for error in refused:
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                trailers = dict(error.trailing_metadata() or ())
                status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
                assert any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)
            assert (await analyze()).analysis.person_count == 1


async def test_without_its_models_it_listens_and_does_not_serve(
    key: SigningKey, jwks: Path, tmp_path: Path, astronaut: image_pb2.Image
) -> None:
    async with (
        serving(settings(jwks, tmp_path), build) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        caller = Caller(channel, key.sign("ada", (), ttl_s=60))
        request = pb.AnalyzeImageRequest(image=astronaut)
        failure = await failure_of(caller.garments.AnalyzeImage(request, metadata=caller.metadata))
        assert failure.code is grpc.StatusCode.UNAVAILABLE
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not server.ready.is_set()


@pytest.mark.parametrize("field", ["garment_embedder", "garment_parser"])
async def test_a_hub_backend_without_a_model_is_refused_at_start(jwks: Path, models_dir: Path, field: str) -> None:
    with pytest.raises(ValueError, match=f"VITRINE_{field.upper()}_HUB must name a hub id or a folder"):
        async with serving(settings(jwks, models_dir, **{field: "hub"}), build):
            pass
