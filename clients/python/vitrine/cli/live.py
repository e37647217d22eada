"""The live table of a stream."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from vitrine.cli import views
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import FrameStream, Reconnected

_OUTCOMES = {
    "processed": "keyframes",
    "skipped_interval": "too soon",
    "skipped_same_scene": "same scene",
    "superseded": "superseded",
    "late": "late",
    "rejected": "rejected",
    "lost": "lost",
    "duplicate": "duplicate",
}
_SHOWN_RESULTS = 6


class LiveView:
    """Collects what a stream says and shows it as it is now."""

    def __init__(self, stream: FrameStream) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._acked = 0
        self._results: deque[frame_pb2.StreamResult] = deque(maxlen=_SHOWN_RESULTS)
        self._notes: deque[str] = deque(maxlen=3)
        self._counts = dict.fromkeys(_OUTCOMES, 0)
        self.totals = frame_pb2.FrameTotals()
        self.results: list[frame_pb2.StreamResult] = []

    def take(self, event: pb.StreamFramesResponse | Reconnected) -> None:
        """Takes one event in.

        Args:
            event: What the stream gave.
        """
        if isinstance(event, Reconnected):
            self._notes.append(
                f"reconnected after {event.away_s:.1f} s ({event.cause}); "
                f"{event.replayed_result_count} results replayed"
            )
            return
        kind = event.WhichOneof("event")
        if kind == "ack":
            name = frame_pb2.FrameOutcome.Name(event.ack.outcome).removeprefix("FRAME_OUTCOME_").lower()
            self._acked += name != "pending" and event.ack.keyframe_reason == frame_pb2.KEYFRAME_REASON_UNSPECIFIED
            if name in self._counts:
                self._counts[name] += 1
            self._counts["lost"] += event.ack.lost_before_count
        elif kind == "result":
            self._results.append(event.result)
            self.results.append(event.result)
        elif kind == "stats":
            self.totals = event.stats.totals
            self._counts = {name: getattr(self.totals, f"{name}_count") for name in _OUTCOMES}
        elif kind == "quality_advice":
            self._notes.append(f"advice: {event.quality_advice.description}")
        elif kind == "error":
            self._notes.append(f"error: {event.error.reason}: {event.error.status.message}")

    def __rich__(self) -> RenderableType:
        """Renders the present state."""
        elapsed = max(1e-3, time.monotonic() - self._started)
        counts = [f"{elapsed:.1f} s", f"{self._stream.sent_count} sent", f"{self._stream.sent_count / elapsed:.1f} fps"]
        counts += [f"{self._counts[name]} {words}" for name, words in _OUTCOMES.items()]
        head = Group(Text(self._stream.name or "connecting ...", style="dim"), Text(" · ".join(counts)))
        return Group(head, self._keyframes(), *(Text(note, style="yellow") for note in self._notes))

    def _keyframes(self) -> RenderableType:
        table = Table(title="Keyframes", title_justify="left")
        for column in ("frame", "why", "ms", "garments", "best match", "taste"):
            table.add_column(column, justify="right" if column in {"frame", "ms"} else "left")
        for result in self._results:
            why = frame_pb2.KeyframeReason.Name(result.keyframe_reason).removeprefix("KEYFRAME_REASON_").lower()
            best = [found.matches[0] for found in result.matches if found.matches]
            first = f"{best[0].product.title}, {views.money(best[0].product.price)}" if best else ""
            summary = next((it.summary for it in result.taste_change.attributions if it.summary), "")
            worn = Text(", ").join(
                [Text.assemble(f"{it.category} ", views.colors(it, most=1)) for it in result.garments]
            )
            table.add_row(
                str(result.frame_number),
                why.replace("_", " "),
                f"{result.processing_time.ToTimedelta().total_seconds() * 1e3:.0f}",
                worn,
                first,
                summary,
            )
        return table
