"""Builds a shard from PostgreSQL in a process of its own: ``python -m retrieval_svc.index.build``.

Building holds the GIL for seconds to minutes, so it must not happen where calls are served. The order (see `Order`)
comes as JSON on standard input, since it holds the database's password. The state file is written last: a folder
without one is not a generation.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retrieval_svc.index.edge import GRAPH_FROM_KB, QdrantEdge
from retrieval_svc.index.generation import (
    BuildPlan,
    GenerationState,
    rates_from_json,
    rates_to_json,
    state_text,
)
from retrieval_svc.index.schema import IndexedProduct, fitting, point_of
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.storage.index_feed import change_of, select_changes
from retrieval_svc.storage.tables import deleted_products, products

SHARD_FOLDER = "shard"
STATE_FILE = "state.json"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Order:
    """What the child process is told.

    Attributes:
        database_url: ``postgresql+psycopg://...``.
        schema: Schema of the tables.
        folder: Where the generation shall live.
        plan: What to build.
    """

    database_url: str
    schema: str
    folder: Path
    plan: BuildPlan

    def to_json(self) -> str:
        """Returns it as a JSON document."""
        plan = self.plan
        return json.dumps(
            {
                "database_url": self.database_url,
                "schema": self.schema,
                "folder": str(self.folder),
                "generation": plan.generation,
                "model": plan.model,
                "dimension": plan.dimension,
                "rates": rates_to_json(plan.rates),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Reads what `to_json` wrote."""
        value: dict[str, Any] = json.loads(text)
        plan = BuildPlan(value["generation"], value["model"], value["dimension"], rates_from_json(value["rates"]))
        return cls(value["database_url"], value["schema"], Path(value["folder"]), plan)


def write_state(folder: Path, state: GenerationState) -> None:
    """Writes the state file of a generation; readers see the old or the new one, never a part.

    Two may write at once: a write goes on in its thread when the caller who waited for it gives up.
    """
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=f"{STATE_FILE}.", delete=False) as file:
        file.write(state_text(state))
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(folder / STATE_FILE)


def build(order: Order) -> GenerationState:
    """Builds a generation.

    Args:
        order: What and where; the folder must not exist yet.

    Returns:
        Its state.
    """
    order.folder.mkdir(parents=True)
    shard = QdrantEdge.create(order.folder / SHARD_FOLDER, order.plan.dimension)
    words = WordEncoder()
    count = applied_seq = 0
    for last_seq, items in _read(order):
        applied_seq = last_seq
        points = [point_of(item, words.document(item.product.search_text()), order.plan.rates) for item in items]
        asyncio.run(shard.upsert(points))
        count += len(points)
    shard.finish()
    asyncio.run(shard.close())
    plan = order.plan
    state = GenerationState(
        generation=plan.generation,
        model=plan.model,
        dimension=plan.dimension,
        rates=plan.rates,
        applied_seq=applied_seq,
        built_count=count,
        changed_count=0,
        graph_built=count * plan.dimension * 4 > GRAPH_FROM_KB * 1024,
        build_time=dt.datetime.now(dt.UTC),
    )
    write_state(order.folder, state)
    return state


def _read(order: Order) -> Iterator[tuple[int, list[IndexedProduct]]]:
    """Yields the number of the last change of the snapshot, and products, in batches; at least one, maybe empty."""
    engine = sa.create_engine(
        order.database_url,
        isolation_level="REPEATABLE READ",
        hide_parameters=True,
        connect_args={"options": f"-c search_path={order.schema}", "application_name": "vitrine-index-build"},
    )
    parent = os.getppid()
    with engine.connect() as connection:
        last = _last_change(connection)
        yield last, []
        statement = select_changes(order.plan.model, 0).execution_options(yield_per=_BATCH)
        for partition in connection.execute(statement).partitions():
            if os.getppid() != parent:
                raise SystemExit("the process that wants this index is gone")
            yield last, [fitting(change_of(row).item, order.plan.dimension) for row in partition]


def _last_change(connection: sa.Connection) -> int:
    tables = (products.c.change_seq, deleted_products.c.change_seq)
    return max(int(connection.scalar(sa.select(sa.func.max(column))) or 0) for column in tables)


if __name__ == "__main__":
    build(Order.from_json(sys.stdin.read()))
