"""Reading and writing products. Writers take turns, so that the numbers of changes become visible in their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.patterns import pattern_of
from retrieval_svc.catalog.product import Product, from_document, to_document
from retrieval_svc.catalog.vocabulary import VectorState, key
from retrieval_svc.storage.conditions import conditions_of
from retrieval_svc.storage.tables import (
    change_seq,
    deleted_products,
    index_models,
    product_pictures,
    product_vectors,
    products,
)

# Arbitrary but fixed: the lock of everybody who writes to the catalogue.
_WRITE_LOCK = 0x7669_7472_6361_7461


def picture_id_of(product: Product) -> str:
    """Returns the id of the picture that search compares: our first one; empty when there is none."""
    return next((picture.image_id for picture in product.pictures if picture.image_id), "")


async def lock_writes(connection: AsyncConnection) -> None:
    """Waits for the turn to write; it ends with the transaction."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITE_LOCK)))


async def read_products(connection: AsyncConnection, product_ids: Collection[str]) -> dict[str, Product]:
    """Returns products by id; those that do not exist are left out."""
    statement = _select_products().where(products.c.product_id.in_(list(product_ids)))
    return {row.product_id: _product(row) for row in await connection.execute(statement)}


async def list_products(
    connection: AsyncConnection, wanted: ProductFilter, after: str, limit: int
) -> tuple[list[Product], int]:
    """Returns a page of products by id, and how many there are on all pages.

    Args:
        connection: In a transaction.
        wanted: Which products count; its prices are in euros.
        after: Id of the last product of the page before; empty for the first page.
        limit: Size of the page.
    """
    conditions = conditions_of(wanted)
    total = await connection.scalar(sa.select(sa.func.count()).select_from(products).where(*conditions))
    statement = _select_products().where(*conditions, products.c.product_id > after)
    rows = await connection.execute(statement.order_by(products.c.product_id).limit(limit))
    return [_product(row) for row in rows], int(total or 0)


async def write_products(connection: AsyncConnection, items: Sequence[Product]) -> None:
    """Stores products, new or changed; the caller holds the write lock.

    Args:
        connection: In a transaction.
        items: The products, each once.
    """
    if not items:
        return
    ids = [item.product_id for item in items]
    insert = pg.insert(products).values([product_values(item) for item in items])
    same_picture = sa.case((products.c.picture_id == insert.excluded.picture_id, products.c.seen_pattern), else_=None)
    changed = {column: insert.excluded[column] for column in product_values(items[0]) if column != "product_id"}
    await connection.execute(
        insert.on_conflict_do_update(
            index_elements=[products.c.product_id],
            set_=changed | {"update_time": sa.func.now(), "seen_pattern": same_picture},
        )
    )
    await connection.execute(sa.delete(deleted_products).where(deleted_products.c.product_id.in_(ids)))
    await connection.execute(sa.delete(product_pictures).where(product_pictures.c.product_id.in_(ids)))
    links = {(item.product_id, picture.image_id) for item in items for picture in item.pictures if picture.image_id}
    if links:
        rows = [{"product_id": product_id, "image_id": image_id} for product_id, image_id in sorted(links)]
        await connection.execute(sa.insert(product_pictures), rows)


async def delete_product(connection: AsyncConnection, product_id: str) -> list[str]:
    """Removes a product that exists; under the write lock.

    Returns:
        Ids of the pictures that no product uses any more.
    """
    used = product_pictures.alias()
    orphans = await connection.scalars(
        sa.select(product_pictures.c.image_id).where(
            product_pictures.c.product_id == product_id,
            ~sa.exists().where(used.c.image_id == product_pictures.c.image_id, used.c.product_id != product_id),
        )
    )
    found = list(orphans)
    await connection.execute(sa.delete(products).where(products.c.product_id == product_id))
    insert = pg.insert(deleted_products).values(product_id=product_id, change_seq=change_seq.next_value())
    await connection.execute(
        insert.on_conflict_do_update(
            index_elements=[deleted_products.c.product_id],
            set_={"change_seq": insert.excluded.change_seq, "delete_time": sa.func.now()},
        )
    )
    return found


async def unused_pictures(connection: AsyncConnection, image_ids: Collection[str]) -> set[str]:
    """Returns those of the pictures that no product uses."""
    rows = await connection.scalars(
        sa.select(product_pictures.c.image_id).where(product_pictures.c.image_id.in_(list(image_ids))).distinct()
    )
    return set(image_ids) - set(rows)


async def has_picture(connection: AsyncConnection, product_id: str, image_id: str) -> bool:
    """Tells whether a product has a picture."""
    statement = sa.exists().where(product_pictures.c.product_id == product_id, product_pictures.c.image_id == image_id)
    return bool(await connection.scalar(sa.select(statement)))


def product_values(product: Product) -> dict[str, Any]:
    """Returns the columns of a product that its writer fills, by name."""
    return {
        "product_id": product.product_id,
        "doc": to_document(product),
        "etag": product.etag,
        "brand_key": key(product.brand),
        "category_key": key(product.category),
        "bucket": int(product.bucket),
        "gender": int(product.gender),
        "color_keys": [key(color.name) for color in product.colors],
        "size_keys": [key(size) for size in product.sizes],
        "tag_keys": [key(tag) for tag in product.tags],
        "material_keys": [key(material) for material in product.materials],
        "pattern_name": pattern_of(product.pattern),
        "availability": int(product.availability),
        "currency": product.price.currency,
        "amount": product.price.amount,
        "picture_id": picture_id_of(product),
        "change_seq": change_seq.next_value(),
    }


def _select_products() -> sa.Select[Any]:
    """Products with the state of their vector in the model of the index."""
    vector_of_model = sa.and_(
        product_vectors.c.product_id == products.c.product_id,
        product_vectors.c.picture_id == products.c.picture_id,
        product_vectors.c.model == sa.select(index_models.c.active_model).scalar_subquery(),
    )
    return sa.select(
        products.c.product_id, products.c.doc, products.c.picture_id, products.c.create_time, products.c.update_time,
        products.c.seen_pattern,
        product_vectors.c.model, product_vectors.c.error,
        product_vectors.c.vector.is_not(None).label("has_vector"),
    ).select_from(products.outerjoin(product_vectors, vector_of_model))  # fmt: skip


def _product(row: Any) -> Product:  # noqa: ANN401 - a row of `_select_products`
    state = VectorState.NO_IMAGE
    if row.picture_id:
        state = VectorState.PENDING
    if row.model is not None:
        state = VectorState.READY if row.has_vector else VectorState.FAILED
    create_time: dt.datetime = row.create_time
    return replace(
        from_document(row.doc),
        vector_state=state,
        vector_model=row.model if state is VectorState.READY else "",
        vector_error=row.error if state is VectorState.FAILED else "",
        create_time=create_time,
        update_time=row.update_time,
        seen_pattern=row.seen_pattern or "",
    )
