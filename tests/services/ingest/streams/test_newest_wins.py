"""Of the frames of a stream that wait to be decoded the newest wins; none that is quick to decode waits at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest
from vitrine.ingest.v1 import frame_pb2

from tests.services.ingest.streams.client import accounted
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.unit.ingest_svc.streams.clips import scene

pytestmark = pytest.mark.service

_BURST = 20


def _png(seed: int) -> bytes:
    return cv2.imencode(".png", scene(np.random.default_rng(seed)))[1].tobytes()


@pytest.fixture
async def busy(ingest: Ingest) -> AsyncIterator[threading.Event]:
    """Keeps the first replica's executor until it is set."""
    release, began = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        release.wait(30)

    held = asyncio.create_task(ingest.replicas[0].server.runtime.executor.run(hold))
    await asyncio.to_thread(began.wait, 10)
    yield release
    release.set()
    await held


async def test_of_a_burst_that_waits_for_the_executor_the_newest_is_looked_at(
    connect: Connect, busy: threading.Event
) -> None:
    client = connect()
    await client.config()
    for number in range(1, _BURST + 1):
        await client.frame(_png(number), at_s=2.0 * number)
    await client.ack(_BURST - 1)
    await client.command("stats")
    stats = (await client.event("stats")).stats
    assert (stats.totals.superseded_count, stats.totals.pending_count) == (_BURST - 1, 1)
    await client.command("configure", keyframes={"max_interval_s": 20.0})
    await client.command("stop")  # the one that waits is looked at all the same
    busy.set()
    totals = (await client.closing()).totals
    assert (totals.superseded_count, totals.processed_count) == (_BURST - 1, 1)
    assert accounted(totals) == totals.highest_frame_number == totals.received_count == _BURST
    acks = [event.ack for event in client.events if event.WhichOneof("event") == "ack"]
    assert [ack.frame_number for ack in acks[:_BURST]] == list(range(1, _BURST + 1))
    assert {ack.outcome for ack in acks[: _BURST - 1]} == {frame_pb2.FRAME_OUTCOME_SUPERSEDED}


async def test_a_burst_of_usual_frames_waits_for_no_executor(connect: Connect, busy: threading.Event) -> None:
    client = connect()
    await client.config()
    for number in range(1, _BURST + 1):
        await client.frame(jpeg(number), at_s=2.0 * number)
    await client.ack(_BURST)
    looked = {event.ack.frame_number for event in client.events if event.ack.keyframe_reason}
    assert looked == set(range(1, _BURST + 1))
    busy.set()
    totals = await client.stop()
    assert accounted(totals.totals) == totals.totals.highest_frame_number == _BURST
