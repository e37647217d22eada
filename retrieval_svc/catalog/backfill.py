"""Vectors that are missing: of pictures that came while the vision service was away, or when its model changes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

from structlog.typing import FilteringBoundLogger

from mesh.database import Database
from mesh.errors import NotFoundError, UnavailableError, VitrineError
from mesh.metrics import Metrics
from retrieval_svc.catalog.encoder import Embedded, Encoder, Vector
from retrieval_svc.catalog.pictures import PictureStore
from retrieval_svc.storage import catalog, index_feed, vectors
from retrieval_svc.storage.vectors import VectorWrite

_BATCH = 16
# Any words do: the answer names the model, whose space words and pictures share.
_PROBE = "shirt"


class Backfill:
    """Asks the vision service which model it has, and makes the vectors that this model lacks."""

    def __init__(
        self,
        database: Database,
        pictures: PictureStore,
        encoder: Encoder,
        sweep: Callable[[], Awaitable[object]],
        on_change: Callable[[], None],
        metrics: Metrics,
        log: FilteringBoundLogger,
        *,
        poll_s: float,
        probe_s: float,
    ) -> None:
        """Makes the worker.

        Args:
            database: The catalogue.
            pictures: Our copies of pictures.
            encoder: The vision service.
            sweep: Called before every step: removes pictures that were kept but that no product uses.
            on_change: Called when vectors were stored.
            metrics: Where what waits is shown.
            log: structlog's logger.
            poll_s: Pause when nothing waits, and after a failure, in seconds.
            probe_s: How often the model is asked for, in seconds.
        """
        self._database = database
        self._pictures = pictures
        self._encoder = encoder
        self._sweep = sweep
        self._on_change = on_change
        self._log = log
        self._poll_s = poll_s
        self._probe_s = probe_s
        self._next_probe = 0.0
        self._rest_until = 0.0
        self._failure = ""
        self._stopping = asyncio.Event()
        self._waiting = metrics.gauge("vectors_pending", "Products that wait for their vector.")

    def stop(self) -> None:
        """Lets `run` end after the batch that it is in."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until stopped. PostgreSQL and the vision service may go away and come back."""
        while not self._stopping.is_set():
            done = 0
            try:
                await self._sweep()
                await self._probe()
                if time.monotonic() >= self._rest_until:
                    done = await self.step()
                    self._failure = ""
            except VitrineError as error:
                self._wait_because(error.message)
            except Exception as error:  # noqa: BLE001 - whatever it is: without this worker no vector comes any more
                self._wait_because(f"{type(error).__name__}: {error}")
            if not done:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._stopping.wait()

    def _wait_because(self, why: str) -> None:
        if why != self._failure:
            self._failure = why
            self._log.warning("backfill_waits", error=why)
        self._next_probe = 0.0

    async def step(self) -> int:
        """Makes one batch of vectors; when none is missing, lets a new model take over the index.

        Pictures are looked at for their patterns too; those that have a vector already, but were never looked at, come
        last.

        Returns:
            How many pictures were done.

        Raises:
            UnavailableError: When the database, the object store or the vision service does not answer, or a stand-in
                answers for the model that is wanted.
        """
        async with self._database.begin() as connection:
            state = await index_feed.read_model(connection)
            if state is None:
                return 0
            self._waiting.set(await index_feed.pending_count(connection, state.wanted_model))
            waiting = await index_feed.pending_pictures(connection, state.wanted_model, _BATCH)
        if not waiting:
            await self._promote()
            waiting = await self._unseen()
        if not waiting:
            return 0
        found = [(pair, await self._read(pair[1])) for pair in waiting]
        there = [(pair, jpeg) for pair, jpeg in found if jpeg is not None]
        results = await self._embedded([jpeg for _, jpeg in there])
        self._refuse_stand_in(results, state.wanted_model)
        lost = [pair for pair, jpeg in found if jpeg is None]
        await self._write(state.wanted_model, [pair for pair, _ in there], results, lost)
        return len(waiting)

    async def _unseen(self) -> list[tuple[str, str]]:
        async with self._database.begin() as connection:
            return await vectors.unseen_pictures(connection, _BATCH)

    async def _embedded(self, jpegs: Sequence[bytes]) -> list[Embedded]:
        return await self._encoder.embed_products(jpegs, describe=True) if jpegs else []

    def _refuse_stand_in(self, results: Sequence[Embedded], wanted: str) -> None:
        """Waits for the wanted model, instead of embedding the same pictures again and again with a stand-in."""
        for vector in results:
            if isinstance(vector, Vector) and vector.degraded and vector.model != wanted:
                self._rest_until = time.monotonic() + self._probe_s
                text = f"the vision service answers with {vector.model}, which stands in for {wanted}"
                raise UnavailableError(text, "MODEL_UNAVAILABLE", {"model": wanted}, retry_after_s=self._probe_s)

    async def _probe(self) -> None:
        """Learns the model of the vision service."""
        if time.monotonic() < self._next_probe:
            return
        vector = (await self._encoder.embed_text(_PROBE)).vector
        async with self._database.begin() as connection:
            await index_feed.note_model(connection, vector.model, len(vector.values), degraded=vector.degraded)
        if not vector.degraded:
            self._rest_until = 0.0
        self._next_probe = time.monotonic() + self._probe_s
        self._on_change()

    async def _promote(self) -> None:
        async with self._database.begin() as connection:
            await catalog.lock_writes(connection)
            promoted = await index_feed.promote_next_model(connection)
        if promoted:
            self._log.info("index_model_changes")
            self._on_change()

    async def _read(self, image_id: str) -> bytes | None:
        try:
            return await self._pictures.get(image_id)
        except NotFoundError:
            return None

    async def _write(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        results: Sequence[Embedded],
        lost: Sequence[tuple[str, str]],
    ) -> None:
        writes = [VectorWrite(*pair, model, None, "the picture is not in the object store", "") for pair in lost]
        made = [result for result in results if isinstance(result, Vector)]
        for pair, result in zip(pairs, results, strict=True):
            if isinstance(result, Vector):
                writes.append(VectorWrite(*pair, result.model, result.values, pattern=result.pattern))
            else:
                writes.append(VectorWrite(*pair, model, None, f"{result.reason}: {result.description}", ""))
        async with self._database.begin() as connection:
            await catalog.lock_writes(connection)
            for vector in made[:1]:
                await index_feed.note_model(connection, vector.model, len(vector.values), degraded=vector.degraded)
            await vectors.write_vectors(connection, writes)
        self._on_change()
