"""Forgets now and then what was kept long enough."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from mesh.database import Database
from mesh.errors import VitrineError
from mesh.metrics import Metrics
from retrieval_svc.storage import retention

# Deleted products that one transaction forgets.
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept.

    Attributes:
        deleted_products: Article numbers of deleted products, for indexes that still hold them.
        import_rejections: Rows that imports refused, after the end of their import.
    """

    deleted_products: dt.timedelta
    import_rejections: dt.timedelta


class Janitor:
    """Sweeps, and waits for the next time."""

    def __init__(
        self,
        database: Database,
        applied_seq: Callable[[], int | None],
        keep: Keep,
        metrics: Metrics,
        log: FilteringBoundLogger,
        *,
        pause_s: float,
    ) -> None:
        """Makes the worker.

        Args:
            database: The catalogue.
            applied_seq: Gives the number of the last change that the own index has taken; None while there is no index.
            keep: How long things are kept.
            metrics: Where what was forgotten is counted.
            log: structlog's logger.
            pause_s: Time between two sweeps, in seconds.
        """
        self._database = database
        self._applied_seq = applied_seq
        self._keep = keep
        self._log = log
        self._pause_s = pause_s
        self._stopping = asyncio.Event()
        self._forgotten = metrics.counter("retention_forgotten", "What was kept long enough.", ("kind",))

    def stop(self) -> None:
        """Lets `run` end after the transaction that it is in."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until stopped. PostgreSQL may go away and come back."""
        while not self._stopping.is_set():
            try:
                await self.sweep()
            except VitrineError as error:
                self._log.warning("retention_waits", error=error.message)
            except Exception as error:  # noqa: BLE001 - whatever it is: the next sweep tries again
                self._log.warning("retention_waits", error=f"{type(error).__name__}: {error}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._stopping.wait()

    async def sweep(self) -> None:
        """Forgets everything that is due, in small transactions.

        Raises:
            UnavailableError: When the database does not answer.
        """
        count = _BATCH
        while count == _BATCH and not self._stopping.is_set():
            count = await self._forget_deleted()
            self._forgotten.labels("deleted_products").inc(count)
        count = 1
        while count and not self._stopping.is_set():
            async with self._database.begin() as connection:
                count = await retention.forget_rejections(connection, self._keep.import_rejections)
            self._forgotten.labels("rejections_of_imports").inc(count)

    async def _forget_deleted(self) -> int:
        applied_seq = self._applied_seq()
        if applied_seq is None:
            return 0
        async with self._database.begin() as connection:
            return await retention.forget_deleted(connection, self._keep.deleted_products, applied_seq, _BATCH)
