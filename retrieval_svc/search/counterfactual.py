"""What would make a product the first of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from retrieval_svc.catalog.money import Money, RateTable
from retrieval_svc.catalog.vocabulary import AVAILABILITY_SCORES, Availability
from retrieval_svc.search.ranking import Ranking, Term, score_of

# A tie is not the first place.
_MARGIN = 1e-6


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One change after which the product would be the first, everything else being equal.

    Attributes:
        term: ``price`` or ``availability``.
        description: In words.
        price_decrease: What would have to go off the price.
        availability: What the availability would have to be.
    """

    term: str
    description: str
    price_decrease: Money | None = None
    availability: Availability | None = None


def what_would_win(
    ranking: Ranking, terms: Sequence[Term], best_score: float, price_eur: float, currency: str, rates: RateTable
) -> Counterfactual | None:
    """Finds the change of the price, or else of the availability, that would make a product the first.

    Args:
        ranking: What the score depends on.
        terms: The product's terms.
        best_score: Score of the first product.
        price_eur: The product's price in euros.
        currency: Currency of the answer.
        rates: Exchange rates.

    Returns:
        The change, or None when no single one is enough or the product is as good already.
    """
    missing = best_score - score_of(terms) + _MARGIN
    if missing <= _MARGIN:  # it is as good already, yet stands behind the nearest, which are ranked among themselves
        return None
    by_name = {term.name: term for term in terms}
    decrease_eur = _price_decrease(ranking, by_name["price"], missing, price_eur)
    if decrease_eur is not None:
        decrease = _rounded_up(rates, decrease_eur, currency)
        return Counterfactual("price", f"{decrease} less would make it first", price_decrease=decrease)
    stock = by_name["availability"]
    best = AVAILABILITY_SCORES[Availability.IN_STOCK]
    if stock.weight > 0 and stock.value < best and stock.weight * (best - stock.value) >= missing:
        return Counterfactual("availability", "being in stock would make it first", availability=Availability.IN_STOCK)
    return None


def _price_decrease(ranking: Ranking, price: Term, missing: float, price_eur: float) -> float | None:
    """Solves 1 - (p - budget) / budget = wanted value for p above the budget."""
    budget = ranking.budget_eur
    if budget is None or price.weight <= 0 or price_eur <= budget:
        return None
    wanted = price.value + missing / price.weight
    if wanted > 1.0:
        return None
    return price_eur - budget * (2.0 - wanted)


def _rounded_up(rates: RateTable, amount_eur: float, currency: str) -> Money:
    """Rounds up to the minor unit, so that the amount is enough."""
    exact = Decimal(amount_eur) * Decimal(rates.units_per_euro.get(currency, 1))
    digits = Money(currency, Decimal(0)).rounded().amount.as_tuple().exponent
    step = Decimal(1).scaleb(int(digits))
    return Money(currency, (exact / step).to_integral_value(ROUND_CEILING) * step)
