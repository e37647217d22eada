"""The use cases of the search: what is asked for becomes vectors and words, and these a ranked list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from qdrant_client import models

from retrieval_svc.catalog.encoder import EncodedQuery, Encoder, ModelUse
from retrieval_svc.catalog.product import point_id
from retrieval_svc.index.generation import GenerationState, OpenGeneration
from retrieval_svc.index.manager import IndexManager
from retrieval_svc.index.schema import WORDS_VECTOR, index_filter
from retrieval_svc.index.vector_index import IndexQuery
from retrieval_svc.index.words import WordEncoder
from retrieval_svc.search.limits import shown_currency, within
from retrieval_svc.search.naming import ShopWords
from retrieval_svc.search.planning import plan_of
from retrieval_svc.search.query import (
    GarmentQuery,
    Materials,
    OutfitAnswer,
    PictureQuery,
    Query,
    RankingOptions,
    SearchAnswer,
    SimilarQuery,
    TextQuery,
    VectorQuery,
)
from retrieval_svc.search.ranker import Ranker
from retrieval_svc.search.rate_day import rates_day
from retrieval_svc.search.resolve import Resolved, check_encoder, from_product, from_vector, unit
from retrieval_svc.search.spelling import misspelt
from retrieval_svc.search.typed_text import folded
from retrieval_svc.search.vocabulary import ShopVocabulary
from retrieval_svc.search.wishes import Wishes, read_wishes, relaxed

_TASK = "products.index"


class Search:
    """Finds products."""

    def __init__(
        self, manager: IndexManager, encoder: Encoder, ranker: Ranker, *, search_pool: int, match_pool: int
    ) -> None:
        """Makes the use cases.

        Args:
            manager: Gives the index.
            encoder: The vision service.
            ranker: Ranks.
            search_pool: Candidates that the graph gives for a search.
            match_pool: Candidates that the graph gives for each garment of an outfit.
        """
        self._manager = manager
        self._encoder = encoder
        self._ranker = ranker
        self._words = WordEncoder()
        self._vocabulary = ShopVocabulary()
        self._search_pool = search_pool
        self._match_pool = match_pool

    async def search(
        self, query: Query, options: RankingOptions, offset: int, size: int, *, shown: Sequence[str] = ()
    ) -> SearchAnswer:
        """Finds products.

        Args:
            query: What to look for.
            options: How to rank.
            offset: How many matches to skip.
            size: How many to return.
            shown: Article numbers of the last matches of the page before, the very last one first.

        Raises:
            UnavailableError: While the index or the vision service does not answer.
            InvalidInputError: For a query that fits no index.
        """
        first = self._manager.active()  # says at once, before vision is asked, that there is no index yet
        options = await self._knowing_materials(first, options)
        wishes: Wishes | None = None
        if isinstance(query, TextQuery) and not query.words_only:
            wishes = await self._wishes(first, query.text, options)
            query = TextQuery(wishes.rest)
            options = _wished(options, wishes)
        encoded = await self._encode(query)
        generation = self._manager.active()
        resolved = await self._resolve(generation, query, encoded)
        plan, unused = plan_of(generation.state, resolved, options, self._search_pool)
        plan = replace(plan, browses=wishes is not None, shown=tuple(map(point_id, shown)))
        page = await self._ranker.rank(generation, plan, offset, size)
        uses = (*resolved.uses, ModelUse(_TASK, generation.state.model))
        return SearchAnswer(page, uses, rates_day(generation.state.rates, plan, options, [page]), unused, wishes)

    async def _wishes(self, generation: OpenGeneration, text: str, options: RankingOptions) -> Wishes:
        """Reads a text; what no product has together with all the rest is given up, see `relaxed`."""
        rates = generation.state.rates
        known = await self._known(generation, text)
        wishes = read_wishes(text, known, shown_currency(options), rates.knows).beside(options.filter, options.budget)

        async def there_is(wishes: Wishes) -> bool:
            materials = replace(options.materials, named=wishes.materials)
            wanted = within(wishes.added_to(options.filter), options.context, materials)
            return await generation.index.count(index_filter(wanted, rates, with_vector=False)) > 0

        return await relaxed(wishes, there_is)

    async def _known(self, generation: OpenGeneration, text: str) -> ShopWords:
        """Returns the words of the catalogue; a word that none of its products has may be a misspelt one of them."""
        known = await self._vocabulary.words(generation)
        corrected = {}
        for typed, meant in misspelt(folded(text), known).items():
            query = IndexQuery(self._words.query(typed), limit=1, using=WORDS_VECTOR)
            if not await generation.index.query(query):
                corrected[typed] = meant
        return replace(known, corrected=corrected) if corrected else known

    async def match(self, garments: Sequence[GarmentQuery], options: RankingOptions, size: int) -> OutfitAnswer:
        """Finds the nearest products for each garment.

        Args:
            garments: The garments.
            options: How to rank.
            size: How many matches for each.

        Raises:
            UnavailableError: While the index does not answer.
            InvalidInputError: For a vector that fits no index.
        """
        options = await self._knowing_materials(self._manager.active(), options)
        state = self._manager.active().state
        pages, unused = [], tuple[str, ...]()
        for garment in garments:
            generation = self._manager.active()  # each time: a generation that was swapped out is closed
            state = generation.state
            plan, unused = plan_of(state, from_vector(state, garment.query), options, self._match_pool)
            pages.append((garment.garment_id, await self._ranker.rank(generation, plan, 0, size)))
            await asyncio.sleep(0)  # the in-process engine never yields; other calls want their turn
        day = rates_day(state.rates, plan, options, [page for _, page in pages])
        return OutfitAnswer(tuple(pages), (ModelUse(_TASK, state.model),), day, unused)

    async def _knowing_materials(self, generation: OpenGeneration, options: RankingOptions) -> RankingOptions:
        """Looks the shop's materials up where the person avoids some: "80 % wool" is wool."""
        if not options.context.avoided_materials:
            return options
        known = await self._vocabulary.words(generation)
        return replace(options, materials=Materials(known.materials))

    async def _encode(self, query: Query) -> EncodedQuery | None:
        if isinstance(query, PictureQuery):
            return await self._encoder.embed_picture(query.data)
        if isinstance(query, TextQuery) and query.text:
            return await self._encoder.embed_text(query.text)
        return None

    async def _resolve(self, generation: OpenGeneration, query: Query, encoded: EncodedQuery | None) -> Resolved:
        if isinstance(query, VectorQuery):
            return from_vector(generation.state, query)
        if isinstance(query, SimilarQuery):
            return await from_product(generation, query.product_id)
        if query == TextQuery(""):  # all that was typed is in the filter
            return Resolved(None, words=self._words.query(""), understood=0.0)
        if encoded is None:
            raise TypeError(f"no such query: {type(query).__name__}")
        if isinstance(query, TextQuery):
            return self._from_words(generation.state, query.text, encoded)
        check_encoder(generation.state, encoded.vector)
        return Resolved(unit(encoded.vector.values), encoded.models)

    def _from_words(self, state: GenerationState, text: str, encoded: EncodedQuery) -> Resolved:
        """Words count by themselves, and as a vector as far as the encoder understands them and shares our space."""
        words: models.SparseVector | None = self._words.query(text)
        vector = unit(encoded.vector.values)
        understood, uses = encoded.understood, encoded.models
        if encoded.vector.model != state.model or len(encoded.vector.values) != state.dimension:
            why = f"the index still holds vectors of {state.model}"
            vector, uses = None, (*uses, ModelUse("texts.embed", encoded.vector.model, True, why))
        if vector is None or understood <= 0.0:
            vector, understood = None, 0.0
        if words is not None and not words.indices and vector is not None:
            words = None  # nothing but stop words: the vector is all there is
        return Resolved(vector, uses, words, understood)


def _wished(options: RankingOptions, wishes: Wishes) -> RankingOptions:
    wanted, budget = wishes.added_to(options.filter), options.budget or wishes.budget
    materials = replace(options.materials, named=wishes.materials)
    colors = frozenset(wishes.filter.colors)
    return replace(options, filter=wanted, budget=budget, main_colors=colors, materials=materials)
