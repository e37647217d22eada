"""Errors of the edge itself, on each way in: code, reason, when to come back, and the id of the request."""

from __future__ import annotations

import asyncio
import base64
import time
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from vitrine.embedded.ports import free_ports

from mesh.status import details_of
from tests.services.edge_proxy.recorder import Recorder, recording

pytestmark = pytest.mark.service
ID = "the-request"
_TIMEOUT_S = 0.5


@dataclass(frozen=True)
class Case:
    """An error, and how to get it.

    Attributes:
        rpc: The RPC that is called.
        verb: Verb of its JSON form.
        path: Path of its JSON form.
        code: Name of the canonical code.
        http: HTTP status of the JSON answer.
        reason: `ErrorInfo.reason`.
        retry: Whether it says when to come back.
        token: The token; None for a good one.
        dependency: What `ErrorInfo` says is away.
    """

    rpc: str
    verb: str
    path: str
    code: str
    http: int
    reason: str
    retry: bool = False
    token: str | None = None
    dependency: str = ""


EMBED = ("/vitrine.vision.v1.GarmentService/EmbedText", "POST", "/v1/texts:embed")
CASES = {
    "no token": Case(*EMBED, "UNAUTHENTICATED", 401, "TOKEN_MISSING", token=""),
    "bad token": Case(*EMBED, "UNAUTHENTICATED", 401, "TOKEN_INVALID", token="nonsense"),  # noqa: S106
    "too fast": Case(*EMBED, "RESOURCE_EXHAUSTED", 429, "RATE_LIMITED", retry=True),
    "away": Case(
        "/vitrine.profile.v1.ProfileService/GetRadar", "GET", "/v1/users/ada/radar",
        "UNAVAILABLE", 503, "DEPENDENCY_UNAVAILABLE", retry=True, dependency="profile",
    ),
    "away, a stream": Case(
        "/vitrine.profile.v1.ProfileService/WatchProfile", "GET", "/v1/users/ada/profile:watch",
        "UNAVAILABLE", 503, "DEPENDENCY_UNAVAILABLE", retry=True, dependency="profile",
    ),
    "slow": Case(*EMBED, "DEADLINE_EXCEEDED", 504, "DEADLINE_EXCEEDED", retry=True),
}  # fmt: skip


@pytest.fixture(scope="module")
async def tight(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorder]:
    """An edge with little patience, before services of which one is away."""
    (away,) = free_ports(1)
    changes: dict[str, Any] = {
        "requests_per_second": 1,
        "unary_timeout_s": _TIMEOUT_S,
        "profile_targets": (f"127.0.0.1:{away}",),
    }
    async with recording(tmp_path_factory.mktemp("tight"), **changes) as running:
        yield running
        assert "lua" not in running.log.read_text(), running.log.read_text()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tight: Recorder) -> Iterator[Case]:
    tight.upstream.silent = request.param == "slow"
    yield CASES[request.param]
    tight.upstream.silent = False


async def until_failure(call: Any, case: Case, tight: Recorder) -> Any:
    """Calls as one user until it fails; of the limits, others have none of it."""
    token = tight.key.sign(uuid.uuid4().hex, ttl_s=60) if case.token is None else case.token
    for _ in range(30):
        if (
            failure := await call({"x-request-id": ID} | ({"authorization": f"Bearer {token}"} if token else {}))
        ) is not None:
            return failure
    raise AssertionError("it does not fail")


def assert_status(status: status_pb2.Status, case: Case) -> None:
    assert code_pb2.Code.Name(status.code) == case.code
    assert status.message
    (info,) = details_of(status, error_details_pb2.ErrorInfo)
    assert (info.domain, info.reason) == ("vitrine.dev", case.reason)
    assert dict(info.metadata) == ({"dependency": case.dependency} if case.dependency else {})
    assert [each.retry_delay.seconds for each in details_of(status, error_details_pb2.RetryInfo)] == [1] * case.retry
    assert [each.request_id for each in details_of(status, error_details_pb2.RequestInfo)] == [ID]
    assert len(status.details) == 2 + case.retry


async def test_grpc(tight: Recorder, case: Case) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{tight.http.base_url.port}") as channel:
        function: Any = channel.unary_unary(case.rpc)

        async def call(headers: dict[str, str]) -> grpc.aio.AioRpcError | None:
            try:
                await function(b"", metadata=tuple(headers.items()), timeout=10)
            except grpc.aio.AioRpcError as error:
                return error
            return None

        error = await until_failure(call, case, tight)
    assert error.code().name == case.code
    status = rpc_status.from_call(cast("grpc.Call", error))
    assert status is not None
    assert_status(status, case)
    assert not [key for key, _ in (*error.initial_metadata(), *error.trailing_metadata()) if "vitrine" in key]


@pytest.mark.parametrize("content_type", ["application/grpc-web+proto", "application/grpc-web-text"])
async def test_grpc_web(tight: Recorder, case: Case, content_type: str) -> None:
    content = b"\0\0\0\0\0"
    if content_type.endswith("text"):
        content = base64.b64encode(content)

    async def call(headers: dict[str, str]) -> Any:
        answer = await tight.http.post(case.rpc, content=content, headers={**headers, "content-type": content_type})
        return None if answer.headers.get("grpc-status", "0") == "0" else answer

    answer = await until_failure(call, case, tight)
    assert answer.status_code == 200
    encoded = answer.headers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert_status(status, case)
    assert int(answer.headers["grpc-status"]) == status.code
    assert urllib.parse.unquote(answer.headers["grpc-message"]) == status.message
    assert "x-vitrine-refused" not in answer.headers


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_json(tight: Recorder, case: Case, accept: str) -> None:
    async def call(headers: dict[str, str]) -> Any:
        content = "{}" if case.verb == "POST" else None
        answer = await tight.http.request(case.verb, case.path, content=content, headers={**headers, "accept": accept})
        return None if answer.status_code == 200 else answer

    answer = await until_failure(call, case, tight)
    assert answer.status_code == case.http
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get("retry-after") == ("1" if case.retry else None)
    assert answer.headers["x-request-id"] == ID
    assert "x-vitrine-refused" not in answer.headers
    assert_status(ParseDict(answer.json(), status_pb2.Status()), case)


async def test_one_user_too_fast_does_not_slow_another(tight: Recorder) -> None:
    def call(token: str) -> Awaitable[httpx.Response]:
        return tight.http.post(EMBED[2], content="{}", headers={"authorization": f"Bearer {token}"})

    fast, began = tight.key.sign(uuid.uuid4().hex, ttl_s=60), time.monotonic()
    codes = [answer.status_code for answer in await asyncio.gather(*(call(fast) for _ in range(30)))]
    let_in = [code for code in codes if code != httpx.codes.TOO_MANY_REQUESTS]
    assert set(let_in) <= {200, 504}  # this edge has little patience, too
    assert 2 <= len(let_in) <= 2 + (time.monotonic() - began + 1)  # the burst, and what every second brings
    assert len(let_in) < len(codes)
    assert (await call(tight.key.sign(uuid.uuid4().hex, ttl_s=60))).status_code in {200, 504}


_UPGRADE = {"connection": "Upgrade", "upgrade": "websocket"}
_NOT_FOUND = (404, "NOT_FOUND", "RESOURCE_NOT_FOUND")
_AWAY = (503, "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
OTHERS: dict[str, tuple[str, str, dict[str, str], tuple[int, str, str]]] = {
    "unknown path": ("GET", "/v1/nothing", {}, _NOT_FOUND),
    "wrong verb": ("PUT", "/v1/products", {}, _NOT_FOUND),
    "no file": ("GET", "/nothing.js", {}, _NOT_FOUND),
    "no WebSocket here": ("GET", "/v1/products", _UPGRADE, _NOT_FOUND),
    "WebSocket, ingest is away": ("GET", "/v1/stream", _UPGRADE, _AWAY),
    "health, ingest is away": ("GET", "/health", {}, _AWAY),
}


@pytest.mark.parametrize(("verb", "path", "headers", "expected"), OTHERS.values(), ids=OTHERS)
async def test_others_over_http(
    recorder: Recorder, verb: str, path: str, headers: dict[str, str], expected: tuple[int, str, str]
) -> None:
    http, code, reason = expected
    every = {"authorization": f"Bearer {recorder.token()}", "x-request-id": ID, **headers}
    answer = await recorder.http.request(verb, path, headers=every)
    away = http == 503
    case = Case("", verb, path, code, http, reason, retry=away, dependency="ingest" if away else "")
    assert answer.status_code == http, answer.text
    assert_status(ParseDict(answer.json(), status_pb2.Status()), case)


async def test_an_unknown_rpc_is_not_implemented(recorder: Recorder) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{recorder.http.base_url.port}") as channel:
        call: Any = channel.unary_unary("/vitrine.nothing.v1.NothingService/Get")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", metadata=(("authorization", f"Bearer {recorder.token()}"), ("x-request-id", ID)))
    status = rpc_status.from_call(cast("grpc.Call", caught.value))
    assert status is not None
    assert_status(status, Case("", "", "", "UNIMPLEMENTED", 0, "NOT_IMPLEMENTED_YET"))


IDS = {"long": "x" * 1000, "quotes": 'a"b\\', "not ascii": "ü"}


@pytest.mark.parametrize("sent", IDS.values(), ids=IDS)
async def test_strange_request_ids_do_not_break_the_status(recorder: Recorder, sent: str) -> None:
    answer = await recorder.send(
        "POST", EMBED[0], b"\0\0\0\0\0", content_type="application/grpc-web", x_request_id=sent, authorization=""
    )
    encoded = answer.headers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
    (found,) = details_of(status, error_details_pb2.RequestInfo)
    assert found.request_id == sent[:200].replace("ü", "??")


UNREADABLE: dict[str, tuple[str, dict[str, str], int, str]] = {
    "escaped slash": ("/v1/products%2Fx", {}, 400, "INVALID_FIELD"),
    "underscore in a header": ("/v1/products", {"x_y": "1"}, 400, "INVALID_FIELD"),
    "large headers": ("/v1/products", {"x-large": "a" * 70_000}, 431, "MESSAGE_TOO_LARGE"),
    "many headers": ("/v1/products", {f"x-{number}": "1" for number in range(120)}, 431, "MESSAGE_TOO_LARGE"),
}


@pytest.mark.parametrize(("path", "headers", "http", "reason"), UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_has_a_status_but_no_id(
    recorder: Recorder, path: str, headers: dict[str, str], http: int, reason: str
) -> None:
    answer = await recorder.http.get(path, headers={"authorization": f"Bearer {recorder.token()}", **headers})
    assert (answer.status_code, answer.headers["content-type"]) == (http, "application/json")
    status = ParseDict(answer.json(), status_pb2.Status())
    assert [each.reason for each in details_of(status, error_details_pb2.ErrorInfo)] == [reason]
    assert [each.request_id for each in details_of(status, error_details_pb2.RequestInfo)] == [""]
