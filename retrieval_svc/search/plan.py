"""What to rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from qdrant_client import models

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.search.ranking import Ranking

FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankPlan:
    """What to rank.

    Attributes:
        ranking: What the score depends on.
        filter: Which products count.
        vector: float64 `(D,)`, length 1: what to be near to; None for words alone.
        taste: float64 `(D,)`, length 1: the taste vector, where it takes part.
        words: BM25 query, where words take part.
        currency: Currency of converted prices.
        pool: How many candidates the graph gives.
        diversity: How much likeness to what stands before costs, 0-1.
        collapse_duplicates: Whether only one of the same things is shown.
        shown: Ids of the last matches of the page before, the very last one first; none for the first page.
        browses: Whether everything that passes the filter is an answer, when there is nothing to compare with, or no
            product has anything of it: a text that was read leaves no page empty.
    """

    ranking: Ranking
    filter: ProductFilter
    vector: FloatVector | None
    taste: FloatVector | None
    words: models.SparseVector | None
    currency: str
    pool: int
    diversity: float = 0.0
    collapse_duplicates: bool = False
    browses: bool = False
    shown: tuple[str, ...] = ()

    @property
    def arranges(self) -> bool:
        """Whether the ranked list is put in another order, or things are left out of it."""
        return self.diversity > 0.0 or self.collapse_duplicates

    def dense(self) -> tuple[list[float], float] | None:
        """Returns the dense query w_cosine * vector + w_taste * taste and its length; None without a vector."""
        if self.vector is None:
            return None
        weights = self.ranking.weights
        if self.taste is None:
            return self.vector.tolist(), weights.cosine  # the engine looks at its direction only
        combined = weights.cosine * self.vector + weights.taste * self.taste
        norm = float(np.linalg.norm(combined))
        return (combined if norm > 1e-9 else self.vector).tolist(), norm
