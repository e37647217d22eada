"""Writing down how jobs ended, also when the database is away at that moment.

Procrastinate tries once. Where that failed, the job would stay in work with a worker that lives on and does nothing for
it: nobody would find it stalled, and its capture would never end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0


class PatientJobManager(JobManager):
    """Keeps at it until the database has taken an outcome.

    Meanwhile the job keeps its place in the worker, which takes no new jobs from that database either. A worker that
    stops gives up: its silence makes others take the job over.
    """

    stopping: asyncio.Event | None = None

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Ends a job; see the base class."""
        ended = super().finish_job
        await self._until_taken(lambda: ended(job, status, delete_job))

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Has a job run again; see the base class."""
        again = super().retry_job
        await self._until_taken(lambda: again(job, retry_at, priority, queue, lock))

    async def _until_taken(self, write: Callable[[], Awaitable[None]]) -> None:
        wait_s, was_away = _FIRST_WAIT_S, False
        while True:
            try:
                return await write()
            except ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.OperationalError):
                    if was_away:  # it had been taken, and only the answer was lost
                        return None
                    raise
                if self.stopping is not None and self.stopping.is_set():
                    raise
                structlog.get_logger("ingest.jobs").warning("outcome_not_taken", retry_in_s=wait_s)
            was_away = True
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
