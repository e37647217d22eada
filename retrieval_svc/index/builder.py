"""Builds generations: one at a time, with pauses after failures, and with a history in the database."""

from __future__ import annotations

import time
from contextlib import suppress

from structlog.typing import FilteringBoundLogger

from mesh.database import Database
from mesh.errors import VitrineError
from mesh.metrics import Metrics
from retrieval_svc.catalog.money import RateTable
from retrieval_svc.index.generation import BuildPlan, IndexBackend, OpenGeneration
from retrieval_svc.storage import index_feed
from retrieval_svc.storage.index_feed import ModelState

_BACKOFF_FIRST_S = 1.0
_BACKOFF_MAX_S = 60.0


class IndexBuilder:
    """Builds generations of the index for one process."""

    def __init__(
        self, database: Database, backend: IndexBackend, metrics: Metrics, log: FilteringBoundLogger, *, poll_s: float
    ) -> None:
        """Makes the builder.

        Args:
            database: The catalogue.
            backend: Where generations live.
            metrics: Where builds are counted.
            log: structlog's logger.
            poll_s: Pause while another process builds, in seconds.
        """
        self._database = database
        self._backend = backend
        self._log = log
        self._poll_s = poll_s
        self._not_before = 0.0
        self._backoff_s = _BACKOFF_FIRST_S
        self._builds = metrics.counter("index_builds", "Builds of the index.", ("outcome",))

    @property
    def resting(self) -> bool:
        """Whether it is too early for another attempt."""
        return time.monotonic() < self._not_before

    async def build(self, model: ModelState, rates: RateTable) -> OpenGeneration | None:
        """Builds a generation, or opens the one that another process has built for the same reason.

        Args:
            model: The model whose vectors it shall hold.
            rates: The exchange rates to convert prices with.

        Returns:
            The generation; None while another process is building.

        Raises:
            Exception: Whatever the engine, the child process or the database says; `resting` is true for a while then.
        """
        began = time.monotonic()
        try:
            number, built = await self._attempt(model, rates)
        except Exception:
            self._builds.labels("failed").inc()
            self._not_before = time.monotonic() + self._backoff_s
            self._backoff_s = min(2 * self._backoff_s, _BACKOFF_MAX_S)
            raise
        if built is None:
            self._not_before = time.monotonic() + self._poll_s
            return None
        self._backoff_s = _BACKOFF_FIRST_S
        self._tell(built, time.monotonic() - began, ours=built.state.generation == number)
        return built

    async def _attempt(self, model: ModelState, rates: RateTable) -> tuple[int, OpenGeneration | None]:
        """Builds, and notes in the history how it ended; a number that came to nothing is given up again."""
        async with self._database.begin() as connection:
            number = await index_feed.begin_generation(connection, self._backend.engine, model.model, model.dimension)
        built: OpenGeneration | None = None
        error = ""
        try:
            plan = BuildPlan(number, model.model, model.dimension, rates, model.forgotten_seq)
            built = await self._backend.build(plan)
        except BaseException as failure:  # a build that is given up at shutdown is noted too
            error = f"{type(failure).__name__}: {failure}".removesuffix(": ")
            raise
        finally:
            with suppress(VitrineError):  # the history is for people: nothing depends on it
                await self._note_end(number, built, error)
        return number, built

    async def _note_end(self, number: int, built: OpenGeneration | None, error: str) -> None:
        async with self._database.begin() as connection:
            if error:
                await index_feed.end_generation(connection, number, error=error)
            elif built is None or built.state.generation != number:
                await index_feed.drop_generation(connection, number)
            else:
                await index_feed.end_generation(connection, number, product_count=built.state.built_count)

    def _tell(self, built: OpenGeneration, seconds: float, *, ours: bool) -> None:
        self._builds.labels("succeeded" if ours else "taken_over").inc()
        self._log.info(
            "index_built" if ours else "index_taken_over", generation=built.state.generation,
            products=built.state.built_count, seconds=round(seconds, 2),
        )  # fmt: skip
