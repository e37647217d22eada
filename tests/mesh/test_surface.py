"""What the mesh shows of itself through the edge: reflection, health, its documents, CORS, metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from vitrine.embedded.mesh import EmbeddedMesh

from tests.mesh import pictures
from tests.mesh.contract import RPCS
from tests.mesh.names import more_of
from tests.mesh.talks import talk
from tests.mesh.test_streams import frame
from tests.mesh.ways import GrpcWay

pytestmark = pytest.mark.mesh
SERVICES = sorted({rpc.service for rpc in RPCS.values()})
PROCESSES = ["ingest", "worker", "vision", "retrieval", "profile"]
ORIGIN = "http://localhost:5173"


@pytest.fixture(scope="module")
def reflection(mesh: EmbeddedMesh) -> Iterator[ProtoReflectionDescriptorDatabase]:
    """What grpcurl asks: without a token, at the edge."""
    with grpc.insecure_channel(mesh.edge_target) as channel:
        yield ProtoReflectionDescriptorDatabase(channel)


async def test_reflection_lists_every_service(reflection: ProtoReflectionDescriptorDatabase) -> None:
    listed = await asyncio.to_thread(reflection.get_services)
    assert set(SERVICES) <= set(listed)
    assert set(listed) - set(SERVICES) == {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


@pytest.mark.parametrize("service", SERVICES)
async def test_reflection_describes_every_rpc(reflection: ProtoReflectionDescriptorDatabase, service: str) -> None:
    pool = descriptor_pool.DescriptorPool(reflection)
    described = await asyncio.to_thread(pool.FindServiceByName, service)
    assert [method.name for method in described.methods] == [
        rpc.rule.method for rpc in RPCS.values() if rpc.service == service
    ]
    ours = descriptor_pool.Default().FindServiceByName(service)
    assert [[field.name for field in method.input_type.fields] for method in described.methods] == [
        [field.name for field in method.input_type.fields] for method in ours.methods
    ]


async def test_grpc_health_through_the_edge(mesh: EmbeddedMesh) -> None:
    async with grpc.aio.insecure_channel(mesh.edge_target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods have no types
        answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("process", PROCESSES)
async def test_grpc_health_of_every_process_and_its_services(mesh: EmbeddedMesh, process: str) -> None:
    kind = {"worker": "ingest"}.get(process, process)
    names = ["", *(name for name in SERVICES if name.split(".")[1] == kind and process != "worker")]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{mesh.ports(process)['grpc']}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answers = [await stub.Check(health_pb2.HealthCheckRequest(service=name)) for name in names]
    assert {answer.status for answer in answers} == {health_pb2.HealthCheckResponse.SERVING}


async def test_health_page_has_the_shape_of_seed_003(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert set(body) == {"status", "gateway", "app_name", "version", "services", "timestamp"}
    assert (body["status"], body["gateway"], body["app_name"]) == ("healthy", "healthy", "Vitrine")
    assert {name: each["status"] for name, each in body["services"].items()} == dict.fromkeys(
        ("ingest", "vision", "retrieval", "profile"), "healthy"
    )
    assert all(set(each["data"]) == {"status", "timestamp"} for each in body["services"].values())


async def test_openapi_has_every_json_form(http: httpx.AsyncClient) -> None:
    answer = await http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["openapi"].startswith("3.")
    assert document == json.loads((Path(__file__).parents[2] / "gen/openapi/vitrine.openapi.json").read_text())
    ids = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    forms = {rpc.rule.method for rpc in RPCS.values() if rpc.has_http}
    assert {name for name in forms if not any(each.endswith(name) for each in ids)} == set()


CORS = {
    "json": ("/v1/users/ada/radar", "GET", "authorization"),
    "patch": ("/v1/users/ada/profile", "PATCH", "authorization,content-type"),
    "grpc-web": (
        "/vitrine.profile.v1.ProfileService/GetRadar", "POST",
        "authorization,content-type,x-grpc-web,x-user-agent,grpc-timeout",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "method", "headers"), CORS.values(), ids=CORS)
async def test_cors_preflight(http: httpx.AsyncClient, path: str, method: str, headers: str) -> None:
    ask = {"origin": ORIGIN, "access-control-request-method": method, "access-control-request-headers": headers}
    answer = await http.options(path, headers=ask)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert set(headers.split(",")) <= allowed
    stranger = await http.options(path, headers={**ask, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers


async def test_cors_of_the_answer_itself(mesh: EmbeddedMesh, http: httpx.AsyncClient) -> None:
    headers = {"origin": ORIGIN, "authorization": f"Bearer {mesh.keys.token('ada')}"}
    answer = await http.get("/v1/users/ada/radar", headers=headers)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert {"grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"} <= {
        name.strip() for name in answer.headers["access-control-expose-headers"].split(",")
    }
    refused = await http.get("/v1/users/ada/radar", headers={"origin": ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)


@pytest.fixture(scope="module")
async def used(shop: EmbeddedMesh, grpc_way: GrpcWay) -> EmbeddedMesh:
    """The mesh after a capture, a stream and a refused call."""
    token = shop.keys.token("meter")
    create = {"parent": "users/meter", **more_of(RPCS["CaptureService/CreateCapture"])}
    made = (await grpc_way.call("CaptureService/CreateCapture", create, token)).only["capture"]
    await grpc_way.call("CaptureService/WatchCapture", {"name": made["name"]}, token)
    await grpc_way.call("CaptureService/GetCapture", {"name": "users/meter/captures/x"}, token)
    async with talk("ws-proto", shop.edge_target, token) as stream:
        await stream.send(config={"parent": "users/meter"})
        await stream.send(frame=frame(1, pictures.photo(), 1e9))
        await stream.until(lambda event: event.WhichOneof("event") == "result")
        await stream.send(command={"stop": {}})
        await stream.end()
    return shop


# Family, labels that a sample of it must have, by process; a family without labels must be there, whatever its value.
FAMILIES: dict[str, list[tuple[str, dict[str, str] | None]]] = {
    "ingest": [
        ("vitrine_rpc_handled", {"rpc": "vitrine.ingest.v1.CaptureService/CreateCapture", "code": "OK"}),
        ("vitrine_rpc_handled", {"rpc": "vitrine.ingest.v1.CaptureService/GetCapture", "code": "INVALID_ARGUMENT"}),
        ("vitrine_rpc_latency_seconds", {"rpc": "vitrine.ingest.v1.CaptureService/CreateCapture"}),
        ("vitrine_calls_handled", {"rpc": "vitrine.profile.v1.ProfileService/RecordSighting", "code": "OK"}),
        ("vitrine_frames", {"outcome": "processed"}),
        ("vitrine_keyframes", {"reason": "first"}),
        ("vitrine_captures", {"kind": "outfit", "state": "queued"}),
        ("vitrine_sessions", None), ("vitrine_queue_depth", None), ("vitrine_drops", None), ("vitrine_failures", None),
    ],
    "worker": [
        ("vitrine_captures", {"kind": "outfit", "state": "succeeded"}),
        ("vitrine_calls_handled", {"rpc": "vitrine.vision.v1.GarmentService/AnalyzeImage", "code": "OK"}),
        ("vitrine_queue_depth", None), ("vitrine_failures", None),
    ],
    "vision": [
        ("vitrine_rpc_handled", {"rpc": "vitrine.vision.v1.GarmentService/AnalyzeImage", "code": "OK"}),
        ("vitrine_model_latency_seconds", {"task": "garments.parse"}),
        ("vitrine_queue_depth", None),
    ],
    "retrieval": [("vitrine_rpc_handled", {"rpc": "vitrine.retrieval.v1.SearchService/MatchGarments", "code": "OK"})],
    "profile": [("vitrine_rpc_handled", {"rpc": "vitrine.profile.v1.ProfileService/RecordSighting", "code": "OK"})],
}  # fmt: skip


@pytest.mark.parametrize("process", PROCESSES)
async def test_metrics_of_every_process(used: EmbeddedMesh, process: str) -> None:
    families = await _scrape(f"http://127.0.0.1:{used.ports(process)['metrics']}/metrics")
    assert families["process_resident_memory_bytes"].samples[0].value > 10e6
    for family, labels in FAMILIES[process]:
        assert family in families
        assert labels is None or _highest(families[family], labels) > 0, (family, labels)


async def test_metrics_of_the_edge_count_every_rpc(used: EmbeddedMesh) -> None:
    families = await _scrape(f"http://127.0.0.1:{used.ports('envoy')['metrics']}/stats/prometheus")
    grpc_total = [sample for family in families.values() for sample in family.samples if "CreateCapture" in str(sample)]
    assert grpc_total
    upstream = families["envoy_cluster_upstream_rq"]
    assert {"ingest", "vision", "retrieval", "profile"} <= {
        sample.labels["envoy_cluster_name"] for sample in upstream.samples
    }


async def test_request_id_comes_back_on_every_way(mesh: EmbeddedMesh, http: httpx.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {mesh.keys.token('ada')}", "x-request-id": "mine-1"}
    good = await http.get("/v1/users/ada/radar", headers=headers)
    bad = await http.get("/v1/users/ada/captures/x", headers=headers)
    assert [good.headers["x-request-id"], bad.headers["x-request-id"]] == ["mine-1", "mine-1"]
    info = next(detail for detail in bad.json()["details"] if detail["@type"].endswith("RequestInfo"))
    assert info["requestId"] == "mine-1"
    made = await http.get("/v1/users/ada/radar", headers={"authorization": headers["authorization"]})
    assert len(made.headers["x-request-id"]) == 36


async def _scrape(url: str) -> dict[str, Metric]:
    async with httpx.AsyncClient(trust_env=False) as scraper:
        text = (await scraper.get(url)).text
    return {family.name: family for family in text_string_to_metric_families(text)}


def _highest(family: Metric, labels: dict[str, str]) -> float:
    fitting = [sample.value for sample in family.samples if labels.items() <= sample.labels.items()]
    return max(fitting, default=0.0)
