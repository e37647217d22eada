"""What a stream has done so far: rates, latency, outcomes, stalls, keyframes. It takes no more memory after a day."""

from __future__ import annotations

import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.frames import CameraFrame
from vitrine.sdk.outcomes import DUPLICATE, outcome_name, reason_name, stall_name
from vitrine.sdk.reconciling import ClientCount
from vitrine.sdk.stream import Reconnected

RECENT_S = 5.0
_MOST_RECENT = 1_000
_LATENCIES = 10_000
_MARKS = 500
_BINS = 300
# Frames whose acknowledgement is still awaited; those of connections that broke are forgotten from the oldest on.
_AWAITED = 5_000


@dataclass(slots=True)
class Rate:
    """How often something happens.

    Attributes:
        count: How often it has happened.
        first_s: When first, in seconds.
        last_s: When last.
    """

    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_RECENT))

    def add(self, at_s: float) -> None:
        """Counts one at this time, in seconds."""
        self.first_s = self.first_s if self.count else at_s
        self.count, self.last_s = self.count + 1, at_s
        self._times.append(at_s)

    def lately(self, now_s: float) -> float:
        """Returns how often a second over the last five, or as many as there have been."""
        while self._times and self._times[0] <= now_s - RECENT_S:
            self._times.popleft()
        return len(self._times) / max(1e-3, min(RECENT_S, now_s)) if self._times else 0.0

    def mean(self) -> float:
        """Returns how often a second from the first time to the last; 0 before there were two."""
        return (self.count - 1) / (self.last_s - self.first_s) if self.last_s > self.first_s else 0.0


@dataclass(frozen=True, slots=True)
class Latency:
    """How long something took, in milliseconds.

    Attributes:
        p50: Median; None before the first.
        p95: 95th percentile.
        most: The longest.
    """

    p50: float | None = None
    p95: float | None = None
    most: float | None = None

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> Latency:
        """Sums up times in milliseconds."""
        if not times_ms:
            return cls()
        ordered = sorted(times_ms)
        return cls(statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], ordered[-1])


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a moment or over a span.

    Attributes:
        at_s: When it began, in seconds since the start.
        kind: ``keyframe``, ``silence``, ``slow``, ``burst``, ``reconnect``, ``advice`` or ``error``.
        words: What to say of it.
        lasts_s: How long it lasted.
        number: The frame it is about; 0 where it is about none.
    """

    at_s: float
    kind: str
    words: str
    lasts_s: float = 0.0
    number: int = 0


class Timeline:
    """Counts by time, in at most 300 bins: when these are full, two become one of twice the width."""

    def __init__(self) -> None:
        self.width_s = 0.5
        self.bins: list[Counter[str]] = []

    def add(self, at_s: float, what: str) -> None:
        """Counts one.

        Args:
            at_s: When, in seconds since the start.
            what: What.
        """
        while (index := int(max(0.0, at_s) / self.width_s)) >= _BINS:
            pairs = (self.bins[it : it + 2] for it in range(0, len(self.bins), 2))
            self.bins = [sum(pair, Counter()) for pair in pairs]
            self.width_s *= 2
        while len(self.bins) <= index:
            self.bins.append(Counter())
        self.bins[index][what] += 1


class StreamLog:
    """A witness of frames that takes in what the server says too."""

    def __init__(self, ledger: FrameLedger, now: Callable[[], float] = time.monotonic) -> None:
        """Begins now.

        Args:
            ledger: What the stream was told of each frame; the stream itself keeps it.
            now: A clock that never falls, in seconds.
        """
        self._now, self._start = now, now()
        self.camera, self.up, self.acked = Rate(), Rate(), Rate()
        self.dropped_count = self.highest_sent = self.result_count = self.reconnect_count = self.copy_count = 0
        self.ledger = ledger
        self.ack_ms: deque[float] = deque(maxlen=_LATENCIES)
        self.result_ms: deque[float] = deque(maxlen=_LATENCIES)
        self.marks: deque[Mark] = deque(maxlen=_MARKS)
        self.stall: pb.StreamStall | None = None
        self.advice: pb.QualityAdvice | None = None
        self.stats: pb.StreamStats | None = None
        self.timeline = Timeline()
        self.last_s = 0.0
        self.name = ""
        self._awaited: dict[int, float] = {}
        self._keys: dict[int, float] = {}

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._now() - self._start

    def client(self) -> ClientCount:
        """Gives what was counted here, to compare it with the server's totals."""
        return ClientCount(
            self.camera.count, self.highest_sent, self.up.count, self.copy_count, self.ledger, self.reconnect_count
        )

    def taken(self, _number: int, _frame: CameraFrame) -> None:
        """Counts a frame of the camera; see `Witness`."""
        self.camera.add(self._at("camera"))

    def dropped(self, number: int) -> None:
        """Counts a frame that is not sent; see `Witness`."""
        self.dropped_count += 1
        self._at("dropped")
        self._awaited.pop(number, None)

    def sent(self, number: int) -> None:
        """Counts a frame that is sent; see `Witness`."""
        at_s = self._at("sent")
        self.up.add(at_s)
        self.highest_sent = max(self.highest_sent, number)
        self._awaited[number] = self._keys[number] = at_s
        for waiting in (self._awaited, self._keys):
            if len(waiting) > _AWAITED:
                del waiting[next(iter(waiting))]

    def take(self, event: pb.StreamFramesResponse | Reconnected) -> None:
        """Takes in what the stream gave.

        Args:
            event: It.
        """
        if isinstance(event, Reconnected):
            self.reconnect_count += 1
            since_s = self.elapsed_s - event.away_s
            self.marks.append(Mark(max(0.0, since_s), "reconnect", str(event.cause), event.away_s))
            return
        kind = event.WhichOneof("event")
        if kind == "ready":
            self.name = event.ready.name
        elif kind == "ack":
            self._take_ack(event.ack)
        elif kind == "result":
            self._take_result(event.result)
        elif kind == "stats":
            self.stats = event.stats
        elif kind == "stall":
            self._take_stall(event.stall)
        elif kind == "quality_advice":
            self.advice = event.quality_advice
            self.marks.append(Mark(self.elapsed_s, "advice", event.quality_advice.description))
        elif kind == "error":
            words = f"{event.error.reason}: {event.error.status.message}"
            self.marks.append(Mark(self.elapsed_s, "error", words, number=event.error.frame_number))

    def _at(self, what: str) -> float:
        at_s = self.elapsed_s
        self.timeline.add(at_s, what)
        self.last_s = at_s
        return at_s

    def _take_ack(self, ack: frame_pb2.FrameAck) -> None:
        outcome = outcome_name(ack.outcome)
        sent_s = self._awaited.pop(ack.frame_number, None)
        if sent_s is not None:  # the first word about it
            at_s = self.elapsed_s
            self.acked.add(at_s)
            self.ack_ms.append((at_s - sent_s) * 1e3)
        if outcome != "pending":
            self.copy_count += outcome == DUPLICATE
            self._at(outcome)
            if outcome != "processed":
                self._keys.pop(ack.frame_number, None)

    def _take_result(self, result: frame_pb2.StreamResult) -> None:
        self.result_count += 1
        at_s, sent_s = self._at("result"), self._keys.pop(result.frame_number, None)
        if sent_s is not None:
            self.result_ms.append((at_s - sent_s) * 1e3)
        why = reason_name(result.keyframe_reason)
        self.marks.append(Mark(at_s if sent_s is None else sent_s, "keyframe", why, number=result.frame_number))

    def _take_stall(self, stall: pb.StreamStall) -> None:
        lasts_s = stall.duration.ToTimedelta().total_seconds()
        kind = stall_name(stall.kind)
        if self.stall is not None and self.stall.start_time == stall.start_time:  # the same goes on, or is over
            last = max((it for it, mark in enumerate(self.marks) if mark.kind == kind), default=None)
            if last is not None:
                begun = self.marks[last]
                self.marks[last] = Mark(begun.at_s, kind, stall.description or begun.words, lasts_s)
        else:
            self.marks.append(Mark(max(0.0, self.elapsed_s - lasts_s), kind, stall.description, lasts_s))
        self.stall = stall
