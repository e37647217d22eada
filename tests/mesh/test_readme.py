"""The commands that the README shows for every way in, run as they stand there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from vitrine.cli.clip import encode, read_photo
from vitrine.cli.demo import sample_photo
from vitrine.embedded.mesh import EmbeddedMesh

pytestmark = [pytest.mark.mesh, pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")]
_README = Path(__file__).resolve().parents[2] / "README.md"
# What the answer of each command shows, by a part of the command that no other has.
ANSWERS = {
    "/health": '"status": "healthy"',
    "products:search -d": '"matches":[{"product"',
    "/v1/captures -d": '"state":"STATE_QUEUED"',
    "text/event-stream": 'data: {"sequence"',
    "# NDJSON": '{"sequence"',
    "new WebSocket": '"type":"stats"',
    "buf curl": '"product": {',
}


def _commands() -> list[str]:
    section = _README.read_text().partition("### Every way in")[2].partition("```console\n")[2].partition("```")[0]
    return [line.removeprefix("$ ") for line in section.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photo = sample_photo()
    assert photo is not None
    (tmp_path / "me.jpg").write_bytes(encode(read_photo(photo)))
    return tmp_path


def test_every_command_of_the_readme_is_run() -> None:
    assert len(_commands()) == len(ANSWERS)


@pytest.mark.parametrize("part", ANSWERS)
async def test_command_of_the_readme_is_answered(shop: EmbeddedMesh, folder: Path, part: str) -> None:
    (command,) = [command for command in _commands() if part in command]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "VITRINE_HOME": str(shop.home.path)}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command.replace("localhost:8080", shop.edge_target), cwd=folder, env=environment,
        stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(60):
            while ANSWERS[part].encode() not in said:
                more = await process.stdout.read(65536)
                assert more, f"the command ended with {said[-500:]!r}"
                said += more
    finally:
        with contextlib.suppress(ProcessLookupError):  # watching has no end of its own
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()
