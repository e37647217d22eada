"""Vectors of products, and the standing of brands: what changes how a product ranks, but not what it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.catalog.vocabulary import key
from retrieval_svc.storage.tables import brands, change_seq, product_vectors, products


@dataclass(frozen=True, slots=True)
class VectorWrite:
    """The vector of a product's picture, or why there is none.

    Attributes:
        product_id: Article number.
        picture_id: The picture it was made of.
        model: The model that made it.
        values: float32 values, L2-normalised; None when the model could not make one.
        error: Why not.
        pattern: What pattern vision saw, empty when it was not sure; None when it was not asked.
    """

    product_id: str
    picture_id: str
    model: str
    values: Sequence[float] | None
    error: str = ""
    pattern: str | None = None


async def write_vectors(connection: AsyncConnection, items: Sequence[VectorWrite]) -> None:
    """Stores vectors of products that are stored, and marks these products as changed; under the write lock.

    A vector of a picture that the product no longer has is dropped. That no vector can be made now takes none away that
    the same model made of the same picture before.
    """
    for item in items:
        stands = sa.select(
            sa.literal(item.product_id), sa.literal(item.model), sa.literal(item.picture_id),
            sa.literal(None if item.values is None else pack(item.values), sa.LargeBinary), sa.literal(item.error),
        ).where(
            sa.exists().where(products.c.product_id == item.product_id, products.c.picture_id == item.picture_id)
        )  # fmt: skip
        insert = pg.insert(product_vectors).from_select(
            ["product_id", "model", "picture_id", "vector", "error"], stands
        )
        changed = {column: insert.excluded[column] for column in ("picture_id", "vector", "error")}
        better = sa.or_(insert.excluded.vector.is_not(None), insert.excluded.picture_id != product_vectors.c.picture_id)
        await connection.execute(
            insert.on_conflict_do_update(
                index_elements=[product_vectors.c.product_id, product_vectors.c.model], set_=changed, where=better
            )
        )
        if item.pattern is not None:
            await connection.execute(
                sa.update(products)
                .where(products.c.product_id == item.product_id, products.c.picture_id == item.picture_id)
                .values(seen_pattern=item.pattern)
            )
    await touch(connection, [item.product_id for item in items])


async def unseen_pictures(connection: AsyncConnection, limit: int) -> list[tuple[str, str]]:
    """Returns article numbers and pictures of products without a pattern whose pictures nobody looked at for one."""
    table = products.c
    unseen = sa.and_(table.seen_pattern.is_(None), table.pattern_name == "", table.picture_id != "")
    statement = sa.select(table.product_id, table.picture_id).where(unseen).order_by(table.change_seq).limit(limit)
    return [(row.product_id, row.picture_id) for row in await connection.execute(statement)]


async def touch(connection: AsyncConnection, product_ids: Collection[str]) -> None:
    """Gives products a new number, so that indexes read them again; under the write lock."""
    if product_ids:
        statement = sa.update(products).where(products.c.product_id.in_(list(product_ids)))
        await connection.execute(statement.values(change_seq=change_seq.next_value()))


async def write_brand_scores(connection: AsyncConnection, scores: Mapping[str, float]) -> None:
    """Stores the standing of brands, and marks the products of those that changed; under the write lock.

    Args:
        connection: In a transaction.
        scores: Standing, 0-1, by name of the brand.
    """
    known = {row.brand_key: row.score for row in await connection.execute(sa.select(brands))}
    rows = {key(name): {"brand_key": key(name), "name": name, "score": score} for name, score in scores.items()}
    changed = [row for brand_key, row in rows.items() if known.get(brand_key) != row["score"]]
    if not changed:
        return
    insert = pg.insert(brands).values(changed)
    await connection.execute(
        insert.on_conflict_do_update(
            index_elements=[brands.c.brand_key], set_={"name": insert.excluded.name, "score": insert.excluded.score}
        )
    )
    statement = sa.update(products).where(products.c.brand_key.in_([row["brand_key"] for row in changed]))
    await connection.execute(statement.values(change_seq=change_seq.next_value()))


def pack(values: Sequence[float]) -> bytes:
    """Packs a vector as little-endian float32."""
    return np.asarray(values, dtype="<f4").tobytes()


def unpack(data: bytes) -> list[float]:
    """Unpacks what `pack` packed."""
    return [float(value) for value in np.frombuffer(data, dtype="<f4")]
