"""How like the query, and the taste, some points are: for those that are shown, each by itself.

The engine is asked for the numbers, not for the vectors: as Python's lists those of one page cost more than its search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qdrant_client import models

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import IMAGE_VECTOR, WORDS_VECTOR
from retrieval_svc.index.vector_index import IndexQuery
from retrieval_svc.search.plan import FloatVector, RankPlan

_EXACT = models.SearchParams(exact=True)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is compared, by point id; points without a vector, or that no word fits, are left out.

    Attributes:
        cosines: With the query, -1 to 1.
        tastes: With the taste vector, -1 to 1.
        bm25: How well the words fit, above 0.
    """

    cosines: Mapping[str, float] = field(default_factory=dict)
    tastes: Mapping[str, float] = field(default_factory=dict)
    bm25: Mapping[str, float] = field(default_factory=dict)


async def likeness_of(generation: OpenGeneration, plan: RankPlan, ids: Sequence[str]) -> Likeness:
    """Compares some points with everything that the plan compares with.

    Args:
        generation: The index.
        plan: Has the vector, the taste and the words.
        ids: Ids of points.
    """
    return Likeness(
        await cosines(generation, plan.vector, ids),
        await cosines(generation, plan.taste, ids),
        await _bm25(generation, plan.words, ids),
    )


async def cosines(generation: OpenGeneration, other: FloatVector | None, ids: Sequence[str]) -> dict[str, float]:
    """Returns the cosines of some points with a vector, in the engine's own precision, float32.

    Args:
        generation: The index.
        other: float64 `(D,)`, of any length; nothing is compared with None.
        ids: Ids of points; those without a vector are left out.
    """
    if other is None or not ids:
        return {}
    query = IndexQuery(other.tolist(), len(ids), using=IMAGE_VECTOR, filter=_only(ids), params=_EXACT)
    return {hit.id: min(1.0, max(-1.0, hit.score)) for hit in await generation.index.query(query)}


async def _bm25(generation: OpenGeneration, words: models.SparseVector | None, ids: Sequence[str]) -> dict[str, float]:
    if words is None or not ids:
        return {}
    query = IndexQuery(words, len(ids), using=WORDS_VECTOR, filter=_only(ids))
    return {hit.id: hit.score for hit in await generation.index.query(query)}


def _only(ids: Sequence[str]) -> models.Filter:
    return models.Filter(must=[models.HasIdCondition(has_id=list(ids))])
