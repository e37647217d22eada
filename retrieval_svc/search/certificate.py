"""How sure one can be that no better product was overlooked."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

_Z_95 = 1.959963984540054


class RecallMethod(IntEnum):
    """How the recall is known; numbers as in `vitrine.retrieval.v1.RecallMethod`."""

    EXACT = 1
    MEASURED = 2
    SAMPLED = 3


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall with its interval.

    Attributes:
        method: How it is known.
        value: Share of the true nearest candidates that were compared, 0-1.
        lower_bound: Lower end of the 95 % interval.
        sample_count: Candidates that the estimate rests on.
    """

    method: RecallMethod
    value: float
    lower_bound: float
    sample_count: int

    @property
    def known(self) -> bool:
        """Whether it is that of this very search, so that the bound speaks of what it missed too."""
        return self.method is not RecallMethod.SAMPLED

    def joined(self, other: Recall) -> Recall:
        """Returns the recall of a search that asked the graph twice: known only where both are."""
        if not (self.known and other.known):
            return other if self.known else self
        count = self.sample_count + other.sample_count
        if count == 0:
            return self
        value = (self.value * self.sample_count + other.value * other.sample_count) / count
        return Recall(RecallMethod.MEASURED, value, value, count)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known about what was not found; fields as in `vitrine.retrieval.v1.RecallCertificate`."""

    recall: Recall
    eligible_count: int
    candidate_count: int
    unseen_score_bound: float
    complete: bool


EXACT_RECALL = Recall(RecallMethod.EXACT, 1.0, 1.0, 0)


def wilson_lower_bound(hits: int, total: int) -> float:
    """Returns the lower end of the 95 % Wilson interval of a share (Wilson 1927), 0 when nothing was counted.

    Args:
        hits: Successes.
        total: Trials.
    """
    if total == 0:
        return 0.0
    share, squared = hits / total, _Z_95 * _Z_95
    middle = share + squared / (2 * total)
    spread = _Z_95 * math.sqrt(share * (1 - share) / total + squared / (4 * total * total))
    return max(0.0, (middle - spread) / (1 + squared / total))


class RecallMeter:
    """Remembers the searches whose recall was measured, newest last."""

    def __init__(self, window: int = 200) -> None:
        self._counts: deque[tuple[int, int]] = deque(maxlen=window)

    @property
    def empty(self) -> bool:
        """Whether nothing has been measured yet."""
        return not self._counts

    def measure(self, found: Collection[str], true_nearest: Collection[str]) -> Recall:
        """Counts what one search found of what it should have found.

        Args:
            found: Ids that the graph gave.
            true_nearest: Ids that the exact scan gave.
        """
        hits = len(set(found) & set(true_nearest))
        self._counts.append((hits, len(true_nearest)))
        value = hits / len(true_nearest) if true_nearest else 1.0
        return Recall(RecallMethod.MEASURED, value, value, len(true_nearest))

    def estimate(self) -> Recall:
        """Returns the recall of the measured searches together."""
        hits, total = (sum(column) for column in zip(*self._counts, strict=True)) if self._counts else (0, 0)
        value = hits / total if total else 0.0
        return Recall(RecallMethod.SAMPLED, value, wilson_lower_bound(hits, total), total)
