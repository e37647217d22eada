"""Parts of the mesh die under an open stream: the client goes on, the books add up, each taste event counts once."""

from __future__ import annotations

import asyncio
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.profile.v1 import profile_service_pb2
from vitrine.sdk import CameraFrame, FrameStream, Reconnected, StreamSettings, Vitrine

from tests.chaos.books import Books
from tests.chaos.faults import persist
from tests.chaos.photos import outfit
from tests.chaos.wire import BROKEN, KEYFRAMES, Wire, resume
from tests.support.mesh import client
from tests.support.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(90)]
_FPS, _STRIKE_AT, _MOST_FRAMES = 10, 12, 250
_PATIENCE_S = 40.0
_OUTCOMES = ("processed", "skipped_interval", "skipped_same_scene", "superseded", "late", "rejected", "lost", "pending")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong under a stream.

    Attributes:
        strike: Does it.
        breaks: Whether the client's connection breaks.
        unheard: Taste events that may have been recorded without the client ever hearing of them.
    """

    strike: Callable[[EmbeddedMesh], Awaitable[object]]
    breaks: bool = False
    unheard: int = 0


@dataclass
class Seen:
    """What a client sent and saw."""

    sent: int = 0
    struck_at: int | None = None
    struck: bool = False
    results: list[frame_pb2.StreamResult] = field(default_factory=list)
    acked: dict[int, int] = field(default_factory=dict)
    reconnected: int = 0
    final: stream_service_pb2.StreamStats | None = None

    @property
    def went_on(self) -> bool:
        """Whether a frame of after the fault has its result, with the taste in it again."""
        last = self.results[-1] if self.results else None
        if not self.struck or self.struck_at is None or last is None:
            return False
        return last.frame_number > self.struck_at and not last.degraded_parts


async def _kill_its_replica(mesh: EmbeddedMesh) -> None:
    mesh.kill(await _replica_with_a_stream(mesh))


async def _kill_vision(mesh: EmbeddedMesh) -> None:
    mesh.kill("vision")


FAULTS = {
    "replica_is_killed": Fault(_kill_its_replica, breaks=True, unheard=1),
    "vision_is_killed": Fault(_kill_vision),
    "postgres_is_restarted": Fault(lambda mesh: mesh.restart_postgres(), unheard=1),
    "postgres_is_killed": Fault(lambda mesh: mesh.restart_postgres(crash=True), unheard=1),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_stream_goes_on_and_its_books_add_up(mesh: EmbeddedMesh, fault: Fault) -> None:
    user = f"streams-{uuid.uuid4().hex[:8]}"
    envoy = mesh.children["envoy"].pid
    async with client(mesh, user) as ada, asyncio.timeout(_PATIENCE_S):
        stream = FrameStream(ada, StreamSettings(keyframes=KEYFRAMES, max_pending_frames=_MOST_FRAMES))
        seen = await _follow(stream, mesh, fault)
        assert (seen.reconnected > 0) == fault.breaks
        assert seen.final is not None
        _check_ledger(stream, seen)
        await _check_taste(Books(mesh), ada, stream, seen, fault.unheard)
    assert mesh.children["envoy"].pid == envoy
    await mesh.wait_ready()


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


async def _follow(stream: FrameStream, mesh: EmbeddedMesh, fault: Fault) -> Seen:
    seen = Seen()
    async for event in stream.events(_camera(seen, mesh, fault)):
        if isinstance(event, Reconnected):
            seen.reconnected += 1
        elif event.WhichOneof("event") == "result":
            seen.results.append(event.result)
        elif event.WhichOneof("event") == "ack":
            seen.acked[event.ack.frame_number] = event.ack.outcome
        elif event.WhichOneof("event") == "stats" and event.stats.final:
            seen.final = event.stats
    return seen


async def _camera(seen: Seen, mesh: EmbeddedMesh, fault: Fault) -> AsyncIterator[CameraFrame]:
    """An outfit that changes every half second, at 10 fps, through the fault until the stream is well again."""
    striking: asyncio.Future[object] | None = None
    while not seen.went_on and seen.sent < _MOST_FRAMES:
        # Not before a taste was heard of: a slow machine has not answered a single frame by then.
        if striking is None and seen.sent >= _STRIKE_AT and _with_taste(seen):
            seen.struck_at, striking = seen.sent, asyncio.ensure_future(fault.strike(mesh))
        seen.struck = striking is not None and striking.done()
        yield CameraFrame(outfit(seen.sent // 5 % 9), 1_700_000_000 + seen.sent / _FPS)
        seen.sent += 1
        await asyncio.sleep(1 / _FPS)
    assert striking is not None
    await striking


def _check_ledger(stream: FrameStream, seen: Seen) -> None:
    """Each frame has one outcome, and client and server agree."""
    assert seen.final is not None
    totals = seen.final.totals
    counts = {name: getattr(totals, f"{name}_count") for name in _OUTCOMES}
    assert totals.highest_frame_number == seen.sent == sum(counts.values())
    assert (counts["pending"], totals.duplicate_count, stream.dropped_count) == (0, 0, 0)
    numbers = [result.frame_number for result in seen.results]
    assert numbers == sorted(set(numbers))
    assert seen.went_on
    if not seen.reconnected:
        assert (totals.received_count, counts["lost"]) == (stream.sent_count, 0)
        assert set(seen.acked) == set(range(1, seen.sent + 1))
        assert counts["processed"] == len(numbers)
    else:
        # What the killed replica had not saved is unknown to the other one, and counted as lost there.
        assert stream.sent_count - totals.received_count <= counts["lost"]
        assert counts["processed"] <= len(numbers)


async def _check_taste(books: Books, ada: Vitrine, stream: FrameStream, seen: Seen, unheard: int) -> None:
    """Compares the results with the profile's log."""
    log = [event_id for event_id, undoes in await books.events(ada.user.removeprefix("users/")) if undoes is None]
    assert len(log) == len(set(log))
    told = [result.taste_change for result in seen.results if result.HasField("taste_change")]
    assert len(told) >= 2
    assert all(change.event_id == result.event_id for change, result in zip(told, _with_taste(seen), strict=True))
    assert {change.event_id for change in told} <= set(log)
    session = uuid.UUID(stream.name.rsplit("/", 1)[-1])
    frame_of = {str(uuid.uuid5(session, str(number))): number for number in range(1, seen.sent + 1)}
    rest = set(log) - {change.event_id for change in told}
    assert rest <= set(frame_of)
    assert len(rest) <= unheard
    request = profile_service_pb2.GetRadarRequest(name=f"{ada.user}/radar")
    radar = (await persist(lambda: ada.profiles.GetRadar(request))).radar
    assert radar.sighting_count == len(log)


def _with_taste(seen: Seen) -> list[frame_pb2.StreamResult]:
    return [result for result in seen.results if result.HasField("taste_change")]


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
