"""Products like a garment: picture, title, price, score, and why it stands where it stands."""

from __future__ import annotations

import cv2
import numpy as np
from vitrine.board.canvas import Canvas, Picture, Rect, fit, text_width, wrap
from vitrine.board.content import SHOWN_MATCHES, BoardContent, shown_matches
from vitrine.board.theme import (
    ACCENT,
    ACCENT_PALE,
    CARD,
    CONTENT_WIDTH,
    FAINT,
    INK,
    LINE,
    MEDIUM,
    PADDING,
    REGULAR,
    SEMIBOLD,
    SOFT,
    WELL,
    term_color,
)
from vitrine.board.why import TERM_WORDS, tier_of, why
from vitrine.retrieval.v1 import match_pb2
from vitrine.words import money

_CARD_WIDTH, _CARD_GAP = 176, 16
_PICTURE_HEIGHT = 164
_BAR_TOP = 264
_EVEN = 14.0  # levels of 255: an edge that varies less is a plain ground
HEIGHT = 322
LEFT = CONTENT_WIDTH - PADDING - SHOWN_MATCHES * _CARD_WIDTH - (SHOWN_MATCHES - 1) * _CARD_GAP


def draw_products(
    canvas: Canvas, left: float, top: float, found: match_pb2.GarmentMatches, content: BoardContent
) -> None:
    """Draws the best products for a garment beside each other.

    Args:
        canvas: Where.
        left: Left edge.
        top: Top edge.
        found: The products.
        content: For their pictures.
    """
    shown = shown_matches(found)
    if not shown:
        words = "No product was found" if "matches" not in content.capture.degraded_parts else "Search did not answer"
        canvas.text((left, top + 24), words, 18, FAINT)
        return
    for number, match in enumerate(shown):
        card = Rect(left + number * (_CARD_WIDTH + _CARD_GAP), top, _CARD_WIDTH, HEIGHT)
        image = content.product_images.get(match.product.name)
        _product(canvas, card, match, shown[0], tier_of(match, found.tiers), image)


def _product(
    canvas: Canvas,
    card: Rect,
    match: match_pb2.ProductMatch,
    first: match_pb2.ProductMatch,
    tier: str,
    image: Picture | None,
) -> None:
    _product_picture(canvas, Rect(card.x, card.y, card.width, _PICTURE_HEIGHT), match, tier, image)
    y = card.y + _PICTURE_HEIGHT + 22
    for line in wrap(match.product.title, card.width, 15, MEDIUM, lines=2):
        canvas.text((card.x, y), line, 15, INK, MEDIUM)
        y += 19
    canvas.text((card.x, card.y + _PICTURE_HEIGHT + 61), fit(match.product.brand, card.width, 13), 13, FAINT)
    _price(canvas, card, match)
    _terms(canvas, Rect(card.x, card.y + _BAR_TOP, card.width - 52, 8), match)
    canvas.text((card.right, card.y + _BAR_TOP + 9), f"{match.score:.3f}", 15, ACCENT, SEMIBOLD, "right")
    y = card.y + _BAR_TOP + 32
    for line in wrap(why(match, first), card.width, 13, lines=3):
        canvas.text((card.x, y), line, 13, SOFT)
        y += 17


def _price(canvas: Canvas, card: Rect, match: match_pb2.ProductMatch) -> None:
    """Writes the price, never cut, and beside it what that is in the currency of the answer where that is another."""
    price, other, y = money(match.product.price), match.converted_price, card.y + _BAR_TOP - 13
    converts = other.currency_code not in {"", match.product.price.currency_code}
    words = f"≈ {other.units + other.nanos / 1e9:,.0f} {other.currency_code}" if converts else ""
    room = card.width - (text_width(words, 12) + 6 if words else 0)
    size = next((each for each in (16, 15, 14, 13, 12, 11) if text_width(price, each, SEMIBOLD) <= room), 10)
    canvas.text((card.x, y), price, size, INK, SEMIBOLD)
    canvas.text((card.right, y), words, 12, FAINT, align="right")


def _product_picture(
    canvas: Canvas, place: Rect, match: match_pb2.ProductMatch, tier: str, image: Picture | None
) -> None:
    canvas.rect(place, WELL, 10)
    if image is None:
        canvas.text((place.x + place.width / 2, place.y + place.height / 2), "no picture", 14, FAINT, align="center")
    else:
        canvas.picture(place, _widened(image, place.width / place.height), 10)
    canvas.frame(place, LINE, 10)
    canvas.circle((place.x + 17, place.y + 17), 11, CARD)
    canvas.text((place.x + 17, place.y + 22), str(match.rank), 14, INK, SEMIBOLD, "center")
    if tier:
        width = text_width(tier, 13, MEDIUM) + 16
        tag = Rect(place.right - width - 7, place.y + 7, width, 21)
        canvas.rect(tag, ACCENT_PALE, 10)
        canvas.text((tag.x + 8, tag.y + 15), tier, 13, ACCENT, MEDIUM)


def _widened(image_bgr: Picture, shape: float) -> Picture:
    """Adds to the sides (or above and below) of a picture until it has a shape, in the colours that its edges have."""
    height, width = image_bgr.shape[:2]
    across = max(0, round((height * shape - width) / 2))
    down = max(0, round((width / shape - height) / 2))
    edges = image_bgr[:, [0, -1]] if across else image_bgr[[0, -1]]
    if float(edges.std(axis=0 if across else 1).max()) <= _EVEN:
        wide = cv2.copyMakeBorder(image_bgr, down, down, across, across, cv2.BORDER_REPLICATE)
    else:  # lines of a busy edge would run to the side
        ground = [float(value) for value in np.median(edges.reshape(-1, 3), axis=0)]
        wide = cv2.copyMakeBorder(image_bgr, down, down, across, across, cv2.BORDER_CONSTANT, value=ground)
    return np.asarray(wide, np.uint8)


def _terms(canvas: Canvas, bar: Rect, match: match_pb2.ProductMatch) -> None:
    """Draws the score as its terms, on a scale where the whole bar is 1."""
    canvas.rect(bar, LINE, 4)
    x = bar.x
    for term in match.terms:
        width = min(max(term.contribution, 0.0) * bar.width, bar.right - x)
        if width > 0:
            canvas.rect(Rect(x, bar.y, width, bar.height), term_color(term.name))
            x += width


def draw_legend(canvas: Canvas, right: float, baseline: float, found: match_pb2.GarmentMatches) -> None:
    """Names the colours of the terms, right-aligned on one line."""
    names = list(
        dict.fromkeys(term.name for match in found.matches[:4] for term in match.terms if term.contribution > 0)
    )
    x = right
    for name in reversed(names):
        words = TERM_WORDS.get(name, name)
        x -= text_width(words, 13, REGULAR)
        canvas.text((x, baseline), words, 13, FAINT)
        x -= 15
        canvas.rect(Rect(x, baseline - 9, 9, 9), term_color(name), 2)
        x -= 16
