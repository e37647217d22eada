"""Ranked ids become matches: the product, its terms, its price, and what would make it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.vocabulary import VectorState
from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.schema import product_of
from retrieval_svc.index.vector_index import Hit, StoredPoint
from retrieval_svc.search.counterfactual import what_would_win
from retrieval_svc.search.plan import FloatVector, RankPlan
from retrieval_svc.search.query import Match
from retrieval_svc.search.ranking import Features, Term, score_of, terms_of


class Explainer:
    """Turns hits into matches with their terms."""

    def __init__(
        self,
        generation: OpenGeneration,
        plan: RankPlan,
        bm25: Mapping[str, float],
        points: Mapping[str, StoredPoint],
    ) -> None:
        self._rates = generation.state.rates
        self._model = generation.state.model
        self._plan = plan
        self._bm25 = bm25
        self._points = points
        self._cosines = _likeness(points, plan.vector)
        self._tastes = _likeness(points, plan.taste)

    def matches(self, hits: Sequence[Hit], places: Sequence[int]) -> dict[int, Match]:
        """Returns matches by place; the first place is among them. Points that vanished meanwhile are left out."""
        matches: dict[int, Match] = {}
        best: float | None = None
        for place in places:
            point = self._points.get(hits[place].id)
            if point is None:
                continue
            terms = self._terms(point)
            best = score_of(terms) if best is None else best
            matches[place] = self._match(place, point, terms, best if place else None)
        return matches

    def _terms(self, point: StoredPoint) -> tuple[Term, ...]:
        cosine, taste = self._cosines.get(point.id, 0.0), self._tastes.get(point.id, 0.0)
        features = Features.of_payload(point.payload, cosine, taste, self._bm25.get(point.id, 0.0))
        return terms_of(self._plan.ranking, features)

    def _match(self, place: int, point: StoredPoint, terms: tuple[Term, ...], best: float | None) -> Match:
        product = self._product(point)
        price_eur = float(str(point.payload["price_eur"]))
        change = None
        if best is not None:
            change = what_would_win(self._plan.ranking, terms, best, price_eur, self._plan.currency, self._rates)
        known = self._rates.knows(product.price.currency)
        converted = self._rates.convert(product.price, self._plan.currency) if known else None
        return Match(product, place + 1, score_of(terms), terms, converted, change)

    def _product(self, point: StoredPoint) -> Product:
        product = product_of(point.payload)
        if point.vector is not None:
            return replace(product, vector_state=VectorState.READY, vector_model=self._model)
        has_picture = any(picture.image_id for picture in product.pictures)
        return replace(product, vector_state=VectorState.PENDING if has_picture else VectorState.NO_IMAGE)


def _likeness(points: Mapping[str, StoredPoint], other: FloatVector | None) -> dict[str, float]:
    """Returns the cosines of all points that have a vector, by id; nothing without a vector to compare with."""
    vectors = {number: point.vector for number, point in points.items() if point.vector is not None}
    if other is None or not vectors:
        return {}
    rows = np.asarray(list(vectors.values()), dtype=np.float64)
    cosines = np.einsum("ij,j->i", rows, other) / np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
    return dict(zip(vectors, np.clip(cosines, -1.0, 1.0).tolist(), strict=True))
