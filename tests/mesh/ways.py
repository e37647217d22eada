"""The ways into the mesh, each with a client that others have written: the same call on each gives an `Answer`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import grpc
import grpc.aio
import grpclib.client
import grpclib.exceptions
import httpx
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from mesh.status import details_of
from tests.mesh.answers import Answer, failed, failed_with
from tests.mesh.contract import RPCS, Json, Rpc, as_json
from tests.mesh.http_form import HttpForm, http_form

SERVICES = ["ingest", "vision", "retrieval", "profile"]
MAX_BYTES = 64 * 1024 * 1024
Headers = Mapping[str, str]
_NONE: Headers = MappingProxyType({})
_LIMITS = [("grpc.max_receive_message_length", MAX_BYTES), ("grpc.max_send_message_length", MAX_BYTES)]


class Way(Protocol):
    """One way in."""

    async def call(self, name: str, request: Json, token: str = "") -> Answer:
        """Makes a call.

        Args:
            name: `CaptureService/GetCapture`.
            request: The request in proto JSON.
            token: The caller's token; empty for none.
        """
        ...


class GrpcWay:
    """gRPC with grpcio and its generated stubs."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.channel = grpc.aio.insecure_channel(target, _LIMITS)

    async def call(
        self, name: str, request: Json, token: str = "", headers: Headers = _NONE, deadline_s: float = 30
    ) -> Answer:
        rpc, metadata = RPCS[name], [*headers.items(), *([("authorization", f"Bearer {token}")] if token else [])]
        message = rpc.request(request)
        if rpc.client_streaming:
            return await asyncio.to_thread(self._call_blocking, rpc, message, metadata, deadline_s)
        call = rpc.grpc_stub(self.channel)(message, metadata=metadata, timeout=deadline_s)
        messages = []
        try:
            if rpc.server_streaming:
                async for answer in call:
                    messages.append(as_json(answer))  # noqa: PERF401 - what came before an error is kept
            else:
                messages.append(as_json(await call))
        except grpc.aio.AioRpcError as error:
            return failed_with(status_of(error), messages)
        return Answer(tuple(messages))

    def _call_blocking(self, rpc: Rpc, message: Any, metadata: Any, deadline_s: float) -> Answer:
        """Sends one message of a stream and ends it.

        Not on the event loop: where a server ends the stream early, grpc.aio may lose the status and say INTERNAL
        (grpc/grpc#36066).
        """
        messages = []
        with grpc.insecure_channel(self._target, _LIMITS) as channel:
            call = rpc.grpc_stub(channel)
            try:
                answer = call(iter([message]), metadata=metadata, timeout=deadline_s)
                messages = [as_json(each) for each in (answer if rpc.server_streaming else [answer])]
            except grpc.RpcError as error:
                return failed_with(status_of(error), messages)
        return Answer(tuple(messages))

    async def close(self) -> None:
        await self.channel.close()


class BetterWay:
    """gRPC with grpclib and betterproto2: another transport and another protobuf, generated from the same contract."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self.channel = grpclib.client.Channel(host, int(port))

    async def call(self, name: str, request: Json, token: str = "") -> Answer:
        rpc = RPCS[name]
        package = importlib.import_module(f"vitrine_client.vitrine.{rpc.package}.v1")
        stub = getattr(package, f"{rpc.descriptor.containing_service.name}Stub")(self.channel)
        message = getattr(package, rpc.descriptor.input_type.name)().parse(rpc.request(request).SerializeToString())
        headers = {"authorization": f"Bearer {token}"} if token else {}
        call = getattr(stub, _snake(rpc.rule.method))(message, metadata=headers, timeout=30)
        messages: list[Json] = []
        try:
            if rpc.server_streaming:
                async for each in call:
                    messages.append(as_json(rpc.parse_response(bytes(each))))  # noqa: PERF401 - as above
            else:
                messages.append(as_json(rpc.parse_response(bytes(await call))))
        except grpclib.exceptions.GRPCError as error:
            return failed(error.status.value, error.details or [], messages)
        return Answer(tuple(messages))

    async def close(self) -> None:
        self.channel.close()


class JsonWay:
    """JSON over HTTP; server streams are lines of JSON, or Server-Sent Events."""

    def __init__(self, base_url: str, *, events: bool = False) -> None:
        self.http = httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=30)
        self._accept = "text/event-stream" if events else "application/json"

    async def call(self, name: str, request: Json, token: str = "", headers: Headers = _NONE) -> Answer:
        return await self.send(RPCS[name], http_form(RPCS[name], request), token, headers)

    async def send(self, rpc: Rpc, form: HttpForm, token: str = "", headers: Headers = _NONE) -> Answer:
        """Sends a request as it stands."""
        every = {"accept": self._accept, **headers}
        if token:
            every["authorization"] = f"Bearer {token}"
        content = None if form.body is None else form.body if isinstance(form.body, bytes) else json.dumps(form.body)
        if content is not None:
            every["content-type"] = "application/json"
        got = await self.http.request(form.method, form.path, params=form.params, content=content, headers=every)
        if got.status_code != httpx.codes.OK:
            return json_failure(got)
        bodies = _bodies(got) if not rpc.http.response_body else [_http_body(rpc, got)]
        return Answer(tuple(as_json(rpc.response(body)) for body in bodies))

    async def close(self) -> None:
        await self.http.aclose()


class ConnectWay:
    """gRPC-Web with connect-web, in a Node process that makes one call for each line it gets."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    async def start(cls, node: Path, script: Path, base_url: str) -> ConnectWay:
        """Starts Node."""
        process = await asyncio.create_subprocess_exec(
            str(node), str(script), base_url, limit=MAX_BYTES,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def call(self, name: str, request: Json, token: str = "") -> Answer:
        rpc = RPCS[name]
        line = json.dumps({"service": rpc.service, "method": rpc.rule.method, "request": request, "token": token})
        answer = json.loads(await asyncio.wait_for(self._exchange(line), 40))
        messages = tuple(as_json(rpc.response(body)) for body in answer["messages"])
        if answer["failure"] is None:
            return Answer(messages)
        return failed_with(_status(answer["failure"]), messages)

    async def _exchange(self, line: str) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._one_at_a_time:
            stdin.write(line.encode() + b"\n")
            await stdin.drain()
            return await stdout.readline()

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def on_each_way(rpc: Rpc, request: Json, token: str, *ways: Way | None) -> list[Answer]:
    """Makes one call on several ways; None stands for a way that the RPC does not have."""
    return [await way.call(rpc.short, request, token) for way in ways if way is not None]


def status_of(error: Any) -> status_pb2.Status:
    """The status of a failed call; what has no details gets a status with its code only."""
    status = rpc_status.from_call(error)
    return (
        status if status is not None else status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    )


def json_failure(got: httpx.Response) -> Answer:
    """Reads an error that came as JSON, and checks that its HTTP status fits its code and that it names the request."""
    assert got.headers["content-type"].startswith("application/json"), (got.status_code, got.text)
    status = _status(got.json())
    assert [each.request_id for each in details_of(status, error_details_pb2.RequestInfo)] == [
        got.headers["x-request-id"]
    ]
    answer = failed_with(status)
    assert answer.failure is not None
    expected = 413 if answer.failure.reason == "MESSAGE_TOO_LARGE" else HTTP_STATUS[status.code]  # it says more
    assert got.status_code == expected, (got.status_code, got.text)
    return answer


# google/rpc/code.proto states the HTTP status of each code.
HTTP_STATUS = {3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 12: 501, 13: 500, 14: 503, 16: 401}


def _status(body: Json) -> status_pb2.Status:
    status = ParseDict({key: body[key] for key in ("code", "message", "details") if key in body}, status_pb2.Status())
    assert status.code, body
    return status


def _bodies(got: httpx.Response) -> list[Json]:
    if got.headers["content-type"].startswith("text/event-stream"):
        return [json.loads(line.removeprefix("data:")) for line in got.text.split("\n") if line.startswith("data:")]
    return [json.loads(line) for line in got.text.split("\n") if line.strip()] or [{}]


def _http_body(rpc: Rpc, got: httpx.Response) -> Json:
    body = {"contentType": got.headers["content-type"], "data": base64.b64encode(got.content).decode()}
    return {rpc.http.response_body: body}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@contextlib.asynccontextmanager
async def closing(way: Any) -> AsyncIterator[Any]:
    """Closes a way at the end."""
    try:
        yield way
    finally:
        await way.close()
