"""The words that the catalogue uses, read from the index now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.search.naming import ShopWords

_MOST = 5_000
_KEPT_S = 30.0
# In the order of the fields of `ShopWords`. An index of the first schema answers until the new one is built, without
# the last two.
_FIELDS = ("brand", "category", "colors", "sizes", "pattern", "materials")


class ShopVocabulary:
    """Remembers the words of a generation for half a minute: a new brand is understood a little late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Makes an empty memory.

        Args:
            clock: Time in seconds.
        """
        self._clock = clock
        self._generation = 0
        self._until = 0.0
        self._words = ShopWords()

    async def words(self, generation: OpenGeneration) -> ShopWords:
        """Returns the brands, categories, colours, sizes, patterns and materials that products have."""
        number = generation.state.generation
        if number != self._generation or self._clock() >= self._until:
            fields = _FIELDS if generation.state.schema_version > 1 else _FIELDS[:4]
            values = [frozenset(await generation.index.values(name, _MOST)) - {""} for name in fields]
            values += [frozenset()] * (len(_FIELDS) - len(values))
            brands, categories, colors, sizes, patterns, materials = values
            self._words = ShopWords(brands, categories, colors, sizes, patterns, materials)
            self._generation, self._until = number, self._clock() + _KEPT_S
        return self._words
