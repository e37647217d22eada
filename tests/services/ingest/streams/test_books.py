"""What is kept of a stream when replicas change and processes stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from ingest_svc.__main__ import build
from mesh.server import serving
from tests.services.ingest.streams.client import StreamClient, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.services.ingest.streams.neighbours import Neighbours

pytestmark = pytest.mark.service

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
