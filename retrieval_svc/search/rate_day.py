"""Of which day the exchange rates of an answer are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from retrieval_svc.catalog.money import RateTable
from retrieval_svc.search.plan import RankPlan
from retrieval_svc.search.query import RankedPage, RankingOptions


def rates_day(rates: RateTable, plan: RankPlan, options: RankingOptions, pages: Iterable[RankedPage]) -> dt.date:
    """Returns the oldest day among the rates that an answer's amounts were converted with.

    Args:
        rates: The rates of the generation that answered.
        plan: What was ranked, for the currency of converted prices.
        options: How; limits and a budget are converted too.
        pages: What was found.
    """
    stated = (options.budget or options.context.budget, options.filter.min_price, options.filter.max_price)
    used = {plan.currency, *(money.currency for money in stated if money is not None)}
    for page in pages:
        tiers = (page.tiers.closest, page.tiers.lower, page.tiers.premium)
        used.update(match.product.price.currency for match in (*page.matches, *tiers) if match is not None)
    return rates.day_of(used)
