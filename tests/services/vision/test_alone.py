"""The service as operators start it: a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from vitrine.type.v1 import image_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb
from vitrine.vision.v1 import garment_service_pb2_grpc

from mesh.keys import SigningKey
from mesh.settings import settings_table
from vision_svc.settings import VisionSettings

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[3]


@dataclass
class Alone:
    process: subprocess.Popen[bytes]
    port: int
    folder: Path


@pytest.fixture
def alone(models_dir: Path, jwks: Path, tmp_path: Path) -> Iterator[Alone]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    paths = os.pathsep.join(str(ROOT / part) for part in (".", "gen/python", "clients/python"))
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path), "VITRINE_GRPC_PORT": str(port), "VITRINE_METRICS_PORT": "0", "VITRINE_JWKS": str(jwks),
        "VITRINE_MODELS_DIR": str(models_dir), "VITRINE_LOG_LEVEL": "debug",
    }  # fmt: skip
    started = subprocess.Popen(
        [sys.executable, "-m", "vision_svc"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield Alone(started, port, tmp_path)
    finally:
        started.kill()
        started.wait()


def until_serving(port: int, deadline_s: float = 60) -> None:
    end = time.monotonic() + deadline_s
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < end:
            try:
                answer = stub.Check(
                    health_pb2.HealthCheckRequest(service="vitrine.vision.v1.GarmentService"), timeout=2
                )
            except grpc.RpcError:
                answer = None
            if answer is not None and answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            time.sleep(0.1)
    pytest.fail("not serving")


def test_it_starts_alone_answers_writes_nothing_and_stops(
    alone: Alone, key: SigningKey, astronaut: image_pb2.Image
) -> None:
    until_serving(alone.port)
    with grpc.insecure_channel(f"127.0.0.1:{alone.port}") as channel:
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = reflection.ServerReflectionInfo(iter([request]), timeout=5)
        names = {service.name for service in answer.list_services_response.service}
        services = ("Garment", "Model", "Face", "Body", "Nail", "Design")
        assert names >= {f"vitrine.vision.v1.{one}Service" for one in services}
        garments: Any = garment_service_pb2_grpc.GarmentServiceStub(channel)
        metadata = (("authorization", f"Bearer {key.sign('ada', (), ttl_s=60)}"),)
        for data in (astronaut.data, astronaut.data[:9000]):
            image = image_pb2.Image(data=data)
            with contextlib.suppress(grpc.RpcError):
                garments.AnalyzeImage(pb.AnalyzeImageRequest(image=image), metadata=metadata, timeout=20)
    alone.process.send_signal(signal.SIGTERM)
    output, _ = alone.process.communicate(timeout=20)
    assert alone.process.returncode == 0, output.decode()
    assert b'"serving"' in output
    # Of the picture nothing stays: no file, and in the log neither its bytes nor the answer.
    assert list(alone.folder.iterdir()) == []
    assert max(len(line) for line in output.splitlines()) < 1000
    assert b"garment_id" not in output


def test_the_readme_shows_the_settings() -> None:
    assert settings_table(VisionSettings) in (ROOT / "vision_svc/README.md").read_text()
