"""Recordings: what goes in and what never does, how a file is read, also cut off, and what comes out again."""

from __future__ import annotations

import base64
import gzip
import json
import stat
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.profile.v1 import taste_pb2
from vitrine.sdk import CameraFrame, Reconnected, RpcFailure
from vitrine.sdk.recording import Kept, Recorder, SourceNote
from vitrine.sdk.recording_file import RecordingError, RecordingWriter, read_records
from vitrine.sdk.recording_session import RecordedSession

from tests.unit.client.recorded import picture

pytestmark = pytest.mark.unit
EPOCH = 1_800_000_000.0
SECRET = "resume-me-and-be-me"  # noqa: S105
EVERYTHING = Kept(thumbnails=True, results=True, taste=True, ids=True)


def told(kept: Kept | None = None) -> list[dict[str, Any]]:
    """What a recorder gives of a stream of four frames: a keyframe, one dropped, one of the same scene, one in work."""
    records: list[dict[str, Any]] = []
    times = iter([100.0 + step / 10 for step in range(100)])
    recorder = Recorder(records.append, SourceNote("video", 10.0), kept, now=lambda: next(times), epoch_s=EPOCH)
    ready = stream_service_pb2.StreamReady(name="users/ada/streams/1", resume_token=SECRET)
    ready.keyframes.min_interval_s = 1
    recorder.take(stream_service_pb2.StreamFramesResponse(ready=ready))
    for number in (1, 2, 3, 4):
        recorder.taken(number, CameraFrame(picture(number), EPOCH + number / 10))
    recorder.sent(1)
    recorder.dropped(2)
    recorder.sent(3)
    first = frame_pb2.KEYFRAME_REASON_FIRST
    recorder.take(
        _acked(frame_pb2.FrameAck(frame_number=1, outcome=frame_pb2.FRAME_OUTCOME_PENDING, keyframe_reason=first))
    )
    recorder.take(_acked(frame_pb2.FrameAck(frame_number=1, outcome=frame_pb2.FRAME_OUTCOME_PROCESSED)))
    recorder.take(stream_service_pb2.StreamFramesResponse(result=result()))
    same = frame_pb2.FRAME_OUTCOME_SKIPPED_SAME_SCENE
    recorder.take(_acked(frame_pb2.FrameAck(frame_number=3, outcome=same, lost_before_count=1, changed_area=0.000834)))
    recorder.take(_acked(frame_pb2.FrameAck(frame_number=3, outcome=frame_pb2.FRAME_OUTCOME_DUPLICATE)))
    broken = RpcFailure(grpc.StatusCode.UNAVAILABLE, "gone", "", {}, {}, None, "")
    recorder.take(Reconnected(broken, 0.5, 0))
    stats = stream_service_pb2.StreamStats(final=True)
    stats.totals.highest_frame_number = 3
    recorder.take(stream_service_pb2.StreamFramesResponse(stats=stats))
    recorder.close(ended_well=True)
    return records


def _acked(ack: frame_pb2.FrameAck) -> stream_service_pb2.StreamFramesResponse:
    return stream_service_pb2.StreamFramesResponse(ack=ack)


def result() -> frame_pb2.StreamResult:
    made = frame_pb2.StreamResult(event_id="0f0e", frame_number=1, face_count=1)
    made.blurred_image.data = picture(99, side=640)
    garment = made.garments.add(garment_id="g0", category="coat", score=0.9)
    garment.attributes.colors.add(name="navy", hex="#1f2a44", share=0.8)
    made.matches.add(garment_id="g0").matches.add(score=0.5).product.name = "products/coat-1"
    made.taste_change.deltas.append(taste_pb2.AxisDelta(axis="casual_formal", delta=1.5))
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "walk.vrec"
    with RecordingWriter(path) as writer:
        for record in told(EVERYTHING):
            writer.write(record)
    return path


def test_file_is_its_owners_alone_and_replaces_nothing_unasked(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        RecordingWriter(file)
    file.chmod(0o644)
    RecordingWriter(file, replace=True).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_file_that_replaces_a_link_leaves_alone_what_it_leads_to(tmp_path: Path) -> None:
    target = tmp_path / "letter"
    target.write_text("dear")
    (tmp_path / "link").symlink_to(target)
    RecordingWriter(tmp_path / "link", replace=True).close()
    assert target.read_text() == "dear"


def test_records_come_back_as_they_were_written(file: Path) -> None:
    assert list(read_records(file)) == told(EVERYTHING)
    assert len(gzip.decompress(file.read_bytes()).splitlines()) == len(told(EVERYTHING)), "any gzip reads it"


def test_file_cut_off_anywhere_is_read_up_to_the_cut(tmp_path: Path) -> None:
    whole, path = told(EVERYTHING), tmp_path / "cut.vrec"
    with RecordingWriter(tmp_path / "whole.vrec") as writer:
        writer._flushed = 0.0  # long ago, before every record: each is flushed
        for record in whole:
            writer.write(record)
            writer._flushed = 0.0
    data = (tmp_path / "whole.vrec").read_bytes()
    counts = []
    for length in (*range(0, len(data), 41), len(data)):
        path.write_bytes(data[:length])
        try:
            found = list(read_records(path))
        except RecordingError:
            found = []
        assert found == whole[: len(found)]
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == len(whole)
    assert len(set(counts)) > len(whole) // 2
    session = RecordedSession.of(whole[:-1])
    assert not session.complete
    assert session.frames[1].outcome == "processed"


def test_damage_further_on_leaves_what_stands_before_it(tmp_path: Path) -> None:
    path = tmp_path / "damaged.vrec"
    with RecordingWriter(path) as writer:
        for record in told(EVERYTHING) * 50:
            writer.write(record)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    found = list(read_records(path))
    assert 0 < len(found) < 50 * len(told(EVERYTHING))


NO_RECORDINGS = {
    "empty": (b"", "is not a recording"),
    "a picture": (picture(1), "is not a recording"),
    "other lines": (gzip.compress(b'{"t":"frame"}\n'), "is not a recording"),
    "a list": (gzip.compress(b"[1]\n"), "is not a recording"),
    "another version": (gzip.compress(b'{"t":"head","format":"vitrine-recording","version":9}\n'), "of version 9"),
    "a source in words": (
        gzip.compress(b'{"t":"head","format":"vitrine-recording","version":1,"source":"walk.mp4"}\n'),
        "has a head that makes no sense",
    ),
    "one endless line": (gzip.compress(b"x" * 20_000_000), "is not a recording"),
}


@pytest.mark.parametrize(("content", "words"), NO_RECORDINGS.values(), ids=NO_RECORDINGS)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "it.vrec"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        next(read_records(path))


def test_nothing_but_hashes_and_numbers_of_a_frame_is_kept() -> None:
    """Whatever is asked for: no bytes of a frame, no token, and by default nobody's name and nobody's taste."""
    for kept in (Kept(), EVERYTHING):
        text = json.dumps(told(kept))
        assert SECRET not in text
        for number in (1, 2, 3, 4):
            encoded = base64.b64encode(picture(number)).decode()
            picture_data = encoded[len(encoded) // 2 :]  # behind the tables that every JPEG has
            assert not any(picture_data[at : at + 16] in text for at in range(len(picture_data) - 16))
    text = json.dumps(told())
    for private in ("ada", "0f0e", "casual_formal", "thumb"):
        assert private not in text
        assert private in json.dumps(told(EVERYTHING))
    assert "navy" in text
    assert "navy" not in json.dumps(told(Kept(results=False)))


def test_thumbnails_are_tiny_and_of_the_picture_that_the_server_blurred() -> None:
    record = next(it for it in told(EVERYTHING) if it["t"] == "result")
    thumb = cv2.imdecode(np.frombuffer(base64.b64decode(record["thumb"]), np.uint8), cv2.IMREAD_COLOR)
    assert thumb is not None
    assert max(thumb.shape[:2]) == 96
    whole = cv2.imdecode(np.frombuffer(picture(99, side=640), np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    assert np.mean(cv2.absdiff(thumb, cv2.resize(whole, (96, 72), interpolation=cv2.INTER_AREA))) < 6


def test_session_knows_what_became_of_every_frame(file: Path) -> None:
    session = RecordedSession.load(file)
    assert session.complete
    assert {number: session.outcome_of(number) for number in (1, 2, 3, 4)} == {
        1: "processed",
        2: "lost",
        3: "skipped_same_scene",
        4: "",
    }
    assert session.frames[1].why == "first"
    assert (session.frames[3].copies, session.frames[2].sent_s) == (1, None)
    assert session.frames[1].size_px == (160, 120)
    assert (session.frames[3].changed_area, session.frames[3].ssim, session.frames[1].changed_area) == (
        0.000834,
        None,
        None,
    )
    assert session.client == {"numbered": 4, "sent": 2}
    assert session.keyframes == {"minIntervalS": 1.0}
    assert session.results[1]["garments"][0]["colors"] == [["navy", "#1f2a44", 0.8]]
    assert [it["away"] for it in session.reconnects] == [0.5]


def test_plan_of_a_session_sends_the_same_numbers_at_the_same_times(file: Path) -> None:
    session = RecordedSession.load(file)
    plan = session.plan()
    assert [(it.number, it.picture) for it in plan.frames] == [(1, 0), (3, 2)]
    assert [it.captured_s for it in plan.frames] == pytest.approx([0.0, 0.2])
    gap = plan.frames[1].sent_s - plan.frames[0].sent_s
    assert gap == pytest.approx((session.frames[3].sent_s or 0) - (session.frames[1].sent_s or 0))
    assert plan.account().never_sent == (2, 4)


@pytest.mark.parametrize(
    "record",
    [{"t": "frame", "n": 0, "captured": 0}, {"t": "ack", "n": "1"}, {"t": "frame", "n": 1}, {"t": "ack", "n": 10**9}],
    ids=["number 0", "number in words", "no time", "absurd number"],
)
def test_records_that_make_no_sense_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(RecordingError, match="makes no sense"):
        RecordedSession.of([{"t": "head"}, record])


def test_records_of_a_later_program_are_passed_over() -> None:
    session = RecordedSession.of([{"t": "head"}, {"t": "weather", "rain": True}, {"no": "kind"}])
    assert session.frames == {}
