"""One attempt at a capture, as the worker makes it.

Every write is fenced by the number of the attempt: a worker that was taken for dead, or whose capture was cancelled or
deleted meanwhile, finds that its attempt is over and stops. The taste is told while the row is locked, so that whoever
cancels, deletes or erases sees either "not told and never will be" or "told, and the row says so".
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.captures.capture import Capture, Stage, State
from ingest_svc.captures.detail import error_bytes, keep
from ingest_svc.captures.jobs import JobQueue, TryAgainError
from ingest_svc.captures.outfit import OutfitInput, OutfitOutcome
from ingest_svc.captures.pipeline import MATCHES, TASTE, TRANSIENT, OutfitPipeline, without
from ingest_svc.captures.policy import USER, Policy
from ingest_svc.captures.taste import TasteDelivery, refused
from ingest_svc.storage import captures as store
from mesh.database import Database
from mesh.errors import InternalError, NotFoundError, VitrineError
from mesh.metrics import Metrics
from mesh.objects import ObjectStore


class _OverError(Exception):
    """The attempt is over: cancelled, deleted, or taken over by another worker."""


class _HopelessError(InternalError):
    """Our own fault, and no attempt will mend it."""


class CaptureProcessor:
    """The use case behind the job `ingest.process_capture`. It may run any number of times for the same capture."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        pipeline: OutfitPipeline,
        jobs: JobQueue,
        taste: TasteDelivery,
        metrics: Metrics,
        policy: Policy,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._objects = objects
        self._pipeline = pipeline
        self._jobs = jobs
        self._taste = taste
        self._metrics = metrics
        self._policy = policy
        self._clock = clock

    async def process(self, capture_id: uuid.UUID) -> None:
        """Makes one attempt at a capture.

        Args:
            capture_id: Which.

        Raises:
            TryAgainError: When something was away that may come back.
        """
        capture = await self._claim(capture_id)
        if capture is None:
            return
        try:
            await self._attempt(capture)
        except _OverError:
            return
        except VitrineError as error:
            await self._failed(capture, error)

    async def _claim(self, capture_id: uuid.UUID) -> Capture | None:
        async with self._database.begin() as connection:
            capture = await store.get(connection, capture_id, lock=True)
            if capture is None or capture.state.final or capture.delete_requested:
                return None
            now, attempt = self._clock(), capture.attempt_count + 1
            await store.update(
                connection,
                capture_id,
                now,
                state=State.PROCESSING.value,
                stage=Stage.ANALYZE.value,
                progress_percent=Stage.ANALYZE.progress_percent,
                start_time=capture.start_time or now,
                attempt_count=attempt,
            )
            claimed = await store.get(connection, capture_id)
        if capture.state is not State.PROCESSING:
            self._metrics.captures.labels(capture.kind.value, State.PROCESSING.value).inc()
        return claimed

    async def _attempt(self, capture: Capture) -> None:
        if capture.attempt_count > self._policy.max_attempts:
            # Workers died of it again and again; a failed attempt that could say why would have ended it before.
            raise _HopelessError("the workers that tried to process it ended unexpectedly", "INTERNAL")
        seen = await self._input(capture)
        outcome = await self._pipeline.analyze(seen)
        await self._stage(capture, Stage.MATCH)
        outcome = await self._match(capture, seen, outcome)
        records = seen.record_taste and bool(outcome.analysis.garments)
        await self._stage(capture, Stage.TASTE, sighting_sent=capture.sighting_sent or records)
        await self._finish(capture, seen, outcome)

    async def _input(self, capture: Capture) -> OutfitInput:
        try:
            image = await self._objects.get(capture.object_key)
        except NotFoundError as error:
            raise _HopelessError("the picture of this capture is gone", "INTERNAL") from error
        return OutfitInput(
            user=capture.user,
            event_id=str(capture.capture_id),
            source=capture.name,
            image_jpeg=image,
            face_boxes=capture.face_boxes,
            observed_at=capture.observed_at,
            max_matches=capture.max_matches,
            record_taste=not capture.skip_taste,
            rank_personally=not capture.skip_personal_ranking,
        )

    async def _stage(self, capture: Capture, stage: Stage, **values: object) -> None:
        async with self._database.begin() as connection:
            going_on = await store.update(
                connection,
                capture.capture_id,
                self._clock(),
                attempt=capture.attempt_count,
                stage=stage.value,
                progress_percent=stage.progress_percent,
                **values,
            )
        if not going_on:
            raise _OverError

    async def _match(self, capture: Capture, seen: OutfitInput, outcome: OutfitOutcome) -> OutfitOutcome:
        """Looks for products; goes on without when that failed for good, or was away for too many attempts.

        So for whom they are ranked: the profile is asked at each attempt.
        """
        try:
            outcome = await self._pipeline.match(seen, outcome)
        except VitrineError as error:
            self._again_while_young(capture, error)
            return without(outcome, MATCHES, error)
        for failure in outcome.failures:
            self._again_while_young(capture, failure)
        return outcome

    async def _record(
        self, connection: AsyncConnection, capture: Capture, seen: OutfitInput, outcome: OutfitOutcome
    ) -> OutfitOutcome:
        """Tells the profile; goes on when that is away for too many attempts, and then it is told later."""
        try:
            return await self._pipeline.record(seen, outcome)
        except VitrineError as error:
            self._again_while_young(capture, error)
            outcome = without(outcome, TASTE, error)
            if refused(error):
                return outcome
            await self._taste.defer(connection, capture.capture_id, seen, outcome.analysis)
            return replace(outcome, taste_pending=True)

    def _again_while_young(self, capture: Capture, error: VitrineError) -> None:
        if isinstance(error, TRANSIENT) and capture.attempt_count < self._policy.degrade_after:
            raise error

    async def _finish(self, capture: Capture, seen: OutfitInput, outcome: OutfitOutcome) -> None:
        async with self._database.begin() as connection:
            current = await store.get(connection, capture.capture_id, lock=True)
            if current is None or not current.in_work(capture.attempt_count):
                raise _OverError
            outcome = await self._record(connection, capture, seen, outcome)
            kept, now = keep(outcome), self._clock()
            await store.update(
                connection, capture.capture_id, now,
                state=State.SUCCEEDED.value,
                stage=Stage.DONE.value,
                progress_percent=Stage.DONE.progress_percent,
                end_time=now,
                degraded_parts=list(outcome.degraded_parts), detail=kept.detail, summary=kept.summary, error=b"",
            )  # fmt: skip
            for target in self._policy.summaries:
                if not (outcome.taste_pending and target == USER):  # the profile knows the address, and is away
                    await self._jobs.summary(connection, capture.capture_id, target)
        self._metrics.captures.labels(capture.kind.value, State.SUCCEEDED.value).inc()

    async def _failed(self, capture: Capture, error: VitrineError) -> None:
        if capture.attempt_count < self._attempts_for(error):
            await self._wait(capture, error)
        else:
            await self._give_up(capture, error)

    def _attempts_for(self, error: VitrineError) -> int:
        """What is away comes back; what broke may be mended by a restart; what was refused stays refused."""
        if isinstance(error, TRANSIENT):
            return self._policy.max_attempts
        if isinstance(error, InternalError) and not isinstance(error, _HopelessError):
            return min(self._policy.degrade_after, self._policy.max_attempts)
        return 0

    async def _wait(self, capture: Capture, error: VitrineError) -> None:
        now = self._clock()
        delay = self._policy.wait(capture.attempt_count, random.random())  # noqa: S311 - spreads retries, hides nothing
        async with self._database.begin() as connection:
            going_on = await store.update(
                connection,
                capture.capture_id,
                now,
                attempt=capture.attempt_count,
                state=State.QUEUED.value,
                stage=Stage.WAITING.value,
                progress_percent=Stage.WAITING.progress_percent,
                error=error_bytes(error),
            )
        if going_on:
            raise TryAgainError(now + delay)

    async def _give_up(self, capture: Capture, error: VitrineError) -> None:
        now = self._clock()
        async with self._database.begin() as connection:
            current = await store.get(connection, capture.capture_id, lock=True)
            if current is None or not current.in_work(capture.attempt_count):
                return
            await store.update(
                connection,
                capture.capture_id,
                now,
                state=State.FAILED.value,
                stage=Stage.DONE.value,
                end_time=now,
                error=error_bytes(error),
            )
            if current.sighting_sent:
                await self._jobs.undo(connection, capture.capture_id)
        self._metrics.captures.labels(capture.kind.value, State.FAILED.value).inc()
