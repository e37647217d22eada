"""The same unary RPC in four ways, for `mesh.py`: gRPC to the service, and gRPC, gRPC-Web and JSON through Envoy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import grpc.aio
from google.protobuf import json_format
from google.protobuf.message import Message
from vitrine.profile.v1 import profile_service_pb2
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.vision.v1 import model_service_pb2

DIRECT, EDGE, WEB, JSON = "direct", "edge", "edge_grpc_web", "edge_json"
WAYS = (DIRECT, EDGE, WEB, JSON)
_TIMEOUT_S = 20.0

Call = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Rpc:
    """One unary RPC.

    Attributes:
        name: For the report.
        service: The process that serves it.
        path: `/package.Service/Method`.
        request: What is asked.
        answer: The type of the answer.
        verb: GET or POST.
        url: Its path in JSON.
    """

    name: str
    service: str
    path: str
    request: Message
    answer: type[Message]
    verb: str
    url: str


def rpcs(user: str) -> list[Rpc]:
    """From nothing but the runtime (ListModels) over one read of the database (GetRadar) to real work (search)."""
    radar = f"users/{user}/radar"
    return [
        Rpc(
            "ListModels", "vision", "/vitrine.vision.v1.ModelService/ListModels",
            model_service_pb2.ListModelsRequest(), model_service_pb2.ListModelsResponse, "GET", "/v1/models",
        ),
        Rpc(
            "GetRadar", "profile", "/vitrine.profile.v1.ProfileService/GetRadar",
            profile_service_pb2.GetRadarRequest(name=radar), profile_service_pb2.GetRadarResponse,
            "GET", f"/v1/{radar}",
        ),
        Rpc(
            "SearchProducts", "retrieval", "/vitrine.retrieval.v1.SearchService/SearchProducts",
            search_service_pb2.SearchProductsRequest(text="navy striped shirt", page_size=5),
            search_service_pb2.SearchProductsResponse, "POST", "/v1/products:search",
        ),
    ]  # fmt: skip


class Caller:
    """Calls one RPC in every way, with one token; use it as an async context manager."""

    def __init__(self, rpc: Rpc, direct: str, edge: str, token: str) -> None:
        self._rpc = rpc
        self._edge = edge
        self._header = f"Bearer {token}"
        # Pools of their own: nothing is shared between the two ways but this process.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        self._channels = {way: grpc.aio.insecure_channel(at, options) for way, at in ((DIRECT, direct), (EDGE, edge))}
        self._http = aiohttp.ClientSession(f"http://{edge}", timeout=aiohttp.ClientTimeout(_TIMEOUT_S))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        await self._http.close()

    def calls(self) -> dict[str, Call]:
        """One call for each way; each checks that it got an answer of the right type."""
        return {DIRECT: self._grpc(DIRECT), EDGE: self._grpc(EDGE), WEB: self._grpc_web, JSON: self._json}

    def _grpc(self, way: str) -> Call:
        stub: Any = self._channels[way].unary_unary(
            self._rpc.path,
            request_serializer=type(self._rpc.request).SerializeToString,
            response_deserializer=self._rpc.answer.FromString,
        )
        metadata = (("authorization", self._header),)

        async def call() -> None:
            await stub(self._rpc.request, metadata=metadata, timeout=_TIMEOUT_S)

        return call

    async def _grpc_web(self) -> None:
        body = self._rpc.request.SerializeToString()
        headers = {"authorization": self._header, "content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
        framed = b"\0" + len(body).to_bytes(4, "big") + body
        async with self._http.post(self._rpc.path, data=framed, headers=headers) as answer:
            data = await answer.read()
        length = int.from_bytes(data[1:5], "big")
        assert b"grpc-status:0" in data[5 + length :], data
        self._rpc.answer.FromString(data[5 : 5 + length])

    async def _json(self) -> None:
        body = json_format.MessageToDict(self._rpc.request) if self._rpc.verb == "POST" else None
        headers = {"authorization": self._header}
        async with self._http.request(self._rpc.verb, self._rpc.url, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            json_format.ParseDict(await answer.json(), self._rpc.answer())


async def interleaved(calls: dict[str, Call], count: int, warm_up: int = 40) -> dict[str, list[float]]:
    """Calls in all ways in turn, one at a time, so that other work on the machine meets them alike.

    Args:
        calls: The ways.
        count: How often each.
        warm_up: Calls before, not counted.

    Returns:
        The times of each way, in seconds.
    """
    taken: dict[str, list[float]] = {way: [] for way in calls}
    order = list(calls)
    for turn in range(-warm_up, count):
        for way in order[turn % len(order) :] + order[: turn % len(order)]:
            began = time.perf_counter()
            await calls[way]()
            if turn >= 0:
                taken[way].append(time.perf_counter() - began)
    return taken


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share (0-1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
