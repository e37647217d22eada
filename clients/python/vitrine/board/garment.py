"""One garment: cut out of the photo, its colours, pattern and style, what it did to the taste, and products like it."""

from __future__ import annotations

import numpy as np
from vitrine.board.canvas import Canvas, Rect, fit, text_width, wrap
from vitrine.board.content import BoardContent
from vitrine.board.photo import full_mask, smooth
from vitrine.board.products import HEIGHT as PRODUCTS_HEIGHT
from vitrine.board.products import LEFT as PRODUCTS_LEFT
from vitrine.board.products import draw_legend, draw_products
from vitrine.board.theme import (
    ACCENT,
    ACCENT_PALE,
    CARD,
    CONTENT_WIDTH,
    FAINT,
    GOOD,
    GOOD_PALE,
    INK,
    LINE,
    MEDIUM,
    PADDING,
    SEMIBOLD,
    SOFT,
    WELL,
    bgr,
    instance_color,
)
from vitrine.profile.v1 import taste_pb2
from vitrine.retrieval.v1 import match_pb2
from vitrine.type.v1 import garment_pb2
from vitrine.words import counted, moves

_CUT = Rect(PADDING, PADDING + 56, 170, PRODUCTS_HEIGHT)
_LOOKS_LEFT, _LOOKS_WIDTH = _CUT.right + 24, 236
_STYLE_LEFT, _STYLE_WIDTH = _LOOKS_LEFT + _LOOKS_WIDTH + 28, 188
_TOP = PADDING + 56
_MOST_SWATCHES = 4
_MOST_ENLARGED = 1.5  # more shows pixels instead of cloth
_AXES = (("casual", "formal", "formality"), ("soft", "structured", "structure"), ("rich", "minimal", "minimalism"))


def garment_block(content: BoardContent, index: int) -> Canvas:
    """Draws the row of a garment.

    Args:
        content: The capture.
        index: Which of its garments.
    """
    outfit = content.capture.outfit
    garment = outfit.garments[index]
    canvas = Canvas(CONTENT_WIDTH, _TOP + PRODUCTS_HEIGHT + PADDING, CARD)
    change = next((each for each in outfit.taste_change.attributions if each.garment_id == garment.garment_id), None)
    found = next((each for each in outfit.matches if each.garment_id == garment.garment_id), match_pb2.GarmentMatches())
    _head(canvas, garment, index, found)
    _cut_out(canvas, garment, content)
    _looks(canvas, garment)
    _style(canvas, garment)
    _did(canvas, change, content)
    draw_products(canvas, PRODUCTS_LEFT, _TOP, found, content)
    return canvas


def _head(canvas: Canvas, garment: garment_pb2.Garment, index: int, found: match_pb2.GarmentMatches) -> None:
    baseline = PADDING + 26
    canvas.rect(Rect(PADDING, PADDING + 5, 6, 26), instance_color(index), 3)
    name = fit(garment.category.capitalize(), 420, 28, SEMIBOLD)
    width = canvas.text((PADDING + 18, baseline), name, 28, INK, SEMIBOLD)
    canvas.text((PADDING + 18 + width + 14, baseline), f"{garment.score:.0%} sure", 17, FAINT)
    if found.matches:
        title = canvas.text((PRODUCTS_LEFT, baseline), "Products like it", 17, SOFT, MEDIUM)
        compared = found.certificate.eligible_count
        if compared:
            words = f"of {counted(compared, 'product')} compared" if found.certificate.complete else ""
            canvas.text((PRODUCTS_LEFT + title + 10, baseline), words, 15, FAINT)
        draw_legend(canvas, CONTENT_WIDTH - PADDING, baseline, found)


def _cut_out(canvas: Canvas, garment: garment_pb2.Garment, content: BoardContent) -> None:
    """Shows the garment as the encoder saw it: without its background."""
    canvas.rect(_CUT, WELL, 12)
    mask = full_mask(garment, content.photo_bgr)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inner = Rect(_CUT.x + 14, _CUT.y + 14, _CUT.width - 28, _CUT.height - 28)
    piece = np.ascontiguousarray(content.photo_bgr[part])
    room = inner.inside(piece.shape[1], piece.shape[0], _MOST_ENLARGED)
    canvas.picture(room, piece, 0, np.ascontiguousarray(smooth(mask)[part]))


def _looks(canvas: Canvas, garment: garment_pb2.Garment) -> None:
    """Draws the colours as a bar of their shares, each with name and code, and says pattern and fit below."""
    x, y = _LOOKS_LEFT, float(_TOP)
    colors = list(garment.attributes.colors[:_MOST_SWATCHES])
    bar, edge = Rect(x, y, _LOOKS_WIDTH, 34), float(x)
    whole = sum(color.share for color in colors) or 1.0
    for number, color in enumerate(colors):
        width = bar.width * color.share / whole
        last = number == len(colors) - 1
        canvas.rect(Rect(edge, y, bar.right - edge if last else width, bar.height), bgr(color.hex))
        edge += width
    canvas.frame(bar, CARD, 9, 7)  # rounds the corners of what lies below
    canvas.frame(Rect(bar.x + 3, bar.y + 3, bar.width - 6, bar.height - 6), LINE, 7)
    y += 62
    for color in colors:
        canvas.rect(Rect(x, y - 14, 17, 17), bgr(color.hex), 5)
        canvas.frame(Rect(x, y - 14, 17, 17), LINE, 5)
        canvas.text((x + 26, y), fit(color.name, 98, 15), 15, INK)
        canvas.text((x + _LOOKS_WIDTH - 46, y), color.hex, 13, FAINT, align="right")
        canvas.text((x + _LOOKS_WIDTH, y), f"{color.share:.0%}", 14, SOFT, align="right")
        y += 29
    if not colors:
        canvas.text((x, y), "no colours were read", 15, FAINT)
    _facts(canvas, garment.attributes)


def _facts(canvas: Canvas, looks: garment_pb2.GarmentAttributes) -> None:
    y = float(_TOP + PRODUCTS_HEIGHT - 86)
    fit_name = garment_pb2.Silhouette.Name(looks.silhouette).removeprefix("SILHOUETTE_").lower()
    facts = [("pattern", looks.pattern), ("silhouette", fit_name if looks.silhouette else "")]
    canvas.line([(_LOOKS_LEFT, y - 24), (_LOOKS_LEFT + _LOOKS_WIDTH, y - 24)], LINE)
    for name, value in facts:
        canvas.text((_LOOKS_LEFT, y), name, 14, FAINT)
        sure = f"{looks.confidence[name]:.0%} sure" if value and name in looks.confidence else ""
        canvas.text((_LOOKS_LEFT + 82, y), fit(value or "not known", 88, 15), 15, INK if value else FAINT, MEDIUM)
        canvas.text((_LOOKS_LEFT + _LOOKS_WIDTH, y), sure, 13, FAINT, align="right")
        y += 28
    if "colors" in looks.confidence:
        canvas.text((_LOOKS_LEFT, y), "colours", 14, FAINT)
        canvas.text((_LOOKS_LEFT + _LOOKS_WIDTH, y), f"{looks.confidence['colors']:.0%} sure", 13, FAINT, align="right")


def _style(canvas: Canvas, garment: garment_pb2.Garment) -> None:
    """Draws the three axes of style."""
    x, y = _STYLE_LEFT, float(_TOP + 12)
    for low, high, field in _AXES:
        value = min(100.0, max(0.0, float(getattr(garment.attributes.style, field))))
        canvas.text((x, y), low, 14, FAINT)
        canvas.text((x + _STYLE_WIDTH, y), high, 14, FAINT, align="right")
        canvas.rect(Rect(x, y + 13, _STYLE_WIDTH, 4), LINE, 2)
        spot = x + value / 100 * _STYLE_WIDTH
        canvas.circle((spot, y + 15), 8, CARD)
        canvas.circle((spot, y + 15), 6, INK)
        y += 52
    sure = garment.attributes.confidence.get("style")
    if sure is not None:
        canvas.text((x, y), f"style, {sure:.0%} sure", 13, FAINT)


def _did(canvas: Canvas, change: taste_pb2.GarmentAttribution | None, content: BoardContent) -> None:
    """Says what the garment did to the taste; for one that was counted before, what it did then."""
    x, y = _STYLE_LEFT, float(_TOP + PRODUCTS_HEIGHT - 110)
    canvas.line([(x, y), (x + _STYLE_WIDTH, y)], LINE)
    canvas.text((x, y + 26), "Your taste", 14, FAINT)
    if change is None:
        canvas.text((x, y + 54), "not told", 15, SOFT)
    elif change.repeat_of_event_id:
        _pill(canvas, x, y + 38, "already counted", GOOD, GOOD_PALE)
        then = content.counted_as(change)
        words = f"then {', '.join(moves(list(then.deltas), 2))}" if then and then.deltas else "in the same wearing"
        for number, line in enumerate(wrap(words, _STYLE_WIDTH, 13, lines=2)):
            canvas.text((x, y + 84 + 17 * number), line, 13, FAINT)
    else:
        pills = moves(list(change.deltas), 2) or ["moved nothing"]
        for number, each in enumerate(pills):
            _pill(canvas, x, y + 38 + 34 * number, each, ACCENT, ACCENT_PALE)


def _pill(
    canvas: Canvas, left: float, top: float, words: str, ink: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    words = fit(words, _STYLE_WIDTH - 24, 15, MEDIUM)
    canvas.rect(Rect(left, top, text_width(words, 15, MEDIUM) + 24, 28), ground, 14)
    canvas.text((left + 12, top + 19.5), words, 15, ink, MEDIUM)
