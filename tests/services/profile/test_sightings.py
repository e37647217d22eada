"""Recording and undoing through the generated client: nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import itertools

import grpc
import grpc.aio
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.profile.v1 import profile_pb2
from vitrine.profile.v1 import profile_service_pb2 as pb
from vitrine.type.v1 import garment_pb2

from profile_svc.storage.states import SNAPSHOT_EVERY
from tests.services.profile.conftest import Caller, Mesh
from tests.services.profile.failures import Failure, failure_of
from tests.services.profile.logs import assert_replay_agrees
from tests.services.profile.outfits import embedding, garment, sighting

pytestmark = pytest.mark.service


async def radar_of(mesh: Mesh, user_id: str) -> dict[str, float]:
    caller = mesh.user(user_id)
    answer = await caller.profiles.GetRadar(pb.GetRadarRequest(name=f"users/{user_id}/radar"), metadata=caller.metadata)
    return {axis.axis: axis.score for axis in answer.radar.axes}


async def test_first_sighting_is_reported_against_neutral(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    request = sighting(user_id, "capture-1", [garment(formality=54)])
    request.observe_time.CopyFrom(Timestamp(seconds=1_700_000_000))
    change = (await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)).change
    assert change.first
    assert [axis.score for axis in change.before.axes] == [50] * 5
    deltas = {item.axis: item for item in change.deltas}
    assert deltas["casual_formal"].delta == pytest.approx(0.15 * (50 + 50 * (54 - 40) / 25 - 50), abs=1e-4)
    assert deltas["casual_formal"].towards == "formal"
    assert deltas["structured_relaxed"].delta == pytest.approx(0.15 * (0 - 50), abs=1e-4)  # tailored: 18 of 31
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
    calls = [_recorded(replicas[(n + again) % 2], request) for again in range(2) for n, request in enumerate(requests)]
    answers = await asyncio.gather(*calls)
    assert sum(answer.duplicate for answer in answers) == 40
    changes = sorted((answer.change for answer in answers if not answer.duplicate), key=lambda item: item.sequence)
    assert [change.sequence for change in changes] == list(range(1, 41))
    for before, after in itertools.pairwise(changes):
        assert before.after == after.before
    await assert_replay_agrees(mesh, user_id)


async def _recorded(replica: Caller, request: pb.RecordSightingRequest) -> pb.RecordSightingResponse:
    """Tells again while all connections of a replica are taken for longer than a call waits, as ingest does."""
    while True:
        try:
            return await replica.profiles.RecordSighting(request, metadata=replica.metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise


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


async def test_undo_of_an_early_sighting_keeps_snapshots_to_replay_from(mesh: Mesh, user_id: str) -> None:
    ingest, owner = mesh.service(), mesh.user(user_id)
    for n in range(2 * SNAPSHOT_EVERY + 3):
        await ingest.profiles.RecordSighting(
            sighting(user_id, f"e{n}", [garment(formality=n, seed=n)]), metadata=ingest.metadata
        )
    name = f"users/{user_id}/sightings/e1"
    await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=owner.metadata)
    with psycopg.connect(mesh.database_url.replace("+psycopg", "")) as connection:
        query = "select sequence from profile.taste_snapshots where user_id = %s order by sequence"
        kept = [row[0] for row in connection.execute(query, (user_id,)).fetchall()]
    # One sighting less: each snapshot lies one entry later than it did.
    assert kept == [SNAPSHOT_EVERY + 1, 2 * SNAPSHOT_EVERY + 1]
    name = f"users/{user_id}/sightings/e{2 * SNAPSHOT_EVERY + 2}"
    await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=owner.metadata)
    await assert_replay_agrees(mesh, user_id)


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


async def test_garment_seen_again_counts_once_until_the_first_is_undone(mesh: Mesh, user_id: str) -> None:
    """A coat in a capture, then in a stream with a bag, minutes apart; then the capture is taken back."""
    ingest, owner = mesh.service(), mesh.user(user_id)
    bag = garment("g1", formality=20, seed=9)
    bag.bucket, bag.category = garment_pb2.GARMENT_BUCKET_ACCESSORIES, "bag"
    first, second = sighting(user_id, "capture-1"), sighting(user_id, "frame-2", [garment(), bag])
    second.stream = f"users/{user_id}/streams/s1"
    for minutes, request in enumerate((first, second)):
        request.observe_time.CopyFrom(Timestamp(seconds=1_700_000_000 + 60 * minutes))
    alone = (await ingest.profiles.RecordSighting(first, metadata=ingest.metadata)).change
    both = (await ingest.profiles.RecordSighting(second, metadata=ingest.metadata)).change
    coat, found = both.attributions
    assert (coat.repeat_of_event_id, list(coat.deltas), coat.summary) == ("capture-1", [], "")
    assert (found.repeat_of_event_id, found.category) == ("", "bag")
    assert (both.before, both.after.garment_count, both.after.sighting_count) == (alone.after, 2, 2)
    for delta in both.deltas:
        parts = sum(part.delta for item in both.attributions for part in item.deltas if part.axis == delta.axis)
        assert parts == pytest.approx(delta.delta, abs=1e-4)
    listed = await owner.profiles.ListRadarHistory(
        pb.ListRadarHistoryRequest(parent=f"users/{user_id}"), metadata=owner.metadata
    )
    assert list(listed.changes) == [both, alone]
    await assert_replay_agrees(mesh, user_id)
    name = f"users/{user_id}/sightings/capture-1"
    undone = (await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=owner.metadata)).change
    assert (undone.after.garment_count, undone.after.sighting_count) == (2, 1)
    await assert_replay_agrees(mesh, user_id)
    twin = f"{user_id}-twin"
    second.parent, second.stream = f"users/{twin}", f"users/{twin}/streams/s1"
    await ingest.profiles.RecordSighting(second, metadata=ingest.metadata)
    assert await radar_of(mesh, user_id) == await radar_of(mesh, twin)


async def test_state_that_another_version_stored_is_computed_again(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    for n in range(SNAPSHOT_EVERY + 1):
        await ingest.profiles.RecordSighting(sighting(user_id, f"e{n}", [garment(seed=n)]), metadata=ingest.metadata)
    right = await radar_of(mesh, user_id)
    with psycopg.connect(mesh.database_url.replace("+psycopg", "")) as connection:
        for table in ("taste_states", "taste_snapshots"):
            old = '{"axes":[1.0,2.0,3.0,4.0,5.0],"count":9,"vectors":{},"last_model":""}'
            query = psycopg.sql.SQL("update profile.{} set state = %s where user_id = %s")
            connection.execute(query.format(psycopg.sql.Identifier(table)), (old, user_id))
    assert await radar_of(mesh, user_id) == right
    await assert_replay_agrees(mesh, user_id)
    owner = mesh.user(user_id)
    name = f"users/{user_id}/sightings/e{SNAPSHOT_EVERY}"
    await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=name), metadata=owner.metadata)
    await assert_replay_agrees(mesh, user_id)


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
