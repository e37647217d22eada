"""One ranked list: candidates from the index, scores from the engine's formula, terms for people, a certificate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qdrant_client import models

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import IMAGE_VECTOR, WORDS_VECTOR, index_filter
from retrieval_svc.index.vector_index import Hit, IndexQuery
from retrieval_svc.search.certificate import EXACT_RECALL, Certificate, Recall, RecallMeter
from retrieval_svc.search.explain import Explainer
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.query import Match, RankedPage, Tiers
from retrieval_svc.search.ranking import best_possible, formula_of, keyword_value
from retrieval_svc.search.tiers import pick_tiers

# Scores that differ by less are a tie (the engine counts in float32); ties stand in the order of their ids.
_SCORE_DIGITS = 6
_TIER_POOL = 200
MAX_RANK = 1_000


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Ranked ids, and what is known about the rest."""

    hits: list[Hit]
    eligible: int
    recall: Recall
    unseen_bound: float


class Ranker:
    """Ranks the products of a generation."""

    def __init__(self, *, exact_limit: int, sample_share: float, seed: int | None = None) -> None:
        """Makes a ranker.

        Args:
            exact_limit: Up to so many eligible products all of them are scored; beyond, the graph gives candidates.
            sample_share: Share of the searches on the graph whose recall is measured, 0-1.
            seed: For the choice of these, in tests.
        """
        self._exact_limit = exact_limit
        self._sample_share = sample_share
        self._random = random.Random(seed)  # noqa: S311 - which searches are measured is no secret
        self._meters: dict[int, RecallMeter] = {}

    async def rank(self, generation: OpenGeneration, plan: RankPlan, offset: int, size: int) -> RankedPage:
        """Ranks.

        Args:
            generation: The index.
            plan: What to rank.
            offset: How many matches to skip.
            size: How many to return.
        """
        wanted, eligible = await _eligible(generation, plan)
        plan = await _with_best_words(generation, plan, wanted)
        found = await self._candidates(generation, plan, wanted, eligible)
        hits = found.hits[:MAX_RANK]
        page = range(offset, min(offset + size, len(hits)))
        tiers = await _tier_places(generation, hits) if offset == 0 else (None, None, None)
        places = sorted({0, *page, *(place for place in tiers if place is not None)}) if hits else []
        ids = [hits[place].id for place in places]
        points = await generation.index.retrieve(ids, with_vector=True)
        bm25 = await _bm25(generation, plan, ids)
        matches = Explainer(generation, plan, bm25, points).matches(hits, places)
        shown = tuple(matches[place] for place in page if place in matches)
        closest, lower, premium = (matches.get(place) if place is not None else None for place in tiers)
        return RankedPage(shown, Tiers(closest, lower, premium), _certificate(found, shown), offset + size < len(hits))

    async def _candidates(
        self, generation: OpenGeneration, plan: RankPlan, wanted: models.Filter, eligible: int
    ) -> _Candidates:
        if eligible == 0:
            return _Candidates([], 0, EXACT_RECALL, 0.0)
        index, dense = generation.index, plan.dense()
        exact = eligible <= self._exact_limit
        limit = eligible if exact else plan.pool
        params = models.SearchParams(exact=True) if exact else models.SearchParams(hnsw_ef=limit)
        prefetch = _prefetches(plan, dense, wanted, limit, params, nested=not exact)
        formula = formula_of(plan.ranking, dense_norm=dense[1] if dense else None, words=plan.words is not None)
        scored = await index.query(IndexQuery(formula, limit=2 * limit, prefetch=prefetch))
        hits = sorted(scored, key=lambda hit: (-round(hit.score, _SCORE_DIGITS), hit.id))
        if exact:
            return _Candidates(hits, eligible, EXACT_RECALL, 0.0)
        nearest = IndexQuery(dense[0], limit=limit, using=IMAGE_VECTOR, filter=wanted, params=params) if dense else None
        recall = await self._recall(generation, nearest) if nearest else EXACT_RECALL
        bound = await _unseen_bound(generation, plan, nearest, dense[1] if dense else 0.0, wanted, limit)
        return _Candidates(hits, eligible, recall, bound)

    async def _recall(self, generation: OpenGeneration, nearest: IndexQuery) -> Recall:
        """Measures the recall of this search, or gives that of the recently measured ones."""
        number = generation.state.generation
        if number not in self._meters:
            self._meters = {number: RecallMeter()}
        meter = self._meters[number]
        if not meter.empty and self._random.random() >= self._sample_share:
            return meter.estimate()
        found = await generation.index.query(nearest)
        truth = await generation.index.query(replace(nearest, params=models.SearchParams(exact=True)))
        return meter.measure([hit.id for hit in found], [hit.id for hit in truth])


async def _eligible(generation: OpenGeneration, plan: RankPlan) -> tuple[models.Filter, int]:
    """Returns the filter, and how many products it lets through; without words only those that have a vector."""
    wanted = index_filter(plan.filter, generation.state.rates, with_vector=plan.words is None)
    return wanted, await generation.index.count(wanted)


async def _with_best_words(generation: OpenGeneration, plan: RankPlan, wanted: models.Filter) -> RankPlan:
    """Learns how well the words fit the product that they fit best."""
    if plan.words is None:
        return plan
    best = await generation.index.query(IndexQuery(plan.words, limit=1, using=WORDS_VECTOR, filter=wanted))
    if not best or best[0].score <= 0:
        return plan
    return replace(plan, ranking=replace(plan.ranking, best_bm25=best[0].score))


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
    if not nested or len(parts) < 2:
        return tuple(parts)
    return tuple(
        models.Prefetch(query=part.query, using=part.using, limit=2 * limit, prefetch=list(parts)) for part in parts
    )


async def _bm25(generation: OpenGeneration, plan: RankPlan, ids: Sequence[str]) -> dict[str, float]:
    """Returns the BM25 scores of some points; those that no word fits are left out."""
    if plan.words is None or not ids:
        return {}
    some = models.Filter(must=[models.HasIdCondition(has_id=list(ids))])
    hits = await generation.index.query(IndexQuery(plan.words, limit=len(ids), using=WORDS_VECTOR, filter=some))
    return {hit.id: hit.score for hit in hits}


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


async def _tier_places(generation: OpenGeneration, hits: Sequence[Hit]) -> tuple[int | None, int | None, int | None]:
    pool = hits[:_TIER_POOL]
    points = await generation.index.retrieve([hit.id for hit in pool], fields=["price_eur"])
    known = [place for place, hit in enumerate(pool) if hit.id in points]
    tiers = pick_tiers([float(str(points[pool[place].id].payload["price_eur"])) for place in known])
    picked = [known[place] if place is not None else None for place in (tiers.closest, tiers.lower, tiers.premium)]
    return picked[0], picked[1], picked[2]


def _certificate(found: _Candidates, shown: Sequence[Match]) -> Certificate:
    exact = found.recall is EXACT_RECALL and found.unseen_bound == 0.0
    complete = exact or (bool(shown) and found.unseen_bound <= shown[-1].score)
    return Certificate(found.recall, found.eligible, len(found.hits), found.unseen_bound, complete)
