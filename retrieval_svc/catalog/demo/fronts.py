"""Fronts: how a garment is closed, its pockets, its belt, what is printed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrieval_svc.catalog.demo.cloth import Cloth
from retrieval_svc.catalog.demo.palette import linear, luminance
from retrieval_svc.catalog.demo.shapes import CENTER_X, Node, flipped, mirrored, open_curve, placed
from retrieval_svc.catalog.demo.tailor import Tailor

if TYPE_CHECKING:  # uppers imports this module
    from retrieval_svc.catalog.demo.uppers import Frame


def draw_front(tailor: Tailor, frame: Frame) -> None:
    """Draws closure, pockets, belt and print over the body."""
    front = tailor.look.word("front", "closed")
    if front == "buttons":
        _placket(tailor, frame)
    elif front == "polo":
        _placket(tailor, frame, short=True)
    elif front == "zip":
        _zip(tailor, frame)
    elif front in {"open", "single", "double"}:
        _wrap(tailor, frame, front)
    _pockets(tailor, frame)
    if tailor.look.style.get("yoke"):
        _yoke(tailor, frame)
    if tailor.look.style.get("belt"):
        _belt(tailor, frame)
    if tailor.look.pattern == "graphic":
        draw_print(tailor, frame.chest_y + 26)


def _placket(tailor: Tailor, frame: Frame, *, short: bool = False) -> None:
    canvas = tailor.canvas
    top, bottom = frame.neck_y + 10, frame.neck_y + 78 if short else frame.hem_y + 3
    canvas.seam([(CENTER_X - 7, top), (CENTER_X - 7, bottom)], depth=0.22)
    canvas.seam([(CENTER_X + 7, top), (CENTER_X + 7, bottom)], depth=0.3)
    canvas.stitches([(CENTER_X + 4.5, top), (CENTER_X + 4.5, bottom)], tailor.thread, opacity=0.35)
    color = linear(tailor.look.word("button", "white"))
    radius = tailor.look.number("button_px", 2.1)
    count = 3 if short else round((bottom - top) / 33)
    tailor.buttons(CENTER_X, top + 12, bottom - (8 if short else 30), count, color, radius=radius)


def _zip(tailor: Tailor, frame: Frame) -> None:
    canvas = tailor.canvas
    top = frame.neck_y + (34 if tailor.look.word("neck") == "hood" else -6)
    line = [(CENTER_X, top), (CENTER_X, frame.hem_y + 2)]
    canvas.seam([(CENTER_X - 4, top), (CENTER_X - 4, frame.hem_y)], depth=0.25)
    canvas.seam([(CENTER_X + 4, top), (CENTER_X + 4, frame.hem_y)], depth=0.25)
    canvas.line(line, tailor.metal * np.float32(0.35), width=3.0)
    canvas.stitches(line, tailor.metal, opacity=0.9)
    canvas.disc(CENTER_X, top + 6, 2.2, tailor.metal)
    canvas.line([(CENTER_X, top + 6), (CENTER_X, top + 15)], tailor.metal, width=1.8)


def _wrap(tailor: Tailor, frame: Frame, front: str) -> None:
    """One front laid over the other, from the end of the neckline down."""
    canvas = tailor.canvas
    start = frame.neck_y + frame.drop
    over = 17.0 if front == "double" else 5.0
    color = linear(tailor.look.word("button", "chocolate"))
    if front == "open":
        canvas.seam([(CENTER_X, start), (CENTER_X + 1, frame.hem_y + 3)], depth=0.6, width=2.2)
        canvas.seam([(CENTER_X - 6, start), (CENTER_X - 6, frame.hem_y + 3)], depth=0.2)
        count = max(3, round((frame.hem_y - start) / 36))
        tailor.buttons(CENTER_X - 3, start + 12, frame.hem_y - 22, count, color, radius=2.5)
        return
    edge = open_curve(
        [(CENTER_X + over, start + 4), (CENTER_X + over, frame.hem_y - 16), (CENTER_X + over - 7, frame.hem_y + 3)]
    )
    canvas.seam(edge, depth=0.5, width=2.0)
    count, last = (3, 66) if front == "double" else (2, 34)
    if tailor.look.number("length", 1.0) > 1.25:
        count, last = count + 1, last + 70
    rows = (CENTER_X - over + 3, CENTER_X + over - 5) if front == "double" else (CENTER_X,)
    for x in rows:
        tailor.buttons(x, start + 10, start + last, count, color, radius=3.3)


def _pockets(tailor: Tailor, frame: Frame) -> None:
    kind = tailor.look.word("pocket", "none")
    low = frame.neck_y + 168 + (10 if tailor.look.style.get("belt") else 0)
    if kind == "kangaroo":
        pouch: list[Node] = [(0, low - 8), (34, low - 8, 1), (50, low + 28, 1), (50, low + 52, 1), (0, low + 53)]
        tailor.canvas.cloth(placed(mirrored(pouch)), tailor.cloth.plain(), round_px=9, shadow=0.25)
        return
    for side in (1, -1):
        turned = flipped if side < 0 else list
        if kind == "chest" and side > 0:
            _patch(
                tailor,
                turned(
                    placed(
                        [
                            (19, frame.chest_y - 8, 1),
                            (49, frame.chest_y - 8, 1),
                            (49, frame.chest_y + 22, 1),
                            (34, frame.chest_y + 29, 1),
                            (19, frame.chest_y + 22, 1),
                        ]
                    )
                ),
            )
        elif kind == "flap":
            _patch(
                tailor,
                turned(
                    placed(
                        [
                            (19, frame.chest_y - 6, 1),
                            (51, frame.chest_y - 6, 1),
                            (51, frame.chest_y + 26, 1),
                            (35, frame.chest_y + 32, 1),
                            (19, frame.chest_y + 26, 1),
                        ]
                    )
                ),
            )
            _patch(
                tailor,
                turned(
                    placed(
                        [
                            (17, frame.chest_y - 10, 1),
                            (53, frame.chest_y - 10, 1),
                            (53, frame.chest_y, 1),
                            (35, frame.chest_y + 8, 1),
                            (17, frame.chest_y, 1),
                        ]
                    )
                ),
            )
            tailor.canvas.disc(CENTER_X + side * 35, frame.chest_y + 2, 2, tailor.metal)
        elif kind == "patch":
            _patch(tailor, turned(placed([(20, low, 1), (54, low, 1), (55, low + 44, 1), (19, low + 44, 1)])))
        elif kind == "welt":
            _patch(tailor, turned(placed([(24, low + 6, 1), (56, low + 1, 1), (57, low + 12, 1), (24, low + 16, 1)])))
        elif kind == "slit":
            tailor.canvas.seam(turned(placed([(40, low - 12), (54, low + 30)])), depth=0.55, width=2.0)


def _patch(tailor: Tailor, path: list[Node]) -> None:
    tailor.canvas.cloth(path, tailor.cloth, round_px=6, shadow=0.3)
    ends = [(node[0], node[1], 1) for node in [*path[1:], path[0]]]
    middle = np.mean([node[:2] for node in path], axis=0)
    inner: list[Node] = [(x + (middle[0] - x) * 0.09, y + (middle[1] - y) * 0.09, 1) for x, y, _ in ends]
    tailor.canvas.stitches(inner, tailor.thread, opacity=0.45)


def _yoke(tailor: Tailor, frame: Frame) -> None:
    """The seams of a denim jacket: a yoke and two lines down to the hem."""
    y = frame.chest_y - 16
    for line in ([(-frame.shoulder + 8, y), (0, y + 4), (frame.shoulder - 8, y)],):
        tailor.canvas.seam(placed(line), depth=0.35)
        tailor.canvas.stitches(placed([(x, v + 3) for x, v in line]), tailor.second, opacity=0.7)
    for side in (1, -1):
        seam = placed([(side * 24, y + 2), (side * 14, frame.hem_y - 14)])
        tailor.canvas.seam(seam, depth=0.3)
        tailor.canvas.stitches([(x + side * 3, v) for x, v, *_ in seam], tailor.second, opacity=0.7)


def _belt(tailor: Tailor, frame: Frame) -> None:
    y = frame.neck_y + 124
    w = frame.waist + 2
    band: list[Node] = [(0, y), (w, y - 1, 1), (w, y + 13, 1), (0, y + 15)]
    tailor.canvas.cloth(placed(mirrored(band)), tailor.cloth.plain(), round_px=8, shadow=0.45)
    tail: list[Node] = [(6, y + 2, 1), (16, y + 3, 1), (24, y + 62, 1), (13, y + 66, 1)]
    tailor.canvas.cloth(placed(tail), tailor.cloth.plain(), round_px=6, shadow=0.35)
    buckle: list[Node] = [(-7, y - 3, 1), (10, y - 3, 1), (10, y + 18, 1), (-7, y + 18, 1)]
    tailor.canvas.line(
        placed([*buckle, buckle[0]]), tailor.metal if tailor.look.word("metal") else tailor.shade, width=2.6
    )


def draw_print(tailor: Tailor, y: float) -> None:
    """Prints a picture on the chest: sun over waves, mountains, rings, bolt or blocks."""
    canvas, rng = tailor.canvas, tailor.rng
    colors = [linear(name) for name in tailor.look.accents] or [linear("white")]
    first, last = colors[0], colors[-1]
    flat = [Cloth(color, "jersey", None, 0.0) for color in colors]
    match int(rng.integers(5)):
        case 0:
            canvas.disc(CENTER_X, y + 20, 25, first)
            for row in range(4):
                wave = [(CENTER_X - 36 + 9 * i, y + 34 + 9 * row + (4 if i % 2 else -2)) for i in range(9)]
                canvas.line(
                    open_curve(wave), last if luminance(last) != luminance(first) else tailor.cloth.color, width=3.4
                )
        case 1:
            canvas.disc(CENTER_X + 18, y + 2, 11, last)
            ridge: list[Node] = [(-40, 60, 1), (-16, 14, 1), (-2, 36, 1), (12, 22, 1), (40, 60, 1)]
            canvas.cloth(placed(ridge, dy=y), flat[0], round_px=4, shadow=0, main=False)
        case 2:
            for radius, color in ((34, first), (25, tailor.cloth.color), (17, last), (8, tailor.cloth.color)):
                canvas.disc(CENTER_X, y + 30, radius, color)
        case 3:
            bolt: list[Node] = [(8, -6, 1), (-24, 40, 1), (-3, 38, 1), (-12, 76, 1), (24, 26, 1), (4, 28, 1)]
            canvas.cloth(placed(bolt, dy=y), flat[0], round_px=4, shadow=0, main=False)
        case _:
            for index in range(4):
                top = y + 18 * index
                block: list[Node] = [
                    (-40, top, 1),
                    (40 - 14 * index, top, 1),
                    (34 - 14 * index, top + 12, 1),
                    (-40, top + 12, 1),
                ]
                canvas.cloth(placed(block), flat[index % len(flat)], round_px=3, shadow=0, main=False)
