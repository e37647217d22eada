"""The same streams over WebSocket, in both subprotocols."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2
from vitrine.ingest.v1 import frame_pb2

from ingest_svc.__main__ import build
from mesh.server import serving
from mesh.status import details_of
from tests.services.ingest.streams.client import Request, Response, accounted, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg

pytestmark = pytest.mark.service

PROTO, JSON = "vitrine.v1.proto", "vitrine.v1.json"
_FIRST, _SECOND = jpeg(60), jpeg(61)


@asynccontextmanager
async def _socket(
    ingest: Ingest,
    *,
    path: str = "/v1/stream",
    protocols: Sequence[str] = (JSON,),
    headers: Mapping[str, str] | None = None,
    port: int | None = None,
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    url = f"http://127.0.0.1:{port or ingest.replicas[0].http_port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=protocols, headers=dict(headers or {}), max_msg_size=0) as socket,
    ):
        yield socket


def _bearer(ingest: Ingest, user: str) -> dict[str, str]:
    return {"authorization": f"Bearer {ingest.token(user)}"}


async def _until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> list[dict[str, Any]]:
    """Reads JSON events up to the first of a kind."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads((await socket.receive(15)).data))
    return events


async def _rest(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    return [json.loads(item.data) async for item in socket]


async def test_json_without_config_streams_for_the_caller(ingest: Ingest, user: str) -> None:
    async with _socket(ingest, headers=_bearer(ingest, user)) as socket:
        assert socket.protocol == JSON
        await socket.send_bytes(_FIRST)
        events = await _until(socket, "result")
        assert [event["type"] for event in events] == ["ready", "ack", "result"]
        assert events[0]["ready"]["name"].startswith(f"users/{user}/streams/")
        assert events[1]["ack"] == {
            "frameNumber": "1", "outcome": "FRAME_OUTCOME_PENDING", "keyframeReason": "KEYFRAME_REASON_FIRST",
        }  # fmt: skip
        assert events[2]["result"]["garments"][0]["category"] == "shirt"
        await socket.send_str(json.dumps({"type": "stop"}))
        final = (await _until(socket, "stats"))[-1]
        assert final["stats"]["final"]
        assert final["stats"]["totals"]["processedCount"] == "1"
        assert (await socket.receive(5)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1000


async def test_json_events_are_the_messages_of_the_contract(ingest: Ingest, user: str) -> None:
    start = now_s()
    async with _socket(ingest, headers=_bearer(ingest, user)) as socket:
        await socket.send_json({"type": "config", "keyframes": {"minIntervalS": 0.5}})
        shots = [(1, _FIRST, 0.0), (3, _SECOND, 0.2), (4, _FIRST, 1.0), (5, _SECOND, 2.0), (6, b"nothing", 3.0)]
        for number, data, at_s in shots:
            seconds, rest = divmod(start + at_s, 1)
            stamp = frame_pb2.Frame()
            stamp.capture_time.FromNanoseconds(int(seconds) * 10**9 + int(rest * 1e9))
            text = stamp.capture_time.ToJsonString()
            await socket.send_json({"type": "frame", "frameNumber": number, "captureTime": text})
            await socket.send_bytes(data)
        await socket.send_json({"type": "configure", "ssim_threshold": 0.3, "keyframes": {"pixelDiffThreshold": 0.01}})
        await socket.send_json({"type": "ping", "clientTime": "2031-01-01T00:00:00Z"})
        await socket.send_json({"type": "stats"})
        await socket.send_json({"type": "stop"})
        parsed = []
        async for item in socket:
            body = json.loads(item.data)
            kind = body.pop("type")
            message = ParseDict(body, Response())
            assert message.WhichOneof("event") == kind
            parsed.append(message)
    stats = [message.stats for message in parsed if message.WhichOneof("event") == "stats"]
    assert stats[0].keyframes.ssim_threshold == 0.3
    assert stats[0].keyframes.pixel_diff_threshold == 0.01
    assert stats[0].keyframes.min_interval_s == 0.5
    first: dict[int, Any] = {}
    for message in parsed:
        if message.WhichOneof("event") == "ack":
            first.setdefault(message.ack.frame_number, message.ack)
    assert first[3].outcome == frame_pb2.FRAME_OUTCOME_SKIPPED_INTERVAL
    assert first[3].lost_before_count == 1
    assert first[4].outcome == frame_pb2.FRAME_OUTCOME_SKIPPED_SAME_SCENE
    assert first[4].HasField("changed_area")
    assert first[5].changed_area > 0.2
    assert first[6].rejected_reason == "IMAGE_FORMAT_UNSUPPORTED"
    assert accounted(stats[-1].totals) == stats[-1].totals.highest_frame_number == 6


async def test_proto_and_grpc_share_one_session(ingest: Ingest, user: str, connect: Connect) -> None:
    async with _socket(ingest, protocols=(PROTO, JSON), headers=_bearer(ingest, user)) as socket:
        assert socket.protocol == PROTO
        await socket.send_bytes(Request(config={"parent": f"users/{user}"}).SerializeToString())
        ready = Response.FromString((await socket.receive(5)).data).ready
        frame = Request(frame={"frame_number": 1, "image": {"data": _FIRST}})
        await socket.send_bytes(frame.SerializeToString())
        kinds = [Response.FromString((await socket.receive(15)).data).WhichOneof("event") for _ in range(3)]
        assert kinds == ["ack", "result", "ack"]
    client = connect()
    again = await client.config(resume_token=ready.resume_token)
    assert again.replayed_result_count == 1
    assert (await client.result(1)).replayed


async def test_pictures_after_a_resume_go_on_with_the_sessions_numbers(ingest: Ingest, user: str) -> None:
    async with _socket(ingest, headers=_bearer(ingest, user)) as socket:
        await socket.send_json({"type": "config"})
        for picture in (_FIRST, _FIRST, _FIRST):
            await socket.send_bytes(picture)
        await socket.send_json({"type": "stats"})
        token = (await _until(socket, "stats"))[0]["ready"]["resumeToken"]
    async with _socket(ingest, headers=_bearer(ingest, user)) as socket:
        await socket.send_json({"type": "config", "resumeToken": token})
        assert (await _until(socket, "ready"))[-1]["ready"]["totals"]["highestFrameNumber"] == "3"
        await socket.send_bytes(_SECOND)
        acks = [(await _until(socket, "ack"))[-1]["ack"] for _ in range(3)]  # 2 and 3 are told again, 1 has its result
        while acks[-1]["frameNumber"] != "4":
            acks.append((await _until(socket, "ack"))[-1]["ack"])
        assert acks[-1]["outcome"] == "FRAME_OUTCOME_PENDING"


@pytest.mark.parametrize("protocol", [PROTO, JSON])
async def test_a_message_above_the_limit_ends_the_stream_and_the_client_hears_the_limit(
    ingest: Ingest, user: str, protocol: str
) -> None:
    settings = ingest.settings(max_message_bytes=50_000)
    async with serving(settings, build) as server:
        await server.ready.wait()
        headers = _bearer(ingest, user)
        async with _socket(ingest, port=settings.http_port, protocols=(protocol,), headers=headers) as socket:
            if protocol == PROTO:
                await socket.send_bytes(Request(config={"parent": f"users/{user}"}).SerializeToString())
            else:
                await socket.send_json({"type": "config"})
            await socket.send_bytes(bytes(60_000))
            events = [_event(item.data) async for item in socket]
    assert [event.WhichOneof("event") for event in events] == ["ready", "error"]
    error = events[1].error
    assert (error.reason, error.fatal, socket.close_code) == ("MESSAGE_TOO_LARGE", True, 4008)
    [info] = details_of(error.status, error_details_pb2.ErrorInfo)
    assert info.metadata == {
        "limit": "50000", "actual": "60000", "scope": "message", "setting": "max_message_bytes",
    }  # fmt: skip


def _event(data: str | bytes) -> Any:
    if isinstance(data, bytes):
        return Response.FromString(data)
    body = json.loads(data)
    del body["type"]
    return ParseDict(body, Response())


async def test_frames_above_the_rate_are_told_in_json_too(ingest: Ingest, user: str) -> None:
    settings = ingest.settings(max_frame_rate_fps=0.5, frame_burst_s=2.0)
    async with serving(settings, build) as server:
        await server.ready.wait()
        async with _socket(ingest, port=settings.http_port, headers=_bearer(ingest, user)) as socket:
            for _ in range(4):
                await socket.send_bytes(_FIRST)
            await socket.send_json({"type": "stop"})
            events = await _rest(socket)
    assert events[0]["ready"]["limits"]["maxFrameRateFps"] == 0.5
    acks = [event["ack"] for event in events if event["type"] == "ack"]
    refused = [ack["frameNumber"] for ack in acks if ack.get("rejectedReason") == "RATE_LIMITED"]
    assert len(refused) >= 2  # of four in a moment, and one of them was let in
    [told] = [event["error"] for event in events if event["type"] == "error"]
    assert (told["reason"], told["frameNumber"], "fatal" in told) == ("RATE_LIMITED", refused[0], False)
    kinds = {detail["@type"].rpartition(".")[2]: detail for detail in told["status"]["details"]}
    assert kinds["RetryInfo"]["retryDelay"] == "1s"
    assert kinds["ErrorInfo"]["metadata"] == {"limit": "0.5", "scope": "user", "setting": "max_frame_rate_fps"}


@pytest.mark.parametrize("protocol", [PROTO, JSON])
async def test_a_message_far_above_the_limit_closes_the_socket(ingest: Ingest, user: str, protocol: str) -> None:
    def refused() -> float:
        labels = {"rpc": "vitrine.ingest.v1.StreamService/StreamFrames", "code": "RESOURCE_EXHAUSTED"}
        registry = server.runtime.metrics.registry
        return registry.get_sample_value("vitrine_rpc_handled_total", labels) or 0.0

    settings = ingest.settings(max_message_bytes=50_000)
    async with serving(settings, build) as server:
        await server.ready.wait()
        port, headers = settings.http_port, _bearer(ingest, user)
        async with _socket(ingest, port=port, protocols=(protocol,), headers=headers) as socket:
            await socket.send_bytes(bytes(110_000))
            assert (await socket.receive(5)).data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        async with asyncio.timeout(5):
            while not refused():  # noqa: ASYNC110 - a metric tells nobody
                await asyncio.sleep(0.02)


async def test_a_browser_sends_its_token_as_a_subprotocol(ingest: Ingest, user: str) -> None:
    async with _socket(ingest, protocols=(PROTO, f"bearer.{ingest.token(user)}")) as socket:
        assert socket.protocol == PROTO
        await socket.send_bytes(Request(config={"parent": f"users/{user}"}).SerializeToString())
        assert Response.FromString((await socket.receive(5)).data).ready.name.startswith(f"users/{user}/")


@pytest.mark.parametrize(
    ("origin", "good"),
    [(None, True), ("http://127.0.0.1:{port}", True), ("https://evil.example", False)],
    ids=["no-browser", "own-page", "foreign-page"],
)
async def test_a_cookie_counts_on_our_own_pages_only(ingest: Ingest, user: str, origin: str | None, good: bool) -> None:
    headers = {"cookie": f"vitrine_token={ingest.token(user)}"}
    if origin:
        headers["origin"] = origin.format(port=ingest.replicas[0].http_port)
    async with _socket(ingest, headers=headers) as socket:
        await socket.send_json({"type": "config"})
        first = json.loads((await socket.receive(5)).data)
        assert first["type"] == ("ready" if good else "error")


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        ("not json", 4003, "PROTOCOL_VIOLATION"),
        ("[1]", 4003, "PROTOCOL_VIOLATION"),
        ('{"type": "dance"}', 4003, "PROTOCOL_VIOLATION"),
        ("[" * 60_000, 4003, "PROTOCOL_VIOLATION"),
        (json.dumps({"type": "x" * 70_000}), 4003, "PROTOCOL_VIOLATION"),
        ('{"type": "config", "unknown": 1}', 4003, "PROTOCOL_VIOLATION"),
        ('{"type": "config", "parent": "users/other"}', 4007, "NOT_OWNER"),
        ('{"type": "config", "keyframes": {"ssimThreshold": 3}}', 4003, "INVALID_FIELD"),
        ('{"type": "config", "resumeToken": "x"}', 4005, "SESSION_NOT_FOUND"),
    ],
)
async def test_errors_come_as_an_event_and_a_close_code(
    ingest: Ingest, user: str, sent: str, code: int, reason: str
) -> None:
    async with _socket(ingest, headers=_bearer(ingest, user)) as socket:
        await socket.send_str(sent)
        error = json.loads((await socket.receive(5)).data)
        assert (error["type"], error["error"]["reason"], error["error"]["fatal"]) == ("error", reason, True)
        closing = await socket.receive(5)
        assert (closing.type, closing.data, closing.extra) == (aiohttp.WSMsgType.CLOSE, code, reason)


@pytest.mark.parametrize("header", [None, "Bearer nonsense"], ids=["none", "forged"])
async def test_without_a_token_there_is_no_stream(ingest: Ingest, header: str | None) -> None:
    async with _socket(ingest, headers={"authorization": header} if header else {}) as socket:
        error = json.loads((await socket.receive(5)).data)["error"]
        assert error["reason"] == ("TOKEN_INVALID" if header else "TOKEN_MISSING")
        assert (await socket.receive(5)).data == 4016


@pytest.mark.parametrize("protocol", [PROTO, JSON])
async def test_try_on_is_not_served_yet_and_says_so(ingest: Ingest, user: str, protocol: str) -> None:
    async with _socket(ingest, path="/v1/try-on", protocols=(protocol,), headers=_bearer(ingest, user)) as socket:
        first = await socket.receive(5)
        assert "NOT_IMPLEMENTED_YET" in str(first.data)
        assert (await socket.receive(5)).data == 4012


async def test_at_shutdown_a_socket_hears_it_once(ingest: Ingest, user: str) -> None:
    settings = ingest.settings()
    async with aiohttp.ClientSession() as session:
        async with serving(settings, build) as server:
            await server.ready.wait()
            url = f"http://127.0.0.1:{settings.http_port}/v1/stream"
            socket = await session.ws_connect(url, headers=_bearer(ingest, user))
            await socket.send_json({"type": "config"})
            await _until(socket, "ready")
            reading = asyncio.create_task(_rest(socket))
        events = await reading
        assert [event["error"]["reason"] for event in events] == ["SHUTTING_DOWN"]
        assert socket.close_code == 4014


async def test_health_tells_of_every_service(ingest: Ingest) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{ingest.replicas[0].http_port}/health") as answer,
    ):
        body = await answer.json()
        assert answer.status == 200
    assert set(body) == {"status", "gateway", "app_name", "version", "services", "timestamp"}
    assert set(body["services"]) == {"ingest", "vision", "retrieval", "profile"}
    assert body["services"]["ingest"]["status"] == body["gateway"] == "healthy"
    # The neighbours of these tests have no health service: for a probe they are away.
    assert body["services"]["vision"]["status"] == "unhealthy"
    assert body["status"] == "degraded"
