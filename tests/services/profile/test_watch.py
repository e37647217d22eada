"""Following a profile across replicas."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import psycopg
import pytest
from vitrine.profile.v1 import profile_pb2
from vitrine.profile.v1 import profile_service_pb2 as pb

from mesh.keys import SigningKey
from mesh.server import serving
from profile_svc.__main__ import build
from tests.services.profile.conftest import Caller, Mesh, settings_for
from tests.services.profile.failures import failure_of
from tests.services.profile.outfits import sighting

pytestmark = pytest.mark.service


class Watch:
    """A watch whose events are asked for one by one; heartbeats are passed over."""

    def __init__(self, caller: Caller, user_id: str, after: int | None = None) -> None:
        request = pb.WatchProfileRequest(name=f"users/{user_id}/profile", after_sequence=after)
        self.call = caller.profiles.WatchProfile(request, metadata=caller.metadata)
        self.events = self.call.__aiter__()

    async def next(self, *, heartbeats: bool = False) -> tuple[str, pb.WatchProfileResponse]:
        while True:
            event = await asyncio.wait_for(anext(self.events), 10)
            kind = str(event.WhichOneof("event"))
            if heartbeats or kind != "heartbeat":
                return kind, event


@contextlib.asynccontextmanager
async def watching(caller: Caller, user_id: str, after: int | None = None) -> AsyncIterator[Watch]:
    watch = Watch(caller, user_id, after)
    try:
        yield watch
    finally:
        watch.call.cancel()


async def record(mesh: Mesh, user_id: str, event_id: str, *, replica: int = 1) -> int:
    ingest = mesh.service(replica=replica)
    answer = await ingest.profiles.RecordSighting(sighting(user_id, event_id), metadata=ingest.metadata)
    return answer.change.sequence


async def test_watch_hears_what_another_replica_records(mesh: Mesh, user_id: str) -> None:
    async with watching(mesh.user(user_id, replica=1), user_id) as watch:
        kind, event = await watch.next()
        assert (kind, event.sequence) == ("snapshot", 0)
        await record(mesh, user_id, "e0", replica=2)
        kind, event = await watch.next()
        assert (kind, event.sequence, event.taste_change.event_id) == ("taste_change", 1, "e0")
        owner = mesh.user(user_id, replica=2)
        profile = profile_pb2.Profile(name=f"users/{user_id}/profile", display_name="Ada")
        await owner.profiles.UpdateProfile(pb.UpdateProfileRequest(profile=profile), metadata=owner.metadata)
        kind, event = await watch.next()
        assert (kind, event.sequence) == ("settings_changed", 2)
        assert event.settings_changed.profile.display_name == "Ada"


async def test_watch_resumes_without_gap_or_repetition(mesh: Mesh, user_id: str) -> None:
    for n in range(3):
        await record(mesh, user_id, f"e{n}")
    async with watching(mesh.user(user_id), user_id, after=1) as watch:
        seen = [(await watch.next())[1].sequence for _ in range(2)]
        await asyncio.gather(*(record(mesh, user_id, f"f{n}", replica=1 + n % 2) for n in range(5)))
        seen += [(await watch.next())[1].sequence for _ in range(5)]
    assert seen == [2, 3, 4, 5, 6, 7, 8]


async def test_watch_beats_when_nothing_happens(mesh: Mesh, user_id: str) -> None:
    async with watching(mesh.user(user_id), user_id) as watch:
        await watch.next()
        kind, event = await watch.next(heartbeats=True)
        assert (kind, event.sequence) == ("heartbeat", 0)


async def test_watch_ends_when_the_user_is_erased(mesh: Mesh, user_id: str) -> None:
    sequence = await record(mesh, user_id, "e0")
    async with watching(mesh.user(user_id), user_id) as watch:
        await watch.next()
        ingest = mesh.service(replica=2)
        await ingest.profiles.EraseProfile(pb.EraseProfileRequest(name=f"users/{user_id}"), metadata=ingest.metadata)
        assert (await watch.next())[0] == "erased"
        with pytest.raises(StopAsyncIteration):
            await watch.next()
    async with watching(mesh.user(user_id), user_id, after=sequence) as watch:
        assert (await watch.next())[0] == "snapshot"


async def test_watch_survives_the_loss_of_its_listening_connection(mesh: Mesh, user_id: str) -> None:
    async with watching(mesh.user(user_id), user_id) as watch:
        await watch.next()
        with psycopg.connect(mesh.database_url.replace("+psycopg", ""), autocommit=True) as connection:
            killed = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'vitrine-profile-listen' and datname = current_database()"
            ).fetchall()
        assert len(killed) >= 2  # one for each replica
        await record(mesh, user_id, "e0", replica=2)
        kind, event = await watch.next()
        assert (kind, event.sequence) == ("taste_change", 1)


@pytest.mark.parametrize(("limit", "scope"), [("max_watches", "server"), ("max_watches_per_user", "user")])
async def test_watch_refuses_beyond_its_capacity_and_says_goodbye(
    mesh: Mesh, key: SigningKey, tmp_path: Path, limit: str, scope: str
) -> None:
    settings = settings_for(tmp_path, key, mesh.database_url, watch_heartbeat_s=30.0, **{limit: 1})
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(settings, build))
        await server.ready.wait()
        caller = Caller(server.port, mesh.token("watcher"))
        first = Watch(caller, "watcher")
        await first.next()
        request = pb.WatchProfileRequest(name="users/watcher/profile")
        failure = await failure_of(caller.profiles.WatchProfile(request, metadata=caller.metadata))
        assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_REACHED")
        assert failure.metadata["scope"] == scope
        closing = asyncio.ensure_future(stack.aclose())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await first.next()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await closing
