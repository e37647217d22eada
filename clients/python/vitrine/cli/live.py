"""What a stream shows while it runs, and what it says at its end."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from rich.console import Group, RenderableType
from rich.text import Text
from vitrine.cli import views
from vitrine.cli.live_table import keyframes_table, milliseconds, network_words, rates_table, stall_line
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.profile.v1 import taste_pb2
from vitrine.sdk import Reconnected
from vitrine.sdk.absence import Absence
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.outcomes import DUPLICATE, WORDS, totals_of
from vitrine.sdk.reconciling import Reconciliation, reconcile
from vitrine.sdk.stream_log import StreamLog
from vitrine.words import counted

_SHOWN_LIVE = 4
_SHOWN_AT_END = 50
# A stream may run for days.
_TIMES_KEPT = 10_000


class Stream(Protocol):
    """What is shown: `FrameStream`, or the stream of a replay."""

    name: str
    sent_count: int
    ledger: FrameLedger
    absence: Absence


class LiveView:
    """Collects what a stream says; shows it as it is now, and as a whole at the end."""

    def __init__(self, stream: Stream, log: StreamLog | None = None) -> None:
        """Begins to collect.

        Args:
            stream: The stream.
            log: What is told of its frames too.
        """
        self._stream = stream
        self.log = log or StreamLog(stream.ledger)
        self._notes: deque[str] = deque(maxlen=3)
        self._counts = dict.fromkeys(WORDS, 0)
        self.totals = frame_pb2.FrameTotals()
        self.ended_well = self._ending = self._worn = self._found = False
        self.results: deque[frame_pb2.StreamResult] = deque(maxlen=_SHOWN_AT_END)
        self._result_count = 0
        self._times_ms: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._tastes: tuple[taste_pb2.Radar, taste_pb2.Radar] | None = None

    @property
    def name(self) -> str:
        """The stream's name; empty before the server is ready."""
        return self._stream.name

    def take(self, event: pb.StreamFramesResponse | Reconnected) -> None:
        """Takes one event in.

        Args:
            event: What the stream gave.
        """
        self.log.take(event)
        if isinstance(event, Reconnected):
            self._notes.append(
                f"reconnected after {event.away_s:.1f} s ({event.cause}); "
                f"{counted(event.replayed_result_count, 'result')} replayed"
            )
            return
        kind = event.WhichOneof("event")
        if kind == "ack":
            self._counts = {**self.log.ledger.counts(), DUPLICATE: self.log.copy_count}
        elif kind == "result":
            self._take_result(event.result)
        elif kind == "stats":
            self.totals, self.ended_well = event.stats.totals, event.stats.final
            self._counts = totals_of(self.totals)
        elif kind == "error":
            self._notes.append(f"error: {event.error.reason}: {event.error.status.message}")

    def end(self) -> None:
        """Takes note that nothing more is filmed, and what was sent is finished."""
        self._ending = True

    def _take_result(self, result: frame_pb2.StreamResult) -> None:
        self.results.append(result)
        self._result_count += 1
        self._worn |= bool(result.garments)
        self._found |= any(it.matches for it in result.matches) or "matches" in result.degraded_parts
        self._times_ms.append(result.processing_time.ToTimedelta().total_seconds() * 1e3)
        if result.HasField("taste_change"):
            before = self._tastes[0] if self._tastes else result.taste_change.before
            self._tastes = (before, result.taste_change.after)

    def __rich__(self) -> RenderableType:
        """Renders the present state: rates and latency, totals, the latest keyframes, stalls and advice, notes."""
        return Group(
            Text(self._stream.name or "connecting ...", style="dim"),
            *self._hindered(),
            rates_table(self.log),
            Text(self._account()),
            keyframes_table(list(self.results)[-_SHOWN_LIVE:]),
            *stall_line(self.log),
            *self._noted(),
        )

    def summary(self) -> RenderableType:
        """Renders the whole stream, for the end: the last keyframes, what became of frames, rates, times, books."""
        left_out = self._result_count - len(self.results)
        parts: list[RenderableType] = [Text(self._stream.name, style="dim")]
        if left_out:
            parts.append(Text(f"... {counted(left_out, 'keyframe')} before these (--json shows all)"))
        parts += [keyframes_table(self.results), *stall_line(self.log, ended=True), *self._noted()]
        if self.log.camera.count:
            parts.append(rates_table(self.log, ended=True))
        parts.append(Text(self._account(), style="bold"))
        if self._times_ms:
            half, most = milliseconds(statistics.median(self._times_ms)), milliseconds(max(self._times_ms))
            parts.append(Text(f"the mesh worked {half} (median), {most} (longest) on a result"))
        if network := network_words(self.log.stats):
            parts.append(Text(f"the way up: {network}"))
        if (books := self.books()) is not None:
            parts.append(books_line(books, self.totals))
        return Group(*parts)

    def books(self) -> Reconciliation | None:
        """Compares what was counted here with the server's last word; None where there was none, or nobody counted."""
        if not self.ended_well or not self.log.camera.count:
            return None
        return reconcile(self.log.client(), self.totals)

    @property
    def found_nothing(self) -> bool:
        """Whether garments were seen, and for none of them a product, although the shop was there."""
        return self._worn and not self._found

    def taste(self) -> RenderableType | None:
        """Renders what the stream did to the taste; None when it did nothing."""
        if self._tastes is None:
            return None
        before, after = self._tastes
        return views.radar_table(after, before)

    def _account(self) -> str:
        up = self.log.up
        parts = [f"{counted(self._stream.sent_count, 'frame')} in {up.last_s:.1f} s ({up.mean():.1f} fps)"]
        parts.append(counted(self._counts["processed"], WORDS["processed"]))
        others = ((self._counts[name], words) for name, words in WORDS.items() if name != "processed")
        parts += [f"{count:,} {words}" for count, words in others if count]
        return " · ".join(parts)

    def _hindered(self) -> Iterable[Text]:
        absence = self._stream.absence
        if absence.cause is not None:
            why = absence.cause.message.partition(";")[0]
            yield Text(f"no connection for {absence.lasts_s:.1f} s ({why}); trying again", style="bold yellow")
        if self._ending:
            yield Text("ending: what was sent is being finished; Ctrl-C again leaves it", style="bold")

    def _noted(self) -> Iterable[Text]:
        return (Text(note, style="yellow") for note in self._notes)


def books_words(books: Reconciliation, totals: frame_pb2.FrameTotals) -> str:
    """Says in one sentence whether client and server counted the same."""
    if not books.adds_up:
        return "the server's totals do not add up to the highest number it has seen"
    numbers = counted(totals.highest_frame_number, "number")
    if not books.expected and not books.unexpected:
        return (
            f"client and server agree: {numbers}, {counted(totals.received_count, 'frame')} arrived, one outcome each"
        )
    parts = [*(f"unexplained: {it}" for it in books.unexpected), *books.expected]
    return f"client and server agree on {numbers} but for this: {'; '.join(parts)}"


def books_line(books: Reconciliation, totals: frame_pb2.FrameTotals) -> Text:
    """Renders the sentence: green, yellow where something explains a difference, red where nothing does."""
    style = "red" if not books.agrees else "yellow" if books.expected else "green"
    return Text(books_words(books, totals), style=style)
