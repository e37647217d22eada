"""Storing products with their pictures and vectors: each of them wholly, or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import DeadlineExceededError, InternalError, ResourceExhaustedError, UnavailableError
from retrieval_svc.catalog.candidate import Candidate, Prepared
from retrieval_svc.catalog.encoder import Encoder, FailedPicture, RefusedPicture
from retrieval_svc.catalog.gallery import Gallery
from retrieval_svc.catalog.patterns import pattern_of
from retrieval_svc.catalog.product import Product, merged_pictures
from retrieval_svc.catalog.rows import RowProblem
from retrieval_svc.storage import catalog, index_feed, vectors
from retrieval_svc.storage import rates as rate_storage
from retrieval_svc.storage.index_feed import ModelState
from retrieval_svc.storage.vectors import VectorWrite

# Pictures in one call to the vision service: with 1,024 px copies about 3 MB.
_EMBED_BATCH = 16


class Outcome(Enum):
    """What became of a product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


_Also = Callable[[AsyncConnection, list[Outcome]], Awaitable[None]]


class CatalogWriter:
    """Checks products against what is known, and stores them."""

    def __init__(self, database: Database, gallery: Gallery, encoder: Encoder) -> None:
        self._database = database
        self._gallery = gallery
        self._encoder = encoder

    async def prepare(self, candidates: Sequence[Candidate], *, embed: bool = True) -> list[Prepared]:
        """Checks currencies and pictures and makes vectors; nothing is written.

        A vision service that does not answer is no problem of a product: its vector follows later.

        Args:
            candidates: Products, each once.
            embed: Whether to make vectors.

        Returns:
            One for each, with its problems.

        Raises:
            UnavailableError: When the database does not answer.
        """
        async with self._database.begin() as connection:
            rates = rate_storage.table_of(await rate_storage.newest_rates(connection))
            known = await catalog.read_products(connection, [item.product.product_id for item in candidates])
            model = await index_feed.read_model(connection)
        prepared = []
        for candidate in candidates:
            item = await self._gallery.attach(candidate, known.get(candidate.product.product_id))
            currency = item.product.price.currency
            if not rates.knows(currency):
                text = f"no exchange rate is known for {currency!r}"
                item.problems.append(RowProblem("price.currency_code", text, "CURRENCY_UNKNOWN"))
            prepared.append(item)
        if embed:
            await self._embed([item for item in prepared if not item.problems], model)
        return prepared

    async def store(self, items: Sequence[Prepared], also: _Also | None = None) -> list[Outcome]:
        """Stores products without problems, in one transaction.

        A picture that another writer dropped since `prepare` is copied again.

        Args:
            items: What `prepare` gave.
            also: Writes something else in the same transaction.

        Returns:
            What became of each.

        Raises:
            UnavailableError: When the database or the object store does not answer; then nothing is stored.
        """
        try:
            while True:
                async with self._database.begin() as connection:
                    await catalog.lock_writes(connection)
                    lost = await self._gallery.lost(connection, items)
                    if not lost:
                        outcomes, replaced = await self._write(connection, items, also)
                        break
                await self._gallery.copy_again(items, lost)
        except BaseException:
            self._gallery.suspect(items)
            raise
        await self._gallery.release(replaced)
        return outcomes

    async def _write(
        self, connection: AsyncConnection, items: Sequence[Prepared], also: _Also | None
    ) -> tuple[list[Outcome], set[str]]:
        """Writes everything; under the write lock. Returns also the pictures that these products no longer use."""
        known = await catalog.read_products(connection, [item.product.product_id for item in items])
        products = [_merged(item.product, known.get(item.product.product_id)) for item in items]
        outcomes = [_outcome(product, known.get(product.product_id)) for product in products]
        await self._gallery.keep(items)
        changed = [p for p, outcome in zip(products, outcomes, strict=True) if outcome is not Outcome.UNCHANGED]
        await catalog.write_products(connection, changed)
        await self._write_vectors(connection, items)
        if also is not None:
            await also(connection, outcomes)
        before = {p.image_id for product in known.values() for p in product.pictures if p.image_id}
        return outcomes, before - {p.image_id for product in products for p in product.pictures}

    async def _embed(self, items: Sequence[Prepared], model: ModelState | None) -> None:
        """Makes the vectors that are missing; those of pictures that are not at hand are left to the backfill."""
        wanted = [(item.product.product_id, catalog.picture_id_of(item.product)) for item in items]
        async with self._database.begin() as connection:
            present = await index_feed.vectors_present(connection, model.wanted_model, wanted) if model else set()
        for item, pair in zip(items, wanted, strict=True):
            item.vector_missing = bool(pair[1]) and pair not in present
        missing = [
            (item, item.pictures[0].jpeg)
            for item, pair in zip(items, wanted, strict=True)
            if item.vector_missing and item.pictures and item.pictures[0].image_id == pair[1]
        ]
        for start in range(0, len(missing), _EMBED_BATCH):
            batch = missing[start : start + _EMBED_BATCH]
            describe = any(not pattern_of(item.product.pattern) for item, _ in batch)
            try:
                results = await self._encoder.embed_products([jpeg for _, jpeg in batch], describe=describe)
            except (UnavailableError, DeadlineExceededError, ResourceExhaustedError, InternalError):
                return
            for (item, _), result in zip(batch, results, strict=True):
                if isinstance(result, RefusedPicture):
                    item.problems.append(
                        RowProblem("images[0].data", result.description, result.reason, result.metadata)
                    )
                elif isinstance(result, FailedPicture):
                    continue  # no fault of the product: the backfill asks again, and notes why there is none
                elif model is None or model.counts(result.model, degraded=result.degraded):
                    item.vector, item.vector_missing, item.described = result, False, describe

    async def _write_vectors(self, connection: AsyncConnection, items: Sequence[Prepared]) -> None:
        made = [(item.product, item.vector, item.described) for item in items if item.vector is not None]
        for _, vector, _ in made[:1]:
            await index_feed.note_model(connection, vector.model, len(vector.values), degraded=vector.degraded)
        writes = [
            VectorWrite(
                product.product_id, catalog.picture_id_of(product), vector.model, vector.values,
                pattern=vector.pattern if described else None,
            )
            for product, vector, described in made
        ]  # fmt: skip
        await vectors.write_vectors(connection, writes)


def _merged(product: Product, known: Product | None) -> Product:
    """A product that came without files keeps our copies."""
    if known is None or catalog.picture_id_of(product):
        return product
    return replace(product, pictures=merged_pictures(product.pictures, known.pictures))


def _outcome(product: Product, known: Product | None) -> Outcome:
    if known is None:
        return Outcome.CREATED
    return Outcome.UNCHANGED if product.etag == known.etag else Outcome.UPDATED
