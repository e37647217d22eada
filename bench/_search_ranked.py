"""How much of the true first ten of the published score a search finds, against exact arithmetic over all products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from google.type import money_pb2
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.type.v1 import model_pb2, personal_context_pb2

from bench._search_data import MODEL, FloatArray, Sample, product_id
from bench._search_service import RetrievalService
from retrieval_svc.catalog.vocabulary import AVAILABILITY_SCORES

# What few, many and again few prices are near; in euros.
BUDGETS = (20, 50, 150)
_LIKED = ("Brand 1", "Brand 2")
_DEFAULT_BRAND = 0.5
_TOP = 10
_SAME = 1e-5  # the engine counts in float32
DoubleArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts beside looks, one row a product: price in euros; availability and brand 0-1 (liked: 1)."""

    euros: DoubleArray
    stock: DoubleArray
    brand: DoubleArray

    def scores(self, cosines: FloatArray, budget: float | None) -> DoubleArray:
        """Returns the published score of every product; see `retrieval_svc.search.ranking`."""
        price = np.full(len(cosines), 0.5)
        if budget is not None:
            price = np.maximum(0.0, 1.0 - np.abs(self.euros - budget) / budget)
        return 0.6 * cosines.astype(np.float64) + 0.2 * price + 0.1 * self.brand + 0.1 * self.stock


def terms_of(sample: Sample, units_per_euro: Mapping[str, float]) -> Terms:
    """Reads the terms off the products of a sample, at the service's own rates."""
    products = [sample.product(number) for number in range(len(sample.vectors))]
    euros = [float(product.price.amount) / units_per_euro[product.price.currency] for product in products]
    stock = [AVAILABILITY_SCORES[product.availability] for product in products]
    brand = [1.0 if product.brand in _LIKED else _DEFAULT_BRAND for product in products]
    return Terms(np.array(euros), np.array(stock), np.array(brand))


async def ranked_recalls(service: RetrievalService, sample: Sample, count: int) -> dict[str, float]:
    """Returns recall@10 of the published score without a budget (`none`) and with each of `BUDGETS`."""
    terms, queries = terms_of(sample, await service.units_per_euro()), sample.queries(count, 6)
    recalls = {}
    for budget in (None, *BUDGETS):
        shares = [await _share(service, sample, terms, vector, budget) for vector in queries]
        recalls[str(budget or "none")] = round(float(np.mean(shares)), 4)
        print(f"{budget or 'none':>12} budget{'':19} {recalls[str(budget or 'none')]:10.4f}", flush=True)
    return recalls


async def _share(
    service: RetrievalService, sample: Sample, terms: Terms, vector: FloatArray, budget: int | None
) -> float:
    """Share of the ten that are found: whatever scores as much as the true tenth is right."""
    scores = terms.scores(sample.vectors @ vector, budget)
    least = float(np.partition(scores, -_TOP)[-_TOP]) - _SAME
    answer = await service.search(request_of(vector, budget))
    right = {f"products/{product_id(int(row))}" for row in np.flatnonzero(scores >= least)}
    return len(right & {match.product.name for match in answer.matches[:_TOP]}) / _TOP


def request_of(vector: FloatArray, budget: int | None) -> search_service_pb2.SearchProductsRequest:
    """Returns a search by the published weights, for somebody who likes some brands and may have a budget."""
    ranking = search_service_pb2.RankingOptions(
        budget=money_pb2.Money(currency_code="EUR", units=budget) if budget else None,
        personal_context=personal_context_pb2.PersonalContext(preferred_brands=_LIKED),
    )
    embedding = model_pb2.Embedding(values=vector.tolist(), model=MODEL)
    return search_service_pb2.SearchProductsRequest(embedding=embedding, ranking=ranking)
