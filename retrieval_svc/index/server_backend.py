"""Generations on a Qdrant server: one collection each, shared by all replicas of this service."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

import sqlalchemy as sa
from qdrant_client import AsyncQdrantClient

from mesh.database import Database
from mesh.errors import UnavailableError
from retrieval_svc.index.edge import GRAPH_FROM_KB
from retrieval_svc.index.generation import (
    BuildPlan,
    GenerationState,
    OpenGeneration,
    state_from_json,
    state_to_json,
)
from retrieval_svc.index.schema import point_of
from retrieval_svc.index.server import QdrantServer
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
        self._grace_s = grace_s
        self._client = client
        self._database = database
        self._prefix = prefix
        self._payload_indexes = payload_indexes

    async def open(self) -> OpenGeneration | None:
        """Opens the newest complete generation."""
        table = index_generations.c
        statement = sa.select(table.state).where(table.engine == self.engine, table.state.is_not(None))
        async with self._database.begin() as connection:
            value = await connection.scalar(statement.order_by(table.generation.desc()).limit(1))
        if value is None:
            return None
        state = state_from_json(value)
        if not await self._client.collection_exists(self._name(state.generation)):
            return None
        return OpenGeneration(QdrantServer(self._client, self._name(state.generation)), state)

    async def refresh(self, current: OpenGeneration) -> OpenGeneration | None:
        """Returns a newer generation that another replica built, and takes over how far this one has come."""
        newest = await self.open()
        if newest is None or newest.state.generation == current.state.generation:
            if newest is not None:
                current.state = newest.state
            return None
        return newest

    async def build(self, plan: BuildPlan) -> OpenGeneration:
        """Fills a new collection from PostgreSQL.

        Raises:
            UnavailableError: When another replica is building.
        """
        async with self.turn() as mine:
            if not mine:
                raise UnavailableError("another replica builds the index", "INDEX_NOT_READY", retry_after_s=5.0)
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
        """Removes a collection, once searches that began before the swap are over."""
        await asyncio.sleep(self._grace_s)
        table = index_generations.c
        async with self._database.begin() as connection:
            await connection.execute(
                sa.update(index_generations).where(table.generation == old.state.generation).values(state=sa.null())
            )
        await self._client.delete_collection(self._name(old.state.generation))

    async def _remove_leftovers(self) -> None:
        """Removes collections that a process left behind when it died while it built or retired; in our turn only.

        The newest generation answers, and the one before it may still answer searches that began with it.
        """
        table = index_generations.c
        statement = sa.select(table.generation).where(table.engine == self.engine, table.state.is_not(None))
        async with self._database.begin() as connection:
            kept = list(await connection.scalars(statement.order_by(table.generation.desc()).limit(2)))
        names = {self._name(generation) for generation in kept}
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

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Takes the turn to write, if no other replica has it, until the block ends."""
        async with self._database.begin() as connection:
            yield bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))))

    def _name(self, generation: int) -> str:
        return f"{self._prefix}-{generation}"
