"""The profile is away for longer than captures wait: each succeeds without its taste, which is counted later, once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2
from vitrine.profile.v1 import profile_service_pb2
from vitrine.sdk import Vitrine

from tests.chaos.books import Books
from tests.chaos.faults import persist
from tests.chaos.photos import outfit
from tests.support.mesh import client, running_mesh
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]
_SETTINGS = {
    "WORKER_HEARTBEAT_S": "0.3",
    "WORKER_STALLED_S": "1.5",
    "WORKER_RECOVERY_S": "0.3",
    "CAPTURE_RETRY_FIRST_S": "0.2",
    "CAPTURE_RETRY_LONGEST_S": "0.5",
    "CAPTURE_DEGRADE_AFTER_ATTEMPTS": "1",
    "TASTE_RETRY_LONGEST_S": "0.5",
}
_CAPTURES = 5
_PATIENCE_S = 60.0


@pytest.fixture(scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedMesh]:
    """A mesh whose captures have no patience with the profile, and whose profile is told again soon."""
    async with running_mesh(tmp_path_factory.mktemp("away"), settings={"*": _SETTINGS}) as running:
        yield running


@pytest.mark.parametrize("strike", ["nothing", "worker", "profile", "postgres"])
async def test_every_capture_is_counted_once_when_the_profile_is_back(mesh: EmbeddedMesh, strike: str) -> None:
    user = f"away-{uuid.uuid4().hex[:8]}"
    books = Books(mesh)
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        await mesh.stop_process("profile")
        names = [(await ada.capture(outfit(number), cropped=True)).name for number in range(_CAPTURES)]
        early = [[capture async for capture in ada.follow(name)][-1] for name in names]
        assert [capture.state for capture in early] == [capture_pb2.Capture.STATE_SUCCEEDED] * _CAPTURES
        assert all(capture.outfit.taste_pending for capture in early)
        assert await books.events(user) == []
        await mesh.start_process("profile")
        await _strike(mesh, books, user, strike)
        await _check(books, ada, await asyncio.gather(*(_told(ada, name) for name in names)))
    await mesh.wait_ready()


async def _strike(mesh: EmbeddedMesh, books: Books, user: str, what: str) -> None:
    """Something else dies while the profile is being told."""
    if what == "nothing":
        return
    await until(lambda: _has_events(books, user), within_s=_PATIENCE_S)
    if what == "postgres":
        await mesh.restart_postgres(crash=True)
    else:
        mesh.kill(what)


async def _has_events(books: Books, user: str) -> bool:
    return bool(await books.events(user))


async def _told(ada: Vitrine, name: str) -> capture_pb2.Capture:
    """The capture once the profile has been told of it."""
    request = capture_service_pb2.WatchCaptureRequest(name=name, until_taste=True)

    async def watch() -> capture_pb2.Capture:
        events = ada.captures.WatchCapture(request)
        return [event.change.capture async for event in events if event.HasField("change")][-1]

    return await persist(watch)


async def _check(books: Books, ada: Vitrine, captures: Sequence[capture_pb2.Capture]) -> None:
    """Compares what clients were told with the tables and with the profile's log."""
    user = ada.user.removeprefix("users/")
    ids = {capture.name.rsplit("/", 1)[-1] for capture in captures}
    assert sorted(await books.events(user)) == sorted((event_id, None) for event_id in ids)
    assert {capture.outfit.taste_change.event_id for capture in captures} == ids
    counts = sorted(capture.outfit.taste_change.after.sighting_count for capture in captures)
    assert counts == list(range(1, len(ids) + 1))
    assert not any(capture.outfit.taste_pending or "taste" in capture.degraded_parts for capture in captures)
    assert await books.rows("SELECT 1 FROM ingest.pending_sightings WHERE user_id = %s", user) == []
    get_radar = profile_service_pb2.GetRadarRequest(name=f"{ada.user}/radar")
    radar = await persist(lambda: ada.profiles.GetRadar(get_radar))
    assert radar.radar.sighting_count == len(ids)
