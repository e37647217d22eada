"""The embedded mesh itself: it starts whole, heals what dies, and ends exactly what it started."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import psutil
import pytest
from vitrine.embedded.account import place_file
from vitrine.embedded.home import Home
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.embedded.ports import free_port
from vitrine.embedded.state import read_state

from tests.support.mesh import bearer

pytestmark = pytest.mark.mesh
SERVICES = {"ingest", "vision", "retrieval", "profile"}


async def test_whole_mesh_is_healthy_through_the_edge(mesh: EmbeddedMesh, http: httpx.AsyncClient) -> None:
    answer = (await http.get("/health")).json()
    assert answer["status"] == "healthy"
    assert set(answer["services"]) == SERVICES
    radar = await http.get("/v1/users/ada/radar", headers=bearer(mesh, "ada"))
    assert len(radar.json()["radar"]["axes"]) == 5


async def test_state_file_names_every_process_and_is_private(mesh: EmbeddedMesh) -> None:
    state = read_state(mesh.home.state)
    assert state is not None
    assert state.phase == "ready"
    assert {each.name for each in state.processes} == {*SERVICES, "worker", "envoy", "postgres"}
    assert all((each.memory_mib() or 0) > 10 for each in state.processes)
    assert mesh.home.state.stat().st_mode & 0o077 == 0
    assert (mesh.keys.folder / "issuer-key.pem").stat().st_mode & 0o077 == 0


def test_edge_keeps_no_shared_memory_that_would_outlive_it(mesh: EmbeddedMesh) -> None:
    maps = Path(f"/proc/{mesh.children['envoy'].pid}/maps").read_text()
    assert "envoy" in maps
    assert "/dev/shm" not in maps  # noqa: S108 - only looked for


async def test_killed_process_comes_back_and_down_ends_all(
    own_mesh: Callable[..., AbstractAsyncContextManager[EmbeddedMesh]],
) -> None:
    async with own_mesh(replicas={"ingest": 2}) as mesh:
        before = {name: child.pid for name, child in mesh.children.items()}
        await mesh.crash("profile")
        after = {name: child.pid for name, child in mesh.children.items()}
        assert {name for name in before if before[name] != after[name]} == {"profile"}
        assert mesh.children["profile"].restarts == 1
        async with httpx.AsyncClient(base_url=mesh.edge_url, trust_env=False) as http:
            for _ in range(300):  # Envoy looks once a second whether the profile is back
                if (await http.get("/v1/users/ada/radar", headers=bearer(mesh, "ada"))).status_code == 200:
                    break
                await asyncio.sleep(0.1)
            mesh.kill("ingest")
            for _ in range(20):  # the second ingest serves on
                assert (await http.get("/v1/users/ada/radar", headers=bearer(mesh, "ada"))).status_code == 200
                await asyncio.sleep(0.02)
        await mesh.restart_postgres(crash=True)
        await mesh.wait_ready()
        pids = [each.pid for each in mesh.state().processes]
    assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    assert not mesh.home.state.exists()


async def test_mesh_whose_folder_is_removed_ends_with_all_its_processes(tmp_path: Path) -> None:
    home = Home(tmp_path / "mesh")
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vitrine.cli", "up", "--port", str(free_port()),
        env={**os.environ, "VITRINE_HOME": str(home.path)}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await program.wait() == 0
    state = read_state(home.state)
    assert state is not None
    place = place_file(home.postgres)
    data = Path(place.read_text().strip()) if place.exists() else home.postgres
    running = [process for each in state.processes if (process := each.process()) is not None]
    assert len(running) == len(state.processes) == 7
    shutil.rmtree(home.path)
    supervisor = psutil.Process(state.supervisor.pid)
    _, alive = await asyncio.to_thread(psutil.wait_procs, [supervisor, *running], timeout=40)
    shutil.rmtree(data, ignore_errors=True)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
