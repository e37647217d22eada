"""The client's own books of a stream: what it was told of each frame, to be held against the server's totals."""

from __future__ import annotations

from collections import Counter

from vitrine.ingest.v1 import frame_pb2
from vitrine.sdk.outcomes import ENDS, totals_of


class FrameLedger:
    """The last word on each frame, a byte each, so that a day at 30 frames per second takes 3 MB.

    Three rules make it agree with the server's totals at any moment, over any number of connections:

    - a number below the highest of which nothing was heard is lost;
    - on `ready` everything said of numbers above its `highest_frame_number` is void: the server that said so was killed
      before it had saved it;
    - the last word counts. After a reconnect the server repeats what the client may not have heard.

    Of a session that another process began only the frames of this one are known, and `differences` says so.
    """

    def __init__(self) -> None:
        """Opens empty books."""
        self._said = bytearray()  # by number, from 0 for number 1; 0 where nothing was heard
        self._counts: Counter[int] = Counter()  # of what stands in it
        self.highest = 0

    def ready(self, highest: int) -> None:
        """Takes in that a connection is open.

        Args:
            highest: The highest number that the server knows.
        """
        self._counts -= Counter(self._said[highest:])
        del self._said[highest:]
        self._extend(highest)
        self.highest = highest

    def ack(self, ack: frame_pb2.FrameAck) -> bool:
        """Takes in what the server says of a frame.

        Args:
            ack: The message.

        Returns:
            False where it was said before.
        """
        number = ack.frame_number
        if ack.outcome == frame_pb2.FRAME_OUTCOME_DUPLICATE:
            return True
        self._extend(number)
        self.highest = max(self.highest, number)
        before = self._said[number - 1]
        if before == ack.outcome:
            return False
        self._said[number - 1] = ack.outcome
        self._counts[before] -= 1
        self._counts[ack.outcome] += 1
        return True

    def outcome(self, number: int) -> int:
        """Returns what became of a frame, a `FrameOutcome`; UNSPECIFIED for one that the server has not heard of yet.

        Args:
            number: The frame.
        """
        if number > self.highest:
            return frame_pb2.FRAME_OUTCOME_UNSPECIFIED
        return self._said[number - 1] or frame_pb2.FRAME_OUTCOME_LOST

    def counts(self) -> dict[str, int]:
        """Counts the frames by outcome, named as in `FrameTotals` without ``_count``."""
        counts = {name: self._counts[value] for name, value in ENDS.items()}
        counts["lost"] += self._counts[0]
        return counts

    def differences(self, totals: frame_pb2.FrameTotals) -> dict[str, tuple[int, int]]:
        """Compares with the server's totals; they are of the same moment when they come after the last `ack`.

        Args:
            totals: Of `ready` or `stats`.

        Returns:
            By outcome, where they differ: our count and the server's. Empty when the books agree.
        """
        ours = {**self.counts(), "highest": self.highest}
        theirs = totals_of(totals)
        return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}

    def _extend(self, number: int) -> None:
        if number > len(self._said):
            self._counts[0] += number - len(self._said)
            self._said.extend(bytes(number - len(self._said)))
