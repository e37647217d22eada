"""The books of a stream: every frame number ends in exactly one outcome."""

from __future__ import annotations

import enum
from bisect import bisect_right
from dataclasses import dataclass, fields


class Outcome(enum.IntEnum):
    """What became of a frame; values as in `vitrine.ingest.v1.FrameOutcome`."""

    PROCESSED = 1
    SKIPPED_INTERVAL = 2
    SKIPPED_SAME_SCENE = 3
    DUPLICATE = 4
    SUPERSEDED = 5
    LATE = 6
    REJECTED = 7
    LOST = 8
    PENDING = 9


@dataclass(slots=True)
class Totals:
    """How many frames ended in each outcome. ``highest`` is the sum of all but `received` and `duplicate`.

    Attributes:
        highest: The highest number seen.
        received: Frames that arrived, duplicates included.
        processed: Keyframes whose result was made.
        skipped_interval: Inside the minimum interval.
        skipped_same_scene: Same scene as the last keyframe.
        duplicate: Copies; outside of the sum.
        superseded: Keyframes replaced before they were processed.
        late: Came too late.
        rejected: Could not be used.
        lost: Never arrived (yet).
        pending: Keyframes being processed.
    """

    highest: int = 0
    received: int = 0
    processed: int = 0
    skipped_interval: int = 0
    skipped_same_scene: int = 0
    duplicate: int = 0
    superseded: int = 0
    late: int = 0
    rejected: int = 0
    lost: int = 0
    pending: int = 0

    @property
    def accounted(self) -> int:
        """The sum that must equal `highest`."""
        return (
            self.processed + self.skipped_interval + self.skipped_same_scene + self.superseded
            + self.late + self.rejected + self.lost + self.pending
        )  # fmt: skip

    def as_dict(self) -> dict[str, int]:
        """Returns the totals by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_FIELD = {outcome: outcome.name.lower() for outcome in Outcome}
# Gaps remembered so that a frame which comes after all moves from lost to late. Older gaps stay lost for good.
_MAX_GAPS = 256


class Ledger:
    """Keeps the books of one session.

    Each number is entered once by `arrive`, which tells whether it is new; a new one is then settled by `settle`.
    """

    def __init__(self, totals: Totals | None = None) -> None:
        self.totals = totals or Totals()
        self._gaps: list[tuple[int, int]] = []  # first and last missing number of each gap, in order

    def arrive(self, number: int) -> Outcome | None:
        """Enters an arriving frame.

        Args:
            number: The client's number, from 1.

        Returns:
            DUPLICATE or LATE where that is already its end (and it is settled), None where the frame is the newest.
        """
        totals = self.totals
        totals.received += 1
        if number > totals.highest:
            missing = number - totals.highest - 1
            if missing:
                self._open_gap(totals.highest + 1, number - 1)
                totals.lost += missing
            totals.highest = number
            return None
        if self._close_gap(number):
            totals.lost -= 1
            totals.late += 1
            return Outcome.LATE
        totals.duplicate += 1
        return Outcome.DUPLICATE

    def settle(self, outcome: Outcome) -> None:
        """Enters the outcome of the frame that has just arrived."""
        name = _FIELD[outcome]
        setattr(self.totals, name, getattr(self.totals, name) + 1)

    def resolve(self, outcome: Outcome) -> None:
        """Moves one keyframe from PENDING to its final outcome."""
        if self.totals.pending < 1:
            raise ValueError("no keyframe is pending")
        self.totals.pending -= 1
        self.settle(outcome)

    def _open_gap(self, first: int, last: int) -> None:
        self._gaps.append((first, last))
        if len(self._gaps) > _MAX_GAPS:
            del self._gaps[0]

    def _close_gap(self, number: int) -> bool:
        index = bisect_right(self._gaps, (number, 1 << 63)) - 1
        if index < 0 or self._gaps[index][1] < number:
            return False
        first, last = self._gaps[index]
        rest = [gap for gap in ((first, number - 1), (number + 1, last)) if gap[0] <= gap[1]]
        self._gaps[index : index + 1] = rest
        if len(self._gaps) > _MAX_GAPS:
            del self._gaps[0]
        return True
