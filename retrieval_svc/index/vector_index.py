"""What this service asks of a vector engine, in the vocabulary of `qdrant_client.models`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from qdrant_client import models


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """One query.

    Attributes:
        query: A dense or sparse vector (with `using`), or a formula over the prefetches.
        limit: How many points to return.
        offset: How many to skip.
        using: Name of the vector that `query` is compared with; None for a formula.
        prefetch: The candidates of a formula.
        filter: Which points count.
        params: Exact scan, `hnsw_ef`.
    """

    query: list[float] | models.SparseVector | models.FormulaQuery
    limit: int
    offset: int = 0
    using: str | None = None
    prefetch: tuple[models.Prefetch, ...] = ()
    filter: models.Filter | None = None
    params: models.SearchParams | None = None


class Hit(Protocol):
    """A point of an answer."""

    @property
    def id(self) -> str:
        """Id of the point, a UUID."""
        ...

    @property
    def score(self) -> float:
        """Its score."""
        ...


@dataclass(frozen=True, slots=True)
class PlainHit:
    """A hit whose id is known as text already."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point as stored.

    Attributes:
        id: Id of the point, a UUID.
        payload: Its payload, or the part of it that was asked for.
        vector: Its dense vector, L2-normalised, when asked for; None when it has none.
    """

    id: str
    payload: dict[str, object] = field(default_factory=dict)
    vector: list[float] | None = None


class VectorIndex(Protocol):
    """One generation of the index."""

    async def upsert(self, points: Sequence[models.PointStruct]) -> None:
        """Stores points, new or changed; they are found by the next query.

        Args:
            points: At most a few hundred.
        """
        ...

    async def delete(self, ids: Sequence[str]) -> None:
        """Removes points; ids that do not exist are passed over."""
        ...

    async def query(self, query: IndexQuery) -> list[Hit]:
        """Returns the best points, best first, without their payloads."""
        ...

    async def retrieve(
        self, ids: Sequence[str], *, fields: Sequence[str] | None = None, with_vector: bool = False
    ) -> dict[str, StoredPoint]:
        """Returns points by id; those that do not exist are left out.

        Args:
            ids: Ids of points.
            fields: Which fields of the payload; None for all.
            with_vector: Whether to return the dense vector too.
        """
        ...

    async def count(self, wanted: models.Filter | None = None) -> int:
        """Returns how many points the filter lets through, exactly."""
        ...

    async def values(self, name: str, limit: int) -> list[str]:
        """Returns the words that a payload field of words holds anywhere, the most frequent first.

        Args:
            name: The field; it has a payload index.
            limit: How many at most.
        """
        ...

    async def close(self) -> None:
        """Gives up what it holds."""
        ...
