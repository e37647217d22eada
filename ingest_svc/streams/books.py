"""The books of a session as they outlive a connection: the ledger, and what the client may not have heard of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ingest_svc.streams.journal import MAX_TOLD, Journal
from ingest_svc.streams.ledger import Ledger, Outcome, Totals


class Books:
    """Ledger and journal kept in step: what is entered in one is noted in the other in the same moment."""

    def __init__(self, totals: Totals | None = None, rows: Mapping[str, Any] | None = None) -> None:
        """Opens new books, or goes on with kept ones.

        Args:
            totals: The totals so far.
            rows: What `rows` gave; empty where an older version kept them.
        """
        rows = rows or {}
        self.ledger = Ledger(totals, rows.get("gaps", ()), rows.get("pending", ()))
        self.journal = Journal(rows.get("told", ()))
        self.orphans: set[int] = set()  # in work on an older connection, which may be alive

    @property
    def totals(self) -> Totals:
        """The totals so far."""
        return self.ledger.totals

    def rows(self) -> dict[str, Any]:
        """Returns all but the totals for keeping, as JSON has it."""
        return {
            "gaps": [list(gap) for gap in self.ledger.gaps],
            "pending": sorted(self.ledger.pending),
            "told": [list(row) for row in self.journal.rows()],
        }

    def is_pending(self, number: int) -> bool:
        """Whether a frame has arrived and has no end yet; one that waits may get its end elsewhere, by `recover`.

        Args:
            number: The frame.
        """
        return number in self.ledger.pending

    def arrive(self, number: int) -> Outcome | None:
        """As `Ledger.arrive`."""
        ended = self.ledger.arrive(number)
        if ended is Outcome.LATE:
            self.journal.note(number, ended)
        return ended

    def settle(self, outcome: Outcome, reason: str = "") -> None:
        """As `Ledger.settle`.

        Args:
            outcome: What became of the frame that has just arrived.
            reason: The `ErrorReason`, where it was rejected.
        """
        self.ledger.settle(outcome)
        self.journal.note(self.totals.highest, outcome, reason)

    def keep_pending(self, number: int) -> None:
        """Notes that the client is told that a frame is a keyframe in work.

        Args:
            number: The frame.
        """
        self.journal.note(number, Outcome.PENDING)

    def resolve(self, number: int, outcome: Outcome, reason: str = "") -> None:
        """As `Ledger.resolve`.

        Args:
            number: The frame.
            outcome: Its end.
            reason: The `ErrorReason`, where it was rejected.
        """
        self.ledger.resolve(number, outcome)
        self.journal.note(number, outcome, reason)

    def recover(self, number: int) -> int | None:
        """As `Ledger.recover`.

        Args:
            number: The frame.
        """
        missing = self.ledger.recover(number)
        self.orphans.discard(number)
        if missing is not None:
            self.journal.note(number, Outcome.PROCESSED)
        return missing

    def reopen(self, processed: Iterable[int]) -> int:
        """Puts kept books in order for a new connection.

        Args:
            processed: Frames whose results are kept: they were processed, whatever the books say.

        Returns:
            How many frames were in work and are lost with the process that worked on them.
        """
        for number in sorted(processed):
            self.recover(number)
        before = self.totals.lost
        self.orphans = set(self.ledger.pending)
        self.ledger.abandon()
        since = self.totals.highest - MAX_TOLD
        gaps = ((max(first, since), last) for first, last in self.ledger.gaps)
        self.journal.begin_with_lost([number for first, last in gaps for number in range(first, last + 1)])
        return self.totals.lost - before
