"""The commands that stream, against a small server of a mesh: advice is obeyed by those that film, not by a replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import jwt
import numpy as np
import pytest
from typer.testing import CliRunner
from vitrine.cli import app
from vitrine.ingest.v1 import stream_service_pb2 as pb

from imaging.header import read_header
from tests.unit.client.servers import BookKeeper, served_aside

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60)]
LESS = pb.QualityAdvice(frame_rate_fps=4, long_side_px=80, jpeg_quality=30, description="the way up is slow")
TOKEN = jwt.encode({"sub": "ada"}, "k" * 32)
FRAMES = 15


@pytest.fixture
def service() -> BookKeeper:
    return BookKeeper(LESS)


@pytest.fixture
def edge(service: BookKeeper) -> Iterator[str]:
    with served_aside(service) as target:
        yield target


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A second and a half at ten frames a second, 160 pixels wide."""
    path = tmp_path / "walk.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    cells = np.random.default_rng(5).integers(0, 120, (12, 16, 3), np.uint8)
    for index in range(FRAMES):
        writer.write(cv2.resize(cells + np.uint8(index), (160, 120), interpolation=cv2.INTER_CUBIC))
    writer.release()
    return path


def run(edge: str, *words: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["--json", "--target", edge, "--token", TOKEN, *words])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def widths(service: BookKeeper) -> list[int]:
    return [read_header(data).width_px for _, data, _ in service.arrived]


@pytest.mark.parametrize("command", ["stream {video}", "record {video} {folder}/walk.vrec"], ids=["stream", "record"])
@pytest.mark.parametrize("adapt", [True, False])
def test_streams_obey_advice_unless_told_not_to(
    service: BookKeeper, edge: str, video: Path, command: str, adapt: bool
) -> None:
    words = command.format(video=video, folder=video.parent).split()
    run(edge, *words, *([] if adapt else ["--no-adapt"]))
    if not adapt:
        assert widths(service) == [160] * FRAMES
        return
    sent = widths(service)
    assert sent == sorted(sent, reverse=True), "once it is advised all are smaller"
    assert set(sent) == {160, 80}
    times = [time for _, _, time in service.arrived]
    assert times[-1] - times[-2] == pytest.approx(1 / LESS.frame_rate_fps, abs=1e-3)
    assert len(sent) < FRAMES - 4


def test_what_was_recorded_under_advice_is_replayed_as_it_was_taken_whatever_is_advised_then(
    service: BookKeeper, edge: str, video: Path, tmp_path: Path
) -> None:
    file = tmp_path / "walk.vrec"
    run(edge, "record", str(video), str(file))
    with served_aside(
        again := BookKeeper(pb.QualityAdvice(frame_rate_fps=1, long_side_px=32, jpeg_quality=5))
    ) as other:
        said = run(other, "replay", str(file), "--source", str(video))
    assert [data for _, data, _ in again.arrived] == [data for _, data, _ in service.arrived]
    assert said[-1]["replay"]["pictures"].endswith(f"{len(service.arrived)} known by their hash")
    assert any("qualityAdvice" in line for line in said)


@pytest.mark.parametrize("command", ["stream", "record"])
def test_source_that_cannot_be_read_is_told_before_anything_is_sent_or_written(
    service: BookKeeper, edge: str, tmp_path: Path, command: str
) -> None:
    (tmp_path / "walk.mp4").write_text("no video")
    words = [command, str(tmp_path / "walk.mp4"), *([str(tmp_path / "walk.vrec")] if command == "record" else [])]
    result = CliRunner().invoke(app, ["--target", edge, "--token", TOKEN, *words])
    assert result.exit_code == 2
    assert "is not a video that can be read" in " ".join(result.stderr.split())
    assert "keyframe" not in result.stdout
    assert service.tokens == []
    assert not (tmp_path / "walk.vrec").exists()


def test_what_opencv_says_of_a_file_is_said_in_our_words_alone(tmp_path: Path) -> None:
    file = tmp_path / "walk.mp4"
    file.write_text("no video")
    words = ["--target", "127.0.0.1:1", "--token", TOKEN, "stream", str(file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "300"}
    command = [sys.executable, "-m", "vitrine.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50, env=environment)
    assert (done.returncode, done.stderr) == (2, f"{file} is not a video that can be read\n")
