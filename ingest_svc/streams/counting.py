"""Counting what happens to frames in the metrics of the process."""

from __future__ import annotations

from ingest_svc.streams.keyframes import KeyframeReason
from ingest_svc.streams.ledger import Outcome
from ingest_svc.streams.watchdog import StallKind
from mesh.metrics import Metrics

_REASONS = {KeyframeReason.FIRST: "first", KeyframeReason.INTERVAL: "forced", KeyframeReason.SCENE_CHANGE: "changed"}


class PrometheusStreamMetrics:
    """Implements `ingest_svc.streams.ports.StreamMetrics`; children are looked up once, not per frame."""

    def __init__(self, metrics: Metrics) -> None:
        """Looks the counters up.

        Args:
            metrics: The metrics of the process.
        """
        self._frames = {outcome: metrics.frames.labels(outcome.name.lower()) for outcome in Outcome}
        self._found = metrics.frames.labels("found")
        self._keyframes = {reason: metrics.keyframes.labels(name) for reason, name in _REASONS.items()}
        self._drops = {queue: metrics.drops.labels(queue) for queue in ("frames", "keyframes")}
        self._failures = metrics.failures
        stalls = metrics.counter("stream_stalls", "Stalls of live streams, by kind.", ("kind",))
        self._stalls = {kind: stalls.labels(kind.name.lower()) for kind in StallKind}
        advice = metrics.counter(
            "stream_advice", "Advice to streams to send less or more, by direction.", ("direction",)
        )
        self._advice = {lower: advice.labels("down" if lower else "up") for lower in (True, False)}

    def frame(self, outcome: Outcome) -> None:
        """Counts a frame that has ended."""
        self._frames[outcome].inc()

    def dropped(self, queue: str) -> None:
        """Counts a superseded one by what it waited in: ``frames`` or ``keyframes``."""
        self._drops[queue].inc()

    def lost(self, count: int) -> None:
        """Counts numbers that did not arrive."""
        self._frames[Outcome.LOST].inc(count)

    def found(self) -> None:
        """Counts a lost one that came after all, or whose result did: "lost" less "found" are the lost ones."""
        self._found.inc()

    def keyframe(self, reason: KeyframeReason) -> None:
        """Counts a keyframe."""
        self._keyframes[reason].inc()

    def failure(self, part: str) -> None:
        """Counts a failure that the client does not see as an error."""
        self._failures.labels(part).inc()

    def stall(self, kind: StallKind) -> None:
        """Counts a stall that has begun."""
        self._stalls[kind].inc()

    def advice(self, *, lower: bool) -> None:
        """Counts advice to send less, or more."""
        self._advice[lower].inc()
