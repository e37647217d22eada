"""The published score, as a formula for the engine and as terms for people; both say the same.

score = w_cosine * cosine + w_price * price + w_brand * brand + w_availability * availability, by default 0.6, 0.2,
0.1, 0.1, where price = max(0, 1 - |p - budget| / budget), 0.5 without a budget. For a text, part of the weight of
`cosine` goes to `keyword`, and colours that it names add 0.1 * main_color; a taste vector adds w_taste * taste, a size
w_size * size and a colour season w_color_season * color_season, by default nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qdrant_client import models

from retrieval_svc.index.schema import DEFAULT_BRAND_SCORE, NO_PRICE
from retrieval_svc.search.person import Person, season_expression, season_value, size_expression, size_value

NO_BUDGET = 0.5
# Weight of the term `main_color` where a text names colours: as much as a brand or the availability counts.
MAIN_COLOR = 0.1
# The midpoint of the engine's linear decay: value 0.5 at one `scale` from the target, so scale = budget / 2 makes it
# reach 0 at |p - budget| = budget, as the published formula does.
_MIDPOINT = 0.5


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term counts; the defaults are the published ones."""

    cosine: float = 0.6
    price: float = 0.2
    brand: float = 0.1
    availability: float = 0.1
    taste: float = 0.0
    keyword: float = 0.0
    size: float = 0.0
    color_season: float = 0.0
    main_color: float = 0.0

    def shared_with_words(self, understood: float) -> Weights:
        """Splits the weight of `cosine` for a text search.

        Words that the encoder understands are judged half by the vectors and half by themselves; words that it does
        not understand only by themselves.

        Args:
            understood: Share of the meaningful words that the encoder understood, 0-1.
        """
        dense = self.cosine * understood / 2
        return replace(self, cosine=dense, keyword=self.cosine - dense)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Everything that a score depends on beside the product.

    Attributes:
        weights: How much each term counts.
        budget_eur: What the user wants to spend, in euros, above 0; None without a budget.
        preferred_brands: Brand keys that the user likes.
        best_bm25: The best BM25 score that any eligible product reaches for the words; it makes the others comparable.
        person: Sizes and colours of the person.
        main_colors: Colour keys that a text names: what is mostly of them is meant before what has a little of them.
    """

    weights: Weights = field(default_factory=Weights)
    budget_eur: float | None = None
    preferred_brands: frozenset[str] = frozenset()
    best_bm25: float = 1.0
    person: Person = field(default_factory=Person)
    main_colors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Features:
    """What the terms of one product are made from.

    Attributes:
        price_eur: Price in euros.
        brand: Brand key.
        brand_score: Standing of the brand, 0-1.
        availability_score: 0-1.
        cosine: Likeness to the query, -1 to 1; 0 for a product without a vector.
        taste: Likeness to the taste vector, -1 to 1.
        bm25: Score of the query's words, 0 or more.
        bucket: Place in an outfit.
        sizes: Size keys.
        colors: Colour keys.
        main_color: The colour that most of it has, as a key.
    """

    price_eur: float
    brand: str
    brand_score: float
    availability_score: float
    cosine: float = 0.0
    taste: float = 0.0
    bm25: float = 0.0
    bucket: int = 0
    sizes: Sequence[str] = ()
    colors: Sequence[str] = ()
    main_color: str = ""

    @classmethod
    def of_payload(cls, payload: Mapping[str, Any], cosine: float, taste: float, bm25: float) -> Features:
        """Reads them from a payload of the index."""
        return cls(
            payload["price_eur"],
            payload["brand"],
            payload["brand_score"],
            payload["availability_score"],
            cosine,
            taste,
            bm25,
            payload["bucket"],
            payload["sizes"],
            payload["colors"],
            payload.get("main_color", ""),
        )


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a score: contribution = weight * value."""

    name: str
    weight: float
    value: float

    @property
    def contribution(self) -> float:
        """What it adds to the score."""
        return self.weight * self.value


def price_value(price: float, budget: float | None) -> float:
    """Returns max(0, 1 - |price - budget| / budget), or 0.5 without a budget."""
    return NO_BUDGET if budget is None else max(0.0, 1.0 - abs(price - budget) / budget)


def keyword_value(bm25: float, best_bm25: float) -> float:
    """Returns how well the words fit, as a share of the product that they fit best: 0-1 (BM25 itself has no end)."""
    return bm25 / best_bm25


def terms_of(ranking: Ranking, features: Features) -> tuple[Term, ...]:
    """Returns the terms of a product's score, in a fixed order.

    Args:
        ranking: What the score depends on.
        features: The product's side of it.
    """
    weights = ranking.weights
    brand = 1.0 if features.brand in ranking.preferred_brands else features.brand_score
    terms = [Term("cosine", weights.cosine, features.cosine)]
    if weights.keyword:
        terms.append(Term("keyword", weights.keyword, keyword_value(features.bm25, ranking.best_bm25)))
    terms += [
        Term("price", weights.price, price_value(features.price_eur, ranking.budget_eur)),
        Term("brand", weights.brand, brand),
        Term("availability", weights.availability, features.availability_score),
    ]
    if weights.taste:
        terms.append(Term("taste", weights.taste, features.taste))
    person = ranking.person
    if weights.size:
        terms.append(Term("size", weights.size, size_value(person, features.bucket, features.sizes)))
    if weights.color_season:
        terms.append(Term("color_season", weights.color_season, season_value(person, features.colors)))
    if weights.main_color:
        terms.append(Term("main_color", weights.main_color, float(features.main_color in ranking.main_colors)))
    return tuple(terms)


def score_of(terms: Sequence[Term]) -> float:
    """Returns the sum of all contributions."""
    return math.fsum(term.contribution for term in terms)


def best_possible(ranking: Ranking, dense: float, keyword: float) -> float:
    """Returns a score that no product reaches whose dense part and keyword value are at most these.

    Args:
        ranking: What the score depends on.
        dense: Upper bound of w_cosine * cosine + w_taste * taste.
        keyword: Upper bound of the keyword value, 0-1.
    """
    weights = ranking.weights
    price = weights.price * (NO_BUDGET if ranking.budget_eur is None else 1.0)
    colors_and_sizes = weights.size + weights.color_season + weights.main_color
    return dense + weights.keyword * keyword + price + weights.brand + weights.availability + colors_and_sizes


def formula_of(ranking: Ranking, *, dense_norm: float | None, words: bool) -> models.FormulaQuery:
    """Makes the engine's formula.

    The prefetches that it scores are, in this order and where they exist: the dense one, whose query is the vector
    w_cosine * query + w_taste * taste (the engine normalises it, so its score times `dense_norm` is that sum of two
    terms), and the sparse one with the BM25 score.

    Args:
        ranking: What the score depends on.
        dense_norm: Length of the dense query before normalisation; None without a dense prefetch.
        words: Whether there is a sparse prefetch.
    """
    parts: list[models.Expression] = [
        _times(ranking.weights.price, _price_expression(ranking.budget_eur)),
        _times(ranking.weights.brand, _brand_expression(ranking.preferred_brands)),
        _times(ranking.weights.availability, "availability_score"),
    ]
    if ranking.weights.size:
        parts.append(_times(ranking.weights.size, size_expression(ranking.person)))
    if ranking.weights.color_season:
        parts.append(_times(ranking.weights.color_season, season_expression(ranking.person)))
    if ranking.weights.main_color:
        meant = models.FieldCondition(key="main_color", match=models.MatchAny(any=sorted(ranking.main_colors)))
        parts.append(_times(ranking.weights.main_color, meant))
    defaults: dict[str, Any] = {"price_eur": NO_PRICE, "brand_score": DEFAULT_BRAND_SCORE, "availability_score": 0.5}
    scores = 0
    if dense_norm is not None:
        parts.append(_times(dense_norm, f"$score[{scores}]"))
        defaults[f"$score[{scores}]"] = 0.0
        scores += 1
    if words:
        parts.append(_times(ranking.weights.keyword / ranking.best_bm25, f"$score[{scores}]"))
        defaults[f"$score[{scores}]"] = 0.0
    return models.FormulaQuery(formula=models.SumExpression(sum=parts), defaults=defaults)


def _times(weight: float, expression: models.Expression) -> models.MultExpression:
    return models.MultExpression(mult=[weight, expression])


def _price_expression(budget_eur: float | None) -> models.Expression:
    if budget_eur is None:
        return NO_BUDGET
    decay = models.DecayParamsExpression(
        x="price_eur", target=budget_eur, scale=budget_eur * _MIDPOINT, midpoint=_MIDPOINT
    )
    return models.LinDecayExpression(lin_decay=decay)


def _brand_expression(preferred: frozenset[str]) -> models.Expression:
    if not preferred:
        return "brand_score"
    liked = models.FieldCondition(key="brand", match=models.MatchAny(any=sorted(preferred)))
    return models.MaxExpression(max=["brand_score", liked])
