"""The job queue: procrastinate in ingest's own database.

A job is put into the queue by the transaction that makes it necessary, so that neither can be there without the other.
Its arguments hold a capture's id and where the request came from (trace and request id), nothing about the user.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime

import procrastinate
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.types import JSONDict
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.captures.outcomes import PatientJobManager
from mesh.call import REQUEST_ID_HEADER, current_call
from mesh.database import driver_connection
from mesh.errors import VitrineError
from mesh.telemetry import inject_context

PROCESS = "ingest.process_capture"
TASTE = "ingest.tell_taste"
UNDO = "ingest.undo_sighting"
SUMMARY = "ingest.send_summary"

CAPTURES_QUEUE = "captures"
UPKEEP_QUEUE = "upkeep"
_QUEUES = {PROCESS: CAPTURES_QUEUE, TASTE: UPKEEP_QUEUE, UNDO: UPKEEP_QUEUE, SUMMARY: UPKEEP_QUEUE}
# Telling a profile that is away takes its deadline each time: captures that wait go first. The default is 0.
_PRIORITIES = {TASTE: -1}
# What fails is tried again after this, doubled each time up to the longest wait.
_FIRST_RETRY_S = 5
_LONGEST_RETRY_S = 300
# A failure that nobody foresaw is a bug, and is given up after so many attempts. One of ours says what is away, and
# that comes back: such a job is never given up, since nobody else would take a sighting back.
_UNFORESEEN_RETRIES = 20


@dataclass(eq=False)
class TryAgainError(Exception):
    """A job could not be done now and shall be done later.

    Attributes:
        at: When.
    """

    at: datetime


class Retry(BaseRetryStrategy):
    """Does again what asked for it, what was interrupted, and what failed without our having foreseen it."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Decides whether and when a job runs again.

        Args:
            exception: What the job raised.
            job: The job.
        """
        if isinstance(exception, TryAgainError):
            return RetryDecision(retry_at=exception.at)
        if not isinstance(exception, Exception):  # cancelled, because the worker stops: another one takes over at once
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, VitrineError) or job.attempts < _UNFORESEEN_RETRIES:
            wait_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** min(job.attempts, 10))
            return RetryDecision(retry_in={"seconds": wait_s})
        return None


def job_app(database_url: str, schema: str, stopping: asyncio.Event | None = None) -> procrastinate.App:
    """Makes procrastinate's app for the job tables of a schema; nothing is contacted until it is opened.

    Args:
        database_url: ``postgresql+psycopg://...``.
        schema: The schema of ingest.
        stopping: Set when the process stops; of interest to workers.
    """
    connector = procrastinate.PsycopgConnector(
        conninfo=database_url.replace("postgresql+psycopg://", "postgresql://", 1),
        kwargs={"options": f"-c search_path={schema},public", "connect_timeout": 5},
        min_size=1,
        max_size=4,
    )
    app = procrastinate.App(connector=connector)
    manager = PatientJobManager(connector)
    manager.stopping = stopping
    app.job_manager = manager
    return app


class JobQueue:
    """Puts jobs into the queue, within a transaction of the caller."""

    def __init__(self, app: procrastinate.App) -> None:
        self._app = app

    async def process(self, connection: AsyncConnection, capture_id: uuid.UUID) -> int:
        """Has a capture processed.

        Args:
            connection: The transaction.
            capture_id: Which.

        Returns:
            The job's id.
        """
        return await self._defer(connection, PROCESS, {"capture_id": str(capture_id)})

    async def taste(self, connection: AsyncConnection, capture_id: uuid.UUID) -> int:
        """Has the profile told of a capture that succeeded without it.

        Args:
            connection: The transaction.
            capture_id: Which.

        Returns:
            The job's id.
        """
        return await self._defer(connection, TASTE, {"capture_id": str(capture_id)})

    async def undo(self, connection: AsyncConnection, capture_id: uuid.UUID) -> None:
        """Has the sighting of a capture taken back.

        Args:
            connection: The transaction.
            capture_id: Which.
        """
        await self._defer(connection, UNDO, {"capture_id": str(capture_id)})

    async def summary(self, connection: AsyncConnection, capture_id: uuid.UUID, target: str) -> None:
        """Has the summary of a capture sent.

        Args:
            connection: The transaction.
            capture_id: Which.
            target: ``service`` for the address in the settings, ``user`` for that in the profile.
        """
        await self._defer(connection, SUMMARY, {"capture_id": str(capture_id), "target": target})

    async def _defer(self, connection: AsyncConnection, task: str, arguments: dict[str, str]) -> int:
        raw = await driver_connection(connection)
        priority = _PRIORITIES.get(task, 0)
        deferrer = self._app.configure_task(task, queue=_QUEUES[task], priority=priority, connection=raw)
        return await deferrer.defer_async(**arguments, origin=origin())


def origin() -> JSONDict:
    """Returns what ties a job to the request that made it: W3C trace context and request id."""
    headers: dict[str, str] = {}
    inject_context(headers)
    call = current_call()
    if call is not None:
        headers[REQUEST_ID_HEADER] = call.request_id
    return {**headers}
