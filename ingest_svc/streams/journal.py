"""What the client was told of its frames and has perhaps not heard: it is told again after a reconnect.

Acknowledgements of frames are not acknowledged themselves. But messages arrive in order: a client that acknowledges a
result has heard everything that was sent before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ingest_svc.streams.ledger import Outcome

# Of so many frames the end is told again at most, half a minute at 15 a second. Older ones stand in the totals.
MAX_TOLD = 512


@dataclass(slots=True)
class Told:
    """The last word on one frame.

    Attributes:
        number: The frame.
        outcome: What became of it.
        reason: The `ErrorReason`, where it was rejected.
        sent_at: When it was sent, counted in messages; None before that.
    """

    number: int
    outcome: Outcome
    reason: str = ""
    sent_at: int | None = None


class Journal:
    """Remembers the last word on each recent frame until the client must have heard it."""

    def __init__(self, rows: Iterable[Sequence[Any]] = ()) -> None:
        """Begins empty, or with what an earlier connection remembered.

        Args:
            rows: What `rows` gave.
        """
        self._told = {row[0]: Told(row[0], Outcome(row[1]), row[2]) for row in rows}
        self._sent = 0
        self._marks: dict[str, int] = {}

    @property
    def told(self) -> list[Told]:
        """All that is to be told again, the longest ago first."""
        return list(self._told.values())

    def rows(self) -> list[tuple[int, int, str]]:
        """Returns it for keeping: number, outcome, reason."""
        return [(it.number, int(it.outcome), it.reason) for it in self._told.values()]

    def begin_with_lost(self, numbers: Sequence[int]) -> None:
        """Puts missing numbers before all else: what a killed process said of one of them is void.

        Args:
            numbers: The numbers, in order; where there are too many, the newest are taken.
        """
        room = max(0, MAX_TOLD - len(self._told))
        lost = {number: Told(number, Outcome.LOST) for number in numbers[len(numbers) - min(room, len(numbers)) :]}
        self._told = lost | {number: told for number, told in self._told.items() if number not in lost}

    def note(self, number: int, outcome: Outcome, reason: str = "") -> None:
        """Notes what became of a frame, in the moment in which it is decided.

        Args:
            number: The frame.
            outcome: What became of it.
            reason: The `ErrorReason`, where it was rejected.
        """
        self._told.pop(number, None)  # so that it comes last
        self._told[number] = Told(number, outcome, reason)
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]

    def sent(self, number: int, outcome: Outcome) -> None:
        """Notes that the client is being told.

        Args:
            number: The frame.
            outcome: What it is told; an older word than the last changes nothing.
        """
        told = self._told.get(number)
        if told is not None and told.outcome is outcome:
            self._sent += 1
            told.sent_at = self._sent

    def mark(self, event_id: str) -> None:
        """Notes that a result is being sent: who acknowledges it has heard all that was sent before it.

        Args:
            event_id: Its id.
        """
        self._marks[event_id] = self._sent
        if len(self._marks) > MAX_TOLD:
            del self._marks[next(iter(self._marks))]

    def heard(self, event_id: str) -> None:
        """Forgets what the client must have heard, because it acknowledges a result.

        Args:
            event_id: The result.
        """
        mark = self._marks.get(event_id)
        if mark is None:
            return
        self._marks = {one: at for one, at in self._marks.items() if at > mark}
        heard = [it.number for it in self._told.values() if it.sent_at is not None and it.sent_at <= mark]
        for number in heard:
            del self._told[number]
