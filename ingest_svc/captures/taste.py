"""Telling the profile later what it could not be told when a capture succeeded: the job `ingest.tell_taste`.

The sighting is kept as it will be sent, in the transaction that lets the capture succeed, with the job that sends it.
It is sent until the profile answers, while the row of the capture is locked: whoever deletes the capture or erases its
user sees either "told" or "never to be told". Its event id is the capture's, so that it counts once however often it is
sent.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from vitrine.profile.v1 import profile_service_pb2, taste_pb2

from ingest_svc.captures.capture import Capture, retry_delay
from ingest_svc.captures.detail import settle_taste
from ingest_svc.captures.jobs import JobQueue, TryAgainError
from ingest_svc.captures.outfit import Analysis, OutfitInput
from ingest_svc.captures.pipeline import TASTE
from ingest_svc.captures.policy import USER, Policy
from ingest_svc.clients.profile import sighting_of
from ingest_svc.storage import captures as store
from ingest_svc.storage import sightings
from mesh import errors
from mesh.database import Database
from mesh.metrics import Metrics

# Answers about the sighting itself: the same one would be refused again.
_REFUSALS = (
    errors.InvalidInputError, errors.FailedPreconditionError, errors.AlreadyExistsError, errors.NotFoundError,
    errors.NotImplementedYetError,
)  # fmt: skip


class Recorder(Protocol):
    """Keeps the taste; `ingest_svc.clients.profile.ProfileClient` does."""

    async def deliver(
        self, sighting: profile_service_pb2.RecordSightingRequest, *, deadline_s: float
    ) -> taste_pb2.TasteChange:
        """Records a sighting once, however often it is sent."""


def refused(error: errors.VitrineError) -> bool:
    """Tells whether the profile will never take this sighting; everything else may pass.

    Args:
        error: What it answered.
    """
    return isinstance(error, _REFUSALS)


class TasteDelivery:
    """Keeps sightings that the profile could not be told, and tells it."""

    def __init__(
        self,
        database: Database,
        profile: Recorder,
        jobs: JobQueue,
        metrics: Metrics,
        policy: Policy,
        *,
        clock: Callable[[], datetime],
        deadline_s: float,
    ) -> None:
        """Describes how to tell.

        Args:
            database: Ingest's own.
            profile: Who is told.
            jobs: The queue.
            metrics: Where refusals are counted.
            policy: How long to wait between attempts, and who gets summaries.
            clock: Tells the time.
            deadline_s: Time limit of one attempt, in seconds.
        """
        self._database = database
        self._profile = profile
        self._jobs = jobs
        self._metrics = metrics
        self._policy = policy
        self._clock = clock
        self._deadline_s = deadline_s
        self._log = structlog.get_logger("ingest.taste")

    async def defer(
        self, connection: AsyncConnection, capture_id: uuid.UUID, seen: OutfitInput, analysis: Analysis
    ) -> None:
        """Has the profile told later.

        Args:
            connection: The transaction in which the capture succeeds; it holds the lock on its row.
            capture_id: Which capture.
            seen: Whose picture, when, and the event id.
            analysis: What was seen in it.
        """
        request = sighting_of(seen, analysis).SerializeToString()
        job_id = await self._jobs.taste(connection, capture_id)
        await sightings.add(connection, capture_id, seen.user, self._clock(), request, job_id)

    async def deliver(self, capture_id: uuid.UUID, attempt: int) -> None:
        """Makes one attempt at telling the profile.

        Args:
            capture_id: Of which capture; nothing happens when it is gone or going, or has been told of.
            attempt: The number of this attempt, from 1.

        Raises:
            TryAgainError: When the profile did not take it, and may later; or the database was away.
        """
        try:
            await self._tell(capture_id)
        except errors.VitrineError as error:  # the profile, or the database
            raise TryAgainError(self._next(attempt)) from error

    async def _tell(self, capture_id: uuid.UUID) -> None:
        async with self._database.begin() as connection:
            capture = await store.get(connection, capture_id, lock=True)
            request = await sightings.get(connection, capture_id)
            if capture is None or capture.delete_requested or request is None:
                return
            sighting = profile_service_pb2.RecordSightingRequest.FromString(request)
            try:
                change = await self._profile.deliver(sighting, deadline_s=self._deadline_s)
            except errors.VitrineError as error:
                if not refused(error):
                    raise
                await self._settle(connection, capture, None, missing=self._is_missing(capture, error))
            else:
                await self._settle(connection, capture, change, missing=False)

    async def _settle(
        self, connection: AsyncConnection, capture: Capture, change: taste_pb2.TasteChange | None, *, missing: bool
    ) -> None:
        kept = settle_taste(capture.detail, change)
        await store.update(
            connection,
            capture.capture_id,
            self._clock(),
            detail=kept.detail,
            summary=kept.summary,
            degraded_parts=[part for part in capture.degraded_parts if missing or part != TASTE],
        )
        await sightings.remove(connection, capture.capture_id)
        if USER in self._policy.summaries:
            await self._jobs.summary(connection, capture.capture_id, USER)

    def _is_missing(self, capture: Capture, error: errors.VitrineError) -> bool:
        """A user who has not consented to learning has no taste event, and nothing is missing; else this is a bug."""
        if error.reason == "CONSENT_MISSING":
            return False
        self._metrics.failures.labels("taste_delivery").inc()
        self._log.warning("taste_refused", capture=str(capture.capture_id), reason=error.reason)
        return True

    def _next(self, attempt: int) -> datetime:
        return self._clock() + retry_delay(
            attempt,
            first_s=self._policy.retry_first_s,
            longest_s=self._policy.taste_longest_s,
            jitter=random.random(),  # noqa: S311 - spreads retries, hides nothing
        )
