"""What a budget favours: products near it that can be had, which looks alone would leave behind the nearest.

The price counts a third of what looks count at most, so that where looks differ little a product far behind the nearest
hundreds may be first. These are looked for by themselves: the nearest among the products whose other terms are high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qdrant_client import models

from retrieval_svc.catalog.vocabulary import AVAILABILITY_SCORES, Availability
from retrieval_svc.index.vector_index import Hit
from retrieval_svc.search.hits import ordered
from retrieval_svc.search.plan import RankPlan

# What a favoured product may lose by its price, as a share of what looks count. Of 0.05 to 0.2 this found most of the
# true first ten, in catalogues of 100,000 with looks of 250 and 2,500 products, at three budgets and two weights.
_STEP = 0.1
_AT_HAND = (Availability.IN_STOCK, Availability.LOW_STOCK)
_NOT_AT_HAND = max(score for name, score in AVAILABILITY_SCORES.items() if name not in _AT_HAND)
# Scores of one product from two queries, as the engine counts them in float32.
_SAME = 2e-6


@dataclass(frozen=True, slots=True)
class Favoured:
    """The products that a budget favours.

    Attributes:
        filter: Lets them through.
        loss: How much less than the most all others have, at least, in the terms beside looks.
    """

    filter: models.Filter
    loss: float


def favoured_by(plan: RankPlan, wanted: models.Filter) -> Favoured | None:
    """Returns what a plan's budget favours among what a filter lets through; None without a budget that counts.

    Args:
        plan: What is ranked, by a vector.
        wanted: The filter.
    """
    weights, budget, dense = plan.ranking.weights, plan.ranking.budget_eur, plan.dense()
    if dense is None or plan.words is not None or budget is None or dense[1] * _STEP >= weights.price:
        return None
    loss = _STEP * dense[1]
    if loss <= 0:
        return None
    band = budget * loss / weights.price
    price = models.FieldCondition(key="price_eur", range=models.Range(gte=budget - band, lte=budget + band))
    conditions: list[models.Condition] = [price]
    by_stock = weights.availability * (1.0 - _NOT_AT_HAND)
    if by_stock >= loss / 2:
        there = models.MatchAny(any=[int(name) for name in _AT_HAND])
        conditions.append(models.FieldCondition(key="availability", match=there))
        loss = min(loss, by_stock)
    return Favoured(models.Filter(must=[*_listed(wanted.must), *conditions], must_not=wanted.must_not), loss)


def merged(one: Sequence[Hit], other: Sequence[Hit]) -> list[Hit]:
    """Joins two ranked lists, each product once. Ids are looked at where scores are equal only: they cost time."""
    hits: list[Hit] = []
    for hit in ordered(sorted([*one, *other], key=lambda hit: -hit.score)):
        place = len(hits) - 1
        while place >= 0 and abs(hits[place].score - hit.score) < _SAME and hits[place].id != hit.id:
            place -= 1
        if place < 0 or abs(hits[place].score - hit.score) >= _SAME:
            hits.append(hit)
    return hits


def _listed(conditions: object) -> list[models.Condition]:
    if conditions is None:
        return []
    return list(conditions) if isinstance(conditions, list) else [conditions]  # type: ignore[list-item]  # a condition
