"""Dockerfiles, read and (their build stage) carried out in a folder instead of a container."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.compose import ROOT

DOCKERFILES = sorted(ROOT.glob("*/Dockerfile"))
_INSTALLS_UV = re.compile(r"pip install uv==\S+ && ")


@dataclass
class Stage:
    """One stage.

    Attributes:
        image: What it is built from.
        instructions: Instruction and rest of the line, in order.
    """

    image: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """The rests of all instructions of a kind."""
        return [rest for instruction, rest in self.instructions if instruction == name]

    @property
    def environment(self) -> dict[str, str]:
        """What its ENV instructions set."""
        return dict(pair.split("=", 1) for rest in self.all("ENV") for pair in shlex.split(rest))

    @property
    def copies(self) -> list[tuple[list[str], str]]:
        """Sources in the project, and the target, of its COPY instructions; not those from other stages."""
        words = [rest.split() for rest in self.all("COPY")]
        return [(each[:-1], each[-1]) for each in words if not each[0].startswith("--")]

    @property
    def command(self) -> list[str]:
        """What it runs."""
        command: list[str] = json.loads(self.all("CMD")[-1])
        return command

    @property
    def probe(self) -> list[str]:
        """The command of its health check."""
        probe: list[str] = json.loads(self.all("HEALTHCHECK")[-1].partition("CMD ")[2])
        return probe


def read(path: Path) -> list[Stage]:
    """Reads a Dockerfile."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stages: list[Stage] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            stages.append(Stage(rest.split()[0]))
        else:
            stages[-1].instructions.append((instruction, rest.strip()))
    return stages


def build(stage: Stage, root: Path, project: Path = ROOT) -> dict[str, str]:
    """Carries out a build stage: COPY copies, RUN runs, with `/opt` and `/src` below `root`.

    Args:
        stage: The stage.
        root: What stands for the container's file system.
        project: The build context.

    Returns:
        The build's environment.
    """
    source = root / "src"
    source.mkdir(parents=True, exist_ok=True)
    environment = {key: os.environ[key] for key in ("HOME", "PIP_CERT", "SSL_CERT_FILE") if key in os.environ}
    environment["PATH"] = f"{_tools(root / 'tools')}:/usr/bin:/bin"
    # Compiling is left out because it takes long; the cache is the one that set-up has filled.
    ignored = ("UV_COMPILE_BYTECODE", "UV_NO_CACHE", "UV_LINK_MODE", "PATH")
    environment |= {key: _below(value, root) for key, value in stage.environment.items() if key not in ignored}
    for instruction, rest in stage.instructions:
        if instruction == "ARG":
            name, _, value = rest.partition("=")
            environment[name] = value
        elif instruction == "COPY":
            _copy(rest.split(), source, project)
        elif instruction == "RUN":
            _run(_below(_INSTALLS_UV.sub("", rest), root), source, environment)
    return environment


def _tools(folder: Path) -> Path:
    """A folder with uv and Python and nothing of the environment that the tests run in."""
    folder.mkdir()
    (folder / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    (folder / "python").symlink_to(Path(sys.executable).resolve())
    return folder


def _copy(words: list[str], source: Path, project: Path) -> None:
    *files, target = words
    for name in files:
        origin = project / name
        if origin.is_dir():
            shutil.copytree(origin, source / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source / target)


def _run(command: str, directory: Path, environment: Mapping[str, str]) -> None:
    # What set-up has brought is enough, as a rule; only what is missing is fetched.
    for offline in ("1", "0"):
        done = subprocess.run(
            ["/bin/sh", "-ec", command], cwd=directory, env={**environment, "UV_OFFLINE": offline}, capture_output=True,
            text=True, timeout=100, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
    raise AssertionError(f"{command}\n{done.stderr[-2000:]}")


def _below(text: str, root: Path) -> str:
    return re.sub(r"(?<![\w/])/(opt|src)\b", rf"{root}/\1", text)
