"""Whatever calls meet in the service, the taste is that of the ordered replay of what it recorded."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vitrine.profile.v1 import profile_service_pb2 as pb

from tests.services.profile.conftest import Mesh
from tests.services.profile.logs import assert_replay_agrees
from tests.services.profile.outfits import garment, sighting

pytestmark = pytest.mark.service

EVENTS = 6
# Minutes after the first that each event is seen, and which of three garments: some are the same one seen again.
MINUTES = (0, 3, 200, 500, 505, 2000)
GARMENTS = (0, 0, 1, 0, 1, 2)


def request_of(user_id: str, number: int) -> pb.RecordSightingRequest:
    request = sighting(user_id, f"e{number}", [garment(formality=20 + 10 * number, seed=GARMENTS[number])])
    request.observe_time.CopyFrom(Timestamp(seconds=1_700_000_000 + 60 * MINUTES[number]))
    return request


# Waves of calls: those of one wave meet in the service, on two replicas; one wave follows the other.
calls = st.tuples(st.sampled_from(["record", "record", "undo"]), st.integers(0, EVENTS - 1), st.sampled_from([1, 2]))
programs = st.lists(st.lists(calls, min_size=1, max_size=8), min_size=1, max_size=4)


async def call(mesh: Mesh, user_id: str, kind: str, number: int, replica: int) -> Any:
    """Makes one call; None where there was nothing to undo."""
    caller = mesh.service(replica=replica)
    if kind == "record":
        return await caller.profiles.RecordSighting(request_of(user_id, number), metadata=caller.metadata)
    name = f"users/{user_id}/sightings/e{number}"
    try:
        return await caller.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=caller.metadata)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return None


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
async def test_any_meeting_of_calls_leaves_the_ordered_replay(
    mesh: Mesh, program: list[list[tuple[str, int, int]]]
) -> None:
    user_id = f"mixed-{uuid.uuid4()}"
    answers: list[Any] = []
    for wave in program:
        answers += await asyncio.gather(*(call(mesh, user_id, *one) for one in wave))
    recorded = {number for wave in program for kind, number, _ in wave if kind == "record"}
    news = [answer.change for answer in answers if answer is not None and not answer.duplicate]
    # Every sighting is in the log exactly once, and each entry begins where the one before it ended.
    assert sorted(change.event_id for change in news if not change.undo) == sorted(f"e{n}" for n in recorded)
    news.sort(key=lambda change: change.sequence)
    for before, after in itertools.pairwise(news):
        assert before.after == after.before
    await assert_replay_agrees(mesh, user_id)
    # The same sightings, one after the other in the order of the log, without those that were taken back.
    undone = {change.event_id for change in news if change.undo}
    kept = [change.event_id for change in news if not change.undo and change.event_id not in undone]
    twin, ingest = f"twin-{uuid.uuid4()}", mesh.service()
    for event_id in kept:
        await ingest.profiles.RecordSighting(request_of(twin, int(event_id[1:])), metadata=ingest.metadata)
    radars = [
        (await ingest.profiles.GetRadar(pb.GetRadarRequest(name=f"users/{user}/radar"), metadata=ingest.metadata)).radar
        for user in (user_id, twin)
    ]
    assert [axis.score for axis in radars[0].axes] == [axis.score for axis in radars[1].axes]
    assert (radars[0].sighting_count, radars[0].garment_count) == (radars[1].sighting_count, radars[1].garment_count)
