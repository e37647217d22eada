"""Bags, headwear, scarves and belts.

Choices (`Look.style`): bags `type` (tote, handbag, backpack, crossbody, clutch); headwear `type` (beanie, cap,
fedora, bucket) and `pompom`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrieval_svc.catalog.demo.fronts import draw_print
from retrieval_svc.catalog.demo.region import Fold
from retrieval_svc.catalog.demo.shapes import CENTER_X, Node, closed, flipped, mirrored, open_curve, placed
from retrieval_svc.catalog.demo.tailor import Tailor


def draw_bag(tailor: Tailor) -> None:
    """Draws a bag."""
    drawings: dict[str, Callable[[Tailor], None]] = {
        "tote": _tote, "handbag": _handbag, "backpack": _backpack, "crossbody": _crossbody, "clutch": _clutch,
    }  # fmt: skip
    drawings[tailor.look.word("type", "tote")](tailor)


def _handle(tailor: Tailor, path: list[Node], width: float, *, dim: float = 1.0) -> None:
    """A strap along a curve: two edges made into an outline."""
    course = open_curve(path)
    step = np.gradient(course, axis=0)
    across = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-3)[:, None]
    outline = np.vstack([course + across * width / 2, (course - across * width / 2)[::-1]])
    nodes: list[Node] = [(float(x), float(y), 1) for x, y in outline]
    tailor.canvas.cloth(nodes, tailor.cloth.plain(), round_px=width / 2, shadow=0.25, dim=dim)


def _tote(tailor: Tailor) -> None:
    arch: list[Node] = [(104, 150), (112, 78), (160, 50), (208, 78), (216, 150)]
    _handle(tailor, [(x, y - 9) for x, y, *_ in arch], 8, dim=0.7)
    body: list[Node] = [(0, 138), (92, 136, 1), (84, 330), (78, 352, 1), (0, 358)]
    folds = [tailor.pull(120 + 40 * i, 150, 4, 120, height=1.8, width=7) for i in range(3)]
    tailor.canvas.cloth(placed(mirrored(body)), tailor.cloth, folds=folds, round_px=24, shadow=0.2)
    _handle(tailor, arch, 8)
    tailor.canvas.stitches(open_curve(placed([(-90, 148), (0, 150), (90, 148)])), tailor.thread)
    for x in (104, 216):
        tailor.canvas.disc(x, 152, 2.2, tailor.metal)
    if tailor.look.pattern == "graphic":
        draw_print(tailor, 210)


def _handbag(tailor: Tailor) -> None:
    _handle(tailor, [(108, 168), (112, 92), (160, 66), (208, 92), (212, 168)], 9)
    body: list[Node] = [(0, 160), (96, 158, 1), (110, 300), (104, 330, 1), (0, 336)]
    tailor.canvas.cloth(placed(mirrored(body)), tailor.cloth, round_px=34, shadow=0.2)
    flap: list[Node] = [(0, 158), (98, 156, 1), (102, 214), (70, 246), (0, 252)]
    tailor.canvas.cloth(placed(mirrored(flap)), tailor.cloth, round_px=22, shadow=0.35)
    tailor.canvas.stitches(open_curve(placed([(-96, 206), (-66, 238), (0, 245), (66, 238), (96, 206)])), tailor.thread)
    lock: list[Node] = [(-10, 240, 1), (10, 240, 1), (10, 262, 1), (-10, 262, 1)]
    tailor.canvas.cloth(placed(lock), tailor.trim(tailor.metal, "leather"), round_px=6, shadow=0.4, main=False)
    for x in (108, 212):
        tailor.canvas.disc(x, 170, 4, tailor.metal)


def _backpack(tailor: Tailor) -> None:
    for side in (1, -1):
        strap: list[Node] = [(196, 110), (236, 170), (238, 270), (212, 330)]
        _handle(tailor, strap if side > 0 else flipped(strap), 15, dim=0.75)
    _handle(tailor, [(140, 74), (146, 52), (174, 52), (180, 74)], 8)
    body: list[Node] = [(0, 64), (52, 72), (76, 120), (82, 300), (74, 346), (0, 354)]
    tailor.canvas.cloth(placed(mirrored(body)), tailor.cloth, round_px=34, shadow=0.25)
    tailor.canvas.seam(open_curve(placed([(-68, 190), (-66, 120), (0, 98), (66, 120), (68, 190)])), depth=0.5, width=2)
    tailor.canvas.stitches(
        open_curve(placed([(-68, 190), (-66, 120), (0, 98), (66, 120), (68, 190)])), tailor.metal, opacity=0.9
    )
    pocket: list[Node] = [(0, 226), (58, 228, 1), (62, 310), (54, 334), (0, 338)]
    tailor.canvas.cloth(placed(mirrored(pocket)), tailor.cloth, round_px=18, shadow=0.35)
    tailor.canvas.stitches(open_curve(placed([(-54, 244), (0, 242), (54, 244)])), tailor.metal, opacity=0.9)
    tailor.canvas.disc(CENTER_X + 40, 250, 3, tailor.metal)


def _crossbody(tailor: Tailor) -> None:
    _handle(tailor, [(86, 226), (70, 110), (160, 38), (250, 110), (234, 226)], 5)
    body: list[Node] = [(0, 214), (78, 216, 1), (84, 290), (70, 322), (0, 328)]
    tailor.canvas.cloth(placed(mirrored(body)), tailor.cloth, round_px=26, shadow=0.25)
    flap: list[Node] = [(0, 212), (80, 214, 1), (80, 262), (40, 286), (0, 290)]
    tailor.canvas.cloth(placed(mirrored(flap)), tailor.cloth, round_px=18, shadow=0.35)
    tailor.canvas.disc(CENTER_X, 276, 6, tailor.metal)
    tailor.canvas.stitches(open_curve(placed([(-76, 256), (-38, 279), (0, 283), (38, 279), (76, 256)])), tailor.thread)


def _clutch(tailor: Tailor) -> None:
    body: list[Node] = [(0, 160), (118, 160, 1), (120, 268, 1), (0, 272)]
    tailor.canvas.cloth(placed(mirrored(body)), tailor.cloth, round_px=22, shadow=0.2)
    flap: list[Node] = [(0, 234, 1), (118, 162, 1), (116, 156, 1), (0, 156)]
    tailor.canvas.cloth(placed(mirrored(flap)), tailor.cloth, round_px=14, shadow=0.4)
    tailor.canvas.disc(CENTER_X, 226, 5, tailor.metal)


def draw_headwear(tailor: Tailor) -> None:
    """Draws a hat, a cap or a beanie."""
    {"beanie": _beanie, "cap": _cap, "fedora": _fedora, "bucket": _bucket}[tailor.look.word("type", "beanie")](tailor)


def _beanie(tailor: Tailor) -> None:
    if tailor.look.style.get("pompom"):
        ring = [
            (24 * (1 + 0.1 * (-1) ** i) * np.cos(i * 0.349), 24 * (1 + 0.1 * (-1) ** i) * np.sin(i * 0.349))
            for i in range(18)
        ]
        tailor.canvas.cloth(placed(ring, dy=96), tailor.trim(tailor.second, "wool"), round_px=22, shadow=0, main=False)
    crown: list[Node] = [(0, 108), (52, 118), (88, 172), (96, 260, 1), (0, 270)]
    left = open_curve(placed([(-6, 112), (-60, 150), (-94, 262)]))
    right = open_curve(placed([(6, 112), (60, 150), (94, 262)]))
    tailor.canvas.cloth(
        placed(mirrored(crown)),
        tailor.cloth,
        folds=tailor.drape(left, right, 7, height=2.4, width=4),
        round_px=44,
        shadow=0,
    )
    cuff: list[Node] = [(0, 238), (97, 230, 1), (102, 262), (98, 292, 1), (0, 302)]
    tailor.canvas.cloth(placed(mirrored(cuff)), tailor.trim(), round_px=20, shadow=0.35)


def _cap(tailor: Tailor) -> None:
    brim: list[Node] = [(60, 236, 1), (20, 254), (10, 276), (50, 290), (130, 276), (196, 262, 1), (150, 232)]
    crown: list[Node] = [
        (62, 240, 1),
        (70, 170),
        (124, 118),
        (190, 112),
        (246, 150),
        (266, 232),
        (258, 252, 1),
        (196, 262),
        (120, 248),
    ]
    tailor.canvas.cloth(crown, tailor.cloth, round_px=50, shadow=0)
    for seam in ([(176, 112), (150, 170), (140, 250)], [(180, 112), (222, 170), (228, 258)]):
        tailor.canvas.seam(open_curve(seam), depth=0.4)
    tailor.canvas.cloth(
        brim, tailor.trim(tailor.second, "canvas"), round_px=14, shadow=0.4, main=not tailor.look.accents
    )
    for i in range(3):
        tailor.canvas.stitches(
            open_curve([(22 + 6 * i, 268 - 3 * i), (60 + 3 * i, 282 - 6 * i), (186, 260 - 3 * i)]),
            tailor.thread,
            opacity=0.4,
        )
    tailor.canvas.disc(178, 112, 5, tailor.second if tailor.look.accents else tailor.cloth.color)
    if tailor.look.accents:
        tailor.canvas.disc(108, 200, 14, tailor.second)


def _fedora(tailor: Tailor) -> None:
    brim: list[Node] = [(0, 262), (84, 250), (140, 240), (136, 258), (84, 288), (0, 298)]
    tailor.canvas.cloth(placed(mirrored(brim)), tailor.cloth, round_px=18, shadow=0)
    crown: list[Node] = [(0, 142), (28, 132), (60, 138), (74, 180), (82, 262), (40, 274), (0, 276)]
    dent = Fold(open_curve(placed([(-26, 140), (0, 168), (26, 140)])), -6.0, 6.0)
    tailor.canvas.cloth(placed(mirrored(crown)), tailor.cloth, folds=[dent], round_px=34, shadow=0.4)
    band: list[Node] = [(0, 246), (78, 234, 1), (82, 258, 1), (0, 273)]
    tailor.canvas.cloth(
        placed(mirrored(band)), tailor.trim(tailor.second, "satin"), round_px=14, shadow=0.15, main=False
    )


def _bucket(tailor: Tailor) -> None:
    crown: list[Node] = [(0, 128), (60, 134), (74, 150, 1), (86, 220, 1), (0, 232)]
    tailor.canvas.cloth(placed(mirrored(crown)), tailor.cloth, round_px=34, shadow=0)
    brim: list[Node] = [(0, 226), (86, 212, 1), (132, 268, 1), (70, 292), (0, 298)]
    tailor.canvas.cloth(placed(mirrored(brim)), tailor.cloth, round_px=26, shadow=0.2)
    for i in range(4):
        row = [(-96 - 9 * i, 232 + 10 * i), (0, 246 + 12 * i), (96 + 9 * i, 232 + 10 * i)]
        tailor.canvas.stitches(open_curve(placed(row)), tailor.thread, opacity=0.4)


def draw_scarf(tailor: Tailor) -> None:
    """Draws a scarf laid in a loop, with fringes."""
    for x, bottom in ((186, 330), (138, 350)):
        end: list[Node] = [(x - 26, 150, 1), (x + 22, 150, 1), (x + 26, bottom, 1), (x - 24, bottom, 1)]
        left, right = open_curve([(x - 24, 160), (x - 22, bottom)]), open_curve([(x + 20, 160), (x + 24, bottom)])
        tailor.canvas.cloth(
            end,
            tailor.cloth,
            folds=tailor.drape(left, right, 4, height=2.6, width=4),
            round_px=18,
            shadow=0.35,
            angle=8,
        )
        for i in range(12):
            start = x - 22 + 4.1 * i
            tailor.canvas.line(
                [(start, bottom - 1), (start + tailor.rng.uniform(-2, 2), bottom + 18)],
                tailor.cloth.color * np.float32(0.85),
                width=1.5,
            )
    loop: list[Node] = [(160, 60), (232, 84), (246, 132), (206, 186), (160, 196), (112, 186), (76, 132), (88, 84)]
    folds = [
        Fold(closed(placed([((node[0] - 160) * s, (node[1] - 128) * s) for node in loop], dy=130)), 3.4, 4.0)
        for s in (0.82, 0.66)
    ]
    tailor.canvas.cloth(loop, tailor.cloth, folds=folds, round_px=26, shadow=0.35)
    hole: list[Node] = [(160, 92), (198, 104), (200, 124), (160, 136), (122, 124), (124, 104)]
    tailor.canvas.cloth(hole, tailor.cloth.plain(), round_px=16, shadow=0, dim=0.4, main=False)


def draw_belt(tailor: Tailor) -> None:
    """Draws a belt, rolled up, its buckle in front."""
    dark = tailor.cloth.plain()
    for radius, dim in ((1.0, 0.8), (0.86, 0.45), (0.8, 0.75), (0.66, 0.4)):
        ring = [
            (108 * radius * np.cos(a), 44 * radius * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)
        ]
        tailor.canvas.cloth(placed(ring, dy=188), dark, round_px=6, shadow=0, dim=dim, main=False)
    hole = [(66 * np.cos(a), 22 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)]
    tailor.canvas.cloth(placed(hole, dy=186), dark, round_px=6, shadow=0, dim=0.16, main=False)
    front: list[Node] = [
        (51, 194, 1),
        (84, 240),
        (160, 258),
        (236, 240),
        (269, 194, 1),
        (269, 166, 1),
        (236, 212),
        (160, 230),
        (84, 212),
        (51, 166, 1),
    ]
    tailor.canvas.cloth(front, tailor.cloth, round_px=16, shadow=0.35)
    for dy in (4.0, -4.0):
        edge = [
            (54, 180 + 3 * dy),
            (86, 226 + 2.4 * dy),
            (160, 244 + 2.4 * dy),
            (234, 226 + 2.4 * dy),
            (266, 180 + 3 * dy),
        ]
        tailor.canvas.stitches(open_curve(edge), tailor.thread)
    frame: list[Node] = [(134, 220, 1), (184, 219, 1), (184, 267, 1), (134, 268, 1), (134, 220, 1)]
    tailor.canvas.line(
        open_curve([(node[0] + 1, node[1] + 1.5, 1) for node in frame]),
        tailor.shade * np.float32(0.5),
        width=6,
        opacity=0.5,
    )
    tailor.canvas.line(open_curve(frame), tailor.metal, width=5.5)
    tailor.canvas.line([(136, 244), (180, 244)], tailor.metal, width=3.5)
    for i in range(3):
        tailor.canvas.disc(200 + 15 * i, 239 - 5 * i, 1.8, tailor.shade * np.float32(0.4))
