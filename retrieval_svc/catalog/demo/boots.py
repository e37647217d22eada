"""Boots, from the side."""

from __future__ import annotations

import numpy as np

from retrieval_svc.catalog.demo.region import Fold
from retrieval_svc.catalog.demo.shapes import Node, open_curve
from retrieval_svc.catalog.demo.shoemaker import Place, base, lacing, opening, sole_cloth
from retrieval_svc.catalog.demo.tailor import Tailor


def _boot(tailor: Tailor, at: Place, top: float, *, sole: str = "black", heel: float = 16) -> None:
    ground: list[Node] = [
        (40, 292, 1),
        (44, 304),
        (176, 304, 1),
        (178, 304 + heel - 8, 1),
        (232, 304 + heel - 8, 1),
        (234, 288, 1),
        (140, 296),
    ]
    upper: list[Node] = [
        (40, 294, 1), (44, 274), (78, 258), (116, 248), (140, 222), (146, top + 30), (144, top, 1),
        (226, top - 4, 1), (228, top + 60), (234, 292, 1), (140, 299),
    ]  # fmt: skip
    base(tailor, at, upper, ground, sole, round_px=30)
    opening(tailor, at, [(144, top, 1), (184, top - 9), (226, top - 4, 1), (184, top + 6)])


def draw_chelsea(tailor: Tailor, at: Place) -> None:
    """Draws an ankle boot with elastic sides."""
    _boot(tailor, at, 150)
    gusset: list[Node] = [(172, 156, 1), (206, 155, 1), (202, 200), (190, 236, 1), (176, 200)]
    tailor.canvas.cloth(at(gusset), tailor.trim(tailor.shade), round_px=10, shadow=0.1, main=False)
    tab: list[Node] = [(216, 138, 1), (227, 137, 1), (228, 160, 1), (219, 160, 1)]
    tailor.canvas.cloth(at(tab), tailor.cloth, round_px=5, shadow=0.3)


def draw_lace_boot(tailor: Tailor, at: Place) -> None:
    """Draws a boot with laces."""
    _boot(tailor, at, 130, sole=tailor.look.word("sole", "black"))
    tailor.canvas.seam(open_curve(at([(158, 134), (160, 220), (128, 262), (124, 294)])), depth=0.4)
    tailor.canvas.stitches(open_curve(at([(163, 134), (165, 222), (133, 264), (129, 294)])), tailor.thread)
    lacing(tailor, at, (126, 240), (148, 142), 8)


def draw_tall_boot(tailor: Tailor, at: Place) -> None:
    """Draws a boot up to the knee."""
    folds = [tailor.pull(150, y, 70, 12, height=2.0, width=4) for y in (206, 224, 238)]
    sole: list[Node] = [(40, 350, 1), (44, 360), (174, 356, 1), (188, 380, 1), (222, 380, 1), (232, 344, 1), (140, 352)]
    upper: list[Node] = [
        (40, 352, 1), (46, 336), (82, 322), (120, 306), (142, 276), (146, 200), (138, 60, 1), (232, 56, 1),
        (226, 190), (228, 270), (234, 346, 1), (190, 356), (140, 356),
    ]  # fmt: skip
    tailor.canvas.cloth(at(sole), sole_cloth(tailor, "black"), round_px=9, shadow=0.2, main=False)
    dx, dy = at([(0.0, 0.0)])[0][:2]
    shifted = [Fold(fold.points + np.array([dx, dy], np.float32), fold.height, fold.width) for fold in folds]
    tailor.canvas.cloth(at(upper), tailor.cloth, folds=shifted, round_px=34, shadow=0.15)
    opening(tailor, at, [(138, 60, 1), (184, 50), (232, 56, 1), (184, 68)])
    tailor.canvas.seam(open_curve(at([(206, 62), (204, 220), (210, 340)])), depth=0.35)
