"""Generations on a Qdrant server: one collection each, shared by all replicas of this service."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import AbstractAsyncContextManager

import sqlalchemy as sa
from qdrant_client import AsyncQdrantClient

from mesh.database import Database
from retrieval_svc.index.edge import GRAPH_FROM_KB
from retrieval_svc.index.generation import (
    BuildPlan,
    GenerationState,
    OpenGeneration,
    state_from_json,
    state_to_json,
)
from retrieval_svc.index.schema import point_of
from retrieval_svc.index.server import QdrantServer, qdrant_failures
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.storage.index_feed import read_changes
from retrieval_svc.storage.tables import index_generations

_BATCH = 500
# Whoever builds or follows changes holds this lock, so that replicas neither build twice nor write old over new.
_LOCK = 0x7669_7472_6964_7821


class ServerBackend:
    """Keeps generations as collections ``<prefix>-<generation>``; their states are in PostgreSQL."""

    engine = "qdrant-server"

    def __init__(
        self,
        client: AsyncQdrantClient,
        database: Database,
        prefix: str,
        *,
        payload_indexes: bool = True,
        grace_s: float = 5.0,
    ) -> None:
        """Describes where generations live.

        Args:
            client: Connected to the server.
            database: The catalogue.
            prefix: First part of the collections' names.
            payload_indexes: False where the engine has none (the client's local mode).
            grace_s: How long a generation is kept after its successor took over, in seconds.
        """
        self._grace = dt.timedelta(seconds=grace_s)
        self._client = client
        self._database = database
        self._prefix = prefix
        self._payload_indexes = payload_indexes

    async def open(self) -> OpenGeneration | None:
        """Opens the newest complete generation, and removes what is left of others unless another replica builds."""
        async with self.turn() as mine:
            if mine:
                await self._remove_leftovers()
        return await self._newest()

    async def refresh(self, current: OpenGeneration) -> OpenGeneration | None:
        """Returns the newest complete generation; of the one that answers already, it learns how far it has come."""
        newest = await self._newest()
        if newest is not None and newest.state.generation == current.state.generation:
            current.state = newest.state
            return current
        return newest

    async def build(self, plan: BuildPlan) -> OpenGeneration | None:
        """Fills a new collection from PostgreSQL, unless another replica has done so when our turn comes."""
        async with self.turn() as mine:
            if not mine:
                return None
            newest = await self._newest()
            if newest is not None and not newest.state.stale_because(plan.model, plan.rates, plan.forgotten_seq):
                return newest
            await self._remove_leftovers()
            index = await QdrantServer.create(
                self._client, self._name(plan.generation), plan.dimension, payload_indexes=self._payload_indexes
            )
            seq, count = await self._fill(index, plan)
            state = GenerationState(
                plan.generation, plan.model, plan.dimension, plan.rates, seq, count, 0,
                count * plan.dimension * 4 > GRAPH_FROM_KB * 1024, dt.datetime.now(dt.UTC),
            )  # fmt: skip
            opened = OpenGeneration(index, state)
            await self.advance(opened, state)
            return opened

    async def advance(self, current: OpenGeneration, state: GenerationState) -> None:
        """Writes the state to PostgreSQL."""
        current.state = state
        table = index_generations.c
        async with self._database.begin() as connection:
            await connection.execute(
                sa.update(index_generations)
                .where(table.generation == state.generation, table.applied_seq <= state.applied_seq)
                .values(applied_seq=state.applied_seq, state=state_to_json(state))
            )

    async def retire(self, old: OpenGeneration) -> None:
        """Removes a collection, and older ones, once searches that began before the swap are over.

        The collection goes before its state: whoever finds a state without a collection knows what was cut off.
        """
        await asyncio.sleep(self._grace.total_seconds())
        for generation in await self._complete():
            if generation <= old.state.generation:
                await self._remove(generation)

    async def _newest(self) -> OpenGeneration | None:
        """Opens the newest complete generation; None when there is none, or its collection is gone."""
        table = index_generations.c
        statement = sa.select(table.state).where(table.engine == self.engine, table.state.is_not(None))
        async with self._database.begin() as connection:
            value = await connection.scalar(statement.order_by(table.generation.desc()).limit(1))
        if value is None:
            return None
        state = state_from_json(value)
        with qdrant_failures():
            there = await self._client.collection_exists(self._name(state.generation))
        return OpenGeneration(QdrantServer(self._client, self._name(state.generation)), state) if there else None

    async def _complete(self) -> list[int]:
        """Returns the numbers of generations that were built and not removed, newest first."""
        table = index_generations.c
        statement = sa.select(table.generation).where(table.engine == self.engine, table.state.is_not(None))
        async with self._database.begin() as connection:
            return list(await connection.scalars(statement.order_by(table.generation.desc())))

    async def _remove(self, generation: int) -> None:
        with qdrant_failures():
            await self._client.delete_collection(self._name(generation))
        async with self._database.begin() as connection:
            statement = sa.update(index_generations).where(index_generations.c.generation == generation)
            await connection.execute(statement.values(state=sa.null()))

    async def _remove_leftovers(self) -> None:
        """Removes what a process left behind that died, or was stopped, while it built or retired; in our turn only.

        The newest generation answers; the one before it may still answer searches that began with it.
        """
        newest = await self._newest()
        complete = await self._complete()
        fresh = newest is not None and dt.datetime.now(dt.UTC) - newest.state.build_time < self._grace
        for generation in complete[2 if fresh else 1 :]:
            await self._remove(generation)
        names = {self._name(generation) for generation in complete}
        with qdrant_failures():
            for collection in (await self._client.get_collections()).collections:
                number = collection.name.removeprefix(f"{self._prefix}-")
                if number.isdecimal() and number != collection.name and collection.name not in names:
                    await self._client.delete_collection(collection.name)

    async def _fill(self, index: QdrantServer, plan: BuildPlan) -> tuple[int, int]:
        words, seq, count = WordEncoder(), 0, 0
        while True:
            async with self._database.begin() as connection:
                changes = await read_changes(connection, plan.model, seq, _BATCH)
            if not changes:
                return seq, count
            items = [change.item for change in changes if change.item is not None]
            await index.upsert(
                [point_of(item, words.document(item.product.search_text()), plan.rates) for item in items]
            )
            seq, count = changes[-1].seq, count + len(items)

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Takes the turn to write, if no other replica has it, until the block ends."""
        return self._database.turn(_LOCK)

    def _name(self, generation: int) -> str:
        return f"{self._prefix}-{generation}"
