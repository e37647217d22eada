"""The command line without a mesh."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner
from vitrine.cli import app, importing, shared_first
from vitrine.cli.clip import read_photo
from vitrine.cli.demo import sample_photo
from vitrine.embedded.keys import ensure_keys, load_keys
from vitrine.embedded.state import LocalMesh, MeshState, ProcessState
from vitrine.retrieval.v1 import catalog_service_pb2

pytestmark = pytest.mark.unit


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setenv("VITRINE_HOME", str(tmp_path))
    return CliRunner()


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "profile",
        "search coat",
        "watch",
        "stream 0",
        "record 0 walk.vrec",
        "replay --profile glasses-stalls",
        "catalog import {photo}",
    ],
)
def test_commands_without_a_mesh_say_where_there_is_none_and_how_to_start_one(
    runner: CliRunner, command: str, tmp_path: Path
) -> None:
    words = command.format(photo=sample_photo()).split()
    result = runner.invoke(app, words)
    assert result.exit_code == 3
    told = "".join(result.stderr.split())  # however the lines are broken
    assert all(part in told for part in (str(tmp_path), "vitrineup", "VITRINE_HOME", "--target"))
    said = runner.invoke(app, ["--json", *words])
    assert said.exit_code == 3
    assert str(tmp_path) in json.loads(said.stdout)["error"]["message"]


def test_down_without_a_mesh_has_nothing_to_do(runner: CliRunner) -> None:
    assert json.loads(runner.invoke(app, ["--json", "down"]).output) == {"stopped": False}


def test_help_tells_the_exit_codes(runner: CliRunner) -> None:
    assert "3 no mesh runs here" in " ".join(runner.invoke(app, ["--help"]).output.split())


WORDS = {
    "behind": ("profile --target a:1 --token=x --json", "--target a:1 --token=x --json profile"),
    "among": ("search --tls coat --token x -n 3", "--tls --token x search coat -n 3"),
    "command of that name": ("token --user ada", "token --user ada"),
    "no options": ("search -- --json", "search -- --json"),
    "value is missing": ("search coat --target", "--target search coat"),
}


@pytest.mark.parametrize(("words", "read_as"), WORDS.values(), ids=WORDS.keys())
def test_shared_options_may_stand_anywhere(words: str, read_as: str) -> None:
    assert shared_first(words.split()) == read_as.split()


WRONG_USE = {
    "up --log-level nonsense": "'debug', 'info', 'warning', 'error'",
    "up --replicas foo=3": "vision, retrieval, profile, ingest, worker",
    "up --replicas ingest": "kind=count",
    "stream nothing.mp4": "no file or folder 'nothing.mp4'",
    "stream 0 --ssim 1.5": "--ssim",
    "stream 0 --mode grey": "--mode",
    "record nothing.mp4 walk.vrec": "no file or folder 'nothing.mp4'",
    "record {photo} {photo}": "--force` replaces it",
    "record {photo} walk.vrec --fps 0": "--fps",
    "replay": "give a recording, or --profile with one of glasses-stalls",
    "replay walk.vrec --profile glasses-stalls": "give a recording, or --profile",
    "replay --profile rain": "no profile 'rain'; there are glasses-stalls, glasses-collapse, glasses-bursts",
    "replay {photo}": "is not a recording",
    "replay nothing.vrec": "nothing.vrec",
    "replay --profile glasses-stalls --fault rain": "there is no fault 'rain'",
    "replay --profile glasses-stalls --fault loss:share=2": "share of the fault loss cannot be '2'",
    "replay --profile glasses-stalls --speed 0": "--speed",
    "replay --profile glasses-stalls --report walk.pdf": "ends in .html or .md",
    "stream 0 --report walk.pdf": "ends in .html or .md",
    "stream 0 --report nowhere/walk.md": "no folder nowhere",
    "stream 0 --pixel-diff -1": "--pixel-diff",
    "stream 0 --min-interval-s 61": "--min-interval-s",
    "stream 0 --max-interval-s 0": "--max-interval-s",
    "stream 0 --min-interval-s 3 --max-interval-s 2": "above --min-interval-s",
    "capture {photo} --board board.gif": "--board",
    "capture {photo} --board no/such/board.png": "there is no folder no/such",
    "search coat --board board.gif": "--board",
    "demo --board board.gif": "--board",
    "demo --photo nothing": "'nothing' does not exist",
    "demo --video nothing": "no file or folder 'nothing'",
    "token --ttl soon": "90s, 30m, 12h or 7d",
    "token --user a/b": "a/b",
    "token --role boss": "'operator', 'service'",
    "stream .": "no picture (JPEG, PNG or WebP) in the folder .",
    "--target 127.0.0.1:1 --token x search": "words or --photo",
    "--target 127.0.0.1:1 --token x profile": "not a JWT",
    "catalog import {photo} --resume 7f3c": "--resume: must be the name of an import",
}


@pytest.mark.parametrize("words", WRONG_USE)
def test_wrong_use_is_told_before_anything_happens(
    runner: CliRunner, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = words.format(photo=sample_photo()).split()
    result = runner.invoke(app, given, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert WRONG_USE[words] in " ".join(result.stderr.split())
    assert not (tmp_path / "state.json").exists()


def test_demo_of_a_file_that_is_no_video_starts_no_mesh(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "walk.mp4").write_text("no video")
    result = runner.invoke(app, ["demo", "--video", str(tmp_path / "walk.mp4")])
    assert result.exit_code == 2
    assert "is not a video that can be read" in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["walk.mp4"]


@pytest.fixture
def keys(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "keys")


def test_token_without_a_mesh_is_refused_and_nothing_is_made(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["token"], env={"VITRINE_HOME": str(tmp_path / "none")})
    assert (result.exit_code, result.stdout) == (3, "")
    assert "vitrine up" in " ".join(result.stderr.split())
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("keys")
def test_mesh_that_cannot_be_reached_is_told_in_plain_words(runner: CliRunner) -> None:
    token = runner.invoke(app, ["token"]).output.strip()
    result = runner.invoke(app, ["--target", "127.0.0.1:1", "--token", token, "profile"], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "nothing answers at 127.0.0.1:1" in result.stderr
    assert "ipv4:" not in result.stderr


@pytest.mark.usefixtures("keys")
def test_token_is_also_given_as_json(runner: CliRunner) -> None:
    made = json.loads(runner.invoke(app, ["--json", "token", "--user", "ada", "--ttl", "2m"]).output)
    assert (made["user"], made["roles"], made["ttlS"]) == ("users/ada", [], 120)
    assert jwt.decode(made["token"], options={"verify_signature": False})["sub"] == "ada"


@pytest.mark.usefixtures("keys")
def test_token_is_signed_for_the_user(runner: CliRunner) -> None:
    result = runner.invoke(app, ["token", "--user", "ada", "--role", "operator", "--ttl", "90s"])
    claims = jwt.decode(result.output.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["roles"], claims["exp"] - claims["iat"]) == ("ada", ["operator"], 90)


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


def test_sample_photo_is_installed() -> None:
    photo = sample_photo()
    assert photo is not None
    assert read_photo(photo).shape == (512, 512, 3)


def test_folder_of_pictures_that_no_row_names_is_warned_of(runner: CliRunner, tmp_path: Path) -> None:
    plain, named = tmp_path / "plain.csv", tmp_path / "named.csv"
    plain.write_text("sku,title\na,Coat\n")
    named.write_text("sku,image\na,a.jpg\n")
    words = ["catalog", "import", "--images", str(tmp_path)]
    warned, silent = (runner.invoke(app, [*words, str(path)]).stderr for path in (plain, named))
    assert "names a picture" in " ".join(warned.split())
    assert "names a picture" not in " ".join(silent.split())


def test_fault_of_the_header_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    response = catalog_service_pb2.ImportProductsResponse()
    for row in range(1, 31):
        response.rejections.add(row_number=row, field="colour", description="is no known column")
    response.rejections.add(row_number=7, field="price", description="is required, got nothing")
    importing._show_import(response, dry_run=False)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  row 1 and 29 more: colour is no known column",
        "  row 7: price is required, got nothing",
    ]


def test_commands_to_copy_are_not_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_keys(tmp_path / "keys")
    url = f"http://127.0.0.1:8080/{'x' * 80}"
    state = MeshState(supervisor=ProcessState(name="supervisor"), edge_url=url)
    demo = sys.modules["vitrine.cli.demo"]  # the package's name for it is the command
    monkeypatch.setattr(demo, "_until_interrupted", lambda: None)
    board = tmp_path / ("y" * 80) / "board.png"
    demo._stay(LocalMesh(state, load_keys(tmp_path / "keys")), [board], json_output=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith(f"{'y' * 80}/board.png")
    assert any("vitrine token" in line and line.endswith(f"{url}/v1/users/demo/radar") for line in lines)
