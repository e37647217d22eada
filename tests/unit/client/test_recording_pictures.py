"""Pictures for a replay: found again in the source by their hash, or drawn so that scenes change where they did."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import Camera, CameraFrame, frames_of
from vitrine.sdk.recording import Recorder, SourceNote
from vitrine.sdk.recording_file import Record, RecordingError
from vitrine.sdk.recording_pictures import DrawnPictures, scenes_of
from vitrine.sdk.recording_session import RecordedSession
from vitrine.sdk.recording_source import SourcePictures, hash_source

from imaging.header import read_header
from tests.unit.client.recorded import session

pytestmark = [pytest.mark.unit, pytest.mark.timeout(30)]


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
        recorder.taken(number, CameraFrame(frame.jpeg, frame.capture_time_s))
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


async def test_pictures_of_a_video_that_advice_thinned_are_found_again(tmp_path: Path) -> None:
    """Each was taken at some rate, size and quality; the next replay takes them so again, whatever is advised then."""
    video, records, camera = _video(tmp_path / "clip.avi"), list[Record](), Camera()
    recorder = Recorder(records.append, SourceNote("video", 10.0, 160, 80, hash_source(video)))
    number = 0
    async for frame in frames_of(video, fps=10, long_side_px=160, paced=False, camera=camera):
        number += 1
        recorder.taken(number, frame)
        recorder.sent(number)
        if number == 3:
            camera.obey(pb.QualityAdvice(frame_rate_fps=3.3, long_side_px=96, jpeg_quality=30))
        if number == 6:
            camera.release()
    recorder.close(ended_well=True)
    asked = [record.get("fps") for record in records if record["t"] == "frame"]
    assert asked == [None] * 3 + [pytest.approx(3.3, abs=1e-6)] * 3 + [None] * (number - 6)
    session = RecordedSession.of(records)
    assert [session.frames[it].size_px[0] for it in range(1, 8)] == [160] * 3 + [96] * 3 + [160]
    pictures = SourcePictures(video, session)
    _ = [await pictures.picture(index) for index in range(number)]
    assert (pictures.same, pictures.alike, pictures.other) == (number, 0, [])


def _video(path: Path) -> str:
    """Three seconds at 30 fps, no two frames alike."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (160, 120))
    cells = np.random.default_rng(5).integers(0, 120, (120, 160, 3))
    for index in range(90):
        writer.write((cells + index).astype(np.uint8))
    writer.release()
    return str(path)
