"""Necklines and collars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval_svc.catalog.demo.cloth import Cloth
from retrieval_svc.catalog.demo.shapes import CENTER_X, Node, flipped, mirrored, placed
from retrieval_svc.catalog.demo.tailor import Tailor

if TYPE_CHECKING:  # uppers imports this module
    from retrieval_svc.catalog.demo.uppers import Frame


def draw_back(tailor: Tailor, frame: Frame) -> None:
    """Draws what is seen of the inside of the back, and a hood: they lie below everything else."""
    look, canvas = tailor.look, tailor.canvas
    neck = look.word("neck")
    inside = Cloth(tailor.cloth.color, tailor.cloth.weave, None, 0.0)
    if neck == "hood":
        hood: list[Node] = [
            (0, frame.neck_y - 44), (26, frame.neck_y - 38), (44, frame.neck_y - 6), (36, frame.neck_y + 24),
            (0, frame.neck_y + 34),
        ]  # fmt: skip
        canvas.cloth(placed(mirrored(hood)), tailor.cloth.plain(), round_px=22, shadow=0)
    if neck == "cami":
        return
    w, y = frame.neck, frame.neck_y
    depth = max(14.0, frame.drop + 4)
    lift = 9 if neck in {"lapel", "shirt", "polo"} else 0
    back: list[Node] = [
        (0, y + 1 - lift),
        (w * 0.6, y - 1 - lift),
        (w + 1, y - 2, 1),
        (w * 0.75, y + depth * 0.6),
        (0, y + depth),
    ]
    canvas.cloth(placed(mirrored(back)), inside, round_px=30, shadow=0, main=False, dim=0.58)


def draw_neck(tailor: Tailor, frame: Frame) -> None:
    """Draws the neckline over the body."""
    drawings = {
        "crew": _round, "scoop": _round, "vee": _vee, "shirt": _shirt, "polo": _shirt, "turtle": _turtle,
        "hood": _hood,
        "lapel": _lapel, "stand": _stand, "strap": _round, "cami": _straps,
    }  # fmt: skip
    drawings[tailor.look.word("neck", "crew")](tailor, frame)


def _round(tailor: Tailor, frame: Frame) -> None:
    w, y, d = frame.neck, frame.neck_y, frame.drop
    thick = 7.0 if tailor.look.weave in {"knit", "cable", "jersey", "rib"} else 3.5
    ring: list[Node] = [
        (0, y + d), (w * 0.72, y + d * 0.72), (w, y, 1), (w + thick * 0.7, y + 1.5, 1),
        (w * 0.85, y + d * 0.8 + thick), (0, y + d + thick),
    ]  # fmt: skip
    cloth = tailor.trim(tailor.second if tailor.look.word("trim") else None)
    tailor.canvas.cloth(placed(mirrored(ring)), cloth, round_px=6, shadow=0.2, main=not tailor.look.word("trim"))


def _vee(tailor: Tailor, frame: Frame) -> None:
    w, y, d = frame.neck, frame.neck_y, frame.drop
    band: list[Node] = [
        (0, y + d, 1), (w * 0.62, y + d * 0.44), (w, y, 1), (w + 5, y + 2, 1), (w * 0.62 + 6, y + d * 0.48),
        (0, y + d + 9, 1),
    ]  # fmt: skip
    cloth = tailor.trim() if tailor.look.weave in {"knit", "cable"} else tailor.cloth.plain()
    tailor.canvas.cloth(placed(mirrored(band)), cloth, round_px=6, shadow=0.2)


def _shirt(tailor: Tailor, frame: Frame) -> None:
    """A turned-down collar: a stand and two pointed leaves."""
    w, y = frame.neck, frame.neck_y
    canvas = tailor.canvas
    cloth = tailor.trim(tailor.second, "woven") if tailor.look.word("trim") else tailor.cloth.plain()
    main = not tailor.look.word("trim")
    stand: list[Node] = [(0, y + 8), (w * 0.7, y + 3), (w - 2, y - 8, 1), (w * 0.6, y - 15), (0, y - 17)]
    canvas.cloth(placed(mirrored(stand)), cloth, round_px=10, shadow=0.1, dim=0.72, main=False)
    leaf: list[Node] = [
        (1.5, y + 9, 1),
        (w * 0.55, y - 4),
        (w - 1, y - 13, 1),
        (w + 6, y + 3, 1),
        (w * 0.95, y + 27, 1),
    ]
    for side in (1, -1):
        path = placed(leaf) if side > 0 else flipped(placed(leaf))
        canvas.cloth(path, cloth, round_px=8, shadow=0.35, angle=30.0 * side, main=main)
        edge: list[Node] = [(3, y + 11.5), (w * 0.92, y + 24, 1), (w + 3.5, y + 4)]
        canvas.stitches(placed(edge) if side > 0 else flipped(placed(edge)), tailor.thread, opacity=0.4)


def _turtle(tailor: Tailor, frame: Frame) -> None:
    w, y = frame.neck, frame.neck_y
    roll: list[Node] = [
        (0, y - 22),
        (w * 0.9, y - 21),
        (w + 1, y - 14, 1),
        (w + 4, y + 6, 1),
        (w * 0.6, y + 15),
        (0, y + 18),
    ]
    tailor.canvas.cloth(placed(mirrored(roll)), tailor.trim(), round_px=11, shadow=0.35)
    slit: list[Node] = [(0, y - 22), (w * 0.85, y - 20.5), (w * 0.5, y - 16), (0, y - 15)]
    tailor.canvas.cloth(placed(mirrored(slit)), tailor.trim(), round_px=4, shadow=0, dim=0.5, main=False)
    tailor.canvas.seam(placed([(-w - 3, y + 2), (0, y + 8), (w + 3, y + 2)]), depth=0.18)


def _hood(tailor: Tailor, frame: Frame) -> None:
    w, y = frame.neck, frame.neck_y
    canvas, cloth = tailor.canvas, tailor.cloth.plain()
    opening: list[Node] = [(0, y - 30), (17, y - 26), (27, y), (16, y + 26), (0, y + 36, 1)]
    canvas.cloth(placed(mirrored(opening)), cloth, round_px=18, shadow=0.1, dim=0.5, main=False)
    for side in (1, -1):
        fold: list[Node] = [
            (0, y + 46, 1), (20, y + 24), (27, y - 4), (17, y - 28), (30, y - 38), (45, y - 8),
            (w + 20, y + 14), (22, y + 44),
        ]  # fmt: skip
        canvas.cloth(placed(fold) if side > 0 else flipped(placed(fold)), cloth, round_px=12, shadow=0.3)
        cord = [(9, y + 34), (10, y + 60), (8 + 2 * side, y + 84)]
        canvas.line(placed(cord) if side > 0 else flipped(placed(cord)), tailor.second, width=1.8)
        canvas.disc(CENTER_X + side * 9, y + 32, 1.8, tailor.metal)


def _lapel(tailor: Tailor, frame: Frame) -> None:
    """A notched lapel: a collar that runs round the neck and two leaves that meet at the first button."""
    w, y, d = frame.neck, frame.neck_y, frame.drop
    canvas, cloth = tailor.canvas, tailor.cloth
    for side in (-1, 1):
        leaf: list[Node] = [
            (-2, y + d + 6, 1), (w * 0.5, y + d * 0.46), (w - 2, y + 8, 1), (w + 17, y + 26, 1),
            (w + 22, y + 40, 1), (w * 0.75, y + d * 0.72),
        ]  # fmt: skip
        collar: list[Node] = [
            (w - 6, y + 22, 1), (w - 7, y + 2), (w * 0.6, y - 13, 1), (w * 0.9, y - 14), (w + 8, y + 2),
            (w + 21, y + 22, 1), (w + 12, y + 29, 1),
        ]  # fmt: skip
        for path in (leaf, collar):
            outline = placed(path) if side > 0 else flipped(placed(path))
            canvas.cloth(outline, cloth, round_px=10, shadow=0.35, angle=24.0 * side)
    rear: list[Node] = [(0, y - 2), (w * 0.6, y - 7), (w * 0.72, y - 14, 1), (0, y - 17)]
    canvas.cloth(placed(mirrored(rear)), cloth.plain(), round_px=8, shadow=0.2, dim=0.85)


def _stand(tailor: Tailor, frame: Frame) -> None:
    w, y = frame.neck, frame.neck_y
    band: list[Node] = [
        (0, y + 14),
        (w * 0.7, y + 8),
        (w + 3, y + 3, 1),
        (w, y - 16, 1),
        (w * 0.6, y - 14),
        (0, y - 10),
    ]
    cloth = tailor.trim(weave="rib") if tailor.look.word("cuff") == "rib" else tailor.cloth.plain()
    tailor.canvas.cloth(placed(mirrored(band)), cloth, round_px=9, shadow=0.3)
    inner: list[Node] = [(0, y - 10), (w * 0.6, y - 14), (w - 1, y - 16, 1), (w * 0.5, y - 20), (0, y - 20)]
    tailor.canvas.cloth(placed(mirrored(inner)), tailor.cloth.plain(), round_px=8, shadow=0, dim=0.55, main=False)


def _straps(tailor: Tailor, frame: Frame) -> None:
    """Two thin straps over bare shoulders."""
    for side in (1, -1):
        x, y = frame.neck + 8, frame.neck_y + frame.drop * 0.78
        strap: list[Node] = [(x - 9, y - 64, 1), (x - 5, y - 64, 1), (x + 1, y + 3, 1), (x - 5, y + 5, 1)]
        path = placed(strap) if side > 0 else flipped(placed(strap))
        tailor.canvas.cloth(path, tailor.cloth.plain(), round_px=3, shadow=0.1)
