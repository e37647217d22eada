"""Searches as a picture: what was asked, what was understood of it, and the best products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from vitrine.board.canvas import Canvas, Picture, Rect, fit, text_width, wrap
from vitrine.board.content import BoardContent
from vitrine.board.page import lay
from vitrine.board.products import HEIGHT as PRODUCTS_HEIGHT
from vitrine.board.products import LEFT as PRODUCTS_LEFT
from vitrine.board.products import draw_legend, draw_products
from vitrine.board.theme import (
    ACCENT,
    ACCENT_PALE,
    CARD,
    CONTENT_WIDTH,
    FAINT,
    GAP,
    INK,
    MARGIN,
    MEDIUM,
    PADDING,
    PAGE_WIDTH,
    PAPER,
    SEMIBOLD,
    SOFT,
)
from vitrine.ingest.v1 import capture_pb2
from vitrine.retrieval.v1 import match_pb2, search_service_pb2
from vitrine.words import counted

_TOP = PADDING + 56
_ROOM = PRODUCTS_LEFT - 2 * PADDING - 24


def draw_searches(
    searches: Sequence[tuple[str, search_service_pb2.SearchProductsResponse]], images: Mapping[str, Picture]
) -> Picture:
    """Draws a row for each search.

    Args:
        searches: What was asked, in words, with the answer.
        images: Pictures of products by `products/{product}`, uint8 HxWx3, BGR.

    Returns:
        uint8 HxW'x3 BGR, 1600 pixels wide.
    """
    rows = [_row(words, answer, images) for words, answer in searches]
    page = Canvas(PAGE_WIDTH, 2 * MARGIN + sum(row.height + GAP for row in rows), PAPER)
    y = float(MARGIN)
    for row in rows:
        lay(page, row, MARGIN, y, row.height)
        y += row.height + GAP
    models = dict.fromkeys(use.model for _, answer in searches for use in answer.models)
    page.text((MARGIN, y + 12), fit("   ·   ".join(models), CONTENT_WIDTH, 15), 15, FAINT)
    return page.cut(y + MARGIN).finished()


def _row(words: str, answer: search_service_pb2.SearchProductsResponse, images: Mapping[str, Picture]) -> Canvas:
    canvas = Canvas(CONTENT_WIDTH, _TOP + PRODUCTS_HEIGHT + PADDING, CARD)
    found = match_pb2.GarmentMatches(matches=answer.matches, tiers=answer.tiers, certificate=answer.certificate)
    y = float(PADDING + 32)
    for line in wrap(f"“{words}”", _ROOM, 30, SEMIBOLD, lines=4):
        canvas.text((PADDING, y), line, 30, INK, SEMIBOLD)
        y += 38
    _understood(canvas, y + 8, answer)
    compared = counted(answer.certificate.eligible_count, "product")
    canvas.text((PRODUCTS_LEFT, PADDING + 26), f"Best of {compared} that fit", 17, SOFT, MEDIUM)
    draw_legend(canvas, CONTENT_WIDTH - PADDING, PADDING + 26, found)
    holder = BoardContent(capture_pb2.Capture(), np.zeros((1, 1, 3), np.uint8), images)
    draw_products(canvas, PRODUCTS_LEFT, _TOP, found, holder)
    return canvas


def _understood(canvas: Canvas, top: float, answer: search_service_pb2.SearchProductsResponse) -> None:
    """Shows each part of the text that was read as more than words, and what it was read as."""
    phrases = answer.understood.phrases
    if not phrases:
        return
    canvas.text((PADDING, top + 20), "understood as", 15, FAINT)
    y = top + 36
    for phrase in phrases[:6]:
        words = fit(phrase.text, _ROOM - 200, 16, MEDIUM)
        width = text_width(words, 16, MEDIUM) + 26
        canvas.rect(Rect(PADDING, y, width, 30), ACCENT_PALE, 15)
        canvas.text((PADDING + 13, y + 20.5), words, 16, ACCENT, MEDIUM)
        read = phrase.field.replace("_", " ")
        if phrase.field in answer.understood.dropped_fields:
            read += ", given up: no product has all of it"
        canvas.text((PADDING + width + 12, y + 20.5), fit(read, _ROOM - width - 12, 15), 15, SOFT)
        y += 38
