"""One garment seen again and again counts once, whichever replica is told, in whichever order, by whichever clock."""

from __future__ import annotations

import asyncio
import itertools

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.profile.v1 import profile_service_pb2 as pb
from vitrine.profile.v1 import taste_pb2

from tests.services.profile.conftest import Mesh
from tests.services.profile.failures import failure_of
from tests.services.profile.logs import assert_replay_agrees
from tests.services.profile.outfits import garment, sighting

pytestmark = pytest.mark.service

NOW_S, YEAR_S = 1_700_000_000, 365 * 86_400


def seen(user_id: str, event_id: str, at_s: int, *, stream: bool = False, seed: int = 1) -> pb.RecordSightingRequest:
    """A coat; another seed is another one."""
    request = sighting(user_id, event_id, [garment(seed=seed)])
    if stream:
        request.stream = f"users/{user_id}/streams/s1"
    request.observe_time.CopyFrom(Timestamp(seconds=at_s))
    return request


async def tell(mesh: Mesh, request: pb.RecordSightingRequest, *, replica: int = 1) -> taste_pb2.TasteChange:
    """Tells it until it is taken, as ingest does: a busy machine may be slow to open connections to the database."""
    ingest = mesh.service(replica=replica)
    while True:
        try:
            return (await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)).change
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    "elsewhen_s", [pytest.param(20 * YEAR_S, id="a clock years ahead"), pytest.param(-10 * YEAR_S, id="an old photo")]
)
async def test_photo_of_another_time_makes_nothing_count_twice(mesh: Mesh, user_id: str, elsewhen_s: int) -> None:
    await tell(mesh, seen(user_id, "today", NOW_S))
    other = await tell(mesh, seen(user_id, "then", NOW_S + elsewhen_s, seed=2), replica=2)
    assert other.after.garment_count == 2
    again = await tell(mesh, seen(user_id, "then-too", NOW_S + elsewhen_s + 90, seed=2))
    frames = [
        await tell(mesh, seen(user_id, f"f{n}", NOW_S + 60 * n, stream=True), replica=1 + n % 2) for n in range(4)
    ]
    assert [item.repeat_of_event_id for item in again.attributions] == ["then"]
    assert [frame.attributions[0].repeat_of_event_id for frame in frames] == ["today"] * 4
    assert frames[-1].after.garment_count == 2
    assert all(frame.after.axes == frame.before.axes for frame in frames)
    await assert_replay_agrees(mesh, user_id)


async def test_frames_and_photos_of_one_coat_that_come_at_once_count_once(mesh: Mesh, user_id: str) -> None:
    """From two replicas in any order: exactly one of them counts, and all others name it."""
    requests = [seen(user_id, f"e{n}", NOW_S + 45 * n, stream=n % 3 > 0) for n in range(12)]
    changes = await asyncio.gather(*(tell(mesh, request, replica=1 + n % 2) for n, request in enumerate(requests)))
    (first,) = [change for change in changes if change.attributions[0].deltas]
    assert first.first
    assert first.sequence == 1
    assert {change.attributions[0].repeat_of_event_id for change in changes if change is not first} == {first.event_id}
    last = max(changes, key=lambda change: change.sequence)
    assert (last.after.sighting_count, last.after.garment_count) == (12, 1)
    assert last.after.axes == first.after.axes
    # Whoever is taken back, one of those that are left counts; with the last one goes all of it.
    owner = mesh.user(user_id)
    for left, change in zip(itertools.count(11, -1), sorted(changes, key=lambda change: change.sequence), strict=False):
        request = pb.UndoSightingRequest(name=f"users/{user_id}/sightings/{change.event_id}")
        after = (await owner.profiles.UndoSighting(request, metadata=owner.metadata)).change.after
        assert (after.sighting_count, after.garment_count) == (left, min(left, 1))
    assert [axis.score for axis in after.axes] == [50] * 5
    await assert_replay_agrees(mesh, user_id)
    # The next one is a first one again, told against neutral.
    change = await tell(mesh, seen(user_id, "anew", NOW_S + 600))
    assert change.first
    assert [axis.score for axis in change.before.axes] == [50] * 5
    assert [axis.score for axis in change.after.axes] == [axis.score for axis in first.after.axes]


@pytest.mark.parametrize("seconds", [-(10**12), 10**12], ids=["before the calendar", "after it"])
async def test_time_that_no_calendar_has_is_refused(mesh: Mesh, user_id: str, seconds: int) -> None:
    ingest = mesh.service()
    request = sighting(user_id, "e")
    request.observe_time.CopyFrom(Timestamp(seconds=seconds))
    failure = await failure_of(ingest.profiles.RecordSighting(request, metadata=ingest.metadata))
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("observe_time",))
