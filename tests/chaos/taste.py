"""The profile's log beside what a stream's client was told."""

from __future__ import annotations

import uuid

from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.profile.v1 import profile_service_pb2

from tests.chaos.books import Books
from tests.chaos.diary import Diary
from tests.chaos.faults import persist
from tests.support.mesh import client


async def check_taste(mesh: EmbeddedMesh, user: str, diary: Diary, *, unheard: int) -> None:
    """Compares the results with the profile's log.

    Args:
        mesh: The mesh.
        user: Whose stream it was.
        diary: The stream.
        unheard: Sightings that may have been recorded though no result came of them, because what would have made it
            was killed in between.
    """
    log = [event_id for event_id, undoes in await Books(mesh).events(user) if undoes is None]
    assert len(log) == len(set(log))
    told = {it.taste_change.event_id for it in diary.results if it.HasField("taste_change")}
    assert all(it.taste_change.event_id == it.event_id for it in diary.results if it.HasField("taste_change"))
    assert told <= set(log)
    session = uuid.UUID(diary.name.rsplit("/", 1)[-1])
    mine = {str(uuid.uuid5(session, str(number))) for number in diary.sent}
    assert set(log) <= mine
    silent = [it for it in diary.results if not it.HasField("taste_change") and it.garments]
    assert all("taste" in it.degraded_parts for it in silent), "a result without its taste says so"
    assert len(set(log) - told - {it.event_id for it in silent}) <= unheard
    async with client(mesh, user) as ada:
        request = profile_service_pb2.GetRadarRequest(name=f"users/{user}/radar")
        radar = (await persist(lambda: ada.profiles.GetRadar(request))).radar
    assert radar.sighting_count == len(log)
