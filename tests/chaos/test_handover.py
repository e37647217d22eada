"""A session goes from one connection, replica or client process to the next, each at the worst moment."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import frame_pb2
from vitrine.sdk import CameraFrame, FrameStream, StreamSettings
from vitrine.sdk.plans import Plan

from tests.chaos.books import Books
from tests.chaos.photos import outfit
from tests.chaos.riders import KEYFRAMES as OFTEN
from tests.chaos.riders import Rider
from tests.chaos.wire import BROKEN, Wire, resume
from tests.support.mesh import client
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]
_PATIENCE_S = 60.0


async def test_unacknowledged_results_come_again_once_on_the_other_replica(mesh: EmbeddedMesh) -> None:
    user = f"streams-{uuid.uuid4().hex[:8]}"
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        first = Wire(ada)
        token = (await first.open()).resume_token
        results = [await first.result(number, outfit(number)) for number in (1, 2, 3)]
        await first.acknowledge(results[0])
        await _until_kept(Books(mesh), user, 2)
        first_replica = await _replica_with_a_stream(mesh)
        mesh.kill(first_replica)
        assert await first.end() in BROKEN

        second, ready = await resume(ada, token)
        assert await _replica_with_a_stream(mesh) != first_replica
        assert (ready.resumed, ready.replayed_result_count) == (True, 2)
        replayed = [await second.next_result() for _ in range(2)]
        assert all(result.replayed for result in replayed)
        assert [_without_mark(result) for result in replayed] == results[1:]
        fresh = await second.result(4, outfit(4))
        assert not fresh.replayed
        await second.acknowledge(fresh)
        await _until_kept(Books(mesh), user, 0)
        await second.cancel()

        third, ready = await resume(ada, token)
        assert (ready.resumed, ready.replayed_result_count) == (True, 0)
        assert (await third.stop()).totals.processed_count == 4
        events = await Books(mesh).events(user)
        assert [event_id for event_id, _ in events] == [result.event_id for result in (*results, fresh)]
    await mesh.wait_ready()


def _without_mark(result: frame_pb2.StreamResult) -> frame_pb2.StreamResult:
    plain = frame_pb2.StreamResult()
    plain.CopyFrom(result)
    plain.replayed = False
    return plain


async def test_kill_amid_the_replay_loses_nothing(mesh: EmbeddedMesh) -> None:
    """The replica dies when one of three results has come again: the next brings them all, and the rest is told."""
    user = f"streams-{uuid.uuid4().hex[:8]}"
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        first = Wire(ada)
        token = (await first.open()).resume_token
        results = [await first.result(number, outfit(number)) for number in (1, 2, 3)]
        await first.cancel()
        second, ready = await resume(ada, token)
        assert ready.replayed_result_count == 3
        assert (await second.next_result()).event_id == results[0].event_id
        await second.acknowledge(results[0])
        mesh.kill(await _replica_with_a_stream(mesh))
        assert await second.end() in BROKEN
        third, ready = await resume(ada, token)
        again = [(await third.next_result()).event_id for _ in range(ready.replayed_result_count)]
        assert again in ([it.event_id for it in results], [it.event_id for it in results[1:]])
        await third.acknowledge(results[-1])
        await _until_kept(Books(mesh), user, 0)
        assert (await third.stop()).totals.processed_count == 3
        assert [event_id for event_id, _ in await Books(mesh).events(user)] == [it.event_id for it in results]
    await mesh.wait_ready()


async def test_kill_between_a_result_that_is_kept_and_its_way_to_the_client(mesh: EmbeddedMesh) -> None:
    """Once its row is there the replica dies, and what it had sent is never read: it comes from the other one, once."""
    user = f"streams-{uuid.uuid4().hex[:8]}"
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        first = Wire(ada)
        token = (await first.open()).resume_token
        one = await first.result(1, outfit(1))
        await first.send(2, outfit(2))  # and what comes of it is never read
        await _until_kept(Books(mesh), user, 2)
        mesh.kill(await _replica_with_a_stream(mesh))
        second, ready = await resume(ada, token)
        assert ready.replayed_result_count == 2
        replayed = [await second.next_result() for _ in range(2)]
        assert [it.frame_number for it in replayed] == [1, 2]
        assert replayed[0].event_id == one.event_id
        totals = (await second.stop()).totals
        assert (totals.processed_count, totals.highest_frame_number, totals.lost_count) == (2, 2, 0)
        assert [event_id for event_id, _ in await Books(mesh).events(user)] == [it.event_id for it in replayed]
    await mesh.wait_ready()


async def test_connections_that_race_with_one_token_leave_one_session(mesh: EmbeddedMesh) -> None:
    count, user = 3, f"race-{uuid.uuid4().hex[:8]}"
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        first = Wire(ada)
        token = (await first.open()).resume_token
        one = await first.result(1, outfit(1))
        racers = [Wire(ada) for _ in range(count)]
        opened = await asyncio.gather(*(racer.open(token) for racer in racers), return_exceptions=True)
        alive = [racer for racer, ready in zip(racers, opened, strict=True) if not isinstance(ready, BaseException)]
        assert alive
        await asyncio.gather(*(racer.send(2, outfit(2)) for racer in alive), return_exceptions=True)
        ends = [asyncio.create_task(wire.end()) for wire in (first, *racers)]
        while sum(end.done() for end in ends) < count:  # all but the newest are told that it goes on elsewhere
            await asyncio.wait([end for end in ends if not end.done()], return_when=asyncio.FIRST_COMPLETED)
        told = {await end for end in ends if end.done()}
        assert told <= {grpc.StatusCode.FAILED_PRECONDITION, *BROKEN}
        last, ready = await resume(ada, token)
        assert ready.totals.highest_frame_number == 2
        totals = (await last.stop()).totals
        assert totals.highest_frame_number == totals.processed_count + totals.lost_count == 2
        events = [event_id for event_id, _ in await Books(mesh).events(user)]
        assert events[0] == one.event_id
        assert len(events) == len(set(events)) <= 2


async def test_session_goes_on_when_its_client_was_killed(mesh: EmbeddedMesh) -> None:
    """A process that streams is killed; another goes on with the token and the number that it had kept."""
    user = f"phone-{uuid.uuid4().hex[:8]}"
    phone = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("phone.py")), mesh.edge_target, user, mesh.keys.token(user),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert phone.stdout is not None
    kept: dict[str, Any] = {"results": 0}
    async with asyncio.timeout(_PATIENCE_S):
        while kept["results"] < 1:
            kept = json.loads(await phone.stdout.readline())
        phone.send_signal(signal.SIGKILL)
        await phone.communicate()
        async with client(mesh, user) as ada:
            settings = StreamSettings(keyframes=OFTEN, resume_token=kept["token"], resume_after=kept["number"])
            stream = FrameStream(ada, settings)
            events = [event async for event in stream.events(_camera(12))]
    messages = [event for event in events if not hasattr(event, "cause")]
    assert messages[0].ready.resumed
    totals = messages[-1].stats.totals
    assert stream.frame_number == kept["number"] + 12 == totals.highest_frame_number
    assert totals.processed_count >= 2
    log = [event_id for event_id, _ in await Books(mesh).events(user)]
    told = [it.result.event_id for it in messages if it.WhichOneof("event") == "result"]
    assert len(log) == len(set(log))
    assert set(told) <= set(log)


async def _camera(count: int) -> AsyncIterator[CameraFrame]:
    for index in range(count):
        yield CameraFrame(outfit(index // 5), time.time())
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("service", ["retrieval", "profile"])
async def test_a_service_that_is_away_is_said_and_missed_once(mesh: EmbeddedMesh, service: str) -> None:
    """Keyframes go on without it and say what is missing; when it is back, nothing is told twice."""
    user, part = f"away-{uuid.uuid4().hex[:8]}", {"retrieval": "matches", "profile": "taste"}[service]
    enough = asyncio.Event()
    rider = Rider(mesh, "ws-proto", user, Plan.steady(600, 10), enough)
    async with asyncio.timeout(_PATIENCE_S):
        riding = asyncio.create_task(rider.ride())
        await until(lambda: _said(rider, lambda it: part not in it.degraded_parts), within_s=40)
        await mesh.stop_process(service)
        await until(lambda: _said(rider, lambda it: part in it.degraded_parts), within_s=40)
        await mesh.start_process(service)
        await mesh.wait_ready()
        back = time.monotonic()
        await until(lambda: _well(rider, back), within_s=40)
        enough.set()
        diary = await riding
    diary.check()
    log = [event_id for event_id, _ in await Books(mesh).events(user)]
    told = [it.event_id for it in diary.results if it.HasField("taste_change")]
    silent = {it.event_id for it in diary.results if "taste" in it.degraded_parts}
    assert len(log) == len(set(log))
    assert set(told) <= set(log) <= set(told) | silent


async def _said(rider: Rider, holds: Callable[[frame_pb2.StreamResult], bool]) -> bool:
    return bool(rider.diary.results) and holds(rider.diary.results[-1])


async def _well(rider: Rider, back: float) -> bool:
    return rider.diary.is_well_since(back)


async def _until_kept(books: Books, user: str, count: int) -> None:
    async def kept() -> bool:
        query = "SELECT count(*) FROM ingest.stream_results WHERE user_id = %s"
        return bool((await books.rows(query, user))[0][0] == count)

    await until(kept)


async def _replica_with_a_stream(mesh: EmbeddedMesh) -> str:
    for name in ("ingest", "ingest-2"):
        if await asyncio.to_thread(_has_stream, mesh, name):
            return name
    pytest.fail("no replica has a stream")


def _has_stream(mesh: EmbeddedMesh, name: str) -> bool:
    url = f"http://127.0.0.1:{mesh.ports(name)['metrics']}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            text = response.read().decode()
    except OSError:
        return False
    lines = [line for line in text.splitlines() if line.startswith("vitrine_sessions{") and '"stream"' in line]
    return any(float(line.rsplit(" ", 1)[1]) > 0 for line in lines)
