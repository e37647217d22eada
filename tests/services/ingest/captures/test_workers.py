"""Workers that die, stop or come late: each capture ends in one final state, its taste event counted once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.rpc import error_details_pb2
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1.capture_service_pb2 import CancelCaptureRequest

from ingest_svc.captures.capture import new_capture_id, object_key_of
from ingest_svc.storage import captures as store
from mesh.objects import ObjectStore
from mesh.status import details_of
from tests.services.ingest.captures.conftest import Mesh, User, until, working

pytestmark = pytest.mark.service
State = capture_pb2.Capture
ROOT = Path(__file__).parents[4]


def event_of(capture: capture_pb2.Capture) -> str:
    return capture.name.rsplit("/", 1)[-1]


async def test_slow_vision_is_given_up_at_its_deadline(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.vision.behaviour.delay_s = 2
    async with working(mesh, analyze_deadline_s=0.2, capture_max_attempts=1):
        capture = await user.finished((await user.create(photo)).name)
    assert capture.state == State.STATE_FAILED
    assert next(details_of(capture.error, error_details_pb2.ErrorInfo)).reason == "DEADLINE_EXCEEDED"


async def test_answer_of_the_profile_that_got_lost_is_counted_once(mesh: Mesh, user: User, photo: bytes) -> None:
    """The profile records, and its answer comes too late; the next attempt sends the same event again."""
    async with working(mesh, capture_max_attempts=30, capture_degrade_after_attempts=30):
        mesh.peers.profile.behaviour.delay_s = 2.5
        capture = await user.create(photo)

        async def told() -> bool:
            return event_of(capture) in mesh.peers.profile.calls

        await until(told)
        mesh.peers.profile.behaviour.delay_s = 0.0
        final = await user.finished(capture.name)
        assert (final.state, list(final.degraded_parts)) == (State.STATE_SUCCEEDED, [])
        assert mesh.peers.profile.calls.count(event_of(capture)) >= 2
        assert event_of(capture) in mesh.peers.profile.counted


async def test_cancel_after_the_profile_may_have_counted_takes_the_event_back(
    mesh: Mesh, user: User, photo: bytes
) -> None:
    async with working(mesh, capture_retry_first_s=30.0, capture_retry_longest_s=30.0):
        mesh.peers.profile.behaviour.delay_s = 2.2  # recorded, but answered after the deadline
        capture = await user.create(photo)

        async def waiting() -> bool:
            return bool((await user.get(capture.name)).stage == "waiting")

        await until(waiting)
        mesh.peers.profile.behaviour.delay_s = 0.0
        assert event_of(capture) in mesh.peers.profile.counted
        request = CancelCaptureRequest(name=capture.name)
        await user.captures.CancelCapture(request, metadata=user.metadata)

        async def undone() -> bool:
            return event_of(capture) in mesh.peers.profile.undone

        await until(undone)


@contextlib.asynccontextmanager
async def worker_process(mesh: Mesh, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker as it is deployed: a process of its own, killed with SIGKILL at the end if it still lives."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "gen/python")])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "HOME": str(log.parent)}
    environment |= {"VITRINE_WORKER_GRPC_PORT": "0", "VITRINE_WORKER_METRICS_PORT": "0"}
    for name in IN_PROCESS:
        value = getattr(mesh.settings, name)
        environment[f"VITRINE_{name.upper()}"] = str(value.get_secret_value() if name == "database_url" else value)
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ingest_svc.worker", env=environment, cwd=log.parent, stderr=stream
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


IN_PROCESS = (
    "jwks", "service_key_file", "database_url", "objects_url", "models_dir", "vision_target", "retrieval_target",
    "profile_target", "capture_max_attempts", "worker_poll_s", "worker_heartbeat_s", "worker_stalled_s",
    "worker_recovery_s", "record_deadline_s", "capture_retry_first_s", "webhook_allow_private",
)  # fmt: skip


@pytest.mark.parametrize("stage", ["vision", "profile"])
async def test_killed_worker_is_replaced_and_the_taste_counted_once(
    mesh: Mesh, user: User, photo: bytes, tmp_path: Path, stage: str
) -> None:
    """kill -9 in the middle of a job; another worker finds the job stalled and ends it."""
    peer = getattr(mesh.peers, stage)
    async with worker_process(mesh, tmp_path / "worker.log") as process:
        peer.behaviour.delay_s = 1.5
        capture = await user.create(photo)
        seen = {"vision": lambda: _processing(user, capture), "profile": lambda: _told(mesh, capture)}[stage]
        await until(seen)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    peer.behaviour.delay_s = 0.0
    assert (await user.get(capture.name)).state == State.STATE_PROCESSING
    async with working(mesh):
        final = await user.finished(capture.name)
        await until(lambda: _no_jobs(mesh, capture))
    assert (final.state, final.attempt_count) == (State.STATE_SUCCEEDED, 2)
    assert event_of(capture) in mesh.peers.profile.counted


async def _no_jobs(mesh: Mesh, capture: capture_pb2.Capture) -> bool:
    query = "select 1 from procrastinate_jobs where args->>'capture_id' = %s"
    return not await mesh.rows(query, event_of(capture))


async def _processing(user: User, capture: capture_pb2.Capture) -> bool:
    return bool((await user.get(capture.name)).state == State.STATE_PROCESSING)


async def _told(mesh: Mesh, capture: capture_pb2.Capture) -> bool:
    return event_of(capture) in mesh.peers.profile.calls


@pytest.mark.parametrize("taken", [False, True], ids=["not taken", "taken, and the answer lost"])
@pytest.mark.parametrize("outcome", ["finish_job", "retry_job"])
async def test_outcome_of_a_job_is_written_down_when_the_database_is_back(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch, outcome: str, taken: bool
) -> None:
    """Else the job stays in work with a worker that lives on, and nobody finds it stalled."""
    lost = [psycopg.OperationalError("the connection is gone") for _ in range(2)]
    written = getattr(JobManager, outcome)

    async def write(*arguments: Any, **options: Any) -> None:
        if taken or not lost:
            await written(*arguments, **options)
        if lost:
            raise ConnectorException from lost.pop()

    monkeypatch.setattr(JobManager, outcome, write)
    if outcome == "retry_job":
        await mesh.peers.vision.stop()
    capture = await user.create(photo)
    async with working(mesh, worker_stalled_s=60.0):
        await until(lambda: _used_up(lost))
        await mesh.peers.vision.restore()
        assert (await user.finished(capture.name)).state == State.STATE_SUCCEEDED
        await until(lambda: _no_jobs(mesh, capture))


async def _used_up(items: list[Any]) -> bool:
    return not items


async def test_stopped_worker_hands_its_job_back_at_once(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.vision.behaviour.delay_s = 2.5
    async with working(mesh, shutdown_grace_s=0.1):
        capture = await user.create(photo)
        await until(lambda: _processing(user, capture))
    mesh.peers.vision.behaviour.delay_s = 0.0
    async with working(mesh):
        final = await user.finished(capture.name)
    assert (final.state, final.attempt_count) == (State.STATE_SUCCEEDED, 2)


async def test_capture_that_kills_its_workers_fails_in_the_end(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await user.create(photo)
    limit = mesh.settings.capture_max_attempts
    await mesh.rows(
        "update captures set attempt_count = %s where id = %s returning id", limit, uuid.UUID(event_of(capture))
    )
    async with working(mesh):
        final = await user.finished(capture.name)
    assert final.state == State.STATE_FAILED
    assert "ended unexpectedly" in final.error.message


async def test_capture_without_a_job_gets_a_new_one(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await user.create(photo)
    await mesh.rows(
        "with gone as (delete from procrastinate_jobs) "
        "update captures set update_time = now() - interval '1 hour' where id = %s returning id",
        uuid.UUID(event_of(capture)),
    )
    async with working(mesh):
        assert (await user.finished(capture.name)).state == State.STATE_SUCCEEDED


async def test_objects_without_a_capture_are_swept_when_they_are_old(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_svc.captures.upkeep._BATCH", 1)
    kept = await user.create(photo)
    objects = ObjectStore(mesh.settings.objects_url)
    now = datetime.now(UTC)
    old, young = (new_capture_id(now - timedelta(hours=age), os.urandom(10)) for age in (2, 0))
    for capture_id in (old, young):
        await objects.put(object_key_of(capture_id), b"x")
    half = mesh.objects / f"{object_key_of(old)}#1"
    half.write_bytes(b"x")
    os.utime(half, (0, 0))
    async with working(mesh, orphan_sweep_s=0.1):

        async def swept() -> bool:
            return not [path for path in mesh.pictures() if str(old) in path.name]  # and the half of it

        await until(swept)
    names = {path.stem for path in mesh.pictures()}
    assert str(young) in names
    assert event_of(kept) in names


async def test_deletion_that_fails_holds_up_no_other_and_upkeep_survives_a_bug(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs = [ValueError("a bug")]
    half_deleted = store.half_deleted

    async def first_time_broken(*arguments: Any) -> Any:
        if bugs:
            raise bugs.pop()
        return await half_deleted(*arguments)

    async with working(mesh):
        captures = [await user.finished((await user.create(photo)).name) for _ in range(2)]
    mesh.peers.profile.stuck.add(event_of(captures[0]))
    for capture in captures:
        await mesh.rows(
            "update captures set delete_requested = true, update_time = now() - interval '1 hour' "
            "where id = %s returning id",
            uuid.UUID(event_of(capture)),
        )
    monkeypatch.setattr(store, "half_deleted", first_time_broken)
    async with working(mesh):

        async def second_is_gone() -> bool:
            return not await mesh.rows("select 1 from captures where id = %s", uuid.UUID(event_of(captures[1])))

        await until(second_is_gone)
    assert not bugs
    assert await mesh.rows("select 1 from captures where id = %s", uuid.UUID(event_of(captures[0])))
    assert event_of(captures[1]) in mesh.peers.profile.undone
