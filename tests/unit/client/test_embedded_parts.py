"""The parts of the embedded mesh: children that are kept alive, keys, state, plans."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import jwt
import psutil
import pytest
from vitrine.embedded.children import Child, ChildSpec
from vitrine.embedded.home import Home
from vitrine.embedded.keys import ensure_keys, load_keys
from vitrine.embedded.launch import LaunchError, launch, shut_down, stop_leftovers
from vitrine.embedded.plan import MeshOptions, child_spec, parse_replicas, plan_replicas
from vitrine.embedded.ports import free_ports, is_free
from vitrine.embedded.state import MeshState, ProcessState, load, process_state, read_state

pytestmark = pytest.mark.unit
SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def _child(folder: Path, code: str) -> Child:
    command = [sys.executable, "-c", code]
    return Child(ChildSpec("sleeper", command, dict(os.environ), {"grpc": 1}, folder / "log", folder))


async def test_child_that_dies_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    child = _child(tmp_path, "print('here')")
    await child.start()
    await asyncio.sleep(1.6)
    await child.stop()
    lines = (tmp_path / "log").read_text().splitlines()
    assert set(lines) == {"here"}
    assert 2 <= len(lines) <= 4  # pauses of 0.4, 0.8, ... s
    assert child.pid is None


async def test_killed_child_has_a_successor(tmp_path: Path) -> None:
    child = _child(tmp_path, SLEEP)
    await child.start()
    old = child.kill()
    await asyncio.wait_for(child.successor_of(old), 5)
    assert child.pid not in (None, old)
    assert child.state.restarts == 1
    await child.stop()
    with pytest.raises(ProcessLookupError):
        child.kill()


async def test_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    child = _child(tmp_path, STUBBORN)
    await child.start()
    while "ready" not in (tmp_path / "log").read_text():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.02)
    await asyncio.wait_for(child.stop(grace_s=0.2), 5)
    assert child.pid is None


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_keys(tmp_path)
    keys = ensure_keys(tmp_path)
    again = ensure_keys(tmp_path)
    assert again.issuer.key_id == keys.issuer.key_id != keys.service.key_id
    for name in ("issuer-key.pem", "service-key.pem"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    claims = jwt.decode(
        keys.token("ada", ["operator"]), jwt.PyJWKSet.from_json(keys.jwks.read_text()).keys[0], ["ES256"],
        audience="vitrine", issuer="vitrine",
    )  # fmt: skip
    assert (claims["sub"], claims["roles"]) == ("ada", ["operator"])


def test_process_is_known_by_id_and_start_time() -> None:
    me = process_state("me", os.getpid())
    assert me.process() is not None
    assert (me.memory_mib() or 0) > 1
    somebody_else = me.model_copy(update={"started_at": me.started_at - 100})
    assert somebody_else.process() is None
    assert somebody_else.memory_mib() is None
    assert process_state("nobody", None).process() is None


def test_state_file_is_private_and_survives_reading(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") is None
    state = MeshState(supervisor=process_state("supervisor", os.getpid()), edge_url="http://127.0.0.1:1", phase="ready")
    home = Home(tmp_path)
    state.write(home.state)
    assert home.state.stat().st_mode & 0o777 == 0o600
    assert read_state(home.state) == state
    ensure_keys(home.keys)
    local = load(home)
    assert local is not None
    assert local.edge_target == "127.0.0.1:1"
    state.model_copy(update={"supervisor": ProcessState(name="supervisor")}).write(home.state)
    assert load(home) is None


async def test_leftovers_are_ended_and_nobody_else(tmp_path: Path) -> None:
    mine = await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEP)
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEP)
    known = process_state("vision", mine.pid)
    reused = process_state("profile", other.pid).model_copy(update={"started_at": 1.0})
    MeshState(supervisor=ProcessState(name="supervisor"), processes=[known, reused]).write(tmp_path / "state.json")
    try:
        assert await asyncio.to_thread(shut_down, Home(tmp_path))
        await asyncio.wait_for(mine.wait(), 5)
        assert psutil.Process(other.pid).is_running()
        assert not stop_leftovers(Home(tmp_path))
    finally:
        other.kill()
        await other.wait()


def test_second_mesh_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ensure_keys(home.keys)
    MeshState(supervisor=process_state("supervisor", os.getpid())).write(home.state)
    with pytest.raises(LaunchError, match="runs in"):
        launch(home)


def test_start_that_fails_does_not_tell_what_an_earlier_one_died_of(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    died = MeshState(supervisor=ProcessState(name="supervisor"), phase="failed", message="an earlier misfortune")
    died.write(home.state)
    with pytest.raises(LaunchError, match="no processes called foo") as caught:
        launch(home, replicas={"foo": 3})
    assert "earlier" not in str(caught.value)


def test_ports_are_free_and_different() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_ports_are_not_those_of_outgoing_connections() -> None:
    linux_gives_from = 32_768  # the default of net.ipv4.ip_local_port_range
    assert all(1_024 <= port < linux_gives_from for port in free_ports(200))


@pytest.mark.parametrize(
    ("text", "expected"), [("", {}), ("ingest=2", {"ingest": 2}), ("ingest=2, vision=3", {"ingest": 2, "vision": 3})]
)
def test_replicas_are_read(text: str, expected: dict[str, int]) -> None:
    assert parse_replicas(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((text, "expected kind=count") for text in ("ingest", "ingest=0", "ingest=x", "=2x")),
        ("foo=3", "no processes called foo; there are vision"),
    ],
)
def test_bad_replicas_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_replicas(text)


def test_plan_tells_each_process_what_it_needs_and_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    options = MeshOptions(
        replicas={"ingest": 2}, settings={"*": {"LOG_LEVEL": "error"}, "ingest-2": {"LOG_LEVEL": "debug"}}
    )
    replicas = plan_replicas(options)
    assert [each.name for each in replicas] == ["vision", "retrieval", "profile", "ingest", "ingest-2", "worker"]
    keys = ensure_keys(home.keys)
    specs = {
        each.name: child_spec(each, replicas, home, keys, "postgresql+psycopg://secret", options) for each in replicas
    }
    assert "VITRINE_DATABASE_URL" not in specs["vision"].environment
    assert specs["ingest"].environment["VITRINE_VISION_TARGET"] == f"127.0.0.1:{specs['vision'].ports['grpc']}"
    assert specs["worker"].environment["VITRINE_WORKER_GRPC_PORT"] == str(specs["worker"].ports["grpc"])
    assert [specs[name].environment["VITRINE_LOG_LEVEL"] for name in ("ingest", "ingest-2")] == ["error", "debug"]
    with pytest.raises(ValueError, match="there are no processes called"):
        plan_replicas(MeshOptions(replicas={"ingress": 1}))


async def test_child_that_keeps_dying_is_called_hopeless(tmp_path: Path) -> None:
    child = _child(tmp_path, "raise SystemExit(1)")
    await child.start()
    await asyncio.wait_for(child.keeps_dying(), 15)
    await child.stop()
    assert child.restarts >= 3
