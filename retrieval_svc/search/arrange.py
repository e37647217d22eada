"""What is done to a ranked list on request: one of each kind only, and not all of them alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from retrieval_svc.catalog.vocabulary import key
from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.vector_index import Hit, StoredPoint
from retrieval_svc.search.plan import FloatVector, RankPlan

# The first so many are put in another order; a page beyond them stays as ranked.
DIVERSE = 100


async def arranged(generation: OpenGeneration, plan: RankPlan, hits: list[Hit]) -> list[Hit]:
    """Returns the ranked list as the plan wants it; the same list for the same search, so that pages join.

    Args:
        generation: The index.
        plan: Says whether duplicates are left out, and how much likeness costs.
        hits: The whole list, best first.
    """
    if plan.collapse_duplicates:
        points = await generation.index.retrieve([hit.id for hit in hits], fields=["doc"])
        hits = without_duplicates(hits, points)
    if plan.diversity > 0.0:
        first = hits[:DIVERSE]
        points = await generation.index.retrieve([hit.id for hit in first], fields=[], with_vector=True)
        order = diverse_order(
            [hit.score for hit in first], [_unit(points.get(hit.id)) for hit in first], plan.diversity
        )
        hits = [*(first[place] for place in order), *hits[DIVERSE:]]
    return hits


def without_duplicates(hits: Sequence[Hit], points: Mapping[str, StoredPoint]) -> list[Hit]:
    """Leaves out what has the picture, or brand and title and category, of something that stands before it."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    for hit in hits:
        point = points.get(hit.id)
        marks = _marks(point) if point is not None else set()
        if not marks & seen:
            kept.append(hit)
        seen |= marks
    return kept


def diverse_order(scores: Sequence[float], vectors: Sequence[FloatVector | None], diversity: float) -> list[int]:
    """Returns places in the order of maximal marginal relevance (Carbonell and Goldstein 1998).

    Next comes what has the most of (1 - diversity) * score - diversity * greatest cosine to those before it.

    Args:
        scores: Scores, best first.
        vectors: float64 `(D,)`, length 1; None is like nothing.
        diversity: 0 keeps the order, 1 looks at likeness only.
    """
    left, order = list(range(len(scores))), list[int]()
    nearest = np.full(len(scores), -1.0)
    while left:
        if not order:
            best = left[0]
        else:
            best = max(left, key=lambda place: ((1 - diversity) * scores[place] - diversity * nearest[place], -place))
        left.remove(best)
        order.append(best)
        chosen = vectors[best]
        if chosen is None:
            continue
        for place in left:
            other = vectors[place]
            if other is not None:
                nearest[place] = max(nearest[place], float(other @ chosen))
    return order


def _marks(point: StoredPoint) -> set[tuple[str, ...]]:
    document = json.loads(str(point.payload["doc"]))
    marks: set[tuple[str, ...]] = {("words", key(document["brand"]), key(document["title"]), key(document["category"]))}
    pictures = [picture[0] for picture in document["pictures"] if picture[0]]
    return marks | {("picture", picture) for picture in pictures[:1]}


def _unit(point: StoredPoint | None) -> FloatVector | None:
    if point is None or point.vector is None:
        return None
    vector = np.asarray(point.vector, dtype=np.float64)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
