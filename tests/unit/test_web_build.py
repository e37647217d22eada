"""`scripts/web.py`: when the dashboard is built, and what is said where npm fails. npm is played by a shell script."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
_SCRIPT = Path(__file__).resolve().parents[2] / "scripts/web.py"
_NPM = """#!/bin/sh
echo "$1 $2" >> {root}/calls
if [ -e {root}/away ]; then echo "the registry does not answer"; exit 1; fi
if [ "$1" = run ]; then mkdir -p dist && touch dist/index.html; fi
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project whose Python finds our npm beside itself."""
    for name in ("scripts", "bin", "node_modules", "clients/web/src", "gen/web"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(_SCRIPT, tmp_path / "scripts/web.py")
    for name in ("package-lock.json", "clients/web/src/main.ts", "gen/web/thing_pb.js"):
        (tmp_path / name).write_text("first")
    (tmp_path / "bin/python").symlink_to(sys.executable)
    (tmp_path / "bin/npm").write_text(_NPM.format(root=tmp_path))
    (tmp_path / "bin/npm").chmod(0o755)
    return tmp_path


def _build(tree: Path, *options: str) -> tuple[int, str, list[str]]:
    """Runs the script; its exit code, what it said, and npm's calls."""
    (tree / "calls").unlink(missing_ok=True)
    command: list[str | Path] = [tree / "bin/python", tree / "scripts/web.py", "build", *options]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    calls = (tree / "calls").read_text().splitlines() if (tree / "calls").exists() else []
    return run.returncode, run.stdout + run.stderr, calls


def test_it_is_built_once(tree: Path) -> None:
    assert _build(tree)[2] == ["ci --loglevel=error", "run --silent"]
    assert _build(tree) == (0, "", [])


@pytest.mark.parametrize("name", ["clients/web/src/main.ts", "clients/web/src/new.ts", "gen/web/thing_pb.js"])
def test_it_is_built_again_when_a_source_changes(tree: Path, name: str) -> None:
    _build(tree)
    (tree / name).write_text("second")
    assert _build(tree)[2] == ["run --silent"]


def test_other_packages_are_installed_when_the_lock_file_changes(tree: Path) -> None:
    _build(tree)
    (tree / "package-lock.json").write_text("second")
    assert _build(tree)[2] == ["ci --loglevel=error", "run --silent"]


def test_what_a_build_leaves_behind_is_no_source(tree: Path) -> None:
    _build(tree)
    (tree / "clients/web/dist/index.html").write_text("built")
    (tree / "clients/web/node_modules").mkdir()
    (tree / "clients/web/node_modules/some.js").write_text("installed")
    assert _build(tree)[2] == []


@pytest.mark.parametrize(("options", "code"), [((), 1), (("--optional",), 0)], ids=["wanted", "optional"])
def test_a_registry_that_is_away_is_told(tree: Path, options: tuple[str, ...], code: int) -> None:
    (tree / "away").touch()
    returned, said, _ = _build(tree, *options)
    assert returned == code
    assert "the registry does not answer" in said
    assert ("The dashboard was not built" in said) is (code == 0)
    (tree / "away").unlink()
    assert _build(tree)[2] == ["ci --loglevel=error", "run --silent"]
