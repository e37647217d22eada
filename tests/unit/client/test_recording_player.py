"""Frames of a plan: sent as planned, whatever the server advises, and taken up after a cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Reconnected, Vitrine
from vitrine.sdk.fault_kinds import Corrupt, Duplicate, Loss, Reorder
from vitrine.sdk.faults import inject
from vitrine.sdk.plans import Cut, Plan
from vitrine.sdk.reconciling import reconcile
from vitrine.sdk.recording_file import RecordingError
from vitrine.sdk.recording_pictures import DrawnPictures
from vitrine.sdk.recording_player import PlannedStream
from vitrine.sdk.stream_log import StreamLog

from tests.unit.client.servers import AGAIN, BookKeeper, client_of, streaming

pytestmark = [pytest.mark.unit, pytest.mark.timeout(30)]


@pytest.fixture
def service() -> BookKeeper:
    return BookKeeper()


@pytest.fixture
async def mesh(service: BookKeeper) -> AsyncIterator[Vitrine]:
    async with client_of(streaming(service)) as client:
        yield client


PICTURES = DrawnPictures([0] * 100, [(64, 48)] * 100)


async def _play(mesh: Vitrine, plan: Plan) -> tuple[StreamLog, list[Any]]:
    stream = PlannedStream(mesh, plan, PICTURES)
    log = StreamLog(stream.ledger)
    stream.witness = log
    events = []
    async with asyncio.timeout(20):
        async for event in stream.events():
            log.take(event)
            events.append(event)
    return log, events


async def test_frames_are_sent_as_planned_and_the_books_agree(mesh: Vitrine, service: BookKeeper) -> None:
    faults = [Loss(share=0.2), Duplicate(share=0.2), Reorder(share=0.2), Corrupt(share=0.2)]
    plan = inject(Plan.steady(60, fps=100), faults, seed=4)
    log, events = await _play(mesh, plan)
    account = plan.account()
    assert [number for number, _, _ in service.arrived] == [frame.number for frame in plan.frames]
    assert service.arrived[0][1] == PICTURES.draw(plan.frames[0].picture) or plan.frames[0].damage
    broken = [number for number, data, _ in service.arrived if not data.startswith(b"\xff\xd8")]
    assert broken == list(account.damaged)
    totals = events[-1].stats.totals
    assert (totals.duplicate_count, totals.late_count) == (account.copies, len(account.overtaken))
    assert totals.lost_count == len(account.never_sent) - account.unseen
    assert log.camera.count == 60
    assert reconcile(log.client(), totals).agrees


async def test_capture_times_are_kept_to_the_nanosecond_and_sending_keeps_time(
    mesh: Vitrine, service: BookKeeper
) -> None:
    plan = Plan.steady(20, fps=50)
    started = time.monotonic()
    await _play(mesh, plan)
    assert time.monotonic() - started >= 0.38
    times = [captured for _, _, captured in service.arrived]
    assert [later - times[0] for later in times] == pytest.approx([it / 50 for it in range(20)], abs=2e-6)


async def test_a_cut_is_taken_up_where_it_was(mesh: Vitrine, service: BookKeeper) -> None:
    steady = Plan.steady(40, fps=50)
    plan = Plan(steady.frames, steady.numbered, cuts=(Cut(0.2, 0.3),))
    log, events = await _play(mesh, plan)
    (break_,) = [event for event in events if isinstance(event, Reconnected)]
    assert break_.away_s >= 0.25
    assert service.tokens == ["", AGAIN]
    assert len({number for number, _, _ in service.arrived}) >= 38, "at most what was on its way is lost"
    assert reconcile(log.client(), events[-1].stats.totals).agrees
    acks = [event.ack.frame_number for event in events if getattr(event, "ack", None) and event.ack.frame_number]
    assert len(acks) == len({*acks}), "what the server says again after the cut is told once"


async def test_picture_that_cannot_be_had_ends_the_replay_with_its_reason(mesh: Vitrine) -> None:
    class NoPictures:
        are_recorded = True
        words = ""

        async def picture(self, index: int) -> bytes:
            raise RecordingError(f"no picture {index}")

    with pytest.raises(RecordingError, match="no picture 0"):
        async with asyncio.timeout(10):
            _ = [event async for event in PlannedStream(mesh, Plan.steady(3, 10), NoPictures()).events()]


async def test_advice_changes_nothing_of_what_a_replay_sends(mesh: Vitrine, service: BookKeeper) -> None:
    service.advice = pb.QualityAdvice(frame_rate_fps=1, long_side_px=32, jpeg_quality=5)
    plan = Plan.steady(20, fps=50)
    began = time.monotonic()
    log, _ = await _play(mesh, plan)
    assert log.advice == service.advice
    assert time.monotonic() - began < 10, "a second for each would take longer"
    assert [data for _, data, _ in service.arrived] == [PICTURES.draw(index) for index in range(20)]
    assert reconcile(log.client(), service.totals()).agrees
