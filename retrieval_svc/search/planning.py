"""Query, options and what is known about the person become one plan of a ranking."""

from __future__ import annotations

from dataclasses import replace

from retrieval_svc.catalog.encoder import Vector
from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.vocabulary import key
from retrieval_svc.index.generation import GenerationState
from retrieval_svc.index.schema import MAIN_COLOR_SINCE
from retrieval_svc.search.limits import known_currency, within, without_effect
from retrieval_svc.search.person import person_of
from retrieval_svc.search.plan import FloatVector, RankPlan
from retrieval_svc.search.query import RankingOptions
from retrieval_svc.search.ranking import MAIN_COLOR, Ranking, Weights
from retrieval_svc.search.resolve import Resolved, unit


def plan_of(
    state: GenerationState, resolved: Resolved, options: RankingOptions, pool: int
) -> tuple[RankPlan, tuple[str, ...]]:
    """Puts query, options and context together.

    Args:
        state: What the index was built with.
        resolved: Vector and words of the query.
        options: How to rank, with what was read out of words.
        pool: Candidates that the graph gives.

    Returns:
        What to rank, and the parts of the context that have no influence.
    """
    context, weights = options.context, options.weights
    taste = _taste(state, context.taste) if weights.taste and resolved.vector is not None else None
    if taste is None:
        weights = replace(weights, taste=0.0)
    person = person_of(context.sizes, context.color_season)
    weights = replace(
        weights,
        size=weights.size if person.sizes else 0.0,
        color_season=weights.color_season if person.colors else 0.0,
        main_color=MAIN_COLOR if options.main_colors and state.schema_version >= MAIN_COLOR_SINCE else 0.0,
    )
    if resolved.words is not None:
        weights = weights.shared_with_words(resolved.understood)
    budget = options.budget or context.budget
    budget_path = "ranking.budget" if options.budget else "ranking.personal_context.budget"
    ranking = Ranking(
        weights,
        float(state.rates.to_euro(budget, budget_path)) if budget and budget.amount > 0 else None,
        frozenset(key(brand) for brand in context.preferred_brands),
        person=person,
        main_colors=options.main_colors,
    )
    currency = known_currency(options, state.rates)
    plan = RankPlan(
        ranking,
        _filter(within(options.filter, context, options.materials), resolved),
        resolved.vector,
        taste,
        resolved.words,
        currency,
        pool,
        options.diversity,
        options.collapse_duplicates,
    )
    return plan, _unused(options, weights, has_taste=taste is not None)


def _filter(wanted: ProductFilter, resolved: Resolved) -> ProductFilter:
    if resolved.bucket and not wanted.buckets and not wanted.categories:
        wanted = replace(wanted, buckets=(resolved.bucket,))
    return replace(wanted, excluded=(*wanted.excluded, *resolved.excluded))


def _unused(options: RankingOptions, weights: Weights, *, has_taste: bool) -> tuple[str, ...]:
    context = options.context
    parts = {
        "taste": context.taste is not None and not has_taste,
        "color_season": bool(context.color_season) and not weights.color_season,
        "sizes": bool(context.sizes) and not weights.size,
        "budget": context.budget is not None and (options.budget is not None or not weights.price),
        "preferred_brands": bool(context.preferred_brands) and not weights.brand,
        **without_effect(options),
    }
    return tuple(name for name, unused in parts.items() if unused)


def _taste(state: GenerationState, taste: Vector | None) -> FloatVector | None:
    if taste is None or taste.model != state.model or len(taste.values) != state.dimension:
        return None
    return unit(taste.values)
