"""Trousers of all kinds.

Choices (`Look.style`): `length` (trousers 1.0, shorts 0.4), `leg` (skinny, slim, taper, straight, wide, flare),
`crease`, `fly`, `pocket` (slant, jeans, cargo, none), `band` (waistband, elastic), `cuffed`.
"""

from __future__ import annotations

import numpy as np

from retrieval_svc.catalog.demo.region import Fold
from retrieval_svc.catalog.demo.shapes import CENTER_X, Node, Points, flipped, mirrored, open_curve, placed
from retrieval_svc.catalog.demo.tailor import Tailor

WAIST_Y = 44.0
_LEGS = {  # half widths of a leg at the knee and at the hem
    "skinny": (19.0, 12.0), "slim": (22.0, 15.0), "taper": (27.0, 16.0), "straight": (26.0, 23.0),
    "wide": (33.0, 38.0), "flare": (22.0, 34.0),
}  # fmt: skip


def draw_lower(tailor: Tailor) -> None:
    """Draws trousers, jeans, leggings or shorts."""
    draw_legs(tailor, waist=46 + 4 * tailor.look.width, waist_y=WAIST_Y)
    _waistband(tailor, 46 + 4 * tailor.look.width, WAIST_Y)
    _fly_and_pockets(tailor)


def draw_legs(tailor: Tailor, *, waist: float, waist_y: float) -> None:
    """Draws two legs that hang from a waist of half width `waist` at `waist_y`."""
    look, canvas = tailor.look, tailor.canvas
    length = look.number("length", 1.0)
    knee, hem = _LEGS[look.word("leg", "straight")]
    wide = look.width
    hip, crotch_y = waist + 14 + 4 * wide, waist_y + 92
    end_y = crotch_y + 12 + 218 * length
    knee_y = crotch_y + 105
    center = 34.0
    at_end = hem * wide if length > 0.6 else (knee + (hip * 0.46 - knee) * 0.72) * wide + 2
    for side in (-1, 1):
        foot = center + 9 + (4 if look.word("leg") in {"wide", "flare"} else 0)
        out: list[Node] = [(waist, waist_y, 1), (hip - 3, waist_y + 44), (hip, crotch_y - 18)]
        inn: list[Node] = [(2.0, crotch_y + 2, 1), (0.0, waist_y, 1)]
        if length > 0.6:
            out.append((center + 4 + knee * wide, knee_y))
            inn.insert(0, (center + 4 - knee * wide, knee_y))
        out.append((foot + at_end, end_y, 1))
        inn.insert(0, (foot - at_end, end_y + 1, 1))
        path = placed([*out, *inn])
        outer, inner = open_curve(placed(out)), open_curve(placed(inn[: len(inn) - 1]))[::-1]
        if side < 0:
            path = flipped(path)
            outer, inner = open_curve(flipped(placed(out))), open_curve(flipped(placed(inn[: len(inn) - 1])))[::-1]
        folds = _leg_folds(tailor, outer, inner, crotch_y, side)
        canvas.cloth(path, tailor.cloth, folds=folds, round_px=24, shadow=0.18, angle=3.0 * side)
        _leg_ends(tailor, outer, inner)
    canvas.seam(placed([(0, waist_y + 8), (1, crotch_y)]), depth=0.4)


def _leg_folds(tailor: Tailor, outer: Points, inner: Points, crotch_y: float, side: int) -> list[Fold]:
    look = tailor.look
    folds = [
        tailor.pull(CENTER_X + side * 8, crotch_y - 2 + 9 * i, side * (30 + 5 * i), -16 + 12 * i, height=1.7, width=3.6)
        for i in range(3)
    ]
    if look.number("length", 1.0) > 0.6:
        folds += tailor.creases(outer, inner, 0.62, 4, height=1.5) + tailor.creases(
            outer, inner, 0.93, 3, height=1.5, spread=0.05
        )
        folds += tailor.drape(outer, inner, 3 if look.word("leg") in {"wide", "flare"} else 2, height=1.8, width=6)
    if look.style.get("crease"):
        middle = (outer[: len(inner)][-1] + inner[-1]) / 2
        top = np.array([CENTER_X + side * 32, crotch_y - 40])
        folds.append(Fold(np.stack([top, middle]).astype(np.float32), 4.0, 1.6))
    return folds


def _leg_ends(tailor: Tailor, outer: Points, inner: Points) -> None:
    a, b = outer[-1], inner[-1]
    up = np.array([0, -5], dtype=np.float32)
    if tailor.look.word("band") == "elastic" and tailor.look.number("length", 1.0) > 0.6:
        band: list[Node] = [(*(a - [0, 16]), 1), (*a, 1), (*b, 1), (*(b - [0, 16]), 1)]
        tailor.canvas.cloth(band, tailor.trim(), round_px=8, shadow=0.15)
        return
    if tailor.look.style.get("cuffed"):
        grow = np.array([1.5, 0]) * np.sign(a[0] - b[0])
        band = [(*(a + grow - [0, 17]), 1), (*(a + grow), 1), (*(b - grow), 1), (*(b - grow - [0, 17]), 1)]
        tailor.canvas.cloth(band, tailor.cloth.plain(), round_px=7, shadow=0.3, dim=1.12)
        return
    color = tailor.second if tailor.look.weave == "denim" and tailor.look.accents else tailor.thread
    tailor.canvas.stitches(np.stack([a + up, b + up]).astype(np.float32), color)


def _waistband(tailor: Tailor, waist: float, y: float) -> None:
    canvas, look = tailor.canvas, tailor.look
    inside: list[Node] = [(0, y - 3), (waist - 6, y - 6), (waist - 1, y - 8, 1), (waist * 0.6, y - 13), (0, y - 14)]
    canvas.cloth(placed(mirrored(inside)), tailor.cloth.plain(), round_px=12, shadow=0, dim=0.5, main=False)
    band: list[Node] = [
        (0, y - 4),
        (waist * 0.6, y - 6),
        (waist - 1, y - 9, 1),
        (waist + 2, y + 7, 1),
        (waist * 0.6, y + 10),
        (0, y + 12),
    ]
    if look.word("band") == "elastic":
        canvas.cloth(placed(mirrored(band)), tailor.trim(), round_px=9, shadow=0.2)
        for side in (1, -1):
            cord = [(CENTER_X + side * 3, y + 4), (CENTER_X + side * 9, y + 24), (CENTER_X + side * 7, y + 42)]
            canvas.line(cord, tailor.second, width=1.8)
        return
    canvas.cloth(
        placed(mirrored(band)),
        tailor.cloth.plain() if look.pattern == "plain" else tailor.cloth,
        round_px=8,
        shadow=0.2,
    )
    for x in (-waist * 0.72, -waist * 0.3, waist * 0.3, waist * 0.72):
        loop: list[Node] = [(x - 2.4, y - 8, 1), (x + 2.4, y - 8, 1), (x + 2.4, y + 11, 1), (x - 2.4, y + 11, 1)]
        canvas.cloth(placed(loop), tailor.cloth.plain(), round_px=3, shadow=0.25)
    canvas.disc(CENTER_X + 1, y + 4, 2.9, tailor.metal if look.weave == "denim" else tailor.shade)


def _fly_and_pockets(tailor: Tailor) -> None:
    canvas, look = tailor.canvas, tailor.look
    color = tailor.second if look.weave == "denim" and look.accents else tailor.thread
    y = WAIST_Y
    if look.word("band") != "elastic" and look.style.get("fly", True):
        fly = open_curve([(CENTER_X + 11, y + 12), (CENTER_X + 11, y + 48), (CENTER_X + 2, y + 62)])
        canvas.stitches(fly, color, opacity=0.7)
    kind = look.word("pocket", "slant")
    for side in (1, -1):
        edges: dict[str, list[Node]] = {
            "jeans": [(24, y + 11), (29, y + 27), (46, y + 34), (56, y + 34)],
            "slant": [(32, y + 11), (56, y + 48)],
            "cargo": [(32, y + 11), (56, y + 48)],
        }
        edge = edges.get(kind)
        if edge:
            path = placed(edge) if side > 0 else flipped(placed(edge))
            canvas.seam(open_curve(path), depth=0.5, width=1.8)
            canvas.stitches(open_curve([(x + side * -2, v + 2.4) for x, v, *_ in path]), color, opacity=0.6)
        if kind == "cargo":
            bag: list[Node] = [(44, y + 116, 1), (71, y + 114, 1), (68, y + 158, 1), (42, y + 159, 1)]
            flap: list[Node] = [(43, y + 110, 1), (73, y + 108, 1), (72, y + 122, 1), (43, y + 124, 1)]
            for part in (bag, flap):
                canvas.cloth(placed(part) if side > 0 else flipped(placed(part)), tailor.cloth, round_px=5, shadow=0.35)
        if kind == "jeans":
            canvas.disc(CENTER_X + side * 25, y + 15, 1.3, tailor.metal)
