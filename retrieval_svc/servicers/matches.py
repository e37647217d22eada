"""Ranked lists between the contract and the core."""

from __future__ import annotations

from collections.abc import Sequence

from vitrine.retrieval.v1 import match_pb2, product_pb2, search_service_pb2
from vitrine.type.v1 import model_pb2, personal_context_pb2

from mesh.errors import InvalidInputError
from retrieval_svc.catalog.encoder import ModelUse, Vector
from retrieval_svc.search.certificate import Certificate
from retrieval_svc.search.counterfactual import Counterfactual
from retrieval_svc.search.query import Match, PersonalContext, RankedPage, RankingOptions, Tiers
from retrieval_svc.search.ranking import Weights
from retrieval_svc.search.wishes import Wishes
from retrieval_svc.servicers.products import (
    filter_from_proto,
    filter_to_proto,
    money_from_proto,
    money_to_proto,
    product_to_proto,
)


def options_from_proto(message: search_service_pb2.RankingOptions) -> RankingOptions:
    """Reads how to rank."""
    return RankingOptions(
        filter=filter_from_proto(message.filter, "ranking.filter"),
        budget=money_from_proto(message.budget) if message.HasField("budget") else None,
        weights=_weights(message.weights),
        context=_context(message.personal_context),
        currency=message.currency_code,
        diversity=message.diversity,
        collapse_duplicates=message.collapse_duplicates,
    )


def vector_from_proto(message: model_pb2.Embedding) -> Vector:
    """Reads a vector."""
    return Vector(tuple(message.values), message.model)


def matches_to_proto(matches: Sequence[Match]) -> list[match_pb2.ProductMatch]:
    """Writes matches."""
    return [_match(match) for match in matches]


def tiers_to_proto(tiers: Tiers) -> match_pb2.PriceTiers:
    """Writes price tiers; a tier without a product is absent."""
    message = match_pb2.PriceTiers()
    for name, match in (("closest", tiers.closest), ("lower", tiers.lower), ("premium", tiers.premium)):
        if match is not None:
            getattr(message, name).CopyFrom(_match(match))
    return message


def certificate_to_proto(certificate: Certificate) -> match_pb2.RecallCertificate:
    """Writes a certificate."""
    recall = certificate.recall
    return match_pb2.RecallCertificate(
        method=match_pb2.RecallMethod.ValueType(recall.method),
        recall=recall.value,
        recall_lower_bound=recall.lower_bound,
        sample_count=recall.sample_count,
        eligible_count=certificate.eligible_count,
        candidate_count=certificate.candidate_count,
        unseen_score_bound=certificate.unseen_score_bound,
        complete=certificate.complete,
    )


def garment_to_proto(garment_id: str, page: RankedPage) -> match_pb2.GarmentMatches:
    """Writes what was found for one garment."""
    return match_pb2.GarmentMatches(
        garment_id=garment_id,
        matches=matches_to_proto(page.matches),
        tiers=tiers_to_proto(page.tiers),
        certificate=certificate_to_proto(page.certificate),
    )


def wishes_to_proto(wishes: Wishes) -> search_service_pb2.TextWishes:
    """Writes what was read out of a text."""
    return search_service_pb2.TextWishes(
        filter=filter_to_proto(wishes.filter),
        budget=money_to_proto(wishes.budget) if wishes.budget else None,
        phrases=[search_service_pb2.ReadPhrase(text=phrase.text, field=phrase.field) for phrase in wishes.phrases],
        dropped_fields=wishes.dropped,
    )


def uses_to_proto(uses: Sequence[ModelUse]) -> list[model_pb2.ModelUse]:
    """Writes the models that took part."""
    return [
        model_pb2.ModelUse(task=use.task, model=use.model, degraded=use.degraded, degraded_reason=use.degraded_reason)
        for use in uses
    ]


def _weights(message: match_pb2.RankingWeights) -> Weights:
    """A weight that is left out has its default."""
    stated = {
        name: float(getattr(message, name))
        for name in ("cosine", "price", "brand", "availability", "taste", "size", "color_season")
        if message.HasField(name)
    }
    return Weights(**stated)


def _context(message: personal_context_pb2.PersonalContext) -> PersonalContext:
    budget = money_from_proto(message.budget) if message.HasField("budget") else None
    if budget is not None and (len(budget.currency) != 3 or budget.amount < 0):
        text = f"must be a three-letter currency and an amount of 0 or more, got {budget.currency!r}"
        raise InvalidInputError.of("ranking.personal_context.budget", text)
    return PersonalContext(
        taste=vector_from_proto(message.taste) if message.HasField("taste") else None,
        color_season=message.color_season,
        sizes=dict(message.sizes),
        budget=budget,
        preferred_brands=tuple(message.preferred_brands),
        avoided_brands=tuple(message.avoided_brands),
        avoided_colors=tuple(message.avoided_colors),
        avoided_materials=tuple(message.avoided_materials),
        departments=tuple(message.departments),
        currency=message.currency_code,
    )


def _match(match: Match) -> match_pb2.ProductMatch:
    price, change = match.converted_price, match.counterfactual
    return match_pb2.ProductMatch(
        product=product_to_proto(match.product, match.etag),
        rank=match.rank,
        score=match.score,
        terms=[
            match_pb2.ScoreTerm(name=term.name, weight=term.weight, value=term.value, contribution=term.contribution)
            for term in match.terms
        ],
        converted_price=money_to_proto(price) if price is not None else None,
        counterfactual=_counterfactual(change) if change is not None else None,
    )


def _counterfactual(change: Counterfactual) -> match_pb2.Counterfactual:
    message = match_pb2.Counterfactual(term=change.term, description=change.description)
    if change.price_decrease is not None:
        message.price_decrease.CopyFrom(money_to_proto(change.price_decrease))
    if change.availability is not None:
        message.availability = product_pb2.Availability.ValueType(change.availability)
    return message
