"""The books of a stream: every frame number ends in exactly one outcome."""

from __future__ import annotations

import enum
from bisect import bisect_right, insort
from collections.abc import Collection, Iterable, Sequence
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
        superseded: Gave way to a newer one, before they were looked at or, as keyframes, processed.
        late: Came too late.
        rejected: Could not be used.
        lost: Never arrived (yet), or died with the process that worked on them.
        pending: Being looked at, or keyframes being processed.
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

Gap = tuple[int, int]


class Ledger:
    """Keeps the books of one session.

    Each number is entered once by `arrive`, which tells whether it is new; a new one is pending until `settle` says
    what became of it, and one that is settled as PENDING until `resolve`. So the sum holds at any moment, also while a
    frame is looked at.
    """

    def __init__(
        self, totals: Totals | None = None, gaps: Iterable[Sequence[int]] = (), pending: Iterable[int] = ()
    ) -> None:
        """Opens the books, or goes on with kept ones.

        Args:
            totals: The totals so far.
            gaps: First and last missing number of each gap that is remembered.
            pending: The numbers that `totals` count as pending.
        """
        self.totals = totals or Totals()
        self._gaps: list[Gap] = sorted((gap[0], gap[1]) for gap in gaps)
        self._pending = set(pending)
        self._newest = 0  # the frame that has arrived last, while it is judged

    @property
    def gaps(self) -> Sequence[Gap]:
        """First and last missing number of each gap that is remembered, in order."""
        return self._gaps

    @property
    def pending(self) -> Collection[int]:
        """The numbers that have arrived and have no end yet."""
        return self._pending

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
            self._advance(number)
            totals.pending += 1
            self._pending.add(number)
            self._newest = number
            return None
        if self._close_gap(number):
            totals.lost -= 1
            totals.late += 1
            return Outcome.LATE
        totals.duplicate += 1
        return Outcome.DUPLICATE

    def settle(self, outcome: Outcome) -> None:
        """Enters the outcome of the newest frame, which has just arrived; a PENDING one waits for `resolve`."""
        if outcome is not Outcome.PENDING:
            self.resolve(self._newest, outcome)

    def resolve(self, number: int, outcome: Outcome) -> None:
        """Moves a frame from PENDING to its final outcome.

        Args:
            number: The frame.
            outcome: Its end.

        Raises:
            ValueError: It is not pending.
        """
        if number not in self._pending:
            raise ValueError(f"frame {number} is not pending")
        self._pending.remove(number)
        self.totals.pending -= 1
        self._count(outcome)

    def abandon(self) -> None:
        """Counts what is pending as lost: nobody works on it any more, or who does will say so by its result."""
        self.totals.lost += self.totals.pending  # kept totals of an older version come without numbers
        self.totals.pending = 0
        for number in sorted(self._pending):
            self._open_gap(number, number)
        self._pending.clear()

    def recover(self, number: int) -> int | None:
        """Enters that a frame was processed elsewhere, though it is pending, lost or unknown here.

        Args:
            number: The frame.

        Returns:
            How many numbers directly before it are missing because of it; None where nothing changed.
        """
        if number in self._pending:
            self.resolve(number, Outcome.PROCESSED)
            return 0
        if number > self.totals.highest:
            missing = self._advance(number)
            self._count(Outcome.PROCESSED)
            return missing
        if not self._close_gap(number):
            return None
        self.totals.lost -= 1
        self._count(Outcome.PROCESSED)
        return 0

    def _advance(self, number: int) -> int:
        totals = self.totals
        missing = number - totals.highest - 1
        if missing:
            self._open_gap(totals.highest + 1, number - 1)
            totals.lost += missing
        totals.highest = number
        return missing

    def _count(self, outcome: Outcome) -> None:
        name = _FIELD[outcome]
        setattr(self.totals, name, getattr(self.totals, name) + 1)

    def _open_gap(self, first: int, last: int) -> None:
        insort(self._gaps, (first, last))
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
