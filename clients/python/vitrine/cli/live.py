"""What a stream shows while it runs, and what it says at its end."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Iterable

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from vitrine.cli import views
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.profile.v1 import taste_pb2
from vitrine.sdk import FrameStream, Reconnected
from vitrine.words import counted, money

# How a frame can end, in the words of the contract and for people.
_OUTCOMES = {
    "skipped_interval": "too soon",
    "skipped_same_scene": "same scene",
    "superseded": "superseded",
    "late": "late",
    "rejected": "rejected",
    "lost": "lost",
    "duplicate": "duplicate",
    "pending": "still in work",
}
_SHOWN_LIVE = 4
_SHOWN_AT_END = 50
# A stream may run for days.
_TIMES_KEPT = 10_000


class LiveView:
    """Collects what a stream says; shows it as it is now, and as a whole at the end."""

    def __init__(self, stream: FrameStream) -> None:
        self._stream = stream
        self._started = self._last_ack = time.monotonic()
        self._notes: deque[str] = deque(maxlen=3)
        self._counts = dict.fromkeys(("processed", *_OUTCOMES), 0)
        self.totals = frame_pb2.FrameTotals()
        self.results: deque[frame_pb2.StreamResult] = deque(maxlen=_SHOWN_AT_END)
        self._result_count = 0
        self._times_ms: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._tastes: tuple[taste_pb2.Radar, taste_pb2.Radar] | None = None

    def take(self, event: pb.StreamFramesResponse | Reconnected) -> None:
        """Takes one event in.

        Args:
            event: What the stream gave.
        """
        if isinstance(event, Reconnected):
            self._notes.append(
                f"reconnected after {event.away_s:.1f} s ({event.cause}); "
                f"{counted(event.replayed_result_count, 'result')} replayed"
            )
            return
        kind = event.WhichOneof("event")
        if kind == "ack":
            self._last_ack = time.monotonic()
            name = frame_pb2.FrameOutcome.Name(event.ack.outcome).removeprefix("FRAME_OUTCOME_").lower()
            if name in self._counts and name != "pending":
                self._counts[name] += 1
            self._counts["lost"] += event.ack.lost_before_count
        elif kind == "result":
            self._take_result(event.result)
        elif kind == "stats":
            self.totals = event.stats.totals
            self._counts = {name: getattr(self.totals, f"{name}_count") for name in self._counts}
        elif kind == "quality_advice":
            self._notes.append(f"advice: {event.quality_advice.description}")
        elif kind == "error":
            self._notes.append(f"error: {event.error.reason}: {event.error.status.message}")

    def _take_result(self, result: frame_pb2.StreamResult) -> None:
        self.results.append(result)
        self._result_count += 1
        self._times_ms.append(_time_ms(result))
        if result.HasField("taste_change"):
            before = self._tastes[0] if self._tastes else result.taste_change.before
            self._tastes = (before, result.taste_change.after)

    def __rich__(self) -> RenderableType:
        """Renders the present state: totals, the latest keyframes, notes."""
        return Group(
            Text(self._stream.name or "connecting ...", style="dim"),
            Text(self._account()),
            keyframes_table(list(self.results)[-_SHOWN_LIVE:]),
            *self._noted(),
        )

    def summary(self) -> RenderableType:
        """Renders the whole stream, for the end: the last keyframes, what became of frames, how long results took."""
        left_out = self._result_count - len(self.results)
        parts: list[RenderableType] = [Text(self._stream.name, style="dim")]
        if left_out:
            parts.append(Text(f"... {counted(left_out, 'keyframe')} before these (--json shows all)"))
        parts += [keyframes_table(self.results), *self._noted(), Text(self._account(), style="bold")]
        if self._times_ms:
            half_ms, most_ms = statistics.median(self._times_ms), max(self._times_ms)
            parts.append(Text(f"a result took {half_ms:.0f} ms (median), {most_ms:.0f} ms (longest)"))
        return Group(*parts)

    def taste(self) -> RenderableType | None:
        """Renders what the stream did to the taste; None when it did nothing."""
        if self._tastes is None:
            return None
        before, after = self._tastes
        return views.radar_table(after, before)

    def _account(self) -> str:
        elapsed = max(1e-3, self._last_ack - self._started)
        sent = self._stream.sent_count
        parts = [f"{counted(sent, 'frame')} in {elapsed:.1f} s ({sent / elapsed:.1f} fps)"]
        parts.append(counted(self._counts["processed"], "keyframe"))
        parts += [f"{self._counts[name]:,} {words}" for name, words in _OUTCOMES.items() if self._counts[name]]
        return " · ".join(parts)

    def _noted(self) -> Iterable[Text]:
        return (Text(note, style="yellow") for note in self._notes)


def keyframes_table(results: Iterable[frame_pb2.StreamResult]) -> RenderableType:
    """Shows keyframes: number and reason; garments, the best match, what it did to the taste."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in results:
        why = frame_pb2.KeyframeReason.Name(result.keyframe_reason).removeprefix("KEYFRAME_REASON_").lower()
        table.add_row(f"{result.frame_number:5}", why.replace("_", " "), _seen(result))
        table.add_row("", Text(f"{_time_ms(result):.0f} ms", style="dim"), Text(_found(result), style="dim"))
    return table if table.row_count else Text("no keyframe yet", style="dim")


def _seen(result: frame_pb2.StreamResult) -> RenderableType:
    worn = []
    for garment in result.garments:
        color = next(iter(garment.attributes.colors), None)
        swatch = ("■ ", color.hex) if color else ""
        worn.append(Text.assemble(swatch, f"{color.name} " if color else "", garment.category))
    return Columns(worn, padding=(0, 2, 0, 0)) if worn else Text("no garment", style="yellow")


def _found(result: frame_pb2.StreamResult) -> str:
    best = [found.matches[0].product for found in result.matches if found.matches][:1]
    parts = [f"{product.title} {money(product.price)}" for product in best]
    parts += [it.summary for it in result.taste_change.attributions if it.summary][:1]
    again = sum(bool(it.repeat_of_event_id) for it in result.taste_change.attributions)
    parts += [f"{counted(again, 'garment')} already counted"] if again else []
    return " · ".join(parts)


def _time_ms(result: frame_pb2.StreamResult) -> float:
    return result.processing_time.ToTimedelta().total_seconds() * 1e3
