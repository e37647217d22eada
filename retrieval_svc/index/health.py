"""How far the index is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from retrieval_svc.index.generation import OpenGeneration


class IndexPhase(IntEnum):
    """How far the index is; numbers as in `vitrine.retrieval.v1.IndexState`."""

    BUILDING = 1
    READY = 2
    REBUILDING = 3


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """What is known: `current` is None before the first build is done, `last_error` says why the last build failed."""

    phase: IndexPhase
    engine: str
    current: OpenGeneration | None
    last_error: str
