"""How many streams a process has open, read from its metrics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import start_http_server
from vitrine.embedded.open_streams import open_streams
from vitrine.embedded.ports import free_port
from vitrine.embedded.state import ProcessState

from mesh.metrics import Metrics

pytestmark = pytest.mark.unit


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def port(metrics: Metrics) -> Iterator[int]:
    server, thread = start_http_server(0, "127.0.0.1", metrics.registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_both_transports_count_and_other_sessions_do_not(metrics: Metrics, port: int) -> None:
    ingest = ProcessState(name="ingest-2", ports={"metrics": port})
    assert open_streams(ingest) == 0  # none so far
    metrics.sessions.labels("stream", "grpc").set(3)
    metrics.sessions.labels("stream", "websocket").set(4)
    metrics.sessions.labels("tryon", "grpc").set(50)
    assert open_streams(ingest) == 7


def test_processes_that_serve_none_or_do_not_answer_have_no_number(port: int) -> None:
    assert open_streams(ProcessState(name="vision", ports={"metrics": port})) is None
    assert open_streams(ProcessState(name="ingest")) is None
    assert open_streams(ProcessState(name="ingest", ports={"metrics": free_port()})) is None
