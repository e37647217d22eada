"""How many products a filter lets through, counted once for as long as the index does not change."""

from __future__ import annotations

from collections import OrderedDict

from qdrant_client import models

from retrieval_svc.index.generation import OpenGeneration


class FilterCounts:
    """Remembers counts: an exact one walks over everything that the filter lets through, as long as a search takes."""

    def __init__(self, most: int) -> None:
        """Makes an empty memory.

        Args:
            most: How many filters are remembered; the one that was asked for longest ago is forgotten first.
        """
        self._most = most
        self._version: tuple[int, int] | None = None
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def count(self, generation: OpenGeneration, wanted: models.Filter) -> int:
        """Returns how many products of a generation a filter lets through, exactly.

        Args:
            generation: The index; a count holds until it takes the next change of the catalogue.
            wanted: The filter.
        """
        version = (generation.state.generation, generation.state.applied_seq)
        if version != self._version:
            self._version = version
            self._counts.clear()
        name = wanted.model_dump_json(exclude_none=True)
        known = self._counts.get(name)
        if known is None:
            known = await generation.index.count(wanted)
            if (generation.state.generation, generation.state.applied_seq) == self._version == version:
                self._counts[name] = known
                if len(self._counts) > self._most:
                    self._counts.popitem(last=False)
        else:
            self._counts.move_to_end(name)
        return known
