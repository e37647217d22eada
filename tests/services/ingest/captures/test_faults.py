"""Things that go away in the middle: every accepted capture ends in one final state, its taste event counted once."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from vitrine.embedded.postgres import PostgresServer
from vitrine.ingest.v1 import capture_pb2

from mesh.errors import InvalidInputError
from mesh.status import details_of
from tests.services.ingest.captures.conftest import Mesh, User, drawn, until
from tests.services.ingest.captures.failures import failure_of

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("a_worker")]
State = capture_pb2.Capture
ROOT = Path(__file__).parents[4]


def event_of(capture: capture_pb2.Capture) -> str:
    return capture.name.rsplit("/", 1)[-1]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_vision_that_stays_away_fails_the_capture_and_keeps_the_reason(
    mesh: Mesh, user: User, photo: bytes, code: grpc.StatusCode
) -> None:
    mesh.peers.vision.behaviour.code = code
    capture = await user.finished((await user.create(photo)).name)
    assert (capture.state, capture.attempt_count) == (State.STATE_FAILED, mesh.settings.capture_max_attempts)
    info = next(details_of(capture.error, error_details_pb2.ErrorInfo))
    assert (info.reason, info.metadata["dependency"]) == ("DEPENDENCY_UNAVAILABLE", "vision")
    assert not capture.HasField("outfit")


async def test_vision_that_comes_back_is_waited_for(mesh: Mesh, user: User, photo: bytes) -> None:
    await mesh.peers.vision.stop()
    capture = await user.create(photo)

    async def waiting() -> bool:
        now = await user.get(capture.name)
        return bool(now.stage == "waiting" and now.state == State.STATE_QUEUED and now.HasField("error"))

    await until(waiting)
    await mesh.peers.vision.start()
    final = await user.finished(capture.name)
    assert final.state == State.STATE_SUCCEEDED
    assert final.attempt_count > 1
    assert not final.HasField("error")


async def test_picture_that_vision_refuses_fails_at_once(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.vision.behaviour.error = InvalidInputError.of("image.data", "no", "IMAGE_CORRUPT")
    capture = await user.finished((await user.create(photo)).name)
    assert (capture.state, capture.attempt_count) == (State.STATE_FAILED, 1)
    assert next(details_of(capture.error, error_details_pb2.ErrorInfo)).reason == "IMAGE_CORRUPT"


@pytest.mark.parametrize(
    ("peer", "parts"), [("retrieval", ["matches"]), ("profile", ["personal", "taste"])], ids=["retrieval", "profile"]
)
async def test_capture_degrades_honestly_without(
    mesh: Mesh, user: User, photo: bytes, peer: str, parts: list[str]
) -> None:
    await getattr(mesh.peers, peer).stop()
    capture = await user.finished((await user.create(photo)).name)
    assert capture.state == State.STATE_SUCCEEDED
    assert capture.degraded
    assert list(capture.degraded_parts) == parts
    assert len(capture.outfit.garments) == 2
    assert bool(capture.outfit.matches) == ("matches" not in parts)
    assert capture.outfit.HasField("taste_change") == ("taste" not in parts)
    assert capture.outfit.taste_pending == ("taste" in parts)
    assert capture.attempt_count == mesh.settings.capture_degrade_after_attempts


async def test_database_restart_loses_no_capture(mesh: Mesh, user: User, postgres: PostgresServer) -> None:
    mesh.peers.vision.behaviour.delay_s = 0.3
    made = [await user.create(drawn(200, 300, seed)) for seed in range(4)]
    await asyncio.to_thread(postgres.restart)
    mesh.peers.vision.behaviour.delay_s = 0.0

    async def all_final() -> bool:
        with contextlib.suppress(grpc.aio.AioRpcError):
            states = [(await user.get(capture.name)).state for capture in made]
            return all(state == State.STATE_SUCCEEDED for state in states)
        return False

    await until(all_final, 40)
    assert {event_of(capture) for capture in made} <= mesh.peers.profile.counted


async def test_object_store_that_fails_leaves_no_row(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("obstore.put_async", fail)
    failure = await failure_of(user.create(photo))
    assert (failure.code, failure.metadata["dependency"]) == (grpc.StatusCode.UNAVAILABLE, "objects")
    assert not await mesh.rows("select 1 from captures where user_id = %s", user.subject)


async def test_transaction_that_fails_leaves_no_picture(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("no job")

    monkeypatch.setattr("ingest_svc.captures.jobs.JobQueue.process", fail)
    before = len(mesh.pictures())
    failure = await failure_of(user.create(photo))
    assert failure.code == grpc.StatusCode.INTERNAL
    assert len(mesh.pictures()) == before
    assert not await mesh.rows("select 1 from captures where user_id = %s", user.subject)
