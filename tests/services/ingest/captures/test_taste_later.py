"""A profile that stays away: captures succeed without their taste, and it comes when the profile does, once each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1 import capture_service_pb2 as pb
from vitrine.ingest.v1 import privacy_service_pb2 as privacy

from ingest_svc.storage import captures as store
from ingest_svc.storage import sightings
from mesh.errors import InvalidInputError, UnavailableError, VitrineError
from tests.services.ingest.captures.conftest import Mesh, User, drawn, until, working
from tests.services.ingest.captures.failures import failure_of
from tests.services.ingest.captures.peers import no_consent

pytestmark = pytest.mark.service
State = capture_pb2.Capture


@pytest.fixture(autouse=True)
async def patient_worker(mesh: Mesh, quiet: None) -> AsyncIterator[None]:  # noqa: ARG001 - peers first
    async with working(mesh, taste_retry_longest_s=0.2):
        yield


def event_of(capture: capture_pb2.Capture) -> str:
    return capture.name.rsplit("/", 1)[-1]


async def without_taste(mesh: Mesh, user: User, photo: bytes) -> capture_pb2.Capture:
    """A capture that has succeeded while the profile was away."""
    await mesh.peers.profile.stop()
    capture: capture_pb2.Capture = await user.finished((await user.create(photo)).name)
    assert (capture.state, list(capture.degraded_parts)) == (State.STATE_SUCCEEDED, ["personal", "taste"])
    assert capture.outfit.taste_pending
    assert not capture.outfit.HasField("taste_change")
    return capture


async def followed(user: User, name: str) -> list[capture_pb2.Capture]:
    request = pb.WatchCaptureRequest(name=name, until_taste=True)
    call = user.captures.WatchCapture(request, metadata=user.metadata, timeout=60)
    return [event.change.capture async for event in call if event.HasField("change")]


async def pending(mesh: Mesh, capture: capture_pb2.Capture) -> list[Any]:
    return await mesh.rows("select 1 from pending_sightings where capture_id = %s", uuid.UUID(event_of(capture)))


async def test_taste_comes_when_the_profile_comes_back(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await without_taste(mesh, user, photo)
    following = asyncio.create_task(followed(user, capture.name))
    await asyncio.sleep(0.5)  # some attempts find nobody
    await mesh.peers.profile.start()
    changes = await following
    assert [change.outfit.taste_pending for change in changes] == [True, False]
    final = changes[-1]
    # The order of the products stays as it was found: as for anybody.
    assert (final.state, list(final.degraded_parts)) == (State.STATE_SUCCEEDED, ["personal"])
    assert final.outfit.taste_change.event_id == event_of(capture)
    assert final.outfit.garments == capture.outfit.garments
    assert final.outfit.matches == capture.outfit.matches
    assert final.end_time == capture.end_time
    assert final.etag != capture.etag
    assert await user.get(capture.name) == final
    listed = await user.captures.ListCaptures(pb.ListCapturesRequest(parent=user.name), metadata=user.metadata)
    assert listed.captures[0].outfit.taste_change == final.outfit.taste_change
    sighting = mesh.peers.profile.sightings[event_of(capture)]
    assert [garment.category for garment in sighting.outfit.garments] == ["shirt", "trousers"]
    assert all(garment.HasField("embedding") for garment in sighting.outfit.garments)
    assert not await pending(mesh, capture)


async def test_long_watch_reads_the_whole_capture_only_when_it_changes(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result with its masks and matches may be megabytes, and the profile may be away for hours."""
    capture = await without_taste(mesh, user, photo)
    looks, reads, version, get = [], [], store.version, store.get

    async def look(*arguments: Any) -> int | None:
        looks.append(arguments)
        return await version(*arguments)

    async def read(connection: Any, capture_id: uuid.UUID, owner: str | None = None, **options: Any) -> Any:
        if owner == user.subject:
            reads.append(capture_id)
        return await get(connection, capture_id, owner, **options)

    monkeypatch.setattr("ingest_svc.captures.watch._LOOK_S", 0.05)
    monkeypatch.setattr(store, "version", look)
    monkeypatch.setattr(store, "get", read)
    following = asyncio.create_task(followed(user, capture.name))
    await until(lambda: _many(looks))
    assert len(reads) == 1
    await mesh.peers.profile.start()
    assert len(await following) == len(reads) == 2


async def _many(items: list[Any]) -> bool:
    return len(items) >= 10


async def test_answer_that_got_lost_is_counted_once(mesh: Mesh, user: User, photo: bytes) -> None:
    """The profile records every time, and answers too late every time but the last."""
    mesh.peers.profile.behaviour.delay_s = 2.5
    capture = await user.finished((await user.create(photo)).name)
    assert capture.outfit.taste_pending
    mesh.peers.profile.behaviour.delay_s = 0.0
    final = (await followed(user, capture.name))[-1]
    assert final.outfit.HasField("taste_change")
    assert mesh.peers.profile.calls.count(event_of(capture)) >= 2
    assert event_of(capture) in mesh.peers.profile.counted


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        pytest.param(no_consent(), ["personal"], id="consent withdrawn meanwhile"),
        pytest.param(InvalidInputError.of("outfit", "no"), ["personal", "taste"], id="refused for good"),
    ],
)
async def test_what_the_profile_refuses_is_not_sent_again(
    mesh: Mesh, user: User, photo: bytes, error: VitrineError, parts: list[str]
) -> None:
    capture = await without_taste(mesh, user, photo)
    mesh.peers.profile.behaviour.error = error
    await mesh.peers.profile.start()
    final = (await followed(user, capture.name))[-1]
    assert (final.state, list(final.degraded_parts)) == (State.STATE_SUCCEEDED, parts)
    assert not final.outfit.taste_pending
    assert not final.outfit.HasField("taste_change")
    calls = mesh.peers.profile.calls.count(event_of(capture))
    await asyncio.sleep(0.5)
    assert mesh.peers.profile.calls.count(event_of(capture)) == calls
    assert not await pending(mesh, capture)


async def test_profile_that_is_broken_is_told_later_too(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.profile.behaviour.code = grpc.StatusCode.UNKNOWN
    capture = await user.finished((await user.create(photo)).name)
    assert capture.outfit.taste_pending
    mesh.peers.profile.behaviour.code = None
    assert (await followed(user, capture.name))[-1].outfit.HasField("taste_change")


async def test_database_that_goes_meanwhile_makes_the_next_attempt_no_later(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue's own waits double with every attempt that found no profile, up to minutes."""
    capture = await without_taste(mesh, user, photo)
    await asyncio.sleep(2)  # many attempts
    lost = [UnavailableError("the database is away") for _ in range(3)]
    settle = sightings.remove

    async def away(*arguments: Any) -> None:
        if lost:
            raise lost.pop()
        await settle(*arguments)

    monkeypatch.setattr(sightings, "remove", away)
    await mesh.peers.profile.start()
    async with asyncio.timeout(10):
        assert (await followed(user, capture.name))[-1].outfit.HasField("taste_change")
    assert not lost


async def test_deleted_capture_is_never_told(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await without_taste(mesh, user, photo)
    request = pb.DeleteCaptureRequest(name=capture.name)
    failure = await failure_of(user.captures.DeleteCapture(request, metadata=user.metadata))
    assert failure.code is grpc.StatusCode.UNAVAILABLE  # whether the profile knows of it can only be told by itself
    await mesh.peers.profile.start()
    await until(lambda: _deleted(user, capture))
    assert not await pending(mesh, capture)
    await until(lambda: _no_jobs(mesh, capture))
    assert event_of(capture) not in mesh.peers.profile.counted


async def test_erased_user_is_never_told_of_and_the_export_says_what_waits(mesh: Mesh, user: User) -> None:
    capture = await without_taste(mesh, user, drawn(300, 400))
    await mesh.peers.profile.restore()
    mesh.peers.profile.behaviour.code = grpc.StatusCode.UNKNOWN  # it is there, and takes nothing
    call = user.privacy.ExportUser(privacy.ExportUserRequest(name=user.name), metadata=user.metadata)
    records = {part.record.kind: json.loads(part.record.json) async for part in _until_it_breaks(call)}
    waiting = records["pending_sightings"]
    assert (waiting["capture_id"], waiting["request"]["event_id"]) == (event_of(capture), event_of(capture))
    erase = privacy.EraseUserRequest(name=user.name)
    await failure_of(user.privacy.EraseUser(erase, metadata=user.metadata))
    mesh.peers.profile.behaviour.code = None
    receipt = (await user.privacy.EraseUser(erase, metadata=user.metadata)).receipt
    counts = {entry.kind: entry.item_count for entry in receipt.erased if entry.service == "ingest"}
    assert (counts["captures"], counts["pending_sightings"]) == (1, 1)
    assert not await pending(mesh, capture)
    await until(lambda: _no_jobs(mesh, capture))
    assert event_of(capture) not in mesh.peers.profile.counted


async def test_sighting_without_a_job_gets_a_new_one(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await without_taste(mesh, user, photo)
    await mesh.rows(
        "with gone as (delete from procrastinate_jobs where args->>'capture_id' = %s) "
        "update pending_sightings set create_time = now() - interval '1 hour' where capture_id = %s returning 1",
        event_of(capture),
        uuid.UUID(event_of(capture)),
    )
    await mesh.peers.profile.start()
    assert (await followed(user, capture.name))[-1].outfit.HasField("taste_change")


async def _until_it_breaks(call: Any) -> AsyncIterator[Any]:
    with contextlib.suppress(grpc.aio.AioRpcError):
        async for part in call:
            yield part


async def _deleted(user: User, capture: capture_pb2.Capture) -> bool:
    with contextlib.suppress(grpc.aio.AioRpcError):
        await user.captures.DeleteCapture(pb.DeleteCaptureRequest(name=capture.name), metadata=user.metadata)
        return True
    return False


async def _no_jobs(mesh: Mesh, capture: capture_pb2.Capture) -> bool:
    query = "select 1 from procrastinate_jobs where args->>'capture_id' = %s"
    return not await mesh.rows(query, event_of(capture))
