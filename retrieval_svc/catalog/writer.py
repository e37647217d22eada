"""Storing products with their pictures and vectors: each of them wholly, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncConnection

from imaging.errors import ImageError
from mesh.database import Database
from mesh.errors import DeadlineExceededError, ResourceExhaustedError, UnavailableError
from retrieval_svc.catalog.encoder import Encoder, RefusedPicture, Vector
from retrieval_svc.catalog.pictures import PictureStore, PreparedPicture, image_id_of
from retrieval_svc.catalog.product import Picture, Product
from retrieval_svc.catalog.rows import RowProblem
from retrieval_svc.storage import catalog, index_feed, vectors
from retrieval_svc.storage import rates as rate_storage
from retrieval_svc.storage.vectors import VectorWrite

MAX_PICTURES = 10
# Pictures in one call to the vision service: with 1,024 px copies about 3 MB.
_EMBED_BATCH = 16
_SWEEP_BATCH = 500


class Outcome(Enum):
    """What became of a product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that came in.

    Attributes:
        product: What was said about it; its pictures have links and texts only.
        images: Encoded pictures; the n-th belongs to the n-th picture of the product.
    """

    product: Product
    images: Sequence[bytes] = ()


@dataclass(slots=True)
class Prepared:
    """A product that can be stored.

    Attributes:
        product: With our pictures.
        pictures: Our copies that may not be in the object store yet.
        vector: The vector of its first picture, when it was made now.
        problems: Why it cannot be stored after all.
    """

    product: Product
    pictures: list[PreparedPicture] = field(default_factory=list)
    vector: Vector | None = None
    problems: list[RowProblem] = field(default_factory=list)


class CatalogWriter:
    """Checks products against what is known, and stores them."""

    def __init__(self, database: Database, pictures: PictureStore, encoder: Encoder) -> None:
        self._database = database
        self._pictures = pictures
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
            item = await self._with_pictures(candidate, known.get(candidate.product.product_id))
            currency = item.product.price.currency
            if not rates.knows(currency):
                text = f"no exchange rate is known for {currency!r}"
                item.problems.append(RowProblem("price.currency_code", text, "CURRENCY_UNKNOWN"))
            prepared.append(item)
        if embed:
            await self._embed([item for item in prepared if not item.problems], model.wanted_model if model else "")
        return prepared

    async def store(
        self, items: Sequence[Prepared], also: Callable[[AsyncConnection, list[Outcome]], Awaitable[None]] | None = None
    ) -> list[Outcome]:
        """Stores products without problems, in one transaction.

        Args:
            items: What `prepare` gave.
            also: Writes something else in the same transaction.

        Returns:
            What became of each.

        Raises:
            UnavailableError: When the database or the object store does not answer; then nothing is stored.
        """
        async with self._database.begin() as connection:
            await catalog.lock_writes(connection)
            known = await catalog.read_products(connection, [item.product.product_id for item in items])
            products = [_merged(item.product, known.get(item.product.product_id)) for item in items]
            outcomes = [_outcome(product, known.get(product.product_id)) for product in products]
            await self._put_pictures(items)
            changed = [p for p, outcome in zip(products, outcomes, strict=True) if outcome is not Outcome.UNCHANGED]
            await catalog.write_products(connection, changed)
            await self._write_vectors(connection, items)
            if also is not None:
                await also(connection, outcomes)
        replaced = {p.image_id for product in known.values() for p in product.pictures if p.image_id}
        await self.drop_unused(replaced - {p.image_id for product in products for p in product.pictures})
        return outcomes

    async def drop_unused(self, image_ids: set[str]) -> int:
        """Removes pictures that no product uses, under the write lock, so that none is removed that comes in now.

        Returns:
            How many were removed.
        """
        if not image_ids:
            return 0
        async with self._database.begin() as connection:
            await catalog.lock_writes(connection)
            unused = await catalog.unused_pictures(connection, image_ids)
            for image_id in unused:
                await self._pictures.delete(image_id)
        return len(unused)

    async def sweep(self) -> int:
        """Removes pictures that a process left behind when it died between keeping them and storing their product.

        Returns:
            How many were removed.
        """
        kept = await self._pictures.image_ids()
        return sum(
            [
                await self.drop_unused(set(kept[start : start + _SWEEP_BATCH]))
                for start in range(0, len(kept), _SWEEP_BATCH)
            ]
        )

    async def _with_pictures(self, candidate: Candidate, known: Product | None) -> Prepared:
        """Makes our copies of the pictures; a file that the product has already is not decoded again."""
        have = {picture.image_id: picture for picture in known.pictures} if known else {}
        item = Prepared(candidate.product)
        if len(candidate.images) > MAX_PICTURES:
            text = f"must have at most {MAX_PICTURES} items, got {len(candidate.images)}"
            item.problems.append(RowProblem("images", text))
            return item
        stated = list(candidate.product.pictures)
        stated += [Picture()] * (len(candidate.images) - len(stated))
        for place, data in enumerate(candidate.images):
            copy = have.get(image_id_of(data))
            if copy is None:
                copy = await self._copy(item, place, data)
            if copy is not None:
                stated[place] = replace(
                    stated[place], image_id=copy.image_id, width_px=copy.width_px, height_px=copy.height_px
                )
        item.product = replace(candidate.product, pictures=tuple(stated))
        return item

    async def _copy(self, item: Prepared, place: int, data: bytes) -> Picture | None:
        try:
            made = await self._pictures.prepare(data)
        except ImageError as error:
            item.problems.append(
                RowProblem(f"images[{place}].data", error.description, error.reason.value, error.metadata)
            )
            return None
        item.pictures.append(made)
        return Picture(made.image_id, width_px=made.width_px, height_px=made.height_px)

    async def _embed(self, items: Sequence[Prepared], model: str) -> None:
        """Makes the vectors that are missing; those of pictures that are not at hand are left to the backfill."""
        wanted = [(item.product.product_id, catalog.picture_id_of(item.product)) for item in items]
        async with self._database.begin() as connection:
            present = await index_feed.vectors_present(connection, model, wanted) if model else set()
        missing = [
            (item, item.pictures[0].jpeg)
            for item, pair in zip(items, wanted, strict=True)
            if pair not in present and item.pictures and item.pictures[0].image_id == pair[1]
        ]
        for start in range(0, len(missing), _EMBED_BATCH):
            batch = missing[start : start + _EMBED_BATCH]
            try:
                results = await self._encoder.embed_products([jpeg for _, jpeg in batch])
            except (UnavailableError, DeadlineExceededError, ResourceExhaustedError):
                return
            for (item, _), result in zip(batch, results, strict=True):
                if isinstance(result, RefusedPicture):
                    item.problems.append(
                        RowProblem("images[0].data", result.description, result.reason, result.metadata)
                    )
                else:
                    item.vector = result

    async def _put_pictures(self, items: Sequence[Prepared]) -> None:
        copies = {picture.image_id: picture for item in items for picture in item.pictures}
        await asyncio.gather(*(self._pictures.put(picture) for picture in copies.values()))

    async def _write_vectors(self, connection: AsyncConnection, items: Sequence[Prepared]) -> None:
        made = [(item.product, item.vector) for item in items if item.vector is not None]
        for _, vector in made[:1]:
            await index_feed.note_model(connection, vector.model, len(vector.values))
        writes = [
            VectorWrite(product.product_id, catalog.picture_id_of(product), vector.model, vector.values)
            for product, vector in made
        ]
        await vectors.write_vectors(connection, writes)


def _merged(product: Product, known: Product | None) -> Product:
    """A product that came without pictures keeps those that it has."""
    if known is None or catalog.picture_id_of(product) or not catalog.picture_id_of(known):
        return product
    return replace(product, pictures=known.pictures)


def _outcome(product: Product, known: Product | None) -> Outcome:
    if known is None:
        return Outcome.CREATED
    return Outcome.UNCHANGED if product.etag == known.etag else Outcome.UPDATED
