"""Sending the summary of a processed capture: the job `ingest.send_summary`."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from ingest_svc.captures.capture import Capture, State, retry_delay
from ingest_svc.captures.jobs import TryAgainError
from ingest_svc.captures.message import message_of
from ingest_svc.captures.pipeline import TRANSIENT
from ingest_svc.captures.policy import SERVICE
from ingest_svc.captures.summary import signed_headers, summary_of
from ingest_svc.clients.profile import WebhookTarget
from ingest_svc.storage import captures as store
from mesh.database import Database
from mesh.errors import VitrineError
from mesh.metrics import Metrics

_FIRST_RETRY_S = 2.0
_LONGEST_RETRY_S = 300.0


class Targets(Protocol):
    """Knows where users want summaries to go; `ingest_svc.clients.profile.ProfileClient` does."""

    async def webhook(self, user: str, *, deadline_s: float) -> WebhookTarget | None:
        """Returns a user's address and key, or None."""


class Sender(Protocol):
    """Posts messages; `ingest_svc.clients.webhook.WebhookClient` does."""

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        """Sends one message."""


@dataclass(frozen=True, slots=True)
class SummaryPolicy:
    """Where summaries go, and how often to try.

    Attributes:
        service_target: Where the settings send every summary; None for nowhere.
        max_attempts: Attempts at one summary.
        profile_deadline_s: Time limit of asking the profile, in seconds.
    """

    service_target: WebhookTarget | None
    max_attempts: int
    profile_deadline_s: float = 5.0


class Summaries:
    """Sends summaries; each may arrive more than once, always with the same id."""

    def __init__(
        self,
        database: Database,
        targets: Targets,
        sender: Sender,
        metrics: Metrics,
        policy: SummaryPolicy,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._targets = targets
        self._sender = sender
        self._metrics = metrics
        self._policy = policy
        self._clock = clock
        self._log = structlog.get_logger("ingest.summaries")

    async def send(self, capture_id: uuid.UUID, target: str, attempt: int) -> None:
        """Makes one attempt at sending a summary. A capture that is gone has none.

        Args:
            capture_id: Which capture.
            target: ``service`` or ``user``.
            attempt: The number of this attempt, from 1.

        Raises:
            TryAgainError: When the receiver did not answer, and it is not the last attempt; or the profile did not,
                which knows the address.
            VitrineError: When the profile broke; the queue tries that again too.
        """
        async with self._database.begin() as connection:
            capture = await store.get(connection, capture_id)
        if capture is None or capture.state is not State.SUCCEEDED or capture.delete_requested:
            return
        try:
            goal = await self._goal(capture.user, target)
        except TRANSIENT as error:  # the profile comes back, and no receiver has refused anything
            raise TryAgainError(self._next(attempt)) from error
        if goal is not None:
            await self._post(capture, target, goal, attempt)

    async def _post(self, capture: Capture, target: str, goal: WebhookTarget, attempt: int) -> None:
        body = summary_of(message_of(capture))
        delivery = str(uuid.uuid5(capture.capture_id, target))
        try:
            await self._sender.post(goal.url, body, signed_headers(delivery, self._clock(), body, goal.secret))
        except TRANSIENT as error:
            if attempt < self._policy.max_attempts:
                raise TryAgainError(self._next(attempt)) from error
            self._give_up(capture, error)
        except VitrineError as error:
            self._give_up(capture, error)

    async def _goal(self, user: str, target: str) -> WebhookTarget | None:
        if target == SERVICE:
            return self._policy.service_target
        return await self._targets.webhook(user, deadline_s=self._policy.profile_deadline_s)

    def _next(self, attempt: int) -> datetime:
        return self._clock() + retry_delay(
            attempt,
            first_s=_FIRST_RETRY_S,
            longest_s=_LONGEST_RETRY_S,
            jitter=random.random(),  # noqa: S311 - spreads retries, hides nothing
        )

    def _give_up(self, capture: Capture, error: VitrineError) -> None:
        self._metrics.failures.labels("summary_webhook").inc()
        self._log.warning("summary_not_sent", capture=str(capture.capture_id), reason=error.reason, error=error.message)
