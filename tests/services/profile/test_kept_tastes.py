"""Tastes that are kept ready: found once for each state of the log, and never those of another state."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.profile.v1 import profile_service_pb2 as pb

from mesh.server import serving
from profile_svc import __main__ as service
from profile_svc.storage import taste as log
from profile_svc.use_cases import digests
from profile_svc.use_cases import tastes as module
from profile_svc.use_cases.digests import DigestCache
from tests.services.profile.conftest import Caller, Mesh, settings_for
from tests.services.profile.outfits import sighting
from tests.services.profile.test_tastes import DAY_S, DAYS, START_S, dress, outfit, tastes_of

pytestmark = pytest.mark.service


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries of the log went into each digest that was made."""
    counts: list[int] = []
    digest_of = digests.digest_of

    def counted(events: Any, *rest: Any) -> Any:
        counts.append(len(events))
        return digest_of(events, *rest)

    monkeypatch.setattr(module, "digest_of", counted)
    return counts


async def wear(mesh: Mesh, user_id: str, day: int, *, replica: int = 2) -> None:
    ingest = mesh.service(replica=replica)
    request = sighting(user_id, f"day-{day}", outfit(day))
    request.observe_time.CopyFrom(Timestamp(seconds=START_S + day * DAY_S))
    await ingest.profiles.RecordSighting(request, metadata=ingest.metadata)


async def undo(mesh: Mesh, user_id: str, day: int, *, replica: int = 2) -> None:
    owner = mesh.user(user_id, replica=replica)
    request = pb.UndoSightingRequest(name=f"users/{user_id}/sightings/day-{day}")
    await owner.profiles.UndoSighting(request, metadata=owner.metadata)


async def test_tastes_are_found_once_until_something_changes(mesh: Mesh, user_id: str, made: list[int]) -> None:
    await dress(mesh, user_id)
    first = await tastes_of(mesh, user_id)
    assert await tastes_of(mesh, user_id) == first
    assert made == [DAYS]
    await wear(mesh, user_id, DAYS)  # the other replica
    more = await tastes_of(mesh, user_id)
    assert sum(taste.sighting_count for taste in more[1:]) == DAYS + 1
    await undo(mesh, user_id, DAYS)
    assert [taste.sighting_count for taste in (await tastes_of(mesh, user_id))] == [
        taste.sighting_count for taste in first
    ]
    assert len(made) == 3
    assert (await tastes_of(mesh, user_id))[1:] == (await tastes_of(mesh, user_id, replica=2))[1:]


async def test_user_who_comes_back_has_other_tastes(mesh: Mesh, user_id: str) -> None:
    """As many events as before their erasure, so that the number of the last one is the same."""
    await dress(mesh, user_id)
    before = await tastes_of(mesh, user_id)
    ingest = mesh.service(replica=2)
    await ingest.profiles.EraseProfile(pb.EraseProfileRequest(name=f"users/{user_id}"), metadata=ingest.metadata)
    assert await tastes_of(mesh, user_id) == []
    for day in range(DAYS):
        await wear(mesh, user_id, 7 * day)  # never on a free day
    after = await tastes_of(mesh, user_id)
    assert after[0].radar.sequence == before[0].radar.sequence
    assert [taste.sighting_count for taste in after[1:]] == [DAYS]


async def test_answer_is_of_one_moment(mesh: Mesh, user_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture and an undo that come while the log is read are in the whole answer or not at all."""
    await dress(mesh, user_id)
    list_newest, meanwhile = log.list_newest, [wear(mesh, user_id, DAYS), undo(mesh, user_id, 3)]

    async def interrupted(*arguments: Any, **options: Any) -> Any:
        while meanwhile:
            await meanwhile.pop()
        return await list_newest(*arguments, **options)

    monkeypatch.setattr(log, "list_newest", interrupted)
    overall, *others = await tastes_of(mesh, user_id)
    assert not meanwhile
    assert sum(taste.sighting_count for taste in others) == overall.sighting_count == DAYS
    again, *others = await tastes_of(mesh, user_id)
    assert "day-3" not in {event for taste in others for event in taste.example_event_ids}
    assert again.radar.sequence == overall.radar.sequence + 2
    assert sum(taste.sighting_count for taste in others) == again.sighting_count == DAYS


async def test_reads_beside_captures_and_undos_end_with_the_tastes_of_the_log(mesh: Mesh, user_id: str) -> None:
    await dress(mesh, user_id, days=12)
    changes = [wear(mesh, user_id, day, replica=1 + day % 2) for day in range(12, 24)]
    changes += [undo(mesh, user_id, day) for day in (2, 4, 8)]
    reads = [tastes_of(mesh, user_id, replica=1 + n % 2) for n in range(12)]
    await asyncio.gather(*changes, *reads)
    kept = await tastes_of(mesh, user_id)
    assert kept == await tastes_of(mesh, user_id)
    twin = f"{user_id}-twin"  # the same log in the same order, read once
    owner = mesh.user(user_id)
    request = pb.ListRadarHistoryRequest(parent=f"users/{user_id}")
    history = (await owner.profiles.ListRadarHistory(request, metadata=owner.metadata)).changes
    for change in reversed(history):
        day = int(change.event_id.removeprefix("day-"))
        await (undo(mesh, twin, day) if change.undo else wear(mesh, twin, day))
    for mine, theirs in zip(kept, await tastes_of(mesh, twin), strict=True):
        mine.name = theirs.name
        for moment in (mine, theirs):
            moment.radar.ClearField("update_time")
            if moment.name.endswith("/overall"):
                moment.ClearField("last_seen_time")
        assert mine == theirs


async def test_nothing_of_an_erased_user_stays(
    mesh: Mesh, user_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased on one replica, forgotten on another that had their tastes ready."""
    caches: list[DigestCache] = []

    def spied(most: int) -> DigestCache:
        caches.append(DigestCache(most))
        return caches[-1]

    monkeypatch.setattr(service, "DigestCache", spied)
    await dress(mesh, user_id)
    async with serving(settings_for(tmp_path, mesh.key, mesh.database_url), service.build) as third:
        await third.ready.wait()
        owner = Caller(third.port, mesh.token(user_id))
        async with asyncio.timeout(10):
            while not len(caches[0]):  # nothing is kept while it is only beginning to listen for changes
                request = pb.ListTastesRequest(parent=f"users/{user_id}")
                await owner.profiles.ListTastes(request, metadata=owner.metadata)
        ingest = mesh.service()
        await ingest.profiles.EraseProfile(pb.EraseProfileRequest(name=f"users/{user_id}"), metadata=ingest.metadata)
        async with asyncio.timeout(10):
            while len(caches[0]):  # noqa: ASYNC110 - told by the database
                await asyncio.sleep(0.02)
