"""Replays: pictures found again or drawn, frames sent as planned, and what differs told with its reason."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import grpc.aio
import numpy as np
import pytest
from skimage.metrics import structural_similarity
from vitrine.cli.replay_words import comparison_lines, comparison_plain
from vitrine.cli.replaying import _Replay
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Reconnected, Vitrine, frames_of
from vitrine.sdk.fault_kinds import Corrupt, Duplicate, Loss, Reorder, Stall
from vitrine.sdk.faults import inject
from vitrine.sdk.plans import Cut, Plan, Span
from vitrine.sdk.profiles import PROFILES, load_profile, make_profile, profile_path
from vitrine.sdk.reconciling import reconcile
from vitrine.sdk.recording import Recorder, SourceNote
from vitrine.sdk.recording_compare import compare
from vitrine.sdk.recording_file import Record, RecordingError, read_records
from vitrine.sdk.recording_pictures import DrawnPictures, scenes_of
from vitrine.sdk.recording_player import PlannedStream
from vitrine.sdk.recording_session import RecordedSession
from vitrine.sdk.recording_source import SourcePictures, hash_source
from vitrine.sdk.stream_log import StreamLog

from imaging.header import read_header
from ingest_svc.streams.ledger import Ledger, Outcome

pytestmark = [pytest.mark.unit, pytest.mark.timeout(30)]
AGAIN = "again"
HEAD: Record = {"t": "head", "source": {"fps": 10.0}}


def session(ends: dict[int, str], *, count: int = 0, changes: dict[int, float] | None = None) -> RecordedSession:
    """A recording at ten frames a second: what is not said to have ended otherwise showed the same scene."""
    records: list[Record] = [HEAD]
    total = count or max(ends)
    for number in range(1, total + 1):
        at = (number - 1) / 10
        records.append(
            {"t": "frame", "n": number, "captured": at, "sent": at, "change": (changes or {}).get(number, 0.0)}
        )
        outcome, _, why = ends.get(number, "skipped_same_scene").partition(" ")
        records.append({"t": "ack", "at": at, "n": number, "outcome": outcome, **({"why": why} if why else {})})
    records.append({"t": "stats", "totals": {"highest_frame_number": total, "received_count": total}})
    records.append({"t": "end", "ended_well": True, "numbered": total, "sent": total})
    return RecordedSession.of(records)


# Pictures.


def test_scenes_change_where_the_frames_before_a_keyframe_differ_most() -> None:
    soon = dict.fromkeys(range(2, 11), "skipped_interval")
    recorded = session(
        {
            1: "processed first",
            **soon,
            11: "processed scene_change",
            15: "processed scene_change",
            18: "processed interval",
        },
        count=20,
        changes={6: 0.3, 4: 0.1, 15: 0.02},
    )
    assert scenes_of(recorded) == [0] * 5 + [1] * 9 + [2] * 6


def test_drawn_scenes_look_alike_within_and_unlike_between() -> None:
    drawn = DrawnPictures([0, 0, 1], [(320, 180), (0, 0), (5, 90_000)])
    first, same, other = (_thumb(drawn.draw(index)) for index in range(3))
    assert drawn.draw(0) == drawn.draw(0)
    assert drawn.draw(0) != drawn.draw(1), "a camera never gives the same bytes twice"
    sizes = [(header.width_px, header.height_px) for header in map(read_header, (drawn.draw(0), drawn.draw(2)))]
    assert sizes == [(320, 180), (640, 360)]
    assert np.mean(cv2.absdiff(first, same)) / 255 < 0.02
    assert np.mean(cv2.absdiff(first, other)) / 255 > 0.1
    assert structural_similarity(first, other) < 0.7
    assert "garments cannot" in drawn.words


def _thumb(jpeg: bytes) -> np.ndarray:
    gray = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert gray is not None
    return cv2.resize(gray, (160, 120), interpolation=cv2.INTER_AREA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for seed in range(5):
        cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        cv2.imwrite(str(pictures / f"{seed}.png"), cv2.resize(cells, (320, 240), interpolation=cv2.INTER_CUBIC))
    return pictures


async def _recorded(folder: Path, quality: int = 80) -> RecordedSession:
    records: list[Record] = []
    recorder = Recorder(records.append, SourceNote("pictures", 10.0, sha256=hash_source(str(folder))))
    number = 0
    async for frame in frames_of(str(folder), paced=False, jpeg_quality=quality):
        number += 1
        recorder.taken(number, frame)
        recorder.sent(number)
    recorder.close(ended_well=True)
    return RecordedSession.of(records)


async def test_pictures_of_the_source_are_known_by_their_hash(folder: Path) -> None:
    pictures = SourcePictures(str(folder), await _recorded(folder))
    given = [await pictures.picture(index) for index in (0, 1, 1, 4, 3)]
    wanted = [frame.jpeg async for frame in frames_of(str(folder), paced=False)]
    assert given == [wanted[index] for index in (0, 1, 1, 4, 3)]
    assert (pictures.same, pictures.alike, pictures.other, pictures.are_recorded) == (5, 0, [], True)
    with pytest.raises(RecordingError, match="ends after 5 pictures; the recording wants 6"):
        await pictures.picture(5)


async def test_pictures_of_another_encoder_are_known_by_their_looks(folder: Path) -> None:
    pictures = SourcePictures(str(folder), await _recorded(folder, quality=60))
    _ = [await pictures.picture(index) for index in range(5)]
    assert (pictures.same, pictures.alike, pictures.are_recorded) == (0, 5, True)


async def test_other_pictures_are_told(folder: Path) -> None:
    recorded = await _recorded(folder)
    (folder / "2.png").write_bytes((folder / "4.png").read_bytes())
    with pytest.raises(RecordingError, match="made of another file"):
        SourcePictures(str(folder), recorded)
    recorded.head["source"].pop("sha256")
    pictures = SourcePictures(str(folder), recorded)
    _ = [await pictures.picture(index) for index in range(5)]
    assert pictures.other == [3]
    assert not pictures.are_recorded
    assert "1 are others" in pictures.words


# Sending.


class Server:
    """Keeps the books of the mesh over connections, and says that everything shows the same scene."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.arrived: list[tuple[int, bytes, float]] = []
        self.tokens: list[str] = []
        self.said: list[frame_pb2.FrameAck] = []

    async def StreamFrames(self, requests: AsyncIterator[Any], _context: Any) -> Any:  # noqa: N802
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "config":
                self.tokens.append(request.config.resume_token)
                ready = pb.StreamReady(name="s", resume_token=AGAIN, totals=self.totals())
                yield pb.StreamFramesResponse(ready=ready)
                for ack in self.said:  # what the client may not have heard
                    yield pb.StreamFramesResponse(ack=ack)
            elif kind == "frame":
                self.said.append(self.judge(request.frame))
                yield pb.StreamFramesResponse(ack=self.said[-1])
            elif request.command.WhichOneof("command") == "stop":
                yield pb.StreamFramesResponse(stats=pb.StreamStats(totals=self.totals(), final=True))

    def judge(self, frame: frame_pb2.Frame) -> frame_pb2.FrameAck:
        self.arrived.append((frame.frame_number, frame.image.data, frame.capture_time.ToNanoseconds() / 1e9))
        ended = self.ledger.arrive(frame.frame_number)
        if ended is None:
            ended = Outcome.SKIPPED_SAME_SCENE if frame.image.data.startswith(b"\xff\xd8") else Outcome.REJECTED
            self.ledger.settle(ended)
        return frame_pb2.FrameAck(frame_number=frame.frame_number, outcome=frame_pb2.FrameOutcome.ValueType(ended))

    def totals(self) -> frame_pb2.FrameTotals:
        counts = self.ledger.totals.as_dict()
        highest = counts.pop("highest")
        counted = {f"{name}_count": it for name, it in counts.items()}
        return frame_pb2.FrameTotals(highest_frame_number=highest, **counted)


@pytest.fixture
def service() -> Server:
    return Server()


@pytest.fixture
async def mesh(service: Server) -> AsyncIterator[Vitrine]:
    server = grpc.aio.server()
    frames = grpc.stream_stream_rpc_method_handler(
        service.StreamFrames, pb.StreamFramesRequest.FromString, pb.StreamFramesResponse.SerializeToString
    )
    handlers = grpc.method_handlers_generic_handler("vitrine.ingest.v1.StreamService", {"StreamFrames": frames})
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Vitrine(f"127.0.0.1:{port}", user="ada", token="") as client:
        yield client
    await server.stop(0)


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


async def test_frames_are_sent_as_planned_and_the_books_agree(mesh: Vitrine, service: Server) -> None:
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


async def test_capture_times_are_kept_to_the_nanosecond_and_sending_keeps_time(mesh: Vitrine, service: Server) -> None:
    plan = Plan.steady(20, fps=50)
    started = time.monotonic()
    await _play(mesh, plan)
    assert time.monotonic() - started >= 0.38
    times = [captured for _, _, captured in service.arrived]
    assert [later - times[0] for later in times] == pytest.approx([it / 50 for it in range(20)], abs=2e-6)


async def test_a_cut_is_taken_up_where_it_was(mesh: Vitrine, service: Server) -> None:
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


# Comparing.

THEN = session({1: "processed first", 11: "processed scene_change", 20: "skipped_interval"}, count=30)


def test_a_replay_that_goes_the_same_is_as_expected() -> None:
    found = compare(THEN, THEN, THEN.plan(), same_pictures=True)
    assert (found.compared, found.changes, found.keyframes, found.matched, found.as_expected) == (30, (), 2, 2, True)


@pytest.mark.parametrize(
    ("now", "as_expected", "words"),
    [
        pytest.param({1: "processed first", 11: "superseded scene_change"}, True, "how busy", id="superseded by load"),
        pytest.param(
            {1: "processed first", 14: "processed scene_change"}, True, "earlier or later", id="a little later"
        ),
        pytest.param(
            {1: "processed first", 25: "processed scene_change"}, False, "missing: 11 (unexplained)", id="much later"
        ),
        pytest.param({1: "processed first"}, False, "missing: 11 (unexplained)", id="missing"),
        pytest.param(
            {1: "processed first", 11: "processed scene_change", 28: "processed scene_change"},
            False,
            "new: 28 (unexplained)",
            id="one more",
        ),
        pytest.param(
            {1: "processed first", 11: "processed scene_change", 5: "rejected"},
            False,
            "1 frame same scene then, rejected now: unexplained (5)",
            id="rejected",
        ),
    ],
)
def test_what_differs_is_told_with_its_reason(now: dict[int, str], as_expected: bool, words: str) -> None:
    then = session({1: "processed first", 11: "processed scene_change"}, count=30)
    found = compare(then, session(now, count=30), then.plan(), same_pictures=True)
    assert found.as_expected == as_expected
    assert words in "\n".join(comparison_lines(found, ""))


def test_what_faults_do_is_explained_and_what_stood_before_them_is_not() -> None:
    plan = THEN.plan()
    lossy = Plan(tuple(it for it in plan.frames if it.number != 11), 30, unsent=(plan.frames[10],))
    now = session({1: "processed first", 11: "lost", 12: "processed scene_change", 20: "skipped_interval"}, count=30)
    now.totals |= {"received_count": 29, "lost_count": 1}
    found = compare(THEN, now, lossy, same_pictures=True)
    assert found.as_expected, comparison_lines(found, "")
    reasons = {change.numbers: change.why for change in found.changes}
    assert reasons == {(11,): "never sent by the replay", (12,): "follows from a fault before it"}
    now.frames[5].outcome = "rejected"
    assert not compare(THEN, now, lossy, same_pictures=True).as_expected


@pytest.mark.parametrize(("late_at", "as_expected"), [(9, True), (25, False)], ids=["before", "after"])
def test_keyframes_may_come_otherwise_after_frames_that_were_late_and_not_before(
    late_at: int, as_expected: bool
) -> None:
    then = session({1: "processed first", late_at: "late", 15: "processed scene_change"}, count=30)
    now = session({1: "processed first", 21: "processed scene_change"}, count=30)
    found = compare(then, now, then.plan(), same_pictures=True)
    assert (found.missing, found.extra, found.as_expected) == ((15,), (21,), as_expected)


def test_numbers_are_followed_through_a_camera_that_stalled() -> None:
    plan = inject(THEN.plan(), [Stall(at=Span(0.45), lasts=Span(0.3))])  # frames 6, 7 and 8 are not taken
    ends = {1: "processed first", 8: "processed scene_change", 17: "skipped_interval"}
    now = session(ends, count=27)
    now.totals |= {"received_count": 27}
    found = compare(THEN, now, plan, same_pictures=True)
    assert (found.matched, found.missing, found.extra) == (2, (), ())
    (change,) = found.changes
    assert (change.numbers, change.why) == ((6, 7, 8), "the camera of the replay did not take it")


def test_books_of_a_server_that_lost_something_are_not_as_expected() -> None:
    now = session({1: "processed first", 11: "processed scene_change", 20: "skipped_interval"}, count=30)
    now.totals |= {"received_count": 29, "lost_count": 1}
    found = compare(THEN, now, THEN.plan(), same_pictures=True)
    assert found.account == ("received: 30 expected, 29 on the server", "lost: 0 expected, 1 on the server")
    assert not found.as_expected


def test_hours_are_compared_before_the_time_of_a_test_is_up() -> None:
    """With the square of the length it would take minutes."""
    hours = session({1: "processed first", 500: "processed scene_change"}, count=40_000)
    assert compare(hours, hours, hours.plan(), same_pictures=True).as_expected


def test_garments_are_compared_where_the_pictures_are_the_same() -> None:
    def worn(*names: str) -> RecordedSession:
        made = session({1: "processed first"}, count=5)
        garments = [{"category": name, "colors": [["navy", "#000", 1.0]]} for name in names]
        made.results[1] = {"n": 1, "garments": garments}
        return made

    then = worn("coat", "shoes")
    same = compare(then, worn("shoes", "coat"), then.plan(), same_pictures=True)
    assert (same.garments_compared, same.garments_differ, same.as_expected) == (1, (), True)
    other = compare(then, worn("coat"), then.plan(), same_pictures=True)
    assert (other.garments_differ, other.as_expected) == ((1,), False)
    assert compare(then, worn("coat"), then.plan(), same_pictures=False).garments_compared == 0


def test_measures_of_the_same_pictures_are_held_against_each_other_and_decide_nothing() -> None:
    def measured(**areas: float) -> RecordedSession:
        made = session({1: "processed first"}, count=5)
        for number, area in areas.items():
            made.take({"t": "ack", "at": 9.0, "n": int(number[1:]), "outcome": "late", "changed_area": area})
        return made

    then, now = measured(n2=0.01, n3=0.02, n4=0.5), measured(n2=0.01, n3=0.0204)
    found = compare(then, now, then.plan(), same_pictures=True)
    assert "changed area of 2 frames: at most 0.0004 apart (frame 3)" in comparison_lines(found, "")
    assert comparison_plain(found, "")["measured"] == [
        {"name": "changed_area", "compared": 2, "most": 0.0004, "frame": 3}
    ]
    assert found.as_expected
    same = compare(then, then, then.plan(), same_pictures=True)
    assert "changed area of 3 frames: the same" in comparison_lines(same, "")
    assert compare(then, now, then.plan(), same_pictures=False).measured == ()
    before = session({1: "processed first"}, count=5)  # recorded before this was kept
    assert compare(before, now, before.plan(), same_pictures=True).measured == ()


# Profiles.


@pytest.mark.parametrize("name", PROFILES)
def test_profile_is_what_its_recipe_makes(name: str) -> None:
    assert list(read_records(profile_path(name))) == list(make_profile(name))
    assert profile_path(name).stat().st_size < 20_000


def test_profiles_behave_as_they_say() -> None:
    frames = {name: load_profile(name).plan().frames for name in PROFILES}
    times = [it.captured_s for it in frames["glasses-stalls"]]
    gaps = [gap for gap in np.diff(times) if gap > 0.5]
    assert len(gaps) >= 4
    assert all(0.95 < gap < 4.1 for gap in gaps)
    per_s = np.bincount([int(it.captured_s) for it in frames["glasses-collapse"]])
    assert set(per_s[:12]) <= {23, 24, 25}
    assert set(per_s[13:26]) <= {0, 1, 2}
    assert set(per_s[28:39]) <= {23, 24, 25}
    delays = [it.sent_s - it.captured_s for it in frames["glasses-bursts"]]
    assert 5 < max(delays) < 15.2
    late = [it.sent_s for it in frames["glasses-bursts"] if it.sent_s - it.captured_s > 1]
    assert len({round(at, 1) for at in late}) <= 6, "held back together, sent together"
    assert len({*scenes_of(load_profile("glasses-bursts"))}) == 8


def test_keyframe_rule_that_makes_no_sense_is_told() -> None:
    recorded = session({1: "processed first"}, count=3)
    recorded.keyframes = {"minIntervalS": "soon"}
    made = _Replay("walk", recorded, recorded.plan(), DrawnPictures.of(recorded), 1.0, ())
    with pytest.raises(RecordingError, match="keyframe rule that makes no sense"):
        made.settings()
    recorded.keyframes = {"minIntervalS": 2.0, "maxIntervalS": 8.0, "laterRule": 1}
    assert made.settings().keyframes.min_interval_s == 2.0
