"""The picture of a stream: arrivals and outcomes over time, stalls behind them, keyframes above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape

from vitrine.sdk.outcomes import STALLS
from vitrine.sdk.stream_log import Mark, StreamLog

# What is stacked from the bottom up; each has its colour in `report_html`.
STACKED = (
    "processed",
    "skipped_same_scene",
    "skipped_interval",
    "superseded",
    "late",
    "rejected",
    "duplicate",
    "dropped",
)
_WIDTH, _HEIGHT = 960, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 44, 58
_PLOT_W, _PLOT_H = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
_RATES = (1, 2, 5, 10, 15, 20, 25, 30, 40, 60, 80, 120, 240, 500, 1000)


def svg(log: StreamLog) -> str:
    """Draws it. Colours come from the classes of the page that it stands in.

    Args:
        log: What the stream did.
    """
    length_s = max(log.last_s, log.timeline.width_s)
    rates = [_rate(it, log.timeline.width_s) for it in log.timeline.bins]
    camera = [it["camera"] / log.timeline.width_s for it in log.timeline.bins]
    most = next((it for it in _RATES if it >= max([*rates, *camera, 1])), max([*rates, *camera, 1]))
    words = f"Frames a second over {length_s:.0f} seconds, by what became of them, with keyframes and stalls"
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{words}" class="timeline">']
    parts += _spans(log, length_s)
    parts += _grid(length_s, most)
    parts += _columns(log, length_s, most)
    parts += _camera(camera, log.timeline.width_s, length_s, most)
    parts += _ticks(log, length_s)
    return "\n".join([*parts, "</svg>"])


def _rate(counts: Counter[str], width_s: float) -> float:
    return sum(counts[name] for name in STACKED) / width_s


def _x(at_s: float, length_s: float) -> float:
    return _LEFT + min(1.0, max(0.0, at_s / length_s)) * _PLOT_W


def _y(rate: float, most: float) -> float:
    return _TOP + _PLOT_H * (1 - rate / most)


def _spans(log: StreamLog, length_s: float) -> Iterator[str]:
    """What went wrong, as bands behind the columns with their names below the axis."""
    free_from = 0.0
    for mark in sorted(log.marks, key=lambda it: it.at_s):
        if mark.kind not in (*STALLS, "reconnect"):
            continue
        left, right = _x(mark.at_s, length_s), _x(mark.at_s + mark.lasts_s, length_s)
        yield (
            f'<rect class="span {mark.kind}" x="{left:.1f}" y="{_TOP}" width="{max(2.0, right - left):.1f}" '
            f'height="{_PLOT_H}"><title>{escape(_said(mark))}</title></rect>'
        )
        if left >= free_from:  # names that would stand on each other are in the list below the picture
            yield f'<text class="name" x="{left:.1f}" y="{_HEIGHT - 22}">{mark.kind} {mark.lasts_s:.1f} s</text>'
            free_from = left + 100


def _said(mark: Mark) -> str:
    return f"{mark.kind} at {mark.at_s:.1f} s for {mark.lasts_s:.1f} s {mark.words}"


def _grid(length_s: float, most: float) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        y = _y(most * part, most)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="axis" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{most * part:g}</text>'
    yield f'<text class="axis" x="{_LEFT - 38}" y="{_TOP - 24}">frames a second</text>'
    step = next((it for it in _STEPS_S if length_s / it <= 12), _STEPS_S[-1])
    for index in range(int(length_s / step) + 1):
        x = _x(index * step, length_s)
        y = _TOP + _PLOT_H + 16
        yield f'<text class="axis" x="{x:.1f}" y="{y}" text-anchor="middle">{clock(index * step)}</text>'


def clock(at_s: float) -> str:
    """Writes a time since the start: ``0:05``, ``1:02:03``."""
    minutes, seconds = divmod(round(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _columns(log: StreamLog, length_s: float, most: float) -> Iterator[str]:
    width_s = log.timeline.width_s
    for index, counts in enumerate(log.timeline.bins):
        left = _x(index * width_s, length_s)
        width = max(0.6, _x((index + 1) * width_s, length_s) - left - 0.7)
        told = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in STACKED if counts[name])
        if not told:
            continue
        yield f"<g><title>{clock(index * width_s)}: {told}</title>"
        low = 0.0
        for name in STACKED:
            if counts[name]:
                high = low + counts[name] / width_s
                top, height = _y(high, most), _y(low, most) - _y(high, most)
                yield f'<rect class="o-{name}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
                low = high
        yield "</g>"


def _camera(rates: list[float], width_s: float, length_s: float, most: float) -> Iterator[str]:
    """What the camera gave, as a line over the columns: what stands out of it came late, what is missing never came."""
    if not rates:
        return
    corners = []
    for index, rate in enumerate(rates):
        y = _y(min(rate, most), most)
        corners += [
            f"{_x(index * width_s, length_s):.1f},{y:.1f}",
            f"{_x((index + 1) * width_s, length_s):.1f},{y:.1f}",
        ]
    yield f'<polyline class="camera" points="{" ".join(corners)}"/>'


def _ticks(log: StreamLog, length_s: float) -> Iterator[str]:
    y = _TOP - 8
    for mark in log.marks:
        if mark.kind == "keyframe":
            x = _x(mark.at_s, length_s)
            yield (
                f'<path class="key" d="M{x - 4:.1f} {y - 7} h8 l-4 7 z"><title>keyframe {mark.number} at '
                f"{mark.at_s:.1f} s: {escape(mark.words.replace('_', ' '))}</title></path>"
            )
