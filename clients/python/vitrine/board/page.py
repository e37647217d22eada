"""The board: header, photo and taste, a row for each garment, and a footer that says who spoke."""

from __future__ import annotations

from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.board.canvas import Canvas, Picture, Rect, fit, text_width, wrap
from vitrine.board.content import BoardContent
from vitrine.board.garment import garment_block
from vitrine.board.photo import photo_block
from vitrine.board.taste import taste_block
from vitrine.board.theme import (
    ACCENT,
    CARD,
    CONTENT_WIDTH,
    FAINT,
    GAP,
    GOOD,
    GOOD_PALE,
    INK,
    LINE,
    MARGIN,
    MEDIUM,
    PAGE_WIDTH,
    PAPER,
    RADIUS,
    REGULAR,
    SEMIBOLD,
    SOFT,
    WARNING,
    WARNING_PALE,
)
from vitrine.ingest.v1 import capture_pb2
from vitrine.words import counted

_HEADER = 128
_FOOTER = 210


def draw_board(content: BoardContent, *, most_garments: int = 32) -> Picture:
    """Draws everything that is known of a capture on one page.

    Args:
        content: The capture with its pictures.
        most_garments: How many garments have a row of their own.

    Returns:
        uint8 HxW'x3 BGR, 1600 pixels wide; as high as its garments need.
    """
    photo, taste = photo_block(content), taste_block(content)
    rows = [garment_block(content, index) for index in range(min(most_garments, len(content.capture.outfit.garments)))]
    top_row = max(photo.height, taste.height)
    height = _HEADER + top_row + sum(GAP + row.height for row in rows) + _FOOTER
    page = Canvas(PAGE_WIDTH, height, PAPER)
    _header(page, content.capture)
    lay(page, photo, MARGIN, _HEADER, top_row)
    lay(page, taste, MARGIN + photo.width + GAP, _HEADER, top_row)
    y = _HEADER + top_row + GAP
    for row in rows:
        lay(page, row, MARGIN, y, row.height)
        y += row.height + GAP
    end = _footer(page, y + 22, content.capture)
    return page.cut(end + 44).finished()


def lay(page: Canvas, block: Canvas, left: float, top: float, height: float) -> None:
    """Lays a block on the page as a card with round corners; the rest of its height stays empty."""
    card = Rect(left, top, block.width, height)
    page.rect(Rect(card.x, card.y + 3, card.width, card.height), LINE, RADIUS)
    page.rect(card, CARD, RADIUS)
    page.picture(Rect(left, top, block.width, block.height), block.pixels, RADIUS)


def _header(page: Canvas, capture: capture_pb2.Capture) -> None:
    page.text((MARGIN, 76), "VITRINE", 34, INK, SEMIBOLD)
    after = text_width("VITRINE", 34, SEMIBOLD)
    page.text((MARGIN + after + 20, 76), "what you wear, and what to wear next", 21, FAINT, REGULAR)
    when = (capture.capture_time if capture.HasField("capture_time") else capture.create_time).ToDatetime(UTC)
    page.text((PAGE_WIDTH - MARGIN, 62), when.strftime("%-d %B %Y, %H:%M UTC"), 17, SOFT, MEDIUM, "right")
    page.text((PAGE_WIDTH - MARGIN, 86), fit(whose(capture.name), 600, 14), 14, FAINT, align="right")
    page.rect(Rect(MARGIN, 102, 64, 4), ACCENT, 2)


def whose(name: str) -> str:
    """Says whose capture or stream this is and how its id begins: `users/ada · capture 0192f3c1`.

    Args:
        name: ``users/{user}/captures/{capture}`` or ``users/{user}/streams/{stream}``.
    """
    parts = name.split("/")
    if len(parts) != 4:
        return name
    return f"{parts[0]}/{parts[1]}  ·  {parts[2].removesuffix('s')} {parts[3][:8]}"


def _footer(page: Canvas, top: float, capture: capture_pb2.Capture) -> float:
    """Names the models, says whether anything is weaker than it should be, and how long it took."""
    ink, ground = (WARNING, WARNING_PALE) if capture.degraded else (GOOD, GOOD_PALE)
    state = (
        f"degraded: {', '.join(capture.degraded_parts) or 'see the models'}" if capture.degraded else "nothing degraded"
    )
    state = fit(state, 400, 15, MEDIUM)
    width = text_width(state, 15, MEDIUM) + 28
    page.rect(Rect(MARGIN, top, width, 30), ground, 15)
    page.text((MARGIN + 14, top + 20.5), state, 15, ink, MEDIUM)
    page.text((PAGE_WIDTH - MARGIN, top + 20.5), _timing(capture), 15, SOFT, align="right")
    y = top + 58
    words = "   ·   ".join(_model(use) for use in _models(capture))
    for line in wrap(words or "no model is named", CONTENT_WIDTH, 15, lines=4):
        page.text((MARGIN, y), line, 15, FAINT)
        y += 23
    return y


def _models(capture: capture_pb2.Capture) -> list[tuple[str, str]]:
    """Each model once, with all its tasks and why it is degraded."""
    tasks: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for use in capture.models:
        tasks.setdefault(use.model, []).append(use.task)
        if use.degraded:
            reasons[use.model] = use.degraded_reason or "degraded"
    return [(f"{model} ({', '.join(dict.fromkeys(did))})", reasons.get(model, "")) for model, did in tasks.items()]


def _model(use: tuple[str, str]) -> str:
    return f"{use[0]} degraded: {use[1]}" if use[1] else use[0]


def _timing(capture: capture_pb2.Capture) -> str:
    accepted, began, ended = (
        each if each.ToNanoseconds() else None for each in (capture.create_time, capture.start_time, capture.end_time)
    )
    waited, worked = _seconds(accepted, began), _seconds(began, ended)
    parts = [f"{waited:.2f} s in the queue"] if waited is not None else []
    parts += [f"{worked:.2f} s of work"] if worked is not None else []
    parts += [counted(capture.attempt_count, "attempt")] if capture.attempt_count else []
    return "   ·   ".join(parts)


def _seconds(start: Timestamp | None, end: Timestamp | None) -> float | None:
    return (end.ToNanoseconds() - start.ToNanoseconds()) / 1e9 if start and end else None
