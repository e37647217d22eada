"""The images: linted, pinned, complete; their build stage is carried out for real, in a folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from imaging.models.fetch import missing
from tests.deploy.compose import ROOT, SETTINGS
from tests.deploy.conftest import Images
from tests.deploy.dockerfile import DOCKERFILES, Stage, read

pytestmark = pytest.mark.contract

PACKAGES = ("mesh", "imaging", "ingest_svc", "vision_svc", "retrieval_svc", "profile_svc", "edge_proxy")
dockerfiles = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def needed(package: str, imports: grimp.ImportGraph) -> set[str]:
    """Our packages that a package imports, directly or through others."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        found.add(each := waiting.pop())
        for module in {each} | imports.find_descendants(each):
            roots = {name.split(".")[0] for name in imports.find_modules_directly_imported_by(module)}
            waiting += [root for root in roots & set(PACKAGES) if root not in found]
    return found


def stages(path: Path) -> tuple[Stage, Stage]:
    first, last = read(path)
    return first, last


def test_every_service_has_an_image() -> None:
    assert {path.parent.name for path in DOCKERFILES} == {name for name in PACKAGES if name not in ("mesh", "imaging")}


@dockerfiles
def test_linter_finds_nothing(path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@dockerfiles
def test_image_is_pinned_small_and_nobody(path: Path) -> None:
    first, last = stages(path)
    assert first.image == last.image
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", first.image)
    assert last.all("USER") == ["10001:10001"]
    assert not last.copies, "the last stage takes from the first one only"
    for command in first.all("RUN"):
        assert ".txt" in command or "==" in command or "--no-deps" in command or "install" not in command


@dockerfiles
def test_environment_is_what_the_settings_know_and_all_ports_are_told(path: Path) -> None:
    _, last = stages(path)
    package = path.parent.name
    known = SETTINGS[package.split("_")[0]].model_fields
    told = {name: value for name, value in last.environment.items() if name.startswith("VITRINE_")}
    assert {name.removeprefix("VITRINE_").lower() for name in told} <= set(known)
    ports = {value for name, value in told.items() if name.endswith("_PORT")}
    assert set(last.all("EXPOSE")[0].split()) == ports
    for name, value in told.items():
        if name.endswith("_PORT"):
            assert known[name.removeprefix("VITRINE_").lower()].default == int(value)
    assert last.command[:3] == ["python", "-m", package]


@dockerfiles
def test_context_holds_what_is_copied_and_nothing_else(path: Path) -> None:
    first, _ = stages(path)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for sources, _target in first.copies:
        for source in sources:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored or source in {"pyproject.toml", "README.md", "LICENSE"}


@dockerfiles
def test_our_code_that_the_service_imports_is_copied(path: Path, imports: grimp.ImportGraph) -> None:
    first, _ = stages(path)
    copied = {source for sources, _target in first.copies for source in sources}
    assert copied & set(PACKAGES) == needed(path.parent.name, imports)


@dockerfiles
def test_build_stage_works_and_its_service_can_be_imported(path: Path, images: Images, models_dir: Path) -> None:
    _, last = stages(path)
    root = images.root(path.parent.name)
    python = root / "opt/vitrine/bin/python"
    # What the service and its probe import, and that no learning library came along.
    code = f"import sys, {last.command[2]}.__main__"
    if "mesh" in last.probe[-1]:
        code += ", mesh.probe, mesh.reflection; assert mesh.reflection.contract_services()"
    code += "; assert not {'torch', 'transformers'} & set(sys.modules)"
    done = subprocess.run([python, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not list((root / "opt/vitrine").glob("lib/*/site-packages/torch"))
    assert not missing(models_dir)


def test_worker_is_in_the_image_of_ingest(imports: grimp.ImportGraph) -> None:
    assert "ingest_svc.worker" in imports.modules
