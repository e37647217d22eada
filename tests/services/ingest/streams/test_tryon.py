"""Live try-on is in the contract and not served yet: every RPC says so, behind the same checks as a served one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from vitrine.ingest.v1 import tryon_service_pb2, tryon_service_pb2_grpc

from mesh.status import error_from_rpc
from tests.services.ingest.streams.conftest import Ingest

pytestmark = pytest.mark.service

pb: Any = tryon_service_pb2
_SESSION = str(uuid.uuid4())


@pytest.fixture
async def channel(ingest: Ingest) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ingest.replicas[0].server.port}") as opened:
        yield opened


async def _call(channel: grpc.aio.Channel, token: str, rpc: str, request: Any) -> None:
    stub: Any = tryon_service_pb2_grpc.TryOnServiceStub(channel)
    metadata = (("authorization", f"Bearer {token}"),)
    if rpc == "StreamTryOn":
        call = stub.StreamTryOn(metadata=metadata)
        await call.write(request)
        async for _ in call:
            raise AssertionError("nothing should come")
    else:
        await getattr(stub, rpc)(request, metadata=metadata)


def _requests(user: str) -> dict[str, Any]:
    name = f"users/{user}/tryOnSessions/{_SESSION}"
    return {
        "CreateTryOnSession": pb.CreateTryOnSessionRequest(parent=f"users/{user}", reference={"text": "red"}),
        "GetTryOnSession": pb.GetTryOnSessionRequest(name=name),
        "EndTryOnSession": pb.EndTryOnSessionRequest(name=name),
        "StreamTryOn": pb.StreamTryOnRequest(config={"name": name}),
        "SaveTryOnFrame": pb.SaveTryOnFrameRequest(name=name, image={"data": b"x"}),
    }


@pytest.mark.parametrize("rpc", list(_requests("u")))
async def test_an_rpc_that_is_not_served_yet_says_so(
    channel: grpc.aio.Channel, ingest: Ingest, user: str, rpc: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _call(channel, ingest.token(user), rpc, _requests(user)[rpc])
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error_from_rpc(caught.value).reason == "NOT_IMPLEMENTED_YET"


@pytest.mark.parametrize("rpc", list(_requests("u")))
async def test_somebody_elses_session_is_refused_first(
    channel: grpc.aio.Channel, ingest: Ingest, user: str, rpc: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _call(channel, ingest.token(user), rpc, _requests("somebody-else")[rpc])
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
