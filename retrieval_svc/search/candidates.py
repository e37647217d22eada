"""Candidates from the index with their scores, and what is known about the products that are none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from qdrant_client import models

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import IMAGE_VECTOR, WORDS_VECTOR
from retrieval_svc.index.vector_index import Hit, IndexQuery
from retrieval_svc.search.certificate import EXACT_RECALL, Recall, RecallMeter
from retrieval_svc.search.favoured import favoured_by, merged
from retrieval_svc.search.hits import first_hits, ordered
from retrieval_svc.search.likeness import cosines
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.ranking import NO_BUDGET, best_possible, formula_of, keyword_value

# Nearest products that are ranked among themselves; whoever pages farther gets the next nearest behind them. With the
# published weights and no budget the other terms lift a product by a third of what its likeness counts at most: then
# fewer give the same pages (all of 300 in two catalogues of 100,000, where 192 lost up to a tenth with a budget).
_HEAD_POOL = 400
_NEAR_HEAD_POOL = 256
_SMALL_LIFT = 0.4
# With a budget: of those that it favours, where the nearest cannot rule them out. See `favoured`.
_FAVOURED_POOL = 192
MAX_RANK = 1_000
# Candidates with the least scores whose likeness is looked up. Likeness is most of a score, so one of the farthest is
# among them: with eight the bound is looser by about 0.001 than with the farthest itself.
_TAIL = 8
# The graph is walked on rough vectors; what is found there is scored by the full ones.
_RESCORED = models.QuantizationSearchParams(rescore=True)
_EXACT = models.SearchParams(exact=True)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ranked ids, and what is known about the rest.

    Attributes:
        hits: The first of them, best first; all of them when `whole`.
        count: How many got a score.
        eligible: How many products the filter lets through.
        recall: What is known about those that did not get one.
        unseen_bound: What these could reach at best.
        whole: Whether `hits` has everything that got a score.
        reach: How many more pages would give, where those that come behind were not looked for.
    """

    hits: list[Hit]
    count: int
    eligible: int
    recall: Recall
    unseen_bound: float
    whole: bool = True
    reach: int = 0

    @property
    def last_rank(self) -> int:
        """The rank of the last match that pages can reach."""
        return min(max(self.count, self.reach), MAX_RANK)


class CandidateFinder:
    """Asks the index for candidates."""

    def __init__(self, *, exact_limit: int, sample_share: float, seed: int | None = None) -> None:
        """Makes a finder; see `Ranker`."""
        self._exact_limit = exact_limit
        self._sample_share = sample_share
        self._random = random.Random(seed)  # noqa: S311 - which searches are measured is no secret
        self._meters: dict[int, RecallMeter] = {}

    async def find(
        self, generation: OpenGeneration, plan: RankPlan, wanted: models.Filter, eligible: int, needed: int
    ) -> Candidates:
        """Scores candidates, and returns at least so many of the first of them as are needed."""
        if eligible == 0:
            return Candidates([], 0, 0, EXACT_RECALL, 0.0)
        if eligible <= self._exact_limit or (plan.vector is None and plan.words is None):
            return await self._scanned(generation, plan, wanted, eligible, needed)
        pool = min(plan.pool, eligible)
        first_pool = _head_pool(plan)
        if plan.words is not None or pool <= first_pool:
            return await self._near(generation, plan, wanted, pool, eligible)
        head = await self._head(generation, plan, wanted, eligible, needed)
        if needed <= first_pool:
            return replace(head, reach=pool)
        wide = await self._near(generation, plan, wanted, pool, eligible)
        first = {hit.id for hit in head.hits}
        hits = [*head.hits, *(hit for hit in wide.hits if hit.id not in first)]
        return replace(wide, hits=hits, count=len(hits))

    async def _head(
        self, generation: OpenGeneration, plan: RankPlan, wanted: models.Filter, eligible: int, needed: int
    ) -> Candidates:
        """Ranks the nearest, and with a budget those that it favours too, unless the nearest rule them out."""
        head = await self._near(generation, plan, wanted, _head_pool(plan), eligible)
        favoured = favoured_by(plan, wanted)
        last = head.hits[: max(1, needed)][-1:]
        if favoured is None or (last and head.unseen_bound <= last[0].score):
            return head
        more = await self._near(generation, plan, favoured.filter, _FAVOURED_POOL, eligible)
        hits = merged(head.hits, more.hits)
        bound = max(head.unseen_bound - favoured.loss, more.unseen_bound if more.hits else 0.0)
        return replace(head, hits=hits, count=len(hits), recall=head.recall.joined(more.recall), unseen_bound=bound)

    async def _scanned(
        self, generation: OpenGeneration, plan: RankPlan, wanted: models.Filter, eligible: int, needed: int
    ) -> Candidates:
        """Scores everything that the filter lets through."""
        limit = max(eligible, self._exact_limit)
        query = _formula_query(plan, wanted, limit, _EXACT, nested=False)
        hits, whole = await first_hits(generation, query, needed)
        return Candidates(hits, len(hits) if whole else eligible, eligible, EXACT_RECALL, 0.0, whole)

    async def _near(
        self, generation: OpenGeneration, plan: RankPlan, wanted: models.Filter, pool: int, eligible: int
    ) -> Candidates:
        """Scores so many of the nearest as the pool says, and orders all of them."""
        params = models.SearchParams(hnsw_ef=pool, quantization=_RESCORED)
        hits = ordered(await generation.index.query(_formula_query(plan, wanted, pool, params, nested=True)))
        dense = plan.dense()
        nearest = IndexQuery(dense[0], limit=pool, using=IMAGE_VECTOR, filter=wanted, params=params) if dense else None
        recall, missed = await self._recall(generation, nearest) if nearest else (EXACT_RECALL, None)
        if plan.words is None:
            bound = best_possible(plan.ranking, await _least_likeness(generation, plan, hits[-_TAIL:]), 0.0)
        else:
            bound = await _unseen_bound(generation, plan, nearest, dense[1] if dense else 0.0, wanted, pool)
        if missed is not None and dense:  # nearer than some candidate, and none itself
            bound = max(bound, best_possible(plan.ranking, dense[1] * missed, 0.0 if plan.words is None else 1.0))
        return Candidates(hits, len(hits), eligible, recall, bound)

    async def _recall(self, generation: OpenGeneration, nearest: IndexQuery) -> tuple[Recall, float | None]:
        """Measures the recall of this search, or gives that of the recently measured ones.

        Returns:
            The recall, and the cosine of the nearest that is known to be missed.
        """
        number = generation.state.generation
        if number not in self._meters:
            self._meters = {number: RecallMeter()}
        meter = self._meters[number]
        if not meter.empty and self._random.random() >= self._sample_share:
            return meter.estimate(), None
        found = await generation.index.query(nearest)
        truth = await generation.index.query(replace(nearest, params=_EXACT))
        compared = {hit.id for hit in found}
        missed = [hit.score for hit in truth if hit.id not in compared]
        return meter.measure([hit.id for hit in found], [hit.id for hit in truth]), max(missed, default=None)


def _head_pool(plan: RankPlan) -> int:
    """Returns how many of the nearest are ranked among themselves: the more the other terms count, the more.

    What a budget favours is looked for by itself, and so are fewer of the nearest.
    """
    ranking, dense = plan.ranking, plan.dense()
    if favoured_by(plan, models.Filter()) is not None:
        return _NEAR_HEAD_POOL
    same_for_all = ranking.weights.price * NO_BUDGET if ranking.budget_eur is None else 0.0
    lift, likeness = best_possible(ranking, 0.0, 0.0) - same_for_all, dense[1] if dense else 0.0
    return _NEAR_HEAD_POOL if lift <= _SMALL_LIFT * likeness else _HEAD_POOL


async def with_best_words(generation: OpenGeneration, plan: RankPlan, wanted: models.Filter) -> RankPlan:
    """Learns how well the words fit the product that they fit best."""
    if plan.words is None:
        return plan
    best = await generation.index.query(IndexQuery(plan.words, limit=1, using=WORDS_VECTOR, filter=wanted))
    if not best or best[0].score <= 0:
        # What was typed is all in the filter, or means nothing here: what passes the filter is shown, in its order.
        return replace(plan, words=None) if plan.browses and plan.vector is None else plan
    return replace(plan, ranking=replace(plan.ranking, best_bm25=best[0].score))


def _formula_query(
    plan: RankPlan, wanted: models.Filter, limit: int, params: models.SearchParams, *, nested: bool
) -> IndexQuery:
    dense = plan.dense()
    prefetch = _prefetches(plan, dense, wanted, limit, params, nested=nested)
    formula = formula_of(plan.ranking, dense_norm=dense[1] if dense else None, words=plan.words is not None)
    return IndexQuery(formula, limit=limit if plan.words is None else 2 * limit, prefetch=prefetch)


def _prefetches(
    plan: RankPlan,
    dense: tuple[list[float], float] | None,
    wanted: models.Filter,
    limit: int,
    params: models.SearchParams,
    *,
    nested: bool,
) -> tuple[models.Prefetch, ...]:
    """Makes the candidates of the formula.

    Where not everything is a candidate, those of the vector and those of the words are joined first, and all of them
    get both scores; otherwise a product that only its words brought in would count as unlike.
    """
    parts = []
    if dense is not None:
        near = models.Prefetch(query=dense[0], using=IMAGE_VECTOR, limit=limit, filter=wanted, params=params)
        parts.append(near)
    if plan.words is not None:
        parts.append(models.Prefetch(query=plan.words, using=WORDS_VECTOR, limit=limit, filter=wanted))
    if not parts:
        return (models.Prefetch(limit=limit, filter=wanted),)
    if not nested or len(parts) < 2:
        return tuple(parts)
    return tuple(
        models.Prefetch(query=part.query, using=part.using, limit=2 * limit, prefetch=list(parts), params=_EXACT)
        for part in parts
    )


async def _least_likeness(generation: OpenGeneration, plan: RankPlan, last: Sequence[Hit]) -> float:
    """Bounds w_cosine * cosine + w_taste * taste of products that are no candidates: every candidate is as near.

    Another search for the farthest candidate would cost as much as the first one.
    """
    dense = plan.dense()
    if dense is None:
        return 0.0
    query, norm = np.asarray(dense[0]), dense[1]
    known = await cosines(generation, query, [hit.id for hit in last])
    return norm * min(known.values(), default=1.0)  # no cosine is above 1


async def _unseen_bound(
    generation: OpenGeneration,
    plan: RankPlan,
    nearest: IndexQuery | None,
    norm: float,
    wanted: models.Filter,
    limit: int,
) -> float:
    """Bounds the score of products that are no candidates: none is nearer, or fits the words better, than the last."""
    farthest = await generation.index.query(replace(nearest, limit=1, offset=limit - 1)) if nearest else []
    weakest: list[Hit] = []
    if plan.words is not None:
        fitting = IndexQuery(plan.words, limit=1, offset=limit - 1, using=WORDS_VECTOR, filter=wanted)
        weakest = await generation.index.query(fitting)
    dense = norm * farthest[0].score if farthest else 0.0
    keyword = keyword_value(weakest[0].score, plan.ranking.best_bm25) if weakest else 0.0
    return best_possible(plan.ranking, dense, keyword)
