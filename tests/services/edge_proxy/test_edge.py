"""What the edge does with calls, through the real Envoy."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from typing import Any, cast

import aiohttp
import grpc
import httpx
import pytest
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2, capture_service_pb2_grpc
from vitrine.profile.v1 import profile_service_pb2, profile_service_pb2_grpc

from mesh.keys import SigningKey
from mesh.reflection import contract_services
from tests.services.edge_proxy.conftest import Edge

pytestmark = pytest.mark.service
ONE = f"users/ada/captures/{uuid.UUID(int=1)}"
GET = capture_service_pb2.GetCaptureRequest(name=ONE)


def _details(error: grpc.aio.AioRpcError) -> tuple[str, bool]:
    """The reason, and whether it says when to come back."""
    status = rpc_status.from_call(cast("grpc.Call", error))
    assert status is not None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    reasons = [info.reason for detail in status.details if detail.Unpack(info)]
    assert info.domain == "vitrine.dev"
    return reasons[0], any(detail.Unpack(retry) for detail in status.details)


def _auth(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


async def test_grpc_passes_with_request_id_and_without_forged_headers(edge: Edge, channel: grpc.aio.Channel) -> None:
    edge.captures.seen.clear()
    stub = capture_service_pb2_grpc.CaptureServiceStub(channel)
    metadata = (*_auth(edge.token()), ("x-vitrine-subject", "eve"), ("x-request-id", "my-request"))
    answer = await stub.GetCapture(GET, metadata=metadata)
    assert answer.capture.name == ONE
    assert edge.captures.seen[0]["x-request-id"] == "my-request"
    assert "x-vitrine-subject" not in edge.captures.seen[0]


TOKENS = {
    "missing": ("", "TOKEN_MISSING"),
    "garbage": ("garbage", "TOKEN_INVALID"),
    "expired": ({"ttl_s": -60}, "TOKEN_EXPIRED"),
    "audience": ({"audience": "other"}, "TOKEN_INVALID"),
    "issuer": ({"issuer": "other"}, "TOKEN_INVALID"),
    "forged": (SigningKey.generate().sign("ada", ttl_s=900), "TOKEN_INVALID"),
}


@pytest.mark.parametrize(("changes", "reason"), TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("way", ["grpc", "grpc-web", "json"])
async def test_bad_tokens(edge: Edge, channel: grpc.aio.Channel, changes: Any, reason: str, way: str) -> None:
    headers = dict(_auth(changes if isinstance(changes, str) else edge.token(**changes)))
    if way == "grpc":
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await capture_service_pb2_grpc.CaptureServiceStub(channel).GetCapture(GET, metadata=tuple(headers.items()))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert _details(caught.value)[0] == reason
        return
    if way == "json":
        answer = await edge.http.get(f"/v1/{ONE}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["code"] == grpc.StatusCode.UNAUTHENTICATED.value[0]
        assert answer.json()["details"][0]["reason"] == reason
        return
    answer = await _grpc_web(edge, headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["grpc-status"] == "16"
    encoded = answer.headers["grpc-status-details-bin"]
    assert reason.encode() in base64.b64decode(encoded + "=" * (-len(encoded) % 4))


async def _grpc_web(edge: Edge, headers: dict[str, str]) -> httpx.Response:
    body = GET.SerializeToString()
    return await edge.http.post(
        "/vitrine.ingest.v1.CaptureService/GetCapture",
        content=b"\0" + len(body).to_bytes(4, "big") + body,
        headers={**headers, "content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )


async def test_grpc_web_answers_message_and_trailers_in_the_body(edge: Edge) -> None:
    answer = await _grpc_web(edge, edge.headers())
    length = int.from_bytes(answer.content[1:5], "big")
    message = capture_service_pb2.GetCaptureResponse.FromString(answer.content[5 : 5 + length])
    assert message.capture.name == ONE
    assert answer.content[5 + length] == 0x80
    assert b"grpc-status:0" in answer.content[5 + length :]


async def test_json_reads_and_reports_errors_with_details(edge: Edge) -> None:
    good = await edge.http.get(f"/v1/{ONE}", headers=edge.headers())
    assert good.json()["capture"]["name"] == ONE
    assert good.headers["x-request-id"]
    bad = await edge.http.get("/v1/users/ada/captures/not-a-uuid", headers=edge.headers())
    assert bad.status_code == 400
    assert bad.json()["code"] == 3
    kinds = {detail["@type"].rpartition(".")[2]: detail for detail in bad.json()["details"]}
    assert kinds["ErrorInfo"]["reason"] == "INVALID_FIELD"
    assert kinds["BadRequest"]["fieldViolations"][0]["field"] == "name"


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", f"/v1/{ONE}?colour=red", None, "colour"),
        ("POST", "/v1/users/ada/captures", '{"kind": ', ""),
    ],
    ids=["unknown parameter", "not json"],
)
async def test_json_that_does_not_fit_the_contract(
    edge: Edge, method: str, path: str, body: str | None, words: str
) -> None:
    answer = await edge.http.request(method, path, content=body, headers=edge.headers())
    assert answer.status_code == 400
    assert answer.json()["code"] == 3
    assert words in answer.json()["message"]
    assert answer.json()["details"][0]["reason"] == "INVALID_FIELD"


async def test_unknown_paths_and_rpcs(edge: Edge, channel: grpc.aio.Channel) -> None:
    answer = await edge.http.get("/v1/nothing", headers=edge.headers())
    assert (answer.status_code, answer.json()["code"]) == (404, 5)
    call: Any = channel.unary_unary("/vitrine.nothing.v1.NothingService/Get")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"", metadata=_auth(edge.token()))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_server_streams_are_lines_or_events(edge: Edge) -> None:
    lines = await edge.http.get(f"/v1/{ONE}:watch", headers=edge.headers())
    records = [json.loads(line) for line in lines.text.strip().split("\n")]
    assert [record["change"]["capture"].get("progressPercent", 0) for record in records] == [0, 50, 100]
    events = await edge.http.get(f"/v1/{ONE}:watch", headers={**edge.headers(), "accept": "text/event-stream"})
    assert events.headers["content-type"].startswith("text/event-stream")
    assert [
        json.loads(line.removeprefix("data:")) for line in events.text.split("\n") if line.startswith("data:")
    ] == records


async def test_websocket_reaches_ingest_without_a_token_at_the_edge(edge: Edge) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{edge.port}/v1/stream", protocols=["vitrine.v1.json"]) as socket,
    ):
        await socket.send_str("hello")
        assert (await socket.receive_str(timeout=5)) == "echo hello"
        assert socket.protocol == "vitrine.v1.json"


async def test_reflection_lists_the_whole_contract(edge: Edge) -> None:
    def list_services() -> set[str]:
        with grpc.insecure_channel(f"127.0.0.1:{edge.port}") as channel:
            return set(ProtoReflectionDescriptorDatabase(channel).get_services())

    assert set(contract_services()) <= await asyncio.to_thread(list_services)


async def test_cors(edge: Edge) -> None:
    ask = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
    good = await edge.http.options(f"/v1/{ONE}", headers=ask)
    assert good.headers["access-control-allow-origin"] == ask["origin"]
    assert "authorization" in good.headers["access-control-allow-headers"]
    bad = await edge.http.options(f"/v1/{ONE}", headers={**ask, "origin": "https://evil.example"})
    assert bad.status_code == 401
    assert "access-control-allow-origin" not in bad.headers


async def test_files(edge: Edge) -> None:
    document = await edge.http.get("/openapi.json")
    assert document.headers["content-type"] == "application/json"
    assert document.json()["openapi"].startswith("3.1")
    page = await edge.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.text == "<h1>Vitrine</h1>"
    assert (await edge.http.get("/nothing.js")).status_code == 404
    assert (await edge.http.get("/%2e%2e/jwks.json")).status_code in (400, 404)


async def test_a_service_that_is_away_is_unavailable_in_our_shape(edge: Edge, channel: grpc.aio.Channel) -> None:
    stub = profile_service_pb2_grpc.ProfileServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetRadar(profile_service_pb2.GetRadarRequest(name="users/ada/radar"), metadata=_auth(edge.token()))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert _details(caught.value) == ("DEPENDENCY_UNAVAILABLE", True)
    answer = await edge.http.get("/v1/users/ada/radar", headers=edge.headers())
    assert answer.status_code == 503
    assert answer.json()["details"][0]["reason"] == "DEPENDENCY_UNAVAILABLE"


async def test_reads_are_retried_and_writes_are_not(edge: Edge, channel: grpc.aio.Channel) -> None:
    stub = capture_service_pb2_grpc.CaptureServiceStub(channel)
    edge.captures.failures_left = 2
    await stub.GetCapture(GET, metadata=_auth(edge.token()))
    assert edge.captures.failures_left == 0
    edge.captures.failures_left = 2
    create = capture_service_pb2.CreateCaptureRequest(parent="users/ada", kind=capture_pb2.CAPTURE_KIND_OUTFIT)
    create.image.data = b"picture"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.CreateCapture(create, metadata=_auth(edge.token()))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert edge.captures.failures_left == 1
    edge.captures.failures_left = 0


async def test_metrics_and_nothing_else_of_the_admin_pages(edge: Edge) -> None:
    base = f"http://127.0.0.1:{edge.metrics_port}"
    async with httpx.AsyncClient(trust_env=False) as http:
        assert "envoy_cluster_upstream_rq_total" in (await http.get(f"{base}/stats/prometheus")).text
        assert (await http.get(f"{base}/ready")).status_code == 200
        assert (await http.post(f"{base}/quitquitquit")).status_code == 404


async def test_access_log_is_json_without_secrets(edge: Edge) -> None:
    await edge.http.get("/health?access_token=secret-in-query", headers=edge.headers())
    await edge.http.get(f"/v1/{ONE}", headers=edge.headers())
    await asyncio.sleep(0.3)
    text = edge.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert any(
        line["rpc"] == "/vitrine.ingest.v1.CaptureService/GetCapture" and line["status"] == 200 for line in lines
    )
    assert "Bearer" not in text
    assert "secret-in-query" not in text
