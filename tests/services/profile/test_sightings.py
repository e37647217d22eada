"""Recording and undoing through the generated client: nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import itertools

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.profile.v1 import profile_pb2
from vitrine.profile.v1 import profile_service_pb2 as pb

from mesh.database import Database
from profile_svc.storage import taste
from profile_svc.taste.state import dump_state
from profile_svc.use_cases.sightings import SNAPSHOT_EVERY, rebuilt_state
from tests.services.profile.conftest import Mesh
from tests.services.profile.failures import Failure, failure_of
from tests.services.profile.outfits import embedding, garment, sighting

pytestmark = pytest.mark.service


async def radar_of(mesh: Mesh, user_id: str) -> dict[str, float]:
    caller = mesh.user(user_id)
    answer = await caller.profiles.GetRadar(pb.GetRadarRequest(name=f"users/{user_id}/radar"), metadata=caller.metadata)
    return {axis.axis: axis.score for axis in answer.radar.axes}


async def assert_replay_agrees(mesh: Mesh, user_id: str) -> None:
    """What is stored equals a replay of the whole log, to the bit."""
    database = Database(mesh.database_url, "profile", "profile_svc.migrations", pool_size=1)
    try:
        async with database.begin() as connection:
            stored = await taste.get_state(connection, user_id)
            assert dump_state(stored.state) == dump_state(await rebuilt_state(connection, user_id))
    finally:
        await database.close()


async def test_first_sighting_is_reported_against_neutral(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    request = sighting(user_id, "capture-1")
    request.observe_time.CopyFrom(Timestamp(seconds=1_700_000_000))
    change = (await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)).change
    assert change.first
    assert [axis.score for axis in change.before.axes] == [50] * 5
    deltas = {item.axis: item for item in change.deltas}
    assert deltas["casual_formal"].delta == pytest.approx(0.15 * (80 - 50), abs=1e-4)
    assert deltas["casual_formal"].towards == "formal"
    assert deltas["structured_relaxed"].delta == pytest.approx(0.15 * (0.8 * 10 + 0.2 * 50 - 50), abs=1e-4)
    (coat,) = change.attributions
    assert (coat.garment_id, coat.category, coat.color_name) == ("g0", "coat", "navy")
    assert coat.summary.startswith("navy coat: +")
    assert change.capture == f"users/{user_id}/captures/capture-1"
    assert change.observe_time.seconds == 1_700_000_000
    assert change.after.sighting_count == 1
    assert await radar_of(mesh, user_id) == {axis.axis: axis.score for axis in change.after.axes}


async def test_same_event_again_changes_nothing(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    first = await ingest.profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata)
    again = await mesh.service(replica=2).profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata)
    assert again.duplicate
    assert not first.duplicate
    assert again.change == first.change


async def test_event_id_with_other_content_is_refused(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    await ingest.profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata)
    other = sighting(user_id, "e", [garment(formality=10)])
    failure = await failure_of(ingest.profiles.RecordSighting(other, metadata=ingest.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_concurrent_captures_lose_nothing(mesh: Mesh, user_id: str) -> None:
    """40 events, each sent twice, to two replicas at once: 40 entries, one order, and a replay that agrees."""
    replicas = [mesh.service(replica=1), mesh.service(replica=2)]
    requests = [sighting(user_id, f"e{n}", [garment(formality=n * 2, seed=n)]) for n in range(40)]
    calls = [
        replicas[(n + again) % 2].profiles.RecordSighting(request, metadata=replicas[0].metadata)
        for again in range(2)
        for n, request in enumerate(requests)
    ]
    answers = await asyncio.gather(*calls)
    assert sum(answer.duplicate for answer in answers) == 40
    changes = sorted((answer.change for answer in answers if not answer.duplicate), key=lambda item: item.sequence)
    assert [change.sequence for change in changes] == list(range(1, 41))
    for before, after in itertools.pairwise(changes):
        assert before.after == after.before
    await assert_replay_agrees(mesh, user_id)


async def test_undo_makes_the_taste_what_it_would_have_been(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    kept = [n for n in range(SNAPSHOT_EVERY + 6) if n not in {2, SNAPSHOT_EVERY + 1}]
    for n in range(SNAPSHOT_EVERY + 6):
        request = sighting(user_id, f"e{n}", [garment(formality=n, seed=n)])
        await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)
    owner = mesh.user(user_id)
    for n in (SNAPSHOT_EVERY + 1, 2):
        name = f"users/{user_id}/sightings/e{n}"
        undone = await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=owner.metadata)
        assert undone.change.undo
        assert undone.change.event_id == f"e{n}"
        again = await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=owner.metadata)
        assert again.duplicate
        assert again.change == undone.change
    await assert_replay_agrees(mesh, user_id)
    twin = f"{user_id}-twin"
    for n in kept:
        request = sighting(twin, f"e{n}", [garment(formality=n, seed=n)])
        await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)
    assert await radar_of(mesh, user_id) == await radar_of(mesh, twin)
    # A late repetition of an undone event does not bring it back.
    repeated = await ingest.profiles.RecordSighting(
        sighting(user_id, "e2", [garment(formality=2, seed=2)]), metadata=ingest.metadata
    )
    assert repeated.duplicate
    assert await radar_of(mesh, user_id) == await radar_of(mesh, twin)


@pytest.mark.parametrize("event", ["never", "e-other"])
async def test_undo_of_nothing_is_not_found(mesh: Mesh, user_id: str, event: str) -> None:
    ingest = mesh.service()
    await ingest.profiles.RecordSighting(sighting(f"{user_id}-other", "e-other"), metadata=ingest.metadata)
    owner = mesh.user(user_id)
    request = pb.UndoSightingRequest(name=f"users/{user_id}/sightings/{event}")
    failure = await failure_of(owner.profiles.UndoSighting(request, metadata=owner.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    with psycopg.connect(mesh.database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("select 1 from profile.users where user_id = %s", (user_id,)).fetchone() is None


async def test_history_is_paged_newest_first(mesh: Mesh, user_id: str) -> None:
    ingest, owner = mesh.service(), mesh.user(user_id)
    for n in range(7):
        await ingest.profiles.RecordSighting(sighting(user_id, f"e{n}"), metadata=ingest.metadata)
    events, token, pages = [], "", 0
    while pages == 0 or token:
        request = pb.ListRadarHistoryRequest(parent=f"users/{user_id}", page_size=3, page_token=token)
        page = await owner.profiles.ListRadarHistory(request, metadata=owner.metadata)
        events += [change.event_id for change in page.changes]
        token, pages = page.next_page_token, pages + 1
    assert events == [f"e{n}" for n in reversed(range(7))]
    assert pages == 3


async def test_taste_learning_stops_when_the_consent_is_withdrawn(mesh: Mesh, user_id: str) -> None:
    owner, ingest = mesh.user(user_id), mesh.service()
    profile = profile_pb2.Profile(name=f"users/{user_id}/profile")
    profile.consents.add(kind=profile_pb2.CONSENT_KIND_TASTE_LEARNING, granted=False)
    await owner.profiles.UpdateProfile(pb.UpdateProfileRequest(profile=profile), metadata=owner.metadata)
    failure = await failure_of(ingest.profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata))
    assert failure == Failure(grpc.StatusCode.FAILED_PRECONDITION, "CONSENT_MISSING", {"consent": "TASTE_LEARNING"})


async def test_other_dimension_of_the_same_model_is_refused_and_leaves_nothing(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    await ingest.profiles.RecordSighting(sighting(user_id, "e0"), metadata=ingest.metadata)
    request = sighting(user_id, "e1")
    request.outfit.garments[0].embedding.CopyFrom(embedding(1, dimension=8))
    failure = await failure_of(ingest.profiles.RecordSighting(request, metadata=ingest.metadata))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.reason == "EMBEDDING_DIMENSION"
    assert failure.metadata == {"expected": "16", "actual": "8"}
    await assert_replay_agrees(mesh, user_id)


async def test_log_refuses_updates(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    await ingest.profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata)
    with (
        psycopg.connect(mesh.database_url.replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="appended"),
    ):
        connection.execute("update profile.taste_events set content = '' where user_id = %s", (user_id,))
