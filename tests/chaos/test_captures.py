"""Parts of the mesh die in the middle of captures: each capture ends once, its taste event counts once.

A service is held up first, so that captures pile up in the stage that asks it: a kill then hits them in the middle.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2, privacy_service_pb2
from vitrine.profile.v1 import profile_service_pb2
from vitrine.sdk import Vitrine
from vitrine.type.v1 import image_pb2

from tests.chaos.books import Books
from tests.chaos.faults import frozen, locked, persist
from tests.chaos.photos import outfit
from tests.support.mesh import client
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(90)]
SUCCEEDED = capture_pb2.Capture.STATE_SUCCEEDED
# The worker takes four at once: one more waits in the queue, and one comes while something is away.
_BEFORE, _AMID = 5, 1
_PATIENCE_S = 40.0


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        strike: Does it; it returns when the part is back, or is about to be.
        hold: The service that is held up until then.
        stage: The stage in which captures wait for it.
    """

    strike: Callable[[EmbeddedMesh], Awaitable[object]]
    hold: str
    stage: str


def _kill(name: str) -> Callable[[EmbeddedMesh], Awaitable[object]]:
    async def strike(mesh: EmbeddedMesh) -> None:
        mesh.kill(name)

    return strike


FAULTS = {
    "vision_is_killed": Fault(_kill("vision"), "vision", "analyze"),
    "retrieval_is_killed": Fault(_kill("retrieval"), "retrieval", "match"),
    "profile_is_killed": Fault(_kill("profile"), "profile", "taste"),
    "worker_is_killed": Fault(_kill("worker"), "vision", "analyze"),
    "server_is_killed": Fault(_kill("ingest"), "vision", "analyze"),
    "postgres_is_restarted": Fault(lambda mesh: mesh.restart_postgres(), "vision", "analyze"),
    "postgres_is_killed": Fault(lambda mesh: mesh.restart_postgres(crash=True), "profile", "taste"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_every_capture_ends_once(mesh: EmbeddedMesh, fault: Fault) -> None:
    user = f"captures-{uuid.uuid4().hex[:8]}"
    books, envoy = Books(mesh), mesh.children["envoy"].pid
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        async with _held_up(mesh, fault.hold):
            names = [(await ada.capture(outfit(number), cropped=True)).name for number in range(_BEFORE)]
            watched = [asyncio.create_task(_watch(ada, name)) for name in names]
            await until(lambda: _is_in_work(books, user, fault.stage))
            late = [asyncio.create_task(_send(ada, outfit(_BEFORE + number))) for number in range(_AMID)]
            await fault.strike(mesh)
        names += await asyncio.gather(*late)
        captures = await asyncio.gather(*watched, *(_watch(ada, name) for name in names[_BEFORE:]))
        await _check(books, ada, captures)
    assert mesh.children["envoy"].pid == envoy
    await mesh.wait_ready()


@contextlib.asynccontextmanager
async def _held_up(mesh: EmbeddedMesh, service: str) -> AsyncIterator[None]:
    """Freezes a service; the profile goes on reading, since a search asks it too, and only its writes wait."""
    if service == "profile":
        async with locked(mesh, "LOCK TABLE profile.taste_events IN EXCLUSIVE MODE"):
            yield
    else:
        with frozen(mesh, service):
            yield


async def test_capture_counts_once_when_its_second_attempt_sees_something_else(mesh: EmbeddedMesh) -> None:
    """The worker dies after the profile has recorded and before the row says so; then vision answers differently."""
    user = f"captures-{uuid.uuid4().hex[:8]}"
    books = Books(mesh)
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        with frozen(mesh, "vision"):
            name = (await ada.capture(outfit(0), cropped=True)).name
            await until(lambda: _is_in_work(books, user, "analyze"))
            holding = locked(mesh, "LOCK TABLE ingest.procrastinate_jobs IN SHARE ROW EXCLUSIVE MODE")
            await holding.__aenter__()
        try:
            await until(lambda: _has_events(books, user))  # recorded; the job of the summary waits for the lock
            mesh.kill("worker")
            (picture,) = mesh.home.objects.rglob(f"{name.rsplit('/', 1)[-1]}.jpg")
            picture.write_bytes(outfit(3))
        finally:
            await holding.__aexit__(None, None, None)
        capture = await _watch(ada, name)
        assert capture.attempt_count >= 2
        await _check(books, ada, [capture])
    await mesh.wait_ready()


@pytest.mark.parametrize("hold", ["vision", "profile"])
async def test_erasure_amid_captures_leaves_no_trace(mesh: EmbeddedMesh, hold: str) -> None:
    """Jobs that run while their user is erased find nothing, and bring nothing back."""
    user = f"erased-{uuid.uuid4().hex[:8]}"
    books = Books(mesh)
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        await _watch(ada, (await ada.capture(outfit(0), cropped=True)).name)
        with frozen(mesh, hold):
            for number in range(1, 5):
                await ada.capture(outfit(number), cropped=True)
            await until(lambda: _is_in_work(books, user, None))
            erasing = asyncio.create_task(_erase(ada))
            await asyncio.sleep(0.5)
        await erasing
        await _no_open_jobs(books)
        assert await books.states(user) == {}
        assert await books.events(user) == []
        assert await books.rows("SELECT 1 FROM profile.users WHERE user_id = %s", user) == []


async def test_capture_sent_amid_an_erasure_is_whole_or_gone(mesh: EmbeddedMesh) -> None:
    """A photo that comes while the profile is being erased, and is told to it just after, leaves no half of itself."""
    user = f"erased-{uuid.uuid4().hex[:8]}"
    books = Books(mesh)
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        await _watch(ada, (await ada.capture(outfit(0), cropped=True)).name)
        async with locked(mesh, "SELECT 1 FROM profile.users WHERE user_id = %s FOR UPDATE", user):
            erasing = asyncio.create_task(_erase(ada))
            await asyncio.sleep(0.3)  # the profile's part waits for the lock now, and the sighting will come after it
            late = (await ada.capture(outfit(1), cropped=True)).name.rsplit("/", 1)[-1]
            await until(lambda: _is_in_work(books, user, "taste"))
        await erasing
        await _no_open_jobs(books)
        left = set(await books.states(user))
        assert {event_id for event_id, _ in await books.events(user)} == left
        assert left <= {late}
        assert {path.stem for path in mesh.home.objects.rglob("*.jpg")} & {late} == left


async def _check(books: Books, ada: Vitrine, captures: Sequence[capture_pb2.Capture]) -> None:
    """Compares what clients were told with the tables and with the profile's log."""
    assert [capture.state for capture in captures] == [SUCCEEDED] * len(captures)
    assert [list(capture.degraded_parts) for capture in captures] == [[]] * len(captures)
    assert all(capture.outfit.garments and capture.outfit.matches for capture in captures)
    ids = {capture.name.rsplit("/", 1)[-1] for capture in captures}
    user = ada.user.removeprefix("users/")
    await _no_open_jobs(books)
    assert await books.states(user) == dict.fromkeys(ids, ("succeeded", "done"))
    events = await books.events(user)
    assert sorted(events) == sorted((event_id, None) for event_id in ids)
    changes = sorted((capture.outfit.taste_change for capture in captures), key=lambda change: change.sequence)
    assert [(change.event_id, None) for change in changes] == events
    counts = [(change.before.sighting_count, change.after.sighting_count) for change in changes]
    assert counts == [(number, number + 1) for number in range(len(ids))]
    radar = await persist(lambda: ada.profiles.GetRadar(profile_service_pb2.GetRadarRequest(name=f"{ada.user}/radar")))
    assert radar.radar.sighting_count == len(ids)


async def _watch(ada: Vitrine, name: str) -> capture_pb2.Capture:
    """Follows a capture to its end, which comes once and last."""
    seen = [capture async for capture in ada.follow(name)]
    assert [capture.HasField("end_time") for capture in seen] == [False] * (len(seen) - 1) + [True]
    return seen[-1]


async def _send(ada: Vitrine, photo: bytes) -> str:
    request = capture_service_pb2.CreateCaptureRequest(
        parent=ada.user,
        kind=capture_pb2.CAPTURE_KIND_OUTFIT,
        image=image_pb2.Image(data=photo),
        request_id=str(uuid.uuid4()),
    )
    request.cropping.already_cropped = True
    return (await persist(lambda: ada.captures.CreateCapture(request))).capture.name


async def _erase(ada: Vitrine) -> None:
    await ada.privacy.EraseUser(privacy_service_pb2.EraseUserRequest(name=ada.user))


async def _is_in_work(books: Books, user: str, stage: str | None) -> bool:
    return await books.in_work(user, stage) > 0


async def _has_events(books: Books, user: str) -> bool:
    return bool(await books.events(user))


async def _no_open_jobs(books: Books) -> None:
    async def none() -> bool:
        return await books.open_jobs() == 0

    await until(none)
