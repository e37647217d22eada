"""What a worker does beside its jobs: it takes over from dead workers and removes what has no owner.

All of it may run in several workers at once: each step is idempotent, and takes turns by a lock where that is cheaper.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import procrastinate
import sqlalchemy as sa
import structlog
from procrastinate.exceptions import ConnectorException
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.captures.capture import time_of
from ingest_svc.captures.jobs import JobQueue
from ingest_svc.captures.lifecycle import Captures
from ingest_svc.storage import captures as store
from ingest_svc.storage import sightings
from mesh.database import Database
from mesh.errors import NotFoundError, VitrineError
from mesh.failures import where_raised
from mesh.metrics import Metrics
from mesh.objects import ObjectStore

_RECOVERY_LOCK = 0x76696E67_01  # advisory locks are numbers; these two are ours within ingest's database
_SWEEP_LOCK = 0x76696E67_02
_BATCH = 500


@dataclass(frozen=True, slots=True)
class UpkeepPolicy:
    """When what is looked after; all in seconds.

    Attributes:
        stalled_s: Silence after which a worker counts as dead.
        lost_s: Time without change after which an unfinished capture without a job gets a new one, and a deletion that
            stopped half-way goes on.
        recovery_s: How often stalled jobs and lost captures are looked for.
        sweep_s: How often objects without a capture are looked for.
        orphan_age_s: Age from which they are removed.
    """

    stalled_s: float = 20.0
    lost_s: float = 60.0
    recovery_s: float = 5.0
    sweep_s: float = 3600.0
    orphan_age_s: float = 3600.0


class Upkeep:
    """Keeps the queue and the object store in order."""

    def __init__(
        self,
        app: procrastinate.App,
        database: Database,
        objects: ObjectStore,
        jobs: JobQueue,
        captures: Captures,
        metrics: Metrics,
        policy: UpkeepPolicy,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._database = database
        self._objects = objects
        self._jobs = jobs
        self._captures = captures
        self._metrics = metrics
        self._policy = policy
        self._clock = clock
        self._log = structlog.get_logger("ingest.upkeep")

    async def run(self) -> None:
        """Recovers and sweeps at their intervals until it is cancelled.

        Failures are counted and tried again; none of them keeps the others from their turn.
        """
        recovery_s, sweep_s = self._policy.recovery_s, self._policy.sweep_s
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(recovery_s, self.recover_stalled, "recovery_stalled"))
            group.create_task(self._every(recovery_s, self.recover_lost, "recovery_lost"))
            group.create_task(self._every(recovery_s, self.finish_deletions, "recovery_deletions"))
            group.create_task(self._every(recovery_s, self._count, "queue_depth"))
            group.create_task(self._every(sweep_s, self.sweep, "orphan_sweep"))

    async def recover_stalled(self) -> int:
        """Puts the jobs of dead workers back into the queue.

        Returns:
            How many.
        """
        stalled = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._policy.stalled_s)
        count = 0
        for job in stalled:
            try:
                await self._app.job_manager.retry_job(job, retry_at=self._clock())
            except ConnectorException:  # another worker was first, or the job ended after all
                continue
            count += 1
            self._log.warning("job_recovered", task=job.task_name, job=job.id)
        return count

    async def recover_lost(self) -> int:
        """Gives unfinished captures, and those of which the profile is to be told, a new job where theirs is gone.

        Returns:
            How many.
        """
        before = self._clock() - timedelta(seconds=self._policy.lost_s)
        async with self._database.begin() as connection:
            if not await _try_lock(connection, _RECOVERY_LOCK):
                return 0
            found = await store.lost(connection, before)
            for capture_id in found:
                await store.set_job(connection, capture_id, await self._jobs.process(connection, capture_id))
            untold = await sightings.lost(connection, before)
            for capture_id in untold:
                await sightings.set_job(connection, capture_id, await self._jobs.taste(connection, capture_id))
        for capture_id in (*found, *untold):
            self._log.warning("capture_requeued", capture=str(capture_id))
        return len(found) + len(untold)

    async def finish_deletions(self) -> int:
        """Ends deletions that stopped half-way; one that fails again waits for its next turn, and holds up no other.

        Returns:
            How many.
        """
        before = self._clock() - timedelta(seconds=self._policy.lost_s)
        async with self._database.begin() as connection:
            found = await store.half_deleted(connection, before)
        count = 0
        for user, capture_id in found:
            try:
                await self._captures.delete(user, capture_id)
            except NotFoundError:  # another worker was first
                continue
            except VitrineError as error:
                self._failed("recovery_deletions", error)
                continue
            count += 1
        return count

    async def sweep(self) -> int:
        """Removes pictures that belong to no capture, and halves of pictures, left by processes that died.

        Many pictures take long: there is a transaction for each batch of them, and none while the store is asked.

        Returns:
            How many.
        """
        async with self._database.turn(_SWEEP_LOCK) as ours:
            if not ours:
                return 0
            removed, batch = 0, list[tuple[uuid.UUID, str]]()
            async for key in self._objects.list("captures"):
                capture_id = self._old_id(key)
                if capture_id is not None:
                    batch.append((capture_id, key))
                if len(batch) >= _BATCH:
                    removed += await self._remove_unowned(batch)
                    batch = []
            removed += await self._remove_unowned(batch)
            return removed + await self._objects.sweep_unfinished(older_than_s=self._policy.orphan_age_s)

    async def _count(self) -> None:
        async with self._database.begin() as connection:
            self._metrics.queue_depth.labels("captures").set(await store.count_open(connection))
            self._metrics.queue_depth.labels("sightings").set(await sightings.count(connection))

    async def _remove_unowned(self, batch: list[tuple[uuid.UUID, str]]) -> int:
        """An old id never becomes a capture's later, so that nothing has to be locked."""
        async with self._database.begin() as connection:
            owned = await store.existing(connection, [capture_id for capture_id, _ in batch])
        orphans = [key for capture_id, key in batch if capture_id not in owned]
        for key in orphans:
            await self._objects.delete(key)
        if orphans:
            self._metrics.drops.labels("orphan_objects").inc(len(orphans))
            self._log.warning("orphans_removed", count=len(orphans))
        return len(orphans)

    def _old_id(self, key: str) -> uuid.UUID | None:
        """The capture of an object that is old enough to be judged; the id itself tells its age."""
        try:
            capture_id = uuid.UUID(key.rsplit("/", 1)[-1].removesuffix(".jpg"))
            made = time_of(capture_id)
        except (ValueError, OverflowError, OSError):
            return None
        return capture_id if self._clock() - made > timedelta(seconds=self._policy.orphan_age_s) else None

    async def _every(self, interval_s: float, work: Callable[[], Awaitable[object]], part: str) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end what nobody else looks after
                self._failed(part, error)
            await asyncio.sleep(interval_s)

    def _failed(self, part: str, error: Exception) -> None:
        self._metrics.failures.labels(part).inc()
        self._log.warning("upkeep_failed", part=part, kind=type(error).__name__, where=where_raised(error))


async def _try_lock(connection: AsyncConnection, key: int) -> bool:
    return bool((await connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(key)))).scalar_one())
