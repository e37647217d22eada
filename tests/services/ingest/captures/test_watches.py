"""How many captures are watched at once."""

from __future__ import annotations

import grpc
import pytest
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1 import capture_service_pb2 as pb

from ingest_svc import __main__ as server
from mesh.server import serving
from tests.services.ingest.captures.conftest import Mesh, User
from tests.services.ingest.captures.failures import failure_of

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("a_worker")]
State = capture_pb2.Capture


@pytest.mark.parametrize(("limit", "scope"), [("max_watches", "server"), ("max_watches_per_user", "user")])
async def test_watches_above_the_limit_are_refused(
    mesh: Mesh, user: User, photo: bytes, limit: str, scope: str
) -> None:
    mesh.peers.vision.behaviour.delay_s = 1
    ports = {"grpc_port": 0, "metrics_port": 0, "http_port": 0}
    async with serving(mesh.settings.model_copy(update={limit: 1, **ports}), server.build) as running:
        await running.ready.wait()
        narrow = User(running.port, user.subject, mesh.key.sign(user.subject, [], ttl_s=60))
        capture = await narrow.create(photo)
        first = narrow.captures.WatchCapture(pb.WatchCaptureRequest(name=capture.name), metadata=narrow.metadata)
        await anext(aiter(first))
        failure = await failure_of(
            narrow.captures.WatchCapture(pb.WatchCaptureRequest(name=capture.name), metadata=narrow.metadata)
        )
        assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_REACHED")
        assert (failure.metadata["scope"], failure.metadata["limit"]) == (scope, "1")
        async for _ in first:
            pass
        assert (await narrow.finished(capture.name)).state == State.STATE_SUCCEEDED  # the seat is free again
        await narrow.channel.close()
