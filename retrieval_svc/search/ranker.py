"""One ranked list: candidates from the index, scores from the engine's formula, terms for people, a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import index_filter
from retrieval_svc.index.vector_index import Hit, StoredPoint
from retrieval_svc.search.arrange import arranged
from retrieval_svc.search.candidates import MAX_RANK, CandidateFinder, Candidates, with_best_words
from retrieval_svc.search.certificate import EXACT_RECALL, Certificate
from retrieval_svc.search.counts import FilterCounts
from retrieval_svc.search.explain import Explainer
from retrieval_svc.search.likeness import likeness_of
from retrieval_svc.search.paging import WINDOW, page_places
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.query import Match, RankedPage, Tiers
from retrieval_svc.search.tiers import TierPlaces, pick_tiers

_TIER_POOL = 200
_TIER_CHUNK = 20
_COUNTS_KEPT = 256


class Ranker:
    """Ranks the products of a generation."""

    def __init__(self, *, exact_limit: int, sample_share: float, seed: int | None = None) -> None:
        """Makes a ranker.

        Args:
            exact_limit: Up to so many eligible products all of them are scored; beyond, the graph gives candidates.
            sample_share: Share of the searches on the graph whose recall is measured, 0-1.
            seed: For the choice of these, in tests.
        """
        self._finder = CandidateFinder(exact_limit=exact_limit, sample_share=sample_share, seed=seed)
        self._counts = FilterCounts(_COUNTS_KEPT)

    async def rank(self, generation: OpenGeneration, plan: RankPlan, offset: int, size: int) -> RankedPage:
        """Ranks.

        Args:
            generation: The index.
            plan: What to rank.
            offset: How many matches to skip, if nothing has changed since the page before (`plan.shown`).
            size: How many to return.
        """
        wanted = index_filter(plan.filter, generation.state.rates, with_vector=plan.words is None)
        eligible = await self._counts.count(generation, wanted)
        # A product without a vector is never near to one: to look whether it has one would cost a tenth of the search.
        wanted = index_filter(plan.filter, generation.state.rates, with_vector=False)
        plan = await with_best_words(generation, plan, wanted)
        needed = MAX_RANK if plan.arranges else offset + size + (WINDOW if plan.shown else 0)
        found = await self._finder.find(generation, plan, wanted, eligible, needed)
        hits = found.hits[:MAX_RANK]
        if plan.arranges:
            hits = await arranged(generation, plan, hits)
        page = list(range(offset, min(offset + size, len(hits))))
        if plan.shown:
            page = page_places([hit.id for hit in hits[: offset + size + WINDOW]], offset, size, plan.shown)
        points = await generation.index.retrieve([hits[place].id for place in page])
        tiers: TierPlaces = TierPlaces()
        if offset == 0:
            tiers = await _tier_places(generation, hits, points)
            if not found.whole and not plan.arranges and (tiers.lower is None or tiers.premium is None):
                found = await self._finder.find(generation, plan, wanted, eligible, found.count)
                hits = found.hits[:MAX_RANK]
                tiers = await _tier_places(generation, hits, points)
        places = sorted({0, *page, *tiers.known()}) if hits else []
        ids = [hits[place].id for place in places]
        missing = [product for product in ids if product not in points]
        points |= await generation.index.retrieve(missing)
        likeness = await likeness_of(generation, plan, ids)
        matches = Explainer(generation, plan, points, likeness).matches(hits, places)
        shown = tuple(matches[place] for place in page if place in matches)
        picked = [matches.get(place) if place is not None else None for place in tiers.places()]
        end = page[-1] + 1 if page else offset + size
        has_more = end < (len(hits) if plan.arranges else found.last_rank)
        return RankedPage(shown, Tiers(*picked), _certificate(found, shown), has_more, end)


async def _tier_places(generation: OpenGeneration, hits: Sequence[Hit], known: Mapping[str, StoredPoint]) -> TierPlaces:
    """Picks the tiers; reads no more prices than it takes, since a price costs the read of a whole payload."""
    places: list[int] = []
    prices: list[float] = []
    tiers = TierPlaces()
    for start in range(0, min(len(hits), _TIER_POOL), _TIER_CHUNK):
        chunk = range(start, min(start + _TIER_CHUNK, len(hits), _TIER_POOL))
        unknown = [hits[place].id for place in chunk if hits[place].id not in known]
        points = {**known, **await generation.index.retrieve(unknown, fields=["price_eur"])}
        there = [place for place in chunk if hits[place].id in points]
        places += there
        prices += [float(str(points[hits[place].id].payload["price_eur"])) for place in there]
        tiers = pick_tiers(prices)
        if tiers.lower is not None and tiers.premium is not None:
            break
    return TierPlaces(*(None if place is None else places[place] for place in tiers.places()))


def _certificate(found: Candidates, shown: Sequence[Match]) -> Certificate:
    exact = found.recall is EXACT_RECALL and found.unseen_bound == 0.0
    ruled_out = bool(shown) and found.unseen_bound <= min(match.score for match in shown)
    complete = exact or (found.recall.known and ruled_out)
    return Certificate(found.recall, found.eligible, found.count, found.unseen_bound, complete)
