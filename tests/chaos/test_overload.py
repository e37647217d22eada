"""Three times as many streams as there are seats: those who sit keep their rate, the others come in by and by."""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.embedded.open_streams import open_streams
from vitrine.ingest.v1 import frame_pb2

from tests.chaos.books import Books
from tests.chaos.photos import outfit
from tests.mesh.answers import Failure
from tests.mesh.carriers import Request
from tests.mesh.talks import Talk, talk
from tests.support.mesh import running_mesh

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]
_REPLICAS, _SEATS_EACH = ("ingest", "ingest-2"), 2
_CAPACITY = len(_REPLICAS) * _SEATS_EACH
_KINDS = ("grpc", "ws-json", "ws-proto")
_CLIENTS = 3 * _CAPACITY
_FPS, _FRAMES = 10, 15
_RETRY_S = 1.0
_PATIENCE_S = 90.0
# Envoy tells its workers of changed health only so often (`update_merge_window`, 1 s by default).
_MERGE_WINDOW_S = 1.5
_MIB = 1024 * 1024
_ENDS = frozenset(frame_pb2.FrameOutcome.values()) - {frame_pb2.FRAME_OUTCOME_PENDING}


@pytest.fixture(scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedMesh]:
    """Two ingest processes with few seats."""
    few = {"MAX_STREAMS": str(_SEATS_EACH), "CAPACITY_RETRY_S": str(_RETRY_S)}
    folder = tmp_path_factory.mktemp("overload")
    async with running_mesh(folder, replicas={"ingest": len(_REPLICAS)}, settings={"ingest": few}) as running:
        yield running


@pytest.mark.parametrize("kind", _KINDS)
async def test_streams_are_spread_over_the_processes(mesh: EmbeddedMesh, kind: str) -> None:
    """As many as there are seats find one each at once, so that none of the processes is asked too often."""
    async with asyncio.timeout(_PATIENCE_S):
        await _until_balanced(mesh)
        while True:
            before = await _missed_checks(mesh)
            async with contextlib.AsyncExitStack() as stack:
                refusals = [await _sit(mesh, kind, f"spread-{kind}-{number}", stack) for number in range(_CAPACITY)]
                states = {each.name: each for each in mesh.state().processes}
                names = (*_REPLICAS, "worker", "envoy")
                counts = {name: await asyncio.to_thread(open_streams, states[name]) for name in names}
            # Where a machine is so busy that Envoy took a process for dead meanwhile, it rightly sent them elsewhere.
            if await _missed_checks(mesh) == before:
                break
    assert refusals == [None] * _CAPACITY
    assert counts == {**dict.fromkeys(_REPLICAS, _SEATS_EACH), "worker": None, "envoy": None}


async def _sit(mesh: EmbeddedMesh, kind: str, user: str, stack: contextlib.AsyncExitStack) -> Failure | None:
    """Opens a stream that is ended with the stack; returns the refusal, if it is one."""
    stream = await stack.enter_async_context(talk(kind, mesh.edge_target, mesh.keys.token(user)))
    refusal = await _open(stream, user)
    if refusal is None:
        stack.push_async_callback(_stop, stream)
    return refusal


async def _until_balanced(mesh: EmbeddedMesh) -> None:
    """Waits until Envoy takes every ingest process for well: the mesh is ready when one of them is."""
    while True:
        healthy = [
            line.split(": ") for line in (await _missed_checks(mesh)).splitlines() if "membership_healthy" in line
        ]
        if healthy and all(int(count) == len(_REPLICAS) for _, count in healthy):
            await asyncio.sleep(_MERGE_WINDOW_S)
            return
        await asyncio.sleep(0.1)


async def _missed_checks(mesh: EmbeddedMesh) -> str:
    """How often Envoy had no answer from a process when it asked whether it is well."""
    url = f"{mesh.admin_url}/stats?filter=cluster.ingest.*(health_check.failure|ejections_total|membership_healthy)"
    with await asyncio.to_thread(urllib.request.urlopen, url, timeout=10) as answer:
        return str(answer.read().decode())


@dataclass
class Load:
    """What all clients together did and saw.

    Attributes:
        refusals: How often somebody was sent away.
        seated: Streams that are open now, as their clients see it.
        most_seated: The most of them.
        outcomes: Outcomes of frames by their name, as clients heard them.
        totals: The same as the closing messages of their streams had it.
    """

    refusals: int = 0
    seated: int = 0
    most_seated: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def seat(self) -> Iterator[None]:
        self.seated += 1
        self.most_seated = max(self.most_seated, self.seated)
        try:
            yield
        finally:
            self.seated -= 1


@dataclass
class Peaks:
    """The most that the ingest processes held while clients pushed.

    Attributes:
        memory: Resident memory of each beyond what it had before, bytes.
        queued: What waited in any of their queues.
    """

    memory: int = 0
    queued: float = 0.0


async def test_three_times_the_capacity(mesh: EmbeddedMesh) -> None:
    await _until_balanced(mesh)
    load, refused_before = Load(), await _counted(mesh, "vitrine_streams_refused_total", "scope")
    pids = {name: mesh.children[name].pid for name in _REPLICAS}
    async with asyncio.timeout(_PATIENCE_S), _watched(mesh) as peaks:
        async with asyncio.TaskGroup() as group:
            for number in range(_CLIENTS):
                group.create_task(_client(mesh, _KINDS[number % len(_KINDS)], f"phone-{number}", load))
        served = await _counted(mesh, "vitrine_frames_total", "outcome")
        refused = await _counted(mesh, "vitrine_streams_refused_total", "scope")
    assert {name: mesh.children[name].pid for name in _REPLICAS} == pids  # nobody crashed
    assert _CAPACITY // 2 < load.most_seated <= _CAPACITY
    assert load.refusals >= _CLIENTS - _CAPACITY  # all but the first came too early at least once
    assert sum(load.totals.values()) == _CLIENTS * _FRAMES
    assert load.totals == load.outcomes == served
    assert refused - refused_before == {"server": load.refusals}
    assert await Books(mesh).rows("SELECT count(*) FROM ingest.streams WHERE user_id LIKE 'phone-%%'") == [(0,)]
    # One keyframe of each stream in work and one that waits is all that there may be, also of memory.
    assert peaks.queued <= 2 * _SEATS_EACH
    assert peaks.memory < 128 * _MIB


async def _client(mesh: EmbeddedMesh, kind: str, user: str, load: Load) -> None:
    """Comes again as it is told to, until it is let in, and then streams to the end."""
    while True:
        async with talk(kind, mesh.edge_target, mesh.keys.token(user)) as stream:
            refusal = await _open(stream, user)
            if refusal is None:
                with load.seat():
                    await _stream(stream, load)
                return
        assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "CAPACITY_REACHED")
        assert refusal.retry_after_s is not None
        assert 0.75 * _RETRY_S <= refusal.retry_after_s <= 1.25 * _RETRY_S
        load.refusals += 1
        await asyncio.sleep(refusal.retry_after_s)


async def _open(stream: Talk, user: str) -> Failure | None:
    """Asks for a seat; returns the refusal, if it is one."""
    results = {"skipMatches": True, "skipTaste": True}
    with contextlib.suppress(asyncio.InvalidStateError):  # refused before it was asked: reading tells why
        await stream.send(config={"parent": f"users/{user}", "results": results})
    try:
        await stream.until(lambda event: event.WhichOneof("event") == "ready", _PATIENCE_S)
    except AssertionError:  # the server has ended it
        return await stream.end()
    return None


async def _stop(stream: Talk) -> None:
    await stream.send(command={"stop": {}})
    assert await stream.end(_PATIENCE_S) is None


async def _stream(stream: Talk, load: Load) -> None:
    """Sends at its rate, and finds every frame looked at: none lost, late or refused."""
    start = time.monotonic()
    for number in range(1, _FRAMES + 1):
        await asyncio.sleep(start + number / _FPS - time.monotonic())
        request = Request()
        request.frame.frame_number, request.frame.image.data = number, outfit(0)
        await stream.carrier.send(request)
    await _stop(stream)
    acks = [event.ack for event in stream.events if event.WhichOneof("event") == "ack"]
    ends = {ack.frame_number: ack.outcome for ack in acks if ack.outcome in _ENDS}
    assert sorted(ends) == list(range(1, _FRAMES + 1))
    load.outcomes += Counter(_word(frame_pb2.FrameOutcome.Name(outcome)) for outcome in ends.values())
    totals = stream.events[-1].stats.totals
    assert stream.events[-1].stats.final
    assert totals.highest_frame_number == totals.received_count == _FRAMES
    assert (totals.lost_count, totals.late_count, totals.pending_count) == (0, 0, 0)
    # Vision may take too long for a keyframe, on a machine that is busy with other things; ingest must not.
    assert {ack.rejected_reason for ack in acks} <= {"", "DEPENDENCY_UNAVAILABLE", "DEADLINE_EXCEEDED"}
    load.totals += _outcomes(totals)


def _outcomes(totals: frame_pb2.FrameTotals) -> Counter[str]:
    names = ("processed", "skipped_interval", "skipped_same_scene", "superseded", "rejected")
    return Counter({name: getattr(totals, f"{name}_count") for name in names if getattr(totals, f"{name}_count")})


def _word(name: str) -> str:
    return name.removeprefix("FRAME_OUTCOME_").lower()


@contextlib.asynccontextmanager
async def _watched(mesh: EmbeddedMesh) -> AsyncIterator[Peaks]:
    """Looks at memory and queues of the ingest processes all the time."""
    processes = {name: psutil.Process(mesh.children[name].pid) for name in _REPLICAS}
    before = {name: process.memory_info().rss for name, process in processes.items()}
    peaks = Peaks()

    async def watch() -> None:
        while True:
            grown = [process.memory_info().rss - before[name] for name, process in processes.items()]
            peaks.memory = max(peaks.memory, *grown)
            queues = await _each(mesh, "vitrine_queue_depth", "queue")
            peaks.queued = max([peaks.queued, *(value for _, value in queues)])
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield peaks
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _counted(mesh: EmbeddedMesh, name: str, label: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for key, value in await _each(mesh, name, label):
        counts[key] += round(value)
    return +counts


async def _each(mesh: EmbeddedMesh, name: str, label: str) -> list[tuple[str, float]]:
    """Returns the values of a metric on all ingest processes, with a label."""
    return [pair for replica in _REPLICAS for pair in await asyncio.to_thread(_values, mesh, replica, name, label)]


def _values(mesh: EmbeddedMesh, replica: str, name: str, label: str) -> list[tuple[str, float]]:
    url = f"http://127.0.0.1:{mesh.ports(replica)['metrics']}/metrics"
    with urllib.request.urlopen(url, timeout=5) as response:
        families = list(text_string_to_metric_families(response.read().decode()))
    return [
        (sample.labels[label], sample.value) for family in families for sample in family.samples if sample.name == name
    ]
