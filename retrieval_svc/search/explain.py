"""Ranked ids become matches: the product, its terms, its price, and what would make it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import product_of
from retrieval_svc.index.vector_index import Hit, StoredPoint
from retrieval_svc.search.counterfactual import what_would_win
from retrieval_svc.search.likeness import Likeness
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.query import Match
from retrieval_svc.search.ranking import Features, Term, score_of, terms_of


class Explainer:
    """Turns hits into matches with their terms."""

    def __init__(
        self, generation: OpenGeneration, plan: RankPlan, points: Mapping[str, StoredPoint], likeness: Likeness
    ) -> None:
        """Takes what is known about the hits.

        Args:
            generation: The index.
            plan: What was ranked.
            points: Whole payloads, by point id.
            likeness: Of the same points.
        """
        self._rates = generation.state.rates
        self._model = generation.state.model
        self._plan = plan
        self._points = points
        self._likeness = likeness

    def matches(self, hits: Sequence[Hit], places: Sequence[int]) -> dict[int, Match]:
        """Returns matches by place; the first place is among them. Points that vanished meanwhile are left out."""
        matches: dict[int, Match] = {}
        best: float | None = None
        for place in places:
            point = self._points.get(hits[place].id)
            if point is None:
                continue
            terms = self._terms(point)
            score = score_of(terms)
            best = score if best is None else best
            matches[place] = self._match(place, point, terms, (score, best))
        return matches

    def _terms(self, point: StoredPoint) -> tuple[Term, ...]:
        known, number = self._likeness, point.id
        parts = (known.cosines.get(number, 0.0), known.tastes.get(number, 0.0), known.bm25.get(number, 0.0))
        return terms_of(self._plan.ranking, Features.of_payload(point.payload, *parts))

    def _match(self, place: int, point: StoredPoint, terms: tuple[Term, ...], scores: tuple[float, float]) -> Match:
        """Makes a match; `scores` are its own and the best one."""
        product = product_of(point.payload, self._model)
        plan, rates, (score, best) = self._plan, self._rates, scores
        change = None
        if place:
            price_eur = float(str(point.payload["price_eur"]))
            change = what_would_win(plan.ranking, terms, best, price_eur, plan.currency, rates)
        known = rates.knows(product.price.currency)
        converted = rates.convert(product.price, plan.currency) if known else None
        etag = point.payload.get("etag") or product.etag  # an index of an older schema has none
        return Match(product, str(etag), place + 1, score, terms, converted, change)
