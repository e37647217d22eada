"""The health check of the images."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from mesh.probe import main, serves

pytestmark = pytest.mark.unit
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def server() -> Iterator[tuple[health.HealthServicer, int]]:
    with ThreadPoolExecutor(1) as pool:
        made = grpc.server(pool)
        servicer = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, made)
        port = made.add_insecure_port("127.0.0.1:0")
        made.start()
        yield servicer, port
        made.stop(0).wait()


@pytest.mark.parametrize(("status", "code"), [(SERVING, 0), (NOT_SERVING, 1)], ids=["serving", "starting up"])
def test_probe_says_what_health_says(server: tuple[health.HealthServicer, int], status: int, code: int) -> None:
    servicer, port = server
    servicer.set("", status)
    assert main([], {"VITRINE_GRPC_PORT": str(port)}) == code
    assert main(["VITRINE_WORKER_GRPC_PORT"], {"VITRINE_WORKER_GRPC_PORT": str(port)}) == code


@pytest.mark.parametrize("port", ["", "http", "-1"])
def test_probe_without_a_port_fails_and_says_so(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"VITRINE_GRPC_PORT": port}) == 1
    assert "VITRINE_GRPC_PORT" in capsys.readouterr().err


def test_probe_of_nobody_fails() -> None:
    assert not serves("127.0.0.1:1", timeout_s=0.5)
