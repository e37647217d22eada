"""Frames that take long to decode: the newest wins, in order, and every one of them has one end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from threading import Event

import cv2
import numpy as np
import pytest

from imaging.decode import DecodeLimits
from ingest_svc.captures.room import PictureRoom
from ingest_svc.privacy.blur import FaceBlur
from ingest_svc.streams.darkroom import FrameDarkroom
from ingest_svc.streams.keyframes import KeyframeConfig
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.looking import Frame, Looking
from ingest_svc.streams.session import Ack, Candidate, ResultOptions, StreamSession
from mesh.executor import ModelExecutor

pytestmark = pytest.mark.unit

_PIXELS = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
SLOW, QUICK = (cv2.imencode(suffix, _PIXELS)[1].tobytes() for suffix in (".png", ".jpg"))
BROKEN = SLOW[:100] + bytes(1000) + SLOW[1100:]  # its header is well
S = 1_000_000_000


class Stream:
    """A stream whose executor is busy until `release`."""

    def __init__(self, executor: ModelExecutor, room_bytes: int = 1 << 30) -> None:
        self.executor = executor
        self.session = StreamSession(str(uuid.UUID(int=7)), KeyframeConfig(), ResultOptions(), max_delay_s=5.0)
        self.room = PictureRoom(room_bytes)
        self.looking = Looking(
            FrameDarkroom(executor, FaceBlur(), DecodeLimits(), self.room), self.session, self._answered,
            failed=lambda: self.failed.append(True),
        )  # fmt: skip
        self.failed: list[bool] = []
        self.ends: list[tuple[int, Outcome]] = []
        self.pictures: list[int] = []  # of frames whose picture was kept for their answer
        self.release = Event()

    async def _answered(self, ack: Ack, frame: Frame | None) -> None:
        assert frame is None or frame.candidate.number == ack.number
        self.ends.append((ack.number, ack.outcome))
        if frame is not None:
            self.pictures.append(frame.candidate.number)

    async def in_hand(self, number: int, at_s: float) -> None:
        """Has a frame decoded: it has been taken, and what comes now waits behind it."""
        await self.busy()
        await self.frame(number, SLOW, at_s)
        self.release.set()
        while self.looking._waiting.item is not None:  # noqa: ASYNC110 - a thread makes it true
            await asyncio.sleep(0)

    async def busy(self) -> None:
        """Keeps the executor's one thread."""
        began = Event()

        def hold() -> None:
            began.set()
            self.release.wait()

        self.held = asyncio.create_task(self.executor.run(hold))
        while not began.is_set():  # noqa: ASYNC110 - a thread makes it true
            await asyncio.sleep(0.001)

    async def frame(self, number: int, data: bytes, at_s: float, arrival_ns: int | None = None) -> None:
        admitted = self.session.admit(number, round(at_s * S), arrival_ns or time.monotonic_ns())
        if isinstance(admitted, Candidate):
            await self.looking.look(Frame(admitted, data, None))
        elif self.looking.busy:
            await self.looking.pass_on(admitted)
        else:
            await self._answered(admitted, None)

    async def done(self) -> None:
        self.release.set()
        await self.looking.idle()


@pytest.fixture
async def stream() -> AsyncIterator[Stream]:
    executor = ModelExecutor(1, queue_limit=4)
    made = Stream(executor)
    yield made
    made.release.set()
    executor.close()


async def test_of_a_burst_that_waits_only_the_newest_is_looked_at(stream: Stream) -> None:
    await stream.busy()
    for number in range(1, 21):
        await stream.frame(number, SLOW, 2.0 * number)
        assert stream.room.held_count == 1
    assert stream.ends == [(number, Outcome.SUPERSEDED) for number in range(1, 20)]
    totals = stream.session.totals
    assert (totals.superseded, totals.pending, totals.accounted) == (19, 1, 20)
    await stream.done()
    assert stream.ends[19:] == [(20, Outcome.PENDING)]  # a keyframe
    assert stream.room.held_count == 0


async def test_a_frame_in_the_executors_hands_is_looked_at_and_the_newest_of_those_behind_it(stream: Stream) -> None:
    await stream.frame(1, SLOW, 0.0)
    await stream.looking.idle()
    for number in range(2, 8):
        await stream.frame(number, SLOW, 1.2 * number)
        await asyncio.sleep(0)
    await stream.looking.idle()
    ends = dict(stream.ends)
    assert [number for number, _ in stream.ends] == list(range(1, 8))
    assert (ends[1], ends[7]) == (Outcome.PENDING, Outcome.SKIPPED_SAME_SCENE)
    assert stream.session.totals.accounted == 7


async def test_a_quick_frame_does_not_overtake_one_that_waits(stream: Stream) -> None:
    await stream.busy()
    await stream.frame(1, SLOW, 0.0)
    await stream.frame(2, QUICK, 2.0)
    assert stream.ends == [(1, Outcome.SUPERSEDED)]
    await stream.done()
    assert stream.ends == [(1, Outcome.SUPERSEDED), (2, Outcome.PENDING)]


async def test_quick_frames_never_wait(stream: Stream) -> None:
    await stream.busy()
    for number in range(1, 21):
        await stream.frame(number, QUICK, 2.0 * number)
        assert len(stream.ends) == number
    assert stream.session.totals.superseded == 0


async def test_an_answer_never_overtakes_that_of_a_frame_which_waits(stream: Stream) -> None:
    await stream.frame(1, QUICK, 0.0)
    await stream.busy()
    await stream.frame(2, SLOW, 2.0)
    await stream.frame(2, SLOW, 2.0)
    assert stream.ends == [(1, Outcome.PENDING)]
    await stream.done()
    assert stream.ends[1:] == [(2, Outcome.SKIPPED_SAME_SCENE), (2, Outcome.DUPLICATE)]


async def test_so_many_answers_wait_and_then_nothing_more_is_read(stream: Stream) -> None:
    await stream.busy()
    await stream.frame(1, SLOW, 0.0)
    for _ in range(31):
        await stream.frame(1, SLOW, 0.0)
    read = asyncio.create_task(stream.frame(1, SLOW, 0.0))
    await asyncio.sleep(0.01)
    assert not read.done()
    await stream.done()
    await read
    assert stream.ends == [(1, Outcome.PENDING)] + [(1, Outcome.DUPLICATE)] * 32


async def test_a_frame_that_waited_past_the_deadline_is_late_and_not_decoded(stream: Stream) -> None:
    long_ago_ns = time.monotonic_ns() - 6 * S
    await stream.frame(1, BROKEN, 0.0, arrival_ns=long_ago_ns)
    await stream.looking.idle()
    await stream.frame(2, BROKEN, 2.0)
    await stream.looking.idle()
    assert stream.ends == [(1, Outcome.LATE), (2, Outcome.REJECTED)]


async def test_a_frame_that_waited_behind_a_keyframe_is_inside_its_interval(stream: Stream) -> None:
    await stream.in_hand(1, 0.0)
    await stream.frame(2, SLOW, 0.5)
    await stream.looking.idle()
    assert stream.ends == [(1, Outcome.PENDING), (2, Outcome.SKIPPED_INTERVAL)]


async def test_closing_waits_for_the_frame_that_waits(stream: Stream) -> None:
    closed: list[int] = []
    await stream.busy()
    await stream.frame(1, SLOW, 0.0)
    stream.looking.close(lambda: closed.append(len(stream.ends)))
    assert not closed
    await stream.done()
    assert closed == [1]
    stream.looking.close(lambda: closed.append(-1))
    assert closed == [1, -1]


async def test_a_full_executor_rejects_the_newest(stream: Stream) -> None:
    await stream.busy()
    others = [asyncio.create_task(stream.executor.run(stream.release.wait)) for _ in range(4)]
    await asyncio.sleep(0)
    await stream.frame(1, SLOW, 0.0)
    await stream.looking.idle()
    assert stream.ends == [(1, Outcome.REJECTED)]
    assert stream.room.held_count == 0
    await stream.done()
    await asyncio.gather(*others)


async def test_only_a_keyframes_picture_is_kept_for_its_answer(stream: Stream) -> None:
    await stream.in_hand(1, 0.0)
    await stream.frame(2, SLOW, 2.0)
    await stream.frame(3, SLOW, 4.0)
    await stream.done()
    assert stream.ends == [(1, Outcome.PENDING), (2, Outcome.SUPERSEDED), (3, Outcome.SKIPPED_SAME_SCENE)]
    assert stream.pictures == [1]


@pytest.mark.parametrize("age_s", [0.0, 6.0], ids=["looked-at", "stale"])
async def test_a_frame_that_gets_its_end_elsewhere_while_it_waits_is_processed(stream: Stream, age_s: float) -> None:
    await stream.busy()
    await stream.frame(1, SLOW, 0.0, arrival_ns=time.monotonic_ns() - round(age_s * S))
    stream.session.books.recover(1)
    await stream.done()
    assert stream.ends == [(1, Outcome.PROCESSED)]
    assert (stream.session.totals.processed, stream.session.totals.pending) == (1, 0)
    assert [told.outcome for told in stream.session.books.journal.told] == [Outcome.PROCESSED]
    assert stream.room.held_count == 0


async def test_a_frame_with_an_end_from_elsewhere_gives_way_without_a_second_one(stream: Stream) -> None:
    await stream.busy()
    await stream.frame(1, SLOW, 0.0)
    stream.session.books.recover(1)
    await stream.frame(2, SLOW, 2.0)
    await stream.done()
    assert stream.ends == [(1, Outcome.PROCESSED), (2, Outcome.PENDING)]
    assert (stream.session.totals.superseded, stream.session.totals.accounted) == (0, 2)


async def test_a_failure_gives_the_room_back_and_is_heard(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Ack:
        raise ValueError("a bug")

    monkeypatch.setattr(stream.session, "look", fail)
    await stream.in_hand(1, 0.0)
    await stream.frame(2, SLOW, 2.0)  # waits behind it
    with pytest.raises(ValueError, match="a bug"):
        await stream.done()
    assert stream.room.held_count == 0
    assert stream.failed
    with pytest.raises(ValueError, match="a bug"):
        await stream.frame(3, SLOW, 4.0)
    assert stream.room.held_count == 0


async def test_a_failure_while_giving_way_gives_the_room_back(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Candidate) -> Ack:
        raise ValueError("a bug")

    monkeypatch.setattr(stream.session, "give_way", fail)
    await stream.busy()
    await stream.frame(1, SLOW, 0.0)
    with pytest.raises(ValueError, match="a bug") as caught:
        await stream.frame(2, SLOW, 2.0)
    assert stream.room.held_count == 1, caught  # the newest, which goes on; the error itself may hold the other
    await stream.done()
    assert stream.room.held_count == 0
