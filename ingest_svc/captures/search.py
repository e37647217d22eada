"""Finding products like what somebody wears, ranked for them.

What the profile allows a ranking to know goes with the search. Retrieval keeps nothing about anybody: budget and brands
are read by the terms `price` and `brand` of the published formula, taste, sizes and colour season count by
`PersonalWeights`, on top of it, and each term stands in the score. What the person avoids is left out by retrieval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from vitrine.retrieval.v1 import match_pb2, search_service_pb2
from vitrine.type.v1 import garment_pb2, personal_context_pb2

from ingest_svc.captures.outfit import Matches, OutfitInput
from mesh import errors

# The parts of a context in retrieval's words (`MatchGarmentsResponse.unused_context`), in the order of its fields.
_PARTS = (
    "taste", "color_season", "sizes", "budget", "preferred_brands", "avoided_brands", "avoided_colors",
    "avoided_materials", "departments", "currency_code",
)  # fmt: skip
_MESSAGES = frozenset({"taste", "budget"})


class Retrieval(Protocol):
    """Finds products; `ingest_svc.clients.retrieval` implements it."""

    async def match(
        self,
        garments: Sequence[garment_pb2.Garment],
        *,
        ranking: search_service_pb2.RankingOptions | None,
        max_matches: int,
        deadline_s: float,
    ) -> Matches:
        """Finds products for garments.

        Args:
            garments: The garments, with their embeddings.
            ranking: How to rank; None as for anybody.
            max_matches: Products per garment, 1-30.
            deadline_s: Time limit in seconds.

        Raises:
            VitrineError: As the service answered.
        """


class Persons(Protocol):
    """Knows for whom products are ranked; `ingest_svc.clients.profile` implements it."""

    async def context(self, user: str, *, model: str, deadline_s: float) -> personal_context_pb2.PersonalContext:
        """Answers what a ranking may know about a user; empty where that is nothing.

        Args:
            user: The user's id.
            model: The model whose vectors are compared.
            deadline_s: Time limit in seconds.

        Raises:
            VitrineError: As the service answered.
        """


@dataclass(frozen=True, slots=True)
class PersonalWeights:
    """How much each personal term counts beside 0.6 for likeness, each 0-1.

    Attributes:
        taste: Likeness to the taste.
        size: Whether it comes in the person's size.
        color_season: Whether its colours suit the person.
    """

    taste: float = 0.1
    size: float = 0.1
    color_season: float = 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        matches: Products for each garment.
        used_context: Parts of the personal context that they were ranked with.
        impersonal: Why they are ranked as for anybody though they should not; None where nothing failed.
    """

    matches: Matches
    used_context: tuple[str, ...] = ()
    impersonal: errors.VitrineError | None = None


class ProductSearch:
    """Asks the profile for whom to rank, and retrieval for products."""

    def __init__(
        self,
        retrieval: Retrieval,
        persons: Persons,
        weights: PersonalWeights | None,
        *,
        match_s: float = 5.0,
        context_s: float = 1.0,
    ) -> None:
        """Describes the search.

        Args:
            retrieval: Finds products.
            persons: Knows for whom.
            weights: How much that counts; None ranks for everybody alike, and asks nobody.
            match_s: Time limit of the search, in seconds.
            context_s: Time limit of asking for whom, in seconds.
        """
        self._retrieval = retrieval
        self._persons = persons
        self._weights = weights
        self._match_s = match_s
        self._context_s = context_s

    async def find(self, seen: OutfitInput, garments: Sequence[garment_pb2.Garment]) -> Found:
        """Finds products for garments.

        Where the profile does not answer, products are ranked as for anybody: the user waits for them, and a better
        order is no reason to wait on. What does not fit the shop (a budget in a currency without a rate) is left out
        alone, and named in `unused_context`.

        Args:
            seen: For whom, and how many.
            garments: At least one, each with its embedding.

        Raises:
            VitrineError: When retrieval does not answer.
        """
        if self._weights is None or not seen.rank_personally:
            return Found(await self._match(seen, garments))
        try:
            model = garments[0].embedding.model
            context = await self._persons.context(seen.user, model=model, deadline_s=self._context_s)
        except errors.VitrineError as error:
            return Found(await self._match(seen, garments), impersonal=error)
        parts = parts_of(context)
        if not parts:
            return Found(await self._match(seen, garments))
        try:
            matches = await self._match_for(seen, garments, context, self._weights)
        except errors.InvalidInputError as error:
            return Found(await self._match(seen, garments), impersonal=error)
        return Found(matches, tuple(part for part in parts if part not in matches.unused_context))

    async def _match_for(
        self,
        seen: OutfitInput,
        garments: Sequence[garment_pb2.Garment],
        context: personal_context_pb2.PersonalContext,
        weights: PersonalWeights,
    ) -> Matches:
        """Searches for a person, without the money that retrieval has no rate for."""
        try:
            return await self._match(seen, garments, ranking_for(context, weights))
        except errors.InvalidInputError as error:
            part = _without_rate(error)
            if not _has(context, part):
                raise
        rest = personal_context_pb2.PersonalContext()
        rest.CopyFrom(context)
        rest.ClearField(part)  # type: ignore[arg-type]  # the stub knows the names as literals
        matches = await self._match_for(seen, garments, rest, weights)
        return replace(matches, unused_context=(*matches.unused_context, part))

    async def _match(
        self,
        seen: OutfitInput,
        garments: Sequence[garment_pb2.Garment],
        ranking: search_service_pb2.RankingOptions | None = None,
    ) -> Matches:
        return await self._retrieval.match(
            garments, ranking=ranking, max_matches=seen.max_matches, deadline_s=self._match_s
        )


def ranking_for(
    context: personal_context_pb2.PersonalContext, weights: PersonalWeights
) -> search_service_pb2.RankingOptions:
    """Returns how to rank for a person.

    Args:
        context: What the profile answered.
        weights: How much it counts.
    """
    terms = match_pb2.RankingWeights(taste=weights.taste, size=weights.size, color_season=weights.color_season)
    return search_service_pb2.RankingOptions(personal_context=context, weights=terms)


def parts_of(context: personal_context_pb2.PersonalContext) -> tuple[str, ...]:
    """Names the parts that a context has."""
    return tuple(part for part in _PARTS if _has(context, part))


def _without_rate(error: errors.InvalidInputError) -> str:
    """Returns the part of the context that is in an unknown currency; empty where something else is wrong."""
    if error.reason != "CURRENCY_UNKNOWN" or len(error.violations) != 1:
        return ""
    return error.violations[0].field.removeprefix("ranking.personal_context.")


def _has(context: personal_context_pb2.PersonalContext, part: str) -> bool:
    if part not in _PARTS:
        return False
    if part in _MESSAGES:
        return context.HasField(part)  # type: ignore[arg-type]  # the stub knows the names as literals
    return bool(getattr(context, part))
