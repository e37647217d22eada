"""What an index reads: the model, the changes of the catalogue in their order, and its own history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.catalog.product import from_document
from retrieval_svc.index.schema import DEFAULT_BRAND_SCORE, IndexedProduct
from retrieval_svc.storage.retention import forgotten_seq
from retrieval_svc.storage.tables import (
    brands,
    deleted_products,
    index_generations,
    index_models,
    product_vectors,
    products,
)
from retrieval_svc.storage.vectors import unpack


@dataclass(frozen=True, slots=True)
class ModelState:
    """Whose vectors the index holds, and whose it will hold.

    Attributes:
        model: Id of the model of the index.
        dimension: How many numbers its vectors have.
        next_model: The model that takes over once every product has its vector; empty when none waits.
        next_dimension: How many numbers its vectors have.
        forgotten_seq: Number of the last change that is no longer known; see `retrieval_svc.storage.retention`.
    """

    model: str
    dimension: int
    next_model: str = ""
    next_dimension: int = 0
    forgotten_seq: int = 0

    def counts(self, model: str, *, degraded: bool) -> bool:
        """Tells whether vectors of a model are worth keeping; a stand-in's only where the index holds such."""
        return not degraded or model in (self.model, self.next_model)

    @property
    def wanted_model(self) -> str:
        """The model with which products are embedded now."""
        return self.next_model or self.model


@dataclass(frozen=True, slots=True)
class Change:
    """A product as it is now, or its deletion.

    Attributes:
        seq: Number of the change.
        product_id: Article number.
        item: The product; None when it is gone.
    """

    seq: int
    product_id: str
    item: IndexedProduct | None


async def read_model(connection: AsyncConnection) -> ModelState | None:
    """Returns the model of the index, or None before the first vector."""
    row = (await connection.execute(sa.select(index_models))).first()
    if row is None:
        return None
    forgotten = await forgotten_seq(connection)
    return ModelState(row.active_model, row.active_dimension, row.next_model, row.next_dimension, forgotten)


async def note_model(connection: AsyncConnection, model: str, dimension: int, *, degraded: bool = False) -> None:
    """Notes which model the vision service embeds with: the first one becomes the index's, another one the next.

    A stand-in that answers for a while changes nothing, except that it too may be the first one: all pictures of a
    catalogue are not embedded anew for an hour's trouble.

    Args:
        connection: In a transaction.
        model: Id of the model.
        dimension: How many numbers its vectors have.
        degraded: Whether it stands in for another one.
    """
    table = index_models
    first = pg.insert(table).values(active_model=model, active_dimension=dimension)
    await connection.execute(first.on_conflict_do_nothing(index_elements=[table.c.only_row]))
    if degraded:
        return
    # The model of the index again: nothing waits any more. Another model: that one waits.
    await connection.execute(
        sa.update(table)
        .where(table.c.active_model == model, table.c.next_model != "")
        .values(next_model="", next_dimension=0)
    )
    await connection.execute(
        sa.update(table)
        .where(table.c.active_model != model, table.c.next_model != model)
        .values(next_model=model, next_dimension=dimension)
    )


async def promote_next_model(connection: AsyncConnection) -> bool:
    """Makes the waiting model the index's, when no product lacks a vector of it; under the write lock.

    The vectors of the model before are kept, for the generation that still answers; those of older models go.

    Returns:
        Whether it did.
    """
    state = await read_model(connection)
    if state is None or not state.next_model or await pending_count(connection, state.next_model):
        return False
    await connection.execute(
        sa.update(index_models).values(
            active_model=state.next_model, active_dimension=state.next_dimension, next_model="", next_dimension=0
        )
    )
    kept = (state.model, state.next_model)
    await connection.execute(sa.delete(product_vectors).where(product_vectors.c.model.not_in(kept)))
    return True


def _lacks_vector(model: str) -> sa.ColumnElement[bool]:
    vectors = product_vectors.c
    stands = sa.exists().where(
        vectors.product_id == products.c.product_id,
        vectors.model == model,
        vectors.picture_id == products.c.picture_id,
    )
    return sa.and_(products.c.picture_id != "", ~stands)


async def pending_count(connection: AsyncConnection, model: str) -> int:
    """Returns how many products wait for a vector of a model."""
    statement = sa.select(sa.func.count()).select_from(products).where(_lacks_vector(model))
    return int(await connection.scalar(statement) or 0)


async def pending_pictures(connection: AsyncConnection, model: str, limit: int) -> list[tuple[str, str]]:
    """Returns article numbers and pictures of products that wait for a vector of a model, oldest change first."""
    statement = sa.select(products.c.product_id, products.c.picture_id).where(_lacks_vector(model))
    rows = await connection.execute(statement.order_by(products.c.change_seq).limit(limit))
    return [(row.product_id, row.picture_id) for row in rows]


async def vectors_present(
    connection: AsyncConnection, model: str, pictures: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Returns those (article number, picture) pairs for which a vector of a model is stored."""
    if not pictures:
        return set()
    vectors = product_vectors.c
    statement = sa.select(vectors.product_id, vectors.picture_id).where(
        vectors.model == model, sa.tuple_(vectors.product_id, vectors.picture_id).in_(list(pictures))
    )
    return {(row.product_id, row.picture_id) for row in await connection.execute(statement)}


async def read_changes(connection: AsyncConnection, model: str, after: int, limit: int) -> list[Change]:
    """Returns the changes after a number, in their order; of a product that changed twice only the last one is there.

    Args:
        connection: In a transaction.
        model: The model whose vectors are wanted.
        after: Number of the last change that is known.
        limit: How many at most.
    """
    written = await connection.execute(select_changes(model, after).limit(limit))
    changes = [change_of(row) for row in written]
    gone = deleted_products.c
    deleted = await connection.execute(
        sa.select(gone.change_seq, gone.product_id)
        .where(gone.change_seq > after)
        .order_by(gone.change_seq)
        .limit(limit)
    )
    changes += [Change(row.change_seq, row.product_id, None) for row in deleted]
    return sorted(changes, key=lambda change: change.seq)[:limit]


def select_changes(model: str, after: int) -> sa.Select[Any]:
    """Returns the statement for products that changed after a number, in their order."""
    vectors = product_vectors.c
    of_model = sa.and_(
        vectors.product_id == products.c.product_id,
        vectors.picture_id == products.c.picture_id,
        vectors.model == model,
    )
    joined = products.outerjoin(product_vectors, of_model).outerjoin(brands, brands.c.brand_key == products.c.brand_key)
    return (
        sa.select(products.c.change_seq, products.c.doc, products.c.seen_pattern, vectors.vector, brands.c.score)
        .select_from(joined)
        .where(products.c.change_seq > after)
        .order_by(products.c.change_seq)
    )


def change_of(row: Any) -> Change:  # noqa: ANN401 - a row of `select_changes`
    """Reads a row of `select_changes`."""
    product = from_document(row.doc, seen_pattern=row.seen_pattern or "")
    vector = None if row.vector is None else unpack(row.vector)
    score = DEFAULT_BRAND_SCORE if row.score is None else float(row.score)
    return Change(row.change_seq, product.product_id, IndexedProduct(product, vector, score))


async def begin_generation(connection: AsyncConnection, engine: str, model: str, dimension: int) -> int:
    """Notes that an index is being built.

    Returns:
        The number of its generation.
    """
    insert = sa.insert(index_generations).values(engine=engine, model=model, dimension=dimension)
    return int((await connection.execute(insert.returning(index_generations.c.generation))).scalar_one())


async def end_generation(
    connection: AsyncConnection, generation: int, *, product_count: int = 0, error: str = ""
) -> None:
    """Notes how the build of a generation ended."""
    statement = sa.update(index_generations).where(index_generations.c.generation == generation)
    await connection.execute(statement.values(end_time=sa.func.now(), product_count=product_count, error=error))


async def drop_generation(connection: AsyncConnection, generation: int) -> None:
    """Forgets a generation of which nothing was built."""
    await connection.execute(sa.delete(index_generations).where(index_generations.c.generation == generation))
