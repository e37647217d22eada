"""A connected stream whose frames get their end elsewhere, or whose frames can be looked at no more."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from typing import Any, cast

import numpy as np
import pytest

from ingest_svc.captures.outfit import Analysis, OutfitInput, OutfitOutcome
from ingest_svc.captures.room import PictureRoom
from ingest_svc.streams.events import Event, KeptResult, Limits, Result, ResultEvent, Trouble
from ingest_svc.streams.keyframes import KeyframeConfig
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.limits.entry import Entry
from ingest_svc.streams.live import LiveStream
from ingest_svc.streams.looking import Frame
from ingest_svc.streams.ports import SafePicture, StoredSession, Surroundings
from ingest_svc.streams.session import Ack, Candidate, ResultOptions, StreamSession
from mesh.errors import UnavailableError

pytestmark = pytest.mark.unit
_ID = str(uuid.UUID(int=5))
_NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
S = 1_000_000_000


class World:
    """A stream's surroundings and its client; every frame is a scene of its own."""

    def __init__(self) -> None:
        self.late: list[KeptResult] = []  # what an older replica has added
        self.told: list[tuple[str, int, Outcome | None]] = []
        self.counts = Counts()
        self.slow = False
        self.error: Exception | None = None
        self.during = asyncio.Event()  # set when a keyframe is in work
        self.go_on = asyncio.Event()
        self.room = PictureRoom(1 << 20)
        limits = Limits()
        me = cast("Any", self)
        around = Surroundings(me, me, me, cast("Any", self.counts), limits, Entry(limits))
        self.session = StreamSession(_ID, KeyframeConfig(), ResultOptions(), max_delay_s=5.0)
        stored = StoredSession(_ID, "ada", 1, _NOW, _NOW + dt.timedelta(hours=1))
        self.live = LiveStream(around, self.session, stored, me)

    # The client.
    async def frame(self, number: int) -> None:
        await self.live.frame(number, bytes([number]), number * 2 * S)

    async def send(self, event: Event) -> None:
        if isinstance(event, Ack):
            self.told.append(("ack", event.number, event.outcome))
        elif isinstance(event, ResultEvent):
            self.told.append(("replayed" if event.replayed else "result", event.kept.number, None))
        elif isinstance(event, Trouble):
            self.told.append(("trouble", event.number or 0, None))

    def pack(self, _: Result) -> bytes:
        return b"packed"

    # The database.
    async def save(self, *_: object, **__: object) -> list[KeptResult]:
        late, self.late = self.late, []
        return late

    async def older_replica_adds(self, number: int) -> None:
        self.late = [KeptResult(self.session.event_id(number), number, b"old")]
        await self.live.save()

    # The darkroom and the pipeline.
    def glance(self, data: bytes, *, color: bool = False) -> Any:
        shape = (60, 80, 3) if color else (120, 160)
        return None if self.slow else np.random.default_rng(data[0]).integers(0, 256, shape, np.uint8)

    def hold(self, size_bytes: int) -> Any:
        return self.room.hold(size_bytes)

    async def thumbnail(self, take: Any, *, color: bool = False) -> Any:  # noqa: ARG002
        take()
        raise ValueError("a bug")

    async def develop(self, _: bytes) -> SafePicture:
        return SafePicture(b"jpeg")

    async def run(self, _: OutfitInput) -> OutfitOutcome:
        self.during.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return OutfitOutcome(Analysis((), None, 0))


class Counts:
    """Stands in for the metrics."""

    def __init__(self) -> None:
        self.counted: list[str] = []

    def frame(self, outcome: Outcome) -> None:
        self.counted.append(outcome.name)

    def found(self) -> None:
        self.counted.append("found")

    def dropped(self, queue: str) -> None:
        self.counted.append(f"dropped {queue}")

    def keyframe(self, _: object) -> None: ...


@pytest.fixture
def world() -> World:
    return World()


async def _work_off(world: World) -> None:
    world.go_on.set()
    world.live.close()
    await world.live.process()


_REPLAYED = [("ack", 1, Outcome.PENDING), ("replayed", 1, None), ("ack", 1, Outcome.PROCESSED)]


async def test_a_keyframe_that_waits_is_dropped_when_its_result_turns_up(world: World) -> None:
    await world.frame(1)
    await world.older_replica_adds(1)
    await _work_off(world)
    assert world.told == _REPLAYED
    assert not world.during.is_set()
    assert world.counts.counted == []  # the other replica counts it


async def test_a_keyframe_whose_result_turned_up_gives_way_without_a_word(world: World) -> None:
    await world.frame(1)
    await world.older_replica_adds(1)
    await world.frame(2)
    await _work_off(world)
    assert world.told == [
        *_REPLAYED, ("ack", 2, Outcome.PENDING), ("result", 2, None), ("ack", 2, Outcome.PROCESSED),
    ]  # fmt: skip
    assert world.counts.counted == ["PROCESSED"]
    assert (world.session.totals.processed, world.session.totals.accounted) == (2, 2)


@pytest.mark.parametrize("error", [None, UnavailableError("away")], ids=["done", "failed"])
async def test_a_keyframe_in_work_has_one_result_when_an_older_one_turns_up(
    world: World, error: Exception | None
) -> None:
    world.error = error
    await world.frame(1)
    processing = asyncio.create_task(_closed(world))
    await world.during.wait()
    await world.older_replica_adds(1)
    world.go_on.set()
    await processing
    assert world.told == _REPLAYED
    assert world.session.totals.processed == 1


async def _closed(world: World) -> None:
    world.live.close()
    await world.live.process()


async def test_a_keyframe_whose_end_comes_with_its_acknowledgement_is_not_chosen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = world.send

    async def slow(event: Event) -> None:
        await send(event)
        if isinstance(event, Ack) and event.outcome is Outcome.PENDING:
            await world.older_replica_adds(event.number)

    monkeypatch.setattr(world, "send", slow)
    await world.frame(1)
    await _work_off(world)
    assert world.told == _REPLAYED
    assert not world.during.is_set()


async def test_an_answer_that_waited_says_how_the_frame_ended_meanwhile(world: World) -> None:
    admitted = world.session.admit(1, 0, time.monotonic_ns())
    assert isinstance(admitted, Candidate)
    waited = world.session.look(admitted, world.glance(b"1"))
    await world.older_replica_adds(1)
    await world.live._answer(waited, Frame(admitted, b"1", None))
    await _work_off(world)
    assert world.told == [_REPLAYED[1], _REPLAYED[2], ("ack", 1, Outcome.PROCESSED)]


async def test_processing_ends_with_the_failure_of_looking(world: World) -> None:
    processing = asyncio.create_task(world.live.process())
    world.slow = True
    await world.frame(1)
    with pytest.raises(ValueError, match="a bug"):
        await asyncio.wait_for(processing, 5)
    assert world.room.held_count == 0
