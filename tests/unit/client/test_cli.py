"""The command line without a mesh."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import grpc
import jwt
import numpy as np
import pytest
from typer.testing import CliRunner
from vitrine.cli import app
from vitrine.cli.clip import clip_of, read_photo
from vitrine.cli.demo import sample_photo
from vitrine.cli.output import show_failure
from vitrine.sdk import RpcFailure

pytestmark = pytest.mark.unit


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setenv("VITRINE_HOME", str(tmp_path))
    return CliRunner()


@pytest.mark.parametrize("command", ["profile", "search coat", "watch"])
def test_commands_without_a_mesh_say_how_to_start_one(runner: CliRunner, command: str) -> None:
    result = runner.invoke(app, command.split())
    assert result.exit_code == 2
    assert "vitrine up" in result.output


def test_status_without_a_mesh_has_an_exit_code_of_its_own(runner: CliRunner) -> None:
    assert runner.invoke(app, ["status"]).exit_code == 3
    result = runner.invoke(app, ["--json", "status"])
    assert "error" in json.loads(result.output)
    assert json.loads(runner.invoke(app, ["--json", "down"]).output) == {"stopped": False}


def test_token_is_signed_for_the_user(runner: CliRunner) -> None:
    result = runner.invoke(app, ["token", "--user", "ada", "--role", "operator", "--ttl", "90s"])
    claims = jwt.decode(result.output.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["roles"], claims["exp"] - claims["iat"]) == ("ada", ["operator"], 90)


@pytest.mark.parametrize("wrong", [["--ttl", "soon"], ["--user", "a/b"]])
def test_token_with_wrong_options_is_refused(runner: CliRunner, wrong: list[str]) -> None:
    assert runner.invoke(app, ["token", *wrong]).exit_code == 2


def test_keys_are_written_for_containers(runner: CliRunner, tmp_path: Path) -> None:
    assert runner.invoke(app, ["keys", "--out", str(tmp_path / "secrets")]).exit_code == 0
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == {
        "jwks.json",
        "service-key.pem",
        "issuer-key.pem",
    }
    signed = runner.invoke(app, ["token", "--keys", str(tmp_path / "secrets")]).output.strip()
    known = {each["kid"] for each in json.loads((tmp_path / "secrets/jwks.json").read_text())["keys"]}
    assert jwt.get_unverified_header(signed)["kid"] in known


def test_search_needs_words_or_a_photo(runner: CliRunner) -> None:
    assert runner.invoke(app, ["--target", "127.0.0.1:1", "--token", "x", "search"]).exit_code == 2


def test_failure_is_shown_with_reason_field_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    failure = RpcFailure(
        grpc.StatusCode.INVALID_ARGUMENT,
        "wrong",
        "IMAGE_FORMAT_UNSUPPORTED",
        {"image.data": "not a picture"},
        {},
        1.0,
        "r1",
    )
    show_failure(failure, json_output=True)
    shown = json.loads(capsys.readouterr().out)["error"]
    assert shown["fields"] == {"image.data": "not a picture"}
    show_failure(failure, json_output=False)
    text = capsys.readouterr().err
    assert all(words in text for words in ("IMAGE_FORMAT_UNSUPPORTED", "image.data", "JPEG, PNG or WebP", "r1"))


async def test_clip_holds_moves_and_comes_back(tmp_path: Path) -> None:
    photo = np.zeros((200, 100, 3), np.uint8)
    photo[:100] = 255
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), photo)
    frames = [frame async for frame in clip_of(read_photo(path), fps=8, paced=False)]
    first, last = (cv2.imdecode(np.frombuffer(frames[at].jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) for at in (0, -1))
    assert first is not None
    assert first.shape == (640, 320)
    assert last is not None
    assert np.abs(first.astype(int) - last.astype(int)).mean() < 4
    times = [frame.capture_time_s for frame in frames]
    assert np.allclose(np.diff(times), 1 / 8, atol=1e-4)
    (tmp_path / "text.png").write_text("no")
    with pytest.raises(ValueError, match="not a picture"):
        read_photo(tmp_path / "text.png")


def test_sample_photo_is_installed() -> None:
    photo = sample_photo()
    assert photo is not None
    assert read_photo(photo).shape == (512, 512, 3)
