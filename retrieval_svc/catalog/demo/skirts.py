"""Skirts.

Choices (`Look.style`): `length`, `flare`, `pleats` (how many), `slit`, `front` (buttons).
"""

from __future__ import annotations

import numpy as np

from retrieval_svc.catalog.demo.lowers import WAIST_Y
from retrieval_svc.catalog.demo.palette import linear
from retrieval_svc.catalog.demo.region import Fold
from retrieval_svc.catalog.demo.shapes import CENTER_X, Node, Points, flipped, mirrored, open_curve, placed
from retrieval_svc.catalog.demo.tailor import Tailor


def draw_skirt(tailor: Tailor) -> None:
    """Draws a skirt."""
    waist = 44.0
    draw_panel(tailor, waist, WAIST_Y + 10)
    band: list[Node] = [
        (0, WAIST_Y - 4),
        (waist - 1, WAIST_Y - 9, 1),
        (waist + 2, WAIST_Y + 10, 1),
        (0, WAIST_Y + 14),
    ]
    inside: list[Node] = [
        (0, WAIST_Y - 4),
        (waist - 2, WAIST_Y - 9, 1),
        (waist * 0.5, WAIST_Y - 14),
        (0, WAIST_Y - 15),
    ]
    tailor.canvas.cloth(placed(mirrored(inside)), tailor.cloth.plain(), round_px=12, shadow=0, dim=0.5, main=False)
    tailor.canvas.cloth(placed(mirrored(band)), tailor.cloth, round_px=8, shadow=0.22)
    if tailor.look.word("front") == "buttons":
        end = WAIST_Y + 10 + 290 * tailor.look.number("length", 0.8) - 14
        tailor.canvas.seam([(CENTER_X + 7, WAIST_Y + 12), (CENTER_X + 7, end + 14)], depth=0.35)
        tailor.buttons(CENTER_X, WAIST_Y + 4, end, 6, linear(tailor.look.word("button", "cognac")), radius=3)


def draw_panel(tailor: Tailor, waist: float, top: float) -> None:
    """Draws the cloth of a skirt from a waist of half width `waist` at `top` down."""
    look = tailor.look
    bottom = top + 290 * look.number("length", 0.8)
    flare = look.number("flare", 1.5)
    hip, hem = waist + 17 + 5 * flare, (waist + 12) * flare
    waves = int(look.number("pleats", 0))
    out: list[Node] = [
        (waist, top, 1),
        (hip, top + 64),
        ((hip + hem) / 2 + 1, (top + 64 + bottom) / 2),
        (hem, bottom - 4, 1),
    ]
    count = max(3, waves // 2)
    edge: list[Node] = []
    depth = 3.5 if flare > 1.35 else 0.8
    for i in range(1, count + 1):
        share = 1 - i / count
        edge.append((hem * share, bottom + 5 * (1 - share) + (depth if i % 2 else -depth)))
    path = placed(mirrored([(0.0, top - 1), *out, *edge]))
    left = open_curve(flipped(placed(out)))
    right = open_curve(placed(out))
    folds = (
        _pleats(left, right, waves)
        if waves
        else tailor.drape(left, right, int(3 + 4 * (flare - 1)), height=3.2, width=6, start=0.1)
    )
    tailor.canvas.cloth(path, tailor.cloth, folds=folds, round_px=28, shadow=0.1)
    if look.style.get("slit"):
        tailor.canvas.seam(placed([(waist * 0.55, bottom - 96), (waist * 0.6, bottom + 2)]), depth=0.7, width=2.4)
    if not waves:
        hem_line = [(-hem + 3, bottom - 10), (0, bottom - 2), (hem - 3, bottom - 10)]
        tailor.canvas.stitches(open_curve(placed(hem_line)), tailor.thread, opacity=0.35)


def _pleats(left: Points, right: Points, count: int) -> list[Fold]:
    """Sharp folds at equal steps: a ridge with a valley beside it."""
    folds = []
    steps = min(len(left), len(right))
    for share in (np.arange(count) + 0.5) / count:
        ridge = left[:steps] * (1 - share) + right[:steps] * share
        folds += [Fold(ridge, 3.2, 1.6), Fold(ridge + np.array([3.0, 0], dtype=np.float32), -3.6, 1.4)]
    return folds
