"""What is kept of a stream when replicas change and processes stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest
from structlog.testing import capture_logs

from ingest_svc.__main__ import build
from mesh.server import serving
from tests.services.ingest.streams.client import StreamClient, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.services.ingest.streams.neighbours import Neighbours

pytestmark = pytest.mark.service

_OUTCOMES = ("processed", "skipped_interval", "skipped_same_scene", "superseded", "late", "rejected", "lost")
_SCENES = [jpeg(seed) for seed in range(40, 42)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - another replica makes it true
            await asyncio.sleep(0.05)


async def test_a_late_result_of_another_replica_reaches_the_client_though_later_ones_are_acknowledged(
    connect: Connect, near: Neighbours, ingest: Ingest
) -> None:
    """Frame 1 is in work elsewhere while the client goes on here, and acknowledges frame 2 before it is done."""
    near.delay_s, seen = 1.5, len(near.pictures)
    older = connect()
    ready = await older.config()
    await older.frame(_SCENES[0], 1)
    await until(lambda: len(near.pictures) > seen)
    await older.drop()
    near.delay_s = 0.0
    newer = connect(replica=1)
    await newer.config(resume_token=ready.resume_token)
    await newer.frame(_SCENES[1], 2)
    await newer.command("acknowledge", event_id=(await newer.result(2)).event_id)
    await until(lambda: _kept(ingest, ready.name) == [1])
    await newer.command("configure")  # saves, and learns of what came meanwhile
    late = await newer.result(1)
    assert (late.replayed, near.sightings[late.event_id]) == (True, 1)
    await newer.frame(_SCENES[0], 3, now_s() + 20)
    assert (await newer.result(3)).event_id != late.event_id
    await newer.command("acknowledge", event_id=late.event_id)
    await until(lambda: _kept(ingest, ready.name) == [3])  # what was sent before it, and nothing after
    await newer.stop()
    assert [event.result.frame_number for event in newer.events if event.HasField("result")] == [2, 1, 3]


async def test_stop_waits_for_a_keyframe_that_an_older_connection_has_in_work(
    connect: Connect, near: Neighbours
) -> None:
    """Its session goes with `stop`: a result that comes after that would have nowhere to go."""
    near.delay_s, seen = 2.0, len(near.pictures)
    older = connect()
    ready = await older.config()
    await older.frame(_SCENES[0], 1)
    await until(lambda: len(near.pictures) > seen)
    await older.drop()
    newer = connect(replica=1)
    await newer.config(resume_token=ready.resume_token)
    totals = (await newer.stop()).totals
    assert (totals.processed_count, totals.lost_count, totals.highest_frame_number) == (1, 0, 1)
    (result,) = [event.result for event in newer.events if event.HasField("result")]
    assert near.sightings[result.event_id] == 1


async def test_books_are_saved_before_the_keyframe_in_work_when_a_socket_breaks(
    ingest: Ingest, connect: Connect, user: str, near: Neighbours
) -> None:
    """A socket that breaks looks like a client that has nothing more to send; what it had sent is known elsewhere."""
    near.delay_s, token, told = 3.0, "", ""
    url = f"http://127.0.0.1:{ingest.replicas[0].http_port}/v1/stream"
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, headers={"authorization": f"Bearer {ingest.token(user)}"})
        await socket.send_json({"type": "config"})
        for _ in range(3):
            await socket.send_bytes(_SCENES[0])
        while told != "3":
            event = await socket.receive_json(timeout=10)
            token = event["ready"]["resumeToken"] if event["type"] == "ready" else token
            told = event["ack"]["frameNumber"] if event["type"] == "ack" else told
        socket._response.close()  # without a word of goodbye
    query = "SELECT 1 FROM ingest.streams WHERE user_id = %s AND totals->>'highest' = '3'"
    await until(lambda: bool(ingest.rows(query, user)))
    newer = connect(replica=1)
    totals = (await newer.config(resume_token=token)).totals
    assert (totals.highest_frame_number, totals.received_count, totals.processed_count) == (3, 3, 0)
    await newer.stop()


async def test_metrics_count_what_the_ledger_counts(connect: Connect, ingest: Ingest) -> None:
    """Lost ones that come after all are counted again as found: a counter cannot fall."""

    def counted() -> Counter[str]:
        registry = ingest.replicas[0].server.runtime.metrics.registry
        names = (*_OUTCOMES, "duplicate", "found")
        return Counter({it: registry.get_sample_value("vitrine_frames_total", {"outcome": it}) or 0 for it in names})

    before, start = counted(), now_s()
    client = connect()
    await client.config()
    for number, at_s in ((1, 0.0), (2, 0.1), (7, 0.2), (4, 0.3), (4, 0.3), (9, 0.4)):
        await client.frame(_SCENES[0], number, start + at_s)
    await client.frame(b"no picture", 10, start + 5)
    totals = (await client.stop()).totals
    now = counted()
    now.subtract(before)
    assert now["found"] == totals.late_count == 1
    assert {name: now[name] - (now["found"] if name == "lost" else 0) for name in _OUTCOMES} == {
        name: getattr(totals, f"{name}_count") for name in _OUTCOMES
    }
    assert now["duplicate"] == totals.duplicate_count == 1


def _kept(ingest: Ingest, stream: str) -> list[object]:
    query = "SELECT frame_number FROM ingest.stream_results WHERE stream_id = %s ORDER BY frame_number"
    return [number for (number,) in ingest.rows(query, stream.rsplit("/", 1)[-1])]


async def test_a_process_that_stops_puts_the_books_of_vanished_clients_in_order(
    ingest: Ingest, user: str, near: Neighbours
) -> None:
    near.delay_s = 0.3  # still in work when the process stops, and done within its grace
    async with serving(ingest.settings(), build) as server:
        await server.ready.wait()
        client = StreamClient(server.port, ingest.token(user), user)
        ready = await client.config()
        await client.frame(_SCENES[0])
        await client.ack(1)
        await client.drop()
    assert _kept(ingest, ready.name) == [1]


async def test_log_says_what_sends_the_frames(connect: Connect) -> None:
    with capture_logs() as lines:
        client = connect()
        ready = await client.config(source="glasses")
        await client.stop()
    (line,) = (line for line in lines if line["event"] == "stream_opened")
    assert (line["source"], line["stream"]) == ("glasses", ready.name.rsplit("/", 1)[-1])
