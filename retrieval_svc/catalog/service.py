"""The use cases of the catalogue beside imports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from mesh.database import Database
from mesh.errors import (
    AbortedError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
)
from retrieval_svc.catalog.candidate import Candidate
from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.gallery import Gallery
from retrieval_svc.catalog.import_start import ABANDONED_AFTER, RESUMABLE_FOR
from retrieval_svc.catalog.money import EURO, Money, RateTable
from retrieval_svc.catalog.pictures import PictureStore
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.writer import CatalogWriter
from retrieval_svc.storage import catalog, imports, rejections
from retrieval_svc.storage import rates as rate_storage
from retrieval_svc.storage.imports import ImportRun
from retrieval_svc.storage.rates import Rate
from retrieval_svc.storage.rejections import Rejection


class Catalog:
    """Reads and changes the catalogue."""

    def __init__(
        self,
        database: Database,
        pictures: PictureStore,
        gallery: Gallery,
        writer: CatalogWriter,
        on_change: Callable[[], Awaitable[None]],
    ) -> None:
        """Makes the use cases.

        Args:
            database: The catalogue.
            pictures: Our copies of pictures.
            gallery: Which of them are in use.
            writer: Stores products.
            on_change: Called and waited for when something was stored, so that the caller's next search finds it.
        """
        self._database = database
        self._pictures = pictures
        self._gallery = gallery
        self._writer = writer
        self._on_change = on_change

    async def upsert(self, candidates: Sequence[Candidate]) -> list[Product]:
        """Stores products: all of them, or none.

        Raises:
            InvalidInputError: With every problem; the paths begin with ``products[n]``.
        """
        _refuse_repeated(candidates)
        prepared = await self._writer.prepare(candidates)
        violations = [
            (problem, FieldViolation(_path(place, problem.field), problem.description))
            for place, item in enumerate(prepared)
            for problem in item.problems
        ]
        if violations:
            problem, first = violations[0]
            found = tuple(violation for _, violation in violations)
            raise InvalidInputError(f"{first.field}: {first.description}", problem.reason, problem.metadata, found)
        await self._writer.store(prepared)
        await self._on_change()
        ids = [item.product.product_id for item in prepared]
        async with self._database.begin() as connection:
            stored = await catalog.read_products(connection, ids)
        return [stored[product_id] for product_id in ids if product_id in stored]

    async def get(self, product_id: str) -> Product:
        """Returns a product.

        Raises:
            NotFoundError: When there is none.
        """
        async with self._database.begin() as connection:
            found = await catalog.read_products(connection, [product_id])
        if product_id not in found:
            raise _no_product(product_id)
        return found[product_id]

    async def picture(self, product_id: str, image_id: str) -> bytes:
        """Returns a picture of a product, a JPEG.

        Raises:
            NotFoundError: When there is no such product or picture.
        """
        async with self._database.begin() as connection:
            known = await catalog.has_picture(connection, product_id, image_id)
        if not known:
            raise NotFoundError(f"no picture products/{product_id}/images/{image_id}", "RESOURCE_NOT_FOUND")
        return await self._pictures.get(image_id)

    async def list_page(self, wanted: ProductFilter, after: str, limit: int) -> tuple[list[Product], int]:
        """Returns a page of products by id, and how many there are on all pages.

        Args:
            wanted: Which products count.
            after: Id of the last product of the page before.
            limit: Size of the page.

        Raises:
            InvalidInputError: CURRENCY_UNKNOWN.
        """
        async with self._database.begin() as connection:
            if wanted.min_price or wanted.max_price:
                rates = rate_storage.table_of(await rate_storage.newest_rates(connection))
                wanted = _in_euros(wanted, rates)
            return await catalog.list_products(connection, wanted, after, limit)

    async def delete(self, product_id: str, etag: str, *, allow_missing: bool) -> None:
        """Removes a product with its pictures and vectors.

        Raises:
            NotFoundError: When there is none, unless `allow_missing`.
            AbortedError: ETAG_MISMATCH, when `etag` is given and is not that of the product.
        """
        async with self._database.begin() as connection:
            await catalog.lock_writes(connection)
            known = (await catalog.read_products(connection, [product_id])).get(product_id)
            if known is None:
                if allow_missing:
                    return
                raise _no_product(product_id)
            if etag and etag != known.etag:
                raise AbortedError("the product changed since it was read", "ETAG_MISMATCH")
            orphans = await catalog.delete_product(connection, product_id)
        await self._gallery.release(set(orphans))
        await self._on_change()

    async def rates(self) -> list[Rate]:
        """Returns the newest exchange rate of each currency."""
        async with self._database.begin() as connection:
            return await rate_storage.newest_rates(connection)

    async def write_rates(self, rates: Sequence[Rate]) -> None:
        """Stores exchange rates; the index is built anew with them.

        Raises:
            InvalidInputError: When a currency stands twice for one day, or the euro itself is given another rate.
        """
        seen: set[tuple[str, object]] = set()
        latest = dt.datetime.now(dt.UTC).date() + rate_storage.AHEAD
        for place, rate in enumerate(rates):
            if (rate.currency, rate.date) in seen:
                raise InvalidInputError.of(f"rates[{place}].currency_code", f"{rate.currency} stands twice")
            if rate.currency == EURO:
                raise InvalidInputError.of(f"rates[{place}].currency_code", "the euro is what rates are stated in")
            if rate.date > latest:
                text = f"must be a day that has begun somewhere, at most {latest}, got {rate.date}"
                raise InvalidInputError.of(f"rates[{place}].date", text)
            seen.add((rate.currency, rate.date))
        async with self._database.begin() as connection:
            await rate_storage.write_rates(connection, rates)
        await self._on_change()

    async def import_run(self, import_id: str) -> ImportRun:
        """Returns an import.

        Raises:
            NotFoundError: When there is none.
        """
        async with self._database.begin() as connection:
            await imports.end_abandoned(connection, ABANDONED_AFTER, RESUMABLE_FOR)
            run = await imports.read_import(connection, import_id)
        if run is None:
            raise NotFoundError(f"no import imports/{import_id}", "RESOURCE_NOT_FOUND")
        return run

    async def rejections(self, import_id: str, first: int, limit: int) -> list[Rejection]:
        """Returns refused rows of an import, in their order.

        Args:
            import_id: The import.
            first: How many to skip.
            limit: How many at most.

        Raises:
            NotFoundError: When there is no such import.
        """
        await self.import_run(import_id)
        async with self._database.begin() as connection:
            return await rejections.list_rejections(connection, import_id, first, limit)


def _path(place: int, field: str) -> str:
    """Files stand beside the product in the request, everything else in it."""
    return f"products[{place}].{field}" if field.startswith("images[") else f"products[{place}].product.{field}"


def _refuse_repeated(candidates: Sequence[Candidate]) -> None:
    seen: set[str] = set()
    for place, candidate in enumerate(candidates):
        if candidate.product.product_id in seen:
            raise InvalidInputError.of(f"products[{place}].product.name", f"{candidate.product.name} stands twice")
        seen.add(candidate.product.product_id)


def _in_euros(wanted: ProductFilter, rates: RateTable) -> ProductFilter:
    low, high = wanted.min_price, wanted.max_price
    return replace(
        wanted,
        min_price=Money(EURO, rates.to_euro(low, "filter.min_price")) if low else None,
        max_price=Money(EURO, rates.to_euro(high, "filter.max_price")) if high else None,
    )


def _no_product(product_id: str) -> NotFoundError:
    return NotFoundError(f"no product products/{product_id}", "RESOURCE_NOT_FOUND")
