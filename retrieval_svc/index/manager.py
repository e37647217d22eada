"""Keeps the index in step with the catalogue: opens it, follows changes, builds a new one beside it and swaps."""

from __future__ import annotations

import asyncio

from structlog.typing import FilteringBoundLogger

from mesh.database import Database
from mesh.errors import UnavailableError, VitrineError
from mesh.metrics import Metrics
from retrieval_svc.catalog.money import RateTable
from retrieval_svc.catalog.product import point_id
from retrieval_svc.index.builder import IndexBuilder
from retrieval_svc.index.generation import IndexBackend, OpenGeneration
from retrieval_svc.index.health import IndexHealth, IndexPhase
from retrieval_svc.index.schema import fitting, point_of
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.storage import index_feed
from retrieval_svc.storage import rates as rate_storage
from retrieval_svc.storage.change_log import last_change
from retrieval_svc.storage.index_feed import Change, ModelState
from retrieval_svc.storage.retention import forgotten_seq

# One update of the engine holds the GIL for about 2 ms per 100 points.
_BATCH = 100
_SETTLE_S = 2.0


class IndexManager:
    """The index of this process.

    One pass (`sync`) at a time reads what changed and applies it; a build runs beside the passes, and searches go on
    with the old generation until the new one has caught up.
    """

    def __init__(
        self,
        database: Database,
        backend: IndexBackend,
        metrics: Metrics,
        log: FilteringBoundLogger,
        *,
        poll_s: float,
    ) -> None:
        """Makes the manager of a closed index.

        Args:
            database: The catalogue.
            backend: Where generations live.
            metrics: Where builds and points are counted.
            log: structlog's logger.
            poll_s: How often the catalogue is looked at when nobody pokes, in seconds.
        """
        self._database = database
        self._backend = backend
        self._log = log
        self._poll_s = poll_s
        self._words = WordEncoder()
        self._current: OpenGeneration | None = None
        self._pass = asyncio.Lock()
        self._poked = asyncio.Event()
        self._builder = IndexBuilder(database, backend, metrics, log, poll_s=poll_s)
        self._build: asyncio.Task[None] | None = None
        self._built: OpenGeneration | None = None  # built, but not in place yet
        self._last_error = ""
        self._noted = ""
        self._stopping = False
        self._counted = (0, 0)  # the generation that `index_products` tells of, and its last change
        self._points = metrics.gauge("index_products", "Products in the index that answers.")
        self._applied = metrics.counter("index_changes_applied", "Changes of the catalogue that the index took.")

    def active(self) -> OpenGeneration:
        """Returns the generation that answers.

        Raises:
            UnavailableError: INDEX_NOT_READY, before the first one is built.
        """
        if self._current is None:
            raise UnavailableError("the index is still being built", "INDEX_NOT_READY", retry_after_s=2.0)
        return self._current

    def health(self) -> IndexHealth:
        """Tells how far the index is."""
        building = self._build is not None
        phase = IndexPhase.BUILDING
        if self._current is not None:
            phase = IndexPhase.REBUILDING if building else IndexPhase.READY
        return IndexHealth(phase, self._backend.engine, self._current, self._last_error)

    async def open(self) -> None:
        """Opens what an earlier process left; nothing is not an error."""
        if self._current is None:
            self._current = await self._backend.open()

    def poke(self) -> None:
        """Asks for a pass soon, because the catalogue changed."""
        self._poked.set()

    def stop(self) -> None:
        """Lets `run` end after the pass that it is in."""
        self._stopping = True
        self.poke()

    async def run(self) -> None:
        """Follows the catalogue until stopped. PostgreSQL and the engine may go away and come back."""
        try:
            while not self._stopping:
                try:
                    await self.sync()
                except VitrineError as error:
                    self._note(error)
                except Exception as error:  # noqa: BLE001 - whatever the engine says: it must be tried again
                    self._note(error)
                    await asyncio.sleep(self._poll_s)
                await self._wait()
        finally:
            await self._close()

    async def sync(self) -> None:
        """Applies every change that is committed now, and starts a build where one is due.

        Raises:
            UnavailableError: When the database does not answer.
        """
        async with self._pass:
            async with self._database.begin() as connection:
                model = await index_feed.read_model(connection)
                rates = rate_storage.table_of(await rate_storage.newest_rates(connection))
                newest = await last_change(connection)
            if model is None:
                return
            if self._current is not None:
                await self._refresh(self._current)
            if self._current is not None and self._current.state.applied_seq < newest:
                await self._follow(self._current)
            await self._tell_size()
            self._start_build_if_due(model, rates)
            self._noted = ""

    async def settle(self) -> None:
        """Does `sync` for a caller whose change is stored already: a failure only means that searches see it later."""
        try:
            async with asyncio.timeout(_SETTLE_S):
                await self.sync()
        except Exception as error:  # noqa: BLE001 - `run` tries again
            self._note(error)
            self.poke()

    async def _refresh(self, current: OpenGeneration) -> None:
        """Takes over what another process built; then it does not matter how our own last build ended."""
        self._current = await self._backend.refresh(current)
        if self._current is not None and self._current is not current:
            self._last_error = ""

    async def _follow(self, generation: OpenGeneration) -> None:
        """Applies changes, a batch at a time, until there are none."""
        async with self._backend.turn() as mine:
            while mine:
                state = generation.state
                async with self._database.begin() as connection:
                    changes = await index_feed.read_changes(connection, state.model, state.applied_seq, _BATCH)
                    forgotten = await forgotten_seq(connection)  # after the changes: none of them may be missing
                if not changes or state.applied_seq < forgotten:
                    break
                await self._apply(generation, changes)

    async def _tell_size(self) -> None:
        """Counts the products of the index that answers, where it is not the one that was counted last."""
        if self._current is None:
            return
        state = self._current.state
        if (state.generation, state.applied_seq) != self._counted:
            self._points.set(await self._current.index.count())
            self._counted = (state.generation, state.applied_seq)

    async def _apply(self, generation: OpenGeneration, changes: list[Change]) -> None:
        state = generation.state
        items = [fitting(change.item, state.dimension) for change in changes if change.item is not None]
        points = [point_of(item, self._words.document(item.product.search_text()), state.rates) for item in items]
        await generation.index.upsert(points)
        await generation.index.delete([point_id(change.product_id) for change in changes if change.item is None])
        await self._backend.advance(generation, state.advanced(changes[-1].seq, len(changes)))
        self._applied.inc(len(changes))

    def _start_build_if_due(self, model: ModelState, rates: RateTable) -> None:
        if self._build is not None or self._builder.resting:
            return
        state = self._current.state if self._current else None
        why = state.stale_because(model.model, rates, model.forgotten_seq) if state else "missing"
        if why:
            self._log.info("index_build_begins", because=why, model=model.model)
            self._build = asyncio.create_task(self._rebuild(model, rates), name="index-build")

    async def _rebuild(self, model: ModelState, rates: RateTable) -> None:
        before = self._current
        try:
            if self._built is None:
                self._built = await self._builder.build(model, rates)
            if self._built is not None:
                await self._swap(self._built, before)
                self._last_error = ""
        except Exception as error:  # noqa: BLE001 - the old generation goes on; it is tried again
            self._last_error = self._note(error)
        finally:
            self._build = None
            self.poke()

    async def _swap(self, built: OpenGeneration, before: OpenGeneration | None) -> None:
        """Lets the new generation catch up, puts it in place and removes the one that answered when its build began.

        A pass may have taken it over already, or a newer one that another process built; that one stays.
        """
        async with self._pass:
            await self._follow(built)
            stays, done = built, before
            if self._current is not None and self._current.state.generation > built.state.generation:
                stays, done = self._current, built
            self._current, self._built = stays, None
        if done is not None and done.state.generation != stays.state.generation:
            await self._backend.retire(done)

    def _note(self, error: Exception) -> str:
        """Logs a failure, once until a pass succeeds, and returns it in words."""
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        if text != self._noted:
            self._log.warning("index_failed", error=text)
        self._noted = text
        return text

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_s):
                await self._poked.wait()
        except TimeoutError:
            pass
        self._poked.clear()

    async def _close(self) -> None:
        if self._build is not None:
            self._build.cancel()
            await asyncio.gather(self._build, return_exceptions=True)
        opened, self._current, self._built = (self._current, self._built), None, None
        for generation in opened:
            if generation is not None:
                await generation.index.close()
