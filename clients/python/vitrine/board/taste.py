"""The wearer's taste: the radar before and after, what each garment did, and the ways of dressing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from vitrine.board.canvas import Canvas, Point, Rect, fit
from vitrine.board.content import BoardContent
from vitrine.board.theme import (
    ACCENT,
    CARD,
    FAINT,
    GOOD,
    INK,
    LINE,
    MEDIUM,
    PADDING,
    SEMIBOLD,
    SOFT,
    bgr,
    instance_color,
)
from vitrine.profile.v1 import taste_pb2
from vitrine.words import counted, did, drift, worn

_WIDTH = 652
_RADAR_CENTER, _RADAR_RADIUS = (PADDING + 156.0, 250.0), 112.0
_AXES_LEFT, _AXES_WIDTH = 376, 248
_RINGS = (25, 50, 75, 100)
_BEFORE = bgr("#b3a99d")
_NEUTRAL = bgr("#d3c9bd")
_MOST_ROWS = 8
_LEAST_SHOWN = 0.05


def taste_block(content: BoardContent) -> Canvas:
    """Draws the taste after this capture, over the taste before it."""
    canvas = Canvas(_WIDTH, 1500, CARD)
    canvas.text((PADDING, PADDING + 26), "Your taste", 28, INK, SEMIBOLD)
    outfit = content.capture.outfit
    if not outfit.HasField("taste_change"):
        canvas.text((PADDING, PADDING + 62), _why_none(content), 17, SOFT)
        return canvas.cut(_tastes(canvas, PADDING + 90, content.tastes) + PADDING)
    change = outfit.taste_change
    _counts(canvas, change)
    before = content.since or change.before
    _radar(canvas, before, change.after)
    _axes(canvas, before, change.after)
    y = _attributions(canvas, 452, content)
    return canvas.cut(_tastes(canvas, y + 30, content.tastes) + PADDING)


def _why_none(content: BoardContent) -> str:
    if content.capture.outfit.taste_pending:
        return "The profile was away: it will be told as soon as it answers."
    if "taste" in content.capture.degraded_parts:
        return "The profile did not answer."
    return (
        "This capture left the taste as it was." if content.capture.outfit.garments else "There was nothing to learn."
    )


def _counts(canvas: Canvas, change: taste_pb2.TasteChange) -> None:
    after = change.after
    words = f"{counted(after.sighting_count, 'outfit')} seen, {counted(after.garment_count, 'garment')} counted"
    canvas.text((_WIDTH - PADDING, PADDING + 26), words, 16, FAINT, align="right")


def _radar(canvas: Canvas, before: taste_pb2.Radar, after: taste_pb2.Radar) -> None:
    for ring in _RINGS:
        color = _NEUTRAL if ring == 50 else LINE
        canvas.line([_spot(index, ring) for index in range(5)], color, 1.0, closed=True)
    for index in range(5):
        canvas.line([_RADAR_CENTER, _spot(index, 100)], LINE, 1.0)
    old = [_spot(index, axis.score) for index, axis in enumerate(before.axes)]
    new = [_spot(index, axis.score) for index, axis in enumerate(after.axes)]
    if len(new) >= 3:
        canvas.shape(new, ACCENT, 0.16)
    if len(old) >= 3:
        _dashed(canvas, [*old, old[0]])
    canvas.line(new, ACCENT, 2.5, closed=True)
    for spot in new:
        canvas.circle(spot, 4.5, ACCENT)
    for index, axis in enumerate(after.axes):
        _name(canvas, index, axis.high_pole)
    y = _RADAR_CENTER[1] + _RADAR_RADIUS + 52
    canvas.line([(PADDING, y - 5), (PADDING + 26, y - 5)], ACCENT, 2.5)
    edge = PADDING + 36 + canvas.text((PADDING + 34, y), "after", 14, SOFT) + 18
    _dashed(canvas, [(edge, y - 5), (edge + 26, y - 5)])
    canvas.text((edge + 34, y), "before" if before.sighting_count else "before: neutral, none seen yet", 14, SOFT)


def _spot(index: int, score: float) -> Point:
    angle = math.radians(-90 + 72 * index)
    reach = _RADAR_RADIUS * min(100.0, max(0.0, score)) / 100
    return _RADAR_CENTER[0] + reach * math.cos(angle), _RADAR_CENTER[1] + reach * math.sin(angle)


def _name(canvas: Canvas, index: int, words: str) -> None:
    x, y = _spot(index, 100)
    align = ("center", "left", "left", "right", "right")[index]
    shift = ((0, -12), (9, 4), (2, 22), (-2, 22), (-9, 4))[index]
    if align == "center":
        canvas.text((x + shift[0], y + shift[1]), words, 14, SOFT, MEDIUM, "center")
    elif align == "left":
        canvas.text((x + shift[0], y + shift[1]), words, 14, SOFT, MEDIUM, "left")
    else:
        canvas.text((x + shift[0], y + shift[1]), words, 14, SOFT, MEDIUM, "right")


def _dashed(canvas: Canvas, way: Sequence[Point]) -> None:
    for (x0, y0), (x1, y1) in itertools.pairwise(way):
        length = math.hypot(x1 - x0, y1 - y0)
        count = max(1, round(length / 9))
        for step in range(count):
            low, high = step / count, (step + 0.55) / count
            dash = [(x0 + (x1 - x0) * at, y0 + (y1 - y0) * at) for at in (low, high)]
            canvas.line(dash, _BEFORE, 1.8)


def _axes(canvas: Canvas, earlier: taste_pb2.Radar, later: taste_pb2.Radar) -> None:
    """Draws each axis with both its poles: where it stood, where it stands, and by how much it moved."""
    was = {axis.axis: axis.score for axis in earlier.axes}
    y = 132.0
    for axis in later.axes:
        before = was.get(axis.axis, axis.score)
        canvas.text((_AXES_LEFT, y), axis.low_pole, 14, SOFT)
        canvas.text((_AXES_LEFT + _AXES_WIDTH, y), axis.high_pole, 14, SOFT, align="right")
        moved = axis.score - before
        words = f"{axis.score:.0f}" + (f"  {moved:+.1f}" if abs(moved) >= _LEAST_SHOWN else "")
        color = ACCENT if abs(moved) >= _LEAST_SHOWN else FAINT
        canvas.text((_AXES_LEFT + _AXES_WIDTH / 2, y), words, 15, color, SEMIBOLD, "center")
        canvas.rect(Rect(_AXES_LEFT, y + 13, _AXES_WIDTH, 5), LINE, 2.5)
        old, new = (_AXES_LEFT + score / 100 * _AXES_WIDTH for score in (before, axis.score))
        canvas.rect(Rect(min(old, new), y + 13, abs(new - old), 5), ACCENT)
        canvas.circle((old, y + 15.5), 5.5, _BEFORE)
        canvas.circle((new, y + 15.5), 8.5, CARD)
        canvas.circle((new, y + 15.5), 6.5, ACCENT)
        y += 60


def _attributions(canvas: Canvas, top: float, content: BoardContent) -> float:
    outfit = content.capture.outfit
    places = {garment.garment_id: index for index, garment in enumerate(outfit.garments)}
    shown = list(outfit.taste_change.attributions)
    y = _section(canvas, top, "What each garment did")
    for each in shown[:_MOST_ROWS]:
        canvas.circle((PADDING + 7, y - 5), 6, instance_color(places.get(each.garment_id, 0)))
        canvas.text((PADDING + 24, y), fit(worn(each), 206, 16, MEDIUM), 16, INK, MEDIUM)
        again = bool(each.repeat_of_event_id)
        then = content.counted_as(each) if again else None
        words = f"already counted, then {did(then, 1)}" if then is not None else did(each, 3)
        canvas.text((PADDING + 240, y), fit(words, _WIDTH - 2 * PADDING - 240, 15), 15, GOOD if again else SOFT)
        y += 29
    if len(shown) > _MOST_ROWS:
        canvas.text((PADDING + 24, y), f"and {len(shown) - _MOST_ROWS} more", 15, FAINT)
        y += 29
    return y - 29


def _section(canvas: Canvas, top: float, words: str) -> float:
    canvas.line([(PADDING, top), (_WIDTH - PADDING, top)], LINE)
    canvas.text((PADDING, top + 34), words, 18, INK, SEMIBOLD)
    return top + 68


def _tastes(canvas: Canvas, top: float, tastes: Sequence[taste_pb2.Taste] | None) -> float:
    y = _section(canvas, top, "Ways of dressing")
    if tastes is None or not tastes:
        words = "The profile did not tell them." if tastes is None else "None yet: no outfit was counted."
        canvas.text((PADDING, y), words, 15, SOFT)
        return y
    for taste in tastes[:5]:
        _taste(canvas, y, taste)
        y += 31
    if len(tastes) == 1:
        canvas.text((PADDING, y), "Groups of like outfits show from eight outfits on.", 14, FAINT)
        return y
    return y - 31


def _taste(canvas: Canvas, y: float, taste: taste_pb2.Taste) -> None:
    canvas.text((PADDING, y), fit(taste.label, 260, 16, MEDIUM), 16, INK, MEDIUM)
    bar = Rect(PADDING + 276, y - 10, 120, 9)
    canvas.rect(bar, LINE, 4.5)
    canvas.rect(Rect(bar.x, bar.y, max(9.0, bar.width * min(1.0, taste.weight)), bar.height), ACCENT, 4.5)
    canvas.text((bar.right + 52, y), f"{taste.weight:.0%}", 15, SOFT, align="right")
    words = counted(taste.sighting_count, "outfit")
    words = ", ".join(filter(None, (words, drift(taste))))
    canvas.text((bar.right + 66, y), fit(words, _WIDTH - PADDING - bar.right - 66, 14), 14, FAINT)
