"""Hits of the index in one order, whatever the engine does with ties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from retrieval_svc.index.generation import OpenGeneration
from retrieval_svc.index.vector_index import Hit, IndexQuery

# Scores that differ by less are a tie (the engine counts in float32); ties stand in the order of their ids.
_SCORE_DIGITS = 6
# As many places as the first pages and their tiers want; the ids of all candidates would cost more than the search.
_HEAD = 60


async def first_hits(generation: OpenGeneration, query: IndexQuery, needed: int) -> tuple[list[Hit], bool]:
    """Returns the first hits of a query in their order, and whether these are all.

    Where the list is cut, it is cut between two scores, since the order within a tie is ours: otherwise a product could
    stand on two pages, or on none.
    """
    few = max(needed, _HEAD) + 1
    if query.prefetch and len(query.prefetch) == 1 and few < query.limit:
        scored = await generation.index.query(replace(query, limit=few))
        last = round(scored[-1].score, _SCORE_DIGITS) if len(scored) == few else -math.inf
        certain = [hit for hit in scored if round(hit.score, _SCORE_DIGITS) > last]
        if len(certain) >= needed or len(scored) < few:
            return ordered(certain), len(scored) < few
    return ordered(await generation.index.query(query)), True


def ordered(hits: Sequence[Hit]) -> list[Hit]:
    """Puts ties in the order of their ids; of hits that stand alone nobody needs the id yet."""
    placed = list(hits)
    scores = np.round([hit.score for hit in placed], _SCORE_DIGITS)
    ends = (np.flatnonzero(np.diff(scores)) + 1).tolist()
    for start, end in pairwise([0, *ends, len(placed)]):
        if end - start > 1:
            placed[start:end] = sorted(placed[start:end], key=lambda hit: hit.id)
    return placed
