"""The parts of the live view: rates and latency, keyframes, stalls and advice. Each fits 80 columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.outcomes import STALLS, reason_words, stall_name
from vitrine.sdk.stream_log import Latency, Rate, StreamLog
from vitrine.words import counted, money

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_CELLS = 40
# What a result says of parts of it that are missing or weak.
_MISSING = {
    "matches": "no products: the shop is away",
    "taste": "taste not told: the profile is away",
    "personal": "ranked as for anybody",
    "models": "weaker models",
}


def rates_table(log: StreamLog, *, ended: bool = False) -> RenderableType:
    """Shows frames a second in and out, beside how long answers and results took.

    Args:
        log: What the stream did.
        ended: Leave out what it does just now.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    for column, right in enumerate((False, True, True, False, True, True, True)):
        table.add_column(justify="right" if right else "left", no_wrap=True, min_width=9 if column in (1, 2) else None)
    table.add_row("", *([""] if ended else ["fps now"]), "fps", "", "p50", "p95", "longest", style="dim")
    lines: tuple[tuple[str, Rate, str, Sequence[float]], ...] = (
        ("camera", log.camera, "answer", log.ack_ms),
        ("sent", log.up, "result", log.result_ms),
        ("answered", log.acked, "", ()),
    )
    for name, rate, what, times_ms in lines:
        took = Latency.of(times_ms)
        now = "" if ended else f"{rate.lately(log.elapsed_s):.1f}"
        whole = f"{rate.mean():.1f}"
        spent = [milliseconds(it) for it in (took.p50, took.p95, took.most)] if what else [""] * 3
        table.add_row(name, now, whole, what, *spent)
    return table


def milliseconds(value: float | None) -> str:
    """Writes a time; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def stall_line(log: StreamLog, *, ended: bool = False) -> Iterator[Text]:
    """Says how frames failed to come, whether they do now, and what the server advises.

    Args:
        log: What the stream did.
        ended: Leave out what it does just now.
    """
    counts = Counter[str]()
    spent_s: defaultdict[str, float] = defaultdict(float)
    for mark in log.marks:
        if mark.kind in STALLS:
            counts[mark.kind] += 1
            spent_s[mark.kind] += mark.lasts_s
    if counts:
        parts = [f"{counts[kind]} {kind} ({spent_s[kind]:.1f} s)" for kind in STALLS if counts[kind]]
        yield Text(f"stalls: {' · '.join(parts)}", style="yellow")
    if log.stall is not None and not log.stall.over and not ended:
        yield Text(f"now: {log.stall.description or stall_name(log.stall.kind)}", style="bold yellow")
    if log.advice is not None:
        yield Text(f"advice: {advice_words(log.advice)}", style="yellow")


def network_words(stats: pb.StreamStats | None) -> str:
    """Writes what the server found out about the way up: delay, loss, clock; empty where it found nothing out."""
    if stats is None:
        return ""
    parts = []
    if stats.HasField("delay_p50"):
        half, most = (it.ToTimedelta().total_seconds() * 1e3 for it in (stats.delay_p50, stats.delay_p95))
        parts.append(f"delay {milliseconds(half)} (median), {milliseconds(most)} (p95)")
    parts += [f"{stats.loss_rate:.1%} lost lately"] if stats.loss_rate else []
    if stats.HasField("clock_offset"):
        offset_s = stats.clock_offset.ToTimedelta().total_seconds()
        way = "behind" if offset_s >= 0 else "ahead of"
        parts.append(f"clock at most {milliseconds(abs(offset_s) * 1e3)} {way} the mesh's")
    parts += [f"drifting {stats.clock_drift_ppm:+.0f} ppm"] if stats.HasField("clock_drift_ppm") else []
    return " · ".join(parts)


def advice_words(advice: pb.QualityAdvice) -> str:
    """Writes what the server would like to get: ``8 fps, 480 px, JPEG 70 (the way up is slow)``."""
    parts = [f"{advice.frame_rate_fps:g} fps"] if advice.frame_rate_fps else []
    parts += [f"{advice.long_side_px} px"] if advice.long_side_px else []
    parts += [f"JPEG {advice.jpeg_quality}"] if advice.jpeg_quality else []
    why = f" ({advice.description})" if advice.description and parts else advice.description
    return ", ".join(parts) + why


def spark(counts: Sequence[float], cells: int = _SPARK_CELLS) -> str:
    """Draws counts as a row of bars, joined where there are more than cells; the highest is full.

    Args:
        counts: From left to right.
        cells: The most characters.
    """
    step = max(1, -(-len(counts) // cells))
    joined = [sum(counts[at : at + step]) / len(counts[at : at + step]) for at in range(0, len(counts), step)]
    most = max(joined, default=0)
    return "".join(" " if not it else _BARS[min(7, int(it / most * 7.999))] for it in joined) if most else ""


def keyframes_table(results: Iterable[frame_pb2.StreamResult]) -> RenderableType:
    """Shows keyframes: number and reason; garments, the best match, what it did to the taste."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in results:
        time_ms = result.processing_time.ToTimedelta().total_seconds() * 1e3
        table.add_row(f"{result.frame_number:5}", reason_words(result.keyframe_reason), _seen(result))
        table.add_row("", Text(f"{time_ms:.0f} ms", style="dim"), Text(found_words(result), style="dim"))
    return table if table.row_count else Text("no keyframe yet", style="dim")


def _seen(result: frame_pb2.StreamResult) -> RenderableType:
    worn = []
    for garment in result.garments:
        color = next(iter(garment.attributes.colors), None)
        swatch = ("■ ", color.hex) if color else ""
        worn.append(Text.assemble(swatch, f"{color.name} " if color else "", garment.category))
    return Columns(worn, padding=(0, 2, 0, 0)) if worn else Text("no garment", style="yellow")


def found_words(result: frame_pb2.StreamResult) -> str:
    """Says what a keyframe found and did: the best match, the first summary, garments that had counted before."""
    best = [found.matches[0].product for found in result.matches if found.matches][:1]
    parts = [f"{product.title} {money(product.price)}" for product in best]
    parts += [it.summary for it in result.taste_change.attributions if it.summary][:1]
    again = sum(bool(it.repeat_of_event_id) for it in result.taste_change.attributions)
    parts += [f"{counted(again, 'garment')} already counted"] if again else []
    parts += [words for part, words in _MISSING.items() if part in result.degraded_parts]
    return " · ".join(parts)
