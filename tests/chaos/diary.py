"""What a client of a stream sent and heard, word for word, and the proof that it agrees with the server's books."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

from vitrine.ingest.v1 import frame_pb2, stream_service_pb2

Response = stream_service_pb2.StreamFramesResponse
_NAMES = {value: name.removeprefix("FRAME_OUTCOME_").lower() for name, value in frame_pb2.FrameOutcome.items()}
_SUM = ("processed", "skipped_interval", "skipped_same_scene", "superseded", "late", "rejected", "lost", "pending")
# A keyframe's end stands in the totals a moment before it is told: its result is being kept.
_MOVING = ("pending", "processed", "superseded", "rejected", "lost")


@dataclass
class Diary:
    """Kept by a client.

    Attributes:
        sent: When each number was first sent, by the monotonic clock.
        copies: Frames sent beside that.
        words: All outcomes that were heard of each number, in order.
        book: The last valid word on each number.
        results: All that came, in order.
        heard_at: When the first word on each number came.
        connections: `ready` messages, in order.
        reasons: Reasons of rejected frames.
        troubles: Reasons of errors that were sent.
        copies_told: DUPLICATE words.
        final: The last word of the server.
    """

    sent: dict[int, float] = field(default_factory=dict)
    copies: int = 0
    words: dict[int, list[str]] = field(default_factory=dict)
    book: dict[int, str] = field(default_factory=dict)
    results: list[frame_pb2.StreamResult] = field(default_factory=list)
    heard_at: dict[int, float] = field(default_factory=dict)
    connections: list[stream_service_pb2.StreamReady] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    copies_told: int = 0
    checks: int = 0
    final: stream_service_pb2.StreamStats | None = None
    _last: frame_pb2.FrameTotals | None = None

    def send(self, number: int) -> None:
        """Notes that a frame is sent."""
        if number in self.sent:
            self.copies += 1
        else:
            self.sent[number] = time.monotonic()

    def hear(self, event: Response) -> None:
        """Notes an event, and checks the totals in it."""
        kind = event.WhichOneof("event")
        if kind == "ready":
            self._ready(event.ready)
        elif kind == "ack":
            self._ack(event.ack)
        elif kind == "result":
            self.results.append(event.result)
        elif kind == "stats":
            self._stats(event.stats)
        elif kind == "error":
            self.troubles.append(event.error.reason)

    def _ready(self, ready: stream_service_pb2.StreamReady) -> None:
        assert ready.resumed == bool(self.connections)
        self.connections.append(ready)
        highest = ready.totals.highest_frame_number
        self.book = {number: word for number, word in self.book.items() if number <= highest}
        self._check_sum(ready.totals)
        self._last = None

    def _ack(self, ack: frame_pb2.FrameAck) -> None:
        word = _NAMES[ack.outcome]
        self.heard_at.setdefault(ack.frame_number, time.monotonic())
        if word == "duplicate":
            self.copies_told += 1
            return
        for missing in range(ack.frame_number - ack.lost_before_count, ack.frame_number):
            self.book[missing] = "lost"
        self.words.setdefault(ack.frame_number, []).append(word)
        self.book[ack.frame_number] = word
        if ack.rejected_reason:
            self.reasons[ack.frame_number] = ack.rejected_reason

    def _stats(self, stats: stream_service_pb2.StreamStats) -> None:
        self.checks += 1
        self._check_sum(stats.totals)
        ours, theirs = self.counts(stats.totals), totals_of(stats.totals)
        fixed = [name for name in _SUM if name not in _MOVING]
        assert {name: ours[name] for name in fixed} == {name: theirs[name] for name in fixed}
        if self._last is not None:  # within a connection nothing is taken back
            for name in ("highest_frame_number", "received_count", "processed_count", "skipped_interval_count"):
                assert getattr(stats.totals, name) >= getattr(self._last, name)
        self._last = stats.totals
        if stats.final:
            self.final = stats

    @staticmethod
    def _check_sum(totals: frame_pb2.FrameTotals) -> None:
        assert sum(totals_of(totals).values()) == totals.highest_frame_number

    def counts(self, totals: frame_pb2.FrameTotals) -> Counter[str]:
        """Counts our book by outcome, as far as the server knows numbers; what nobody spoke of is lost."""
        highest = totals.highest_frame_number
        assert not [number for number in self.book if number > highest]
        counts = Counter(self.book.values())
        counts["lost"] += highest - len(self.book)
        return counts

    def check(self) -> None:
        """Proves, at the end: each number has one end, and it is the server's; no result is missing or there twice."""
        assert self.final is not None
        totals = self.final.totals
        assert +self.counts(totals) == +Counter(totals_of(totals))
        assert totals.pending_count == 0
        assert totals.highest_frame_number <= max(self.sent, default=0)
        ids = [result.event_id for result in self.results]
        assert len(ids) == len(set(ids))
        processed = {number for number, word in self.book.items() if word == "processed"}
        assert {result.frame_number for result in self.results} == processed
        session = uuid.UUID(self.name.rsplit("/", 1)[-1])
        assert all(it.event_id == str(uuid.uuid5(session, str(it.frame_number))) for it in self.results)
        assert {ready.name for ready in self.connections} == {self.name}
        if len(self.connections) == 1:  # nothing was away, so that every frame was heard of
            assert set(self.words) == set(self.sent)
            assert totals.received_count == len(self.sent) + self.copies
            assert totals.duplicate_count == self.copies_told == self.copies
        elsewhere = {word for number, word in self.book.items() if number not in self.sent}
        assert elsewhere <= {"lost"}

    @property
    def name(self) -> str:
        """The session's name."""
        return self.connections[0].name

    def first_news_after(self, moment: float) -> float | None:
        """Returns how long after a moment the first new frame was heard of, seconds; None where none was yet.

        Args:
            moment: By the monotonic clock.
        """
        return min((at - moment for at in self.heard_at.values() if at >= moment), default=None)

    def is_well_since(self, moment: float) -> bool:
        """Whether a frame that was sent after a moment has its result, with nothing missing.

        Args:
            moment: By the monotonic clock.
        """
        last = self.results[-1] if self.results else None
        return last is not None and self.sent.get(last.frame_number, 0.0) > moment and not last.degraded_parts


def totals_of(totals: frame_pb2.FrameTotals) -> dict[str, int]:
    """Returns the parts of the sum by name."""
    return {name: getattr(totals, f"{name}_count") for name in _SUM}
