"""Several tastes of one user, through the generated client: listed, paged, named, ranked for, exported."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.profile.v1 import profile_service_pb2 as pb
from vitrine.profile.v1 import taste_pb2
from vitrine.type.v1 import color_pb2, garment_pb2, model_pb2

from tests.services.profile.conftest import Mesh
from tests.services.profile.failures import failure_of
from tests.services.profile.outfits import garment, sighting

pytestmark = pytest.mark.service

DAY_S = 86_400
START_S = 1_700_000_000
DAYS = 28


def outfit(day: int) -> list[garment_pb2.Garment]:
    """A navy coat on five days of the week, a pink one on two, each a little different every day."""
    free = day % 7 >= 5
    rng = np.random.default_rng(day)
    worn = garment(formality=(5 if free else 80) + float(rng.uniform(-4, 4)))
    worn.attributes.style.structure = (20 if free else 90) + float(rng.uniform(-4, 4))
    if free:
        lab = color_pb2.LabColor(l=57, a=75, b=0)
        worn.attributes.colors[0].CopyFrom(color_pb2.Color(name="hot pink", hex="#ff69b4", lab=lab, share=1.0))
    vector = np.eye(16)[int(free)] + 0.05 * rng.normal(size=16)
    worn.embedding.CopyFrom(model_pb2.Embedding(values=vector / np.linalg.norm(vector), model="m/1"))
    return [worn]


async def dress(mesh: Mesh, user_id: str, days: int = DAYS) -> None:
    ingest = mesh.service()
    for day in range(days):
        request = sighting(user_id, f"day-{day}", outfit(day))
        request.observe_time.CopyFrom(Timestamp(seconds=START_S + day * DAY_S))
        await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)


async def tastes_of(mesh: Mesh, user_id: str, *, replica: int = 1) -> list[taste_pb2.Taste]:
    owner = mesh.user(user_id, replica=replica)
    request = pb.ListTastesRequest(parent=f"users/{user_id}")
    answer = await owner.profiles.ListTastes(request, metadata=owner.metadata)
    assert not answer.next_page_token
    return list(answer.tastes)


def score(taste: taste_pb2.Taste, axis: str) -> float:
    return next(item.score for item in taste.radar.axes if item.axis == axis)


async def test_work_and_weekend_are_two_tastes(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id)
    overall, work, weekend = await tastes_of(mesh, user_id)
    assert (overall.name, overall.weight) == (f"users/{user_id}/tastes/overall", 1.0)
    assert [work.weight, weekend.weight] == pytest.approx([5 / 7, 2 / 7])
    assert (work.sighting_count, weekend.sighting_count) == (20, 8)
    assert (work.label.split(", ")[0], weekend.label.split(", ")[0]) == ("navy", "hot pink")
    assert score(work, "casual_formal") > 95
    assert score(weekend, "casual_formal") < 10
    assert score(work, "structured_relaxed") < 5 < 80 < score(weekend, "structured_relaxed")
    assert work.radar.sighting_count == work.radar.garment_count == 20
    assert [int(np.argmax(taste.embedding.values)) for taste in (work, weekend)] == [0, 1]
    assert len(weekend.example_event_ids) == 8
    assert len(work.example_event_ids) == 10
    assert set(weekend.example_event_ids) == {f"day-{day}" for day in range(DAYS) if day % 7 >= 5}
    assert weekend.last_seen_time.seconds == START_S + 27 * DAY_S
    # All of it is years ago: nothing has moved since.
    assert work.drift == pytest.approx(0, abs=1e-6)
    assert [item.axis for item in work.drift_deltas] == [item.axis for item in work.radar.axes]
    assert await tastes_of(mesh, user_id, replica=2) == [overall, work, weekend]


async def test_undo_takes_an_outfit_out_of_its_taste(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id)
    owner = mesh.user(user_id)
    request = pb.UndoSightingRequest(name=f"users/{user_id}/sightings/day-5")
    await owner.profiles.UndoSighting(request, metadata=owner.metadata)
    _, _, weekend = await tastes_of(mesh, user_id)
    assert weekend.sighting_count == 7
    assert "day-5" not in weekend.example_event_ids


async def test_pages_of_tastes_make_up_the_list(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id)
    owner, token, names = mesh.user(user_id), "", []
    for _ in range(3):
        request = pb.ListTastesRequest(parent=f"users/{user_id}", page_size=1, page_token=token)
        page = await owner.profiles.ListTastes(request, metadata=owner.metadata)
        names += [taste.name for taste in page.tastes]
        token = page.next_page_token
    assert not token
    assert names == [taste.name for taste in await tastes_of(mesh, user_id)]


async def test_context_may_be_that_of_one_taste(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id)
    overall, work, weekend = await tastes_of(mesh, user_id)
    owner = mesh.user(user_id)
    for taste in (overall, work, weekend):
        request = pb.GetPersonalContextRequest(name=f"users/{user_id}/personalContext", taste=taste.name)
        context = (await owner.profiles.GetPersonalContext(request, metadata=owner.metadata)).context
        assert context.taste == taste.embedding
    request = pb.GetPersonalContextRequest(
        name=f"users/{user_id}/personalContext", taste=work.name, embedding_model="other/1"
    )
    other = (await owner.profiles.GetPersonalContext(request, metadata=owner.metadata)).context
    assert not other.HasField("taste")


async def test_context_of_a_taste_that_is_not_there_is_refused(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id, days=3)
    owner, name = mesh.user(user_id), f"users/{user_id}/personalContext"
    unknown = pb.GetPersonalContextRequest(name=name, taste=f"users/{user_id}/tastes/t-0")
    failure = await failure_of(owner.profiles.GetPersonalContext(unknown, metadata=owner.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    foreign = pb.GetPersonalContextRequest(name=name, taste="users/somebody/tastes/overall")
    failure = await failure_of(owner.profiles.GetPersonalContext(foreign, metadata=owner.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_OWNER")
    # A service may name anybody, but not two at once.
    ingest = mesh.service()
    failure = await failure_of(ingest.profiles.GetPersonalContext(foreign, metadata=ingest.metadata))
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("taste",))


async def test_export_holds_every_taste(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id)
    ingest = mesh.service()
    request = pb.ExportProfileRequest(name=f"users/{user_id}")
    records = [record async for record in ingest.profiles.ExportProfile(request, metadata=ingest.metadata)]
    exported = [record.taste for record in records if record.WhichOneof("record") == "taste"]
    assert exported == await tastes_of(mesh, user_id)
