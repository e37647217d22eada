"""The pictures of products: copies are made, kept while a product uses them, and removed when none does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from imaging.errors import ImageError
from mesh.database import Database
from mesh.errors import VitrineError
from retrieval_svc.catalog.candidate import MAX_PICTURES, Candidate, Prepared
from retrieval_svc.catalog.pictures import PictureStore, PreparedPicture, image_id_of
from retrieval_svc.catalog.product import Picture, Product, merged_pictures
from retrieval_svc.catalog.rows import RowProblem
from retrieval_svc.storage import catalog

_SWEEP_BATCH = 500
# Pictures on their way to the object store at a time: the write lock of the catalogue is held meanwhile.
_PARALLEL_PUTS = 16
# More than so many that may be unused are not remembered one by one: all pictures are looked through instead.
_MOST_SUSPECTS = 10_000


class Gallery:
    """Our copies of pictures and the products that use them.

    A copy is in the object store whenever a stored product names it: copies are kept before their product is committed,
    and removed after the last product that used them, both under the write lock of the catalogue.
    """

    def __init__(self, database: Database, pictures: PictureStore) -> None:
        self._database = database
        self._pictures = pictures
        self._suspects: set[str] = set()
        self._swept = False

    async def attach(self, candidate: Candidate, known: Product | None) -> Prepared:
        """Makes our copies of the pictures; a file that the product has already is not decoded again.

        Args:
            candidate: The product that came in.
            known: The product as it is stored.
        """
        item = Prepared(candidate.product)
        if len(candidate.images) > MAX_PICTURES:
            text = f"must have at most {MAX_PICTURES} items, got {len(candidate.images)}"
            item.problems.append(RowProblem("images", text))
        elif candidate.images:
            await self._attach_files(item, candidate.images, known)
        elif known is not None:
            _check_count(item, known)
        return item

    async def keep(self, items: Sequence[Prepared]) -> None:
        """Puts copies into the object store; under the write lock, before their products are committed.

        Raises:
            UnavailableError: When the object store does not answer.
        """
        places = asyncio.Semaphore(_PARALLEL_PUTS)

        async def put(picture: PreparedPicture) -> None:
            async with places:
                await self._pictures.put(picture)

        copies = {picture.image_id: picture for item in items for picture in item.pictures}
        # All are waited for, also when one fails: none may arrive after the lock is given back.
        for result in await asyncio.gather(*map(put, copies.values()), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def lost(self, connection: AsyncConnection, items: Sequence[Prepared]) -> set[str]:
        """Returns pictures that were known when the items were prepared, and that another writer dropped meanwhile.

        Args:
            connection: In a transaction that holds the write lock.
            items: What is going to be stored.
        """
        copies = {picture.image_id for item in items for picture in item.pictures}
        counted_on = {image_id for item in items for image_id in item.known} - copies
        return await catalog.unused_pictures(connection, counted_on) if counted_on else set()

    async def copy_again(self, items: Sequence[Prepared], image_ids: set[str]) -> None:
        """Makes copies of lost pictures from the files that came in."""
        files = {image_id: (item, data) for item in items for image_id, data in item.known.items()}
        for image_id in image_ids:
            item, data = files[image_id]
            item.pictures.append(await self._pictures.prepare(data))

    def suspect(self, items: Sequence[Prepared]) -> None:
        """Remembers pictures whose products were not stored after all, for the next `sweep`."""
        self._remember({picture.image_id for item in items for picture in item.pictures})

    async def release(self, image_ids: set[str]) -> None:
        """Removes pictures that a product no longer uses, when no other one does.

        What is to be said of the product is stored already: where a store does not answer now, `sweep` does it later.
        """
        self._remember(image_ids)
        try:
            await self._drop_unused(image_ids)
        except VitrineError:
            return
        self._suspects -= image_ids

    async def sweep(self) -> int:
        """Removes pictures that were kept but that no product uses.

        The first time all pictures are looked through, since an earlier process may have died; later only those are
        that this process left behind.

        Returns:
            How many were removed.

        Raises:
            UnavailableError: When the database or the object store does not answer.
        """
        suspects = set(self._suspects)
        removed = await (self._drop_unused(suspects) if self._swept else self._sweep_all())
        self._swept = True
        self._suspects -= suspects
        return removed

    async def _drop_unused(self, image_ids: set[str]) -> int:
        """Removes those that no product uses, under the write lock, so that none is removed that comes in now."""
        if not image_ids:
            return 0
        async with self._database.begin() as connection:
            await catalog.lock_writes(connection)
            unused = await catalog.unused_pictures(connection, image_ids)
            for image_id in unused:
                await self._pictures.delete(image_id)
        return len(unused)

    def _remember(self, image_ids: set[str]) -> None:
        self._suspects |= image_ids
        if len(self._suspects) > _MOST_SUSPECTS:
            self._suspects, self._swept = set(), False

    async def _sweep_all(self) -> int:
        removed, batch = 0, set[str]()
        async for image_id in self._pictures.image_ids():
            batch.add(image_id)
            if len(batch) >= _SWEEP_BATCH:
                removed += await self._drop_unused(batch)
                batch = set()
        removed += await self._drop_unused(batch)
        return removed + await self._pictures.sweep_unfinished()

    async def _attach_files(self, item: Prepared, images: Sequence[bytes], known: Product | None) -> None:
        have = {picture.image_id: picture for picture in known.pictures if picture.image_id} if known else {}
        stated = list(item.product.pictures)
        stated += [Picture()] * (len(images) - len(stated))
        for place, data in enumerate(images):
            image_id = image_id_of(data)
            copy = have.get(image_id)
            if copy is not None:
                item.known[image_id] = data
            else:
                copy = await self._copy(item, place, data)
            if copy is not None:
                stated[place] = replace(
                    stated[place], image_id=copy.image_id, width_px=copy.width_px, height_px=copy.height_px
                )
        item.product = replace(item.product, pictures=tuple(stated))

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


def _check_count(item: Prepared, known: Product) -> None:
    """Links come beside the pictures that the product keeps; together they may be too many."""
    count = len(merged_pictures(item.product.pictures, known.pictures))
    if count > MAX_PICTURES:
        text = f"must have at most {MAX_PICTURES} items together with the product's own pictures, got {count}"
        item.problems.append(RowProblem("images", text))
