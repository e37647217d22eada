"""Shoes: a pair from the side, the far one behind the near one.

Choices (`Look.style`): `type` (sneaker, runner, oxford, loafer, chelsea, lace_boot, tall_boot, heel, sandal,
ballerina), `sole` and `lace` (colours).
"""

from __future__ import annotations

from collections.abc import Callable

from retrieval_svc.catalog.demo.boots import draw_chelsea, draw_lace_boot, draw_tall_boot
from retrieval_svc.catalog.demo.shapes import Node, open_curve
from retrieval_svc.catalog.demo.shoemaker import Place, base, lacing, opening, placer, sole_cloth
from retrieval_svc.catalog.demo.tailor import Tailor


def draw_shoe(tailor: Tailor) -> None:
    """Draws a pair of shoes, toes to the left."""
    drawings: dict[str, Callable[[Tailor, Place], None]] = {
        "sneaker": _sneaker, "runner": _runner, "oxford": _oxford, "loafer": _loafer, "chelsea": draw_chelsea,
        "lace_boot": draw_lace_boot,
        "tall_boot": draw_tall_boot, "heel": _heel, "sandal": _sandal, "ballerina": _ballerina,
    }  # fmt: skip
    kind = tailor.look.word("type", "sneaker")
    step = (46, -46) if kind not in {"tall_boot", "lace_boot", "chelsea"} else (40, -22)
    for dx, dy in (step, (0, 0)):
        drawings[kind](tailor, placer(dx, dy))


def _sneaker(tailor: Tailor, at: Place) -> None:
    sole: list[Node] = [
        (42, 242, 1),
        (40, 262),
        (56, 270),
        (160, 271),
        (236, 270),
        (248, 258),
        (246, 238, 1),
        (150, 250),
    ]
    upper: list[Node] = [
        (44, 246, 1), (46, 226), (66, 213), (98, 206), (130, 186), (152, 168, 1), (170, 160), (206, 176),
        (232, 162, 1), (244, 176), (247, 244, 1), (150, 251),
    ]  # fmt: skip
    base(tailor, at, upper, sole, "white")
    opening(tailor, at, [(156, 167, 1), (180, 160), (230, 163, 1), (206, 178)])
    cap: list[Node] = [(44, 246, 1), (46, 227), (66, 213), (84, 210, 1), (90, 230), (86, 249, 1)]
    tailor.canvas.cloth(
        at(cap), tailor.trim(tailor.second, "leather"), round_px=12, shadow=0.12, main=not tailor.look.accents
    )
    heel: list[Node] = [(222, 168, 1), (234, 162, 1), (245, 178), (247, 244, 1), (222, 247, 1), (216, 206)]
    tailor.canvas.cloth(
        at(heel), tailor.trim(tailor.second, "leather"), round_px=10, shadow=0.15, main=not tailor.look.accents
    )
    tailor.canvas.stitches(open_curve(at([(150, 172), (146, 214), (112, 240)])), tailor.thread)
    lacing(tailor, at, (106, 207), (150, 174), 5)
    tailor.canvas.line(open_curve(at([(44, 256), (150, 260), (247, 252)])), tailor.shade, width=1.0, opacity=0.5)


def _runner(tailor: Tailor, at: Place) -> None:
    sole: list[Node] = [
        (34, 246, 1),
        (38, 262),
        (70, 270),
        (150, 268),
        (226, 274),
        (258, 266),
        (262, 240, 1),
        (200, 236),
        (120, 248),
    ]
    upper: list[Node] = [
        (36, 248, 1), (44, 228), (74, 214), (112, 202), (144, 178, 1), (164, 168), (200, 180), (230, 158, 1),
        (250, 178), (258, 242, 1), (200, 240), (120, 250),
    ]  # fmt: skip
    base(tailor, at, upper, sole, "white")
    opening(tailor, at, [(148, 177, 1), (176, 168), (228, 160, 1), (202, 182)])
    for i in range(3):
        stripe: list[Node] = [
            (134 + 20 * i, 240, 1),
            (152 + 18 * i, 196, 1),
            (162 + 18 * i, 196, 1),
            (148 + 20 * i, 240, 1),
        ]
        tailor.canvas.cloth(at(stripe), tailor.trim(tailor.second, "leather"), round_px=4, shadow=0.1, main=False)
    lacing(tailor, at, (102, 206), (144, 180), 5)
    tailor.canvas.seam(open_curve(at([(42, 236), (90, 226), (118, 244)])), depth=0.3)


def _oxford(tailor: Tailor, at: Place) -> None:
    sole: list[Node] = [
        (34, 250, 1),
        (60, 256),
        (150, 254),
        (192, 252, 1),
        (193, 268, 1),
        (248, 268, 1),
        (250, 244, 1),
        (140, 250),
    ]
    upper: list[Node] = [
        (34, 250, 1), (40, 236), (70, 222), (112, 210), (146, 186, 1), (164, 180), (206, 190), (238, 176, 1),
        (250, 196), (250, 248, 1), (140, 254),
    ]  # fmt: skip
    base(tailor, at, upper, sole, "chocolate")
    opening(tailor, at, [(152, 185, 1), (178, 178), (236, 178, 1), (206, 193)])
    tailor.canvas.seam(open_curve(at([(84, 218), (92, 236), (84, 252)])), depth=0.5)
    tailor.canvas.stitches(open_curve(at([(88, 218), (96, 236), (88, 252)])), tailor.thread)
    tailor.canvas.seam(open_curve(at([(150, 192), (146, 226), (118, 250)])), depth=0.4)
    lacing(tailor, at, (120, 208), (146, 190), 4)


def _loafer(tailor: Tailor, at: Place) -> None:
    sole: list[Node] = [(38, 250, 1), (70, 256), (186, 254, 1), (188, 266, 1), (246, 266, 1), (248, 246, 1), (140, 250)]
    upper: list[Node] = [
        (38, 250, 1), (42, 234), (70, 222), (110, 214), (134, 200, 1), (150, 214), (190, 220), (234, 192, 1),
        (246, 204), (248, 250, 1), (140, 254),
    ]  # fmt: skip
    base(tailor, at, upper, sole, "chocolate")
    opening(tailor, at, [(136, 202, 1), (170, 196), (232, 194, 1), (190, 221), (152, 216)])
    strap: list[Node] = [(98, 218, 1), (128, 206, 1), (142, 232), (136, 252, 1), (112, 252, 1), (110, 232)]
    tailor.canvas.cloth(at(list(strap)), tailor.cloth, round_px=8, shadow=0.35)
    tailor.canvas.line(
        open_curve(at([(110, 222), (122, 226), (130, 216)])),
        tailor.metal if tailor.look.word("metal") else tailor.shade,
        width=2.6,
    )
    tailor.canvas.seam(open_curve(at([(46, 236), (76, 230), (104, 240)])), depth=0.45)


def _heel(tailor: Tailor, at: Place) -> None:
    spike: list[Node] = [(212, 226, 1), (240, 216, 1), (226, 250), (222, 284, 1), (212, 284, 1), (212, 252)]
    sole: list[Node] = [(40, 276, 1), (70, 285), (112, 280), (160, 258), (214, 236, 1), (180, 246), (120, 270)]
    upper: list[Node] = [
        (38, 276, 1), (46, 262), (78, 258), (98, 246, 1), (116, 256), (150, 246), (196, 220), (226, 190, 1),
        (242, 204), (240, 222), (214, 238, 1), (160, 258), (110, 280),
    ]  # fmt: skip
    tailor.canvas.cloth(at(spike), tailor.cloth, round_px=9, shadow=0.2)
    tailor.canvas.cloth(at(sole), sole_cloth(tailor, "tan"), round_px=6, shadow=0.2, main=False)
    opening(tailor, at, [(100, 247, 1), (150, 226), (226, 191, 1), (198, 224), (150, 248), (116, 258)])
    tailor.canvas.cloth(at(upper), tailor.cloth, round_px=16, shadow=0.15)


_STRAPS: tuple[tuple[Node, ...], ...] = (
    ((62, 244, 1), (74, 212), (104, 206, 1), (118, 214), (92, 224), (86, 246, 1)),
    ((110, 248, 1), (120, 216), (148, 204, 1), (162, 210), (140, 222), (134, 248, 1)),
    (
        (196, 240, 1), (186, 190), (222, 176), (246, 196), (246, 236, 1), (234, 236, 1), (234, 200), (214, 190),
        (202, 200), (208, 240, 1),
    ),
)  # fmt: skip


def _sandal(tailor: Tailor, at: Place) -> None:
    bed: list[Node] = [(36, 250, 1), (44, 240), (140, 246), (246, 232, 1), (248, 246, 1), (150, 262), (60, 262)]
    tailor.canvas.cloth(at(bed), sole_cloth(tailor, "tan"), round_px=10, shadow=0.2, main=False)
    for strap in _STRAPS:
        tailor.canvas.cloth(at(list(strap)), tailor.cloth, round_px=8, shadow=0.35)
    buckle = at([(190, 204)])[0]
    tailor.canvas.disc(buckle[0], buckle[1], 3.6, tailor.metal)


def _ballerina(tailor: Tailor, at: Place) -> None:
    sole: list[Node] = [(38, 254, 1), (60, 264), (150, 263), (240, 262), (248, 250, 1), (140, 256)]
    upper: list[Node] = [
        (38, 256, 1), (44, 240), (70, 232), (92, 226, 1), (118, 240), (180, 240), (232, 208, 1), (246, 218),
        (248, 254, 1), (140, 259),
    ]  # fmt: skip
    base(tailor, at, upper, sole, "taupe", round_px=18)
    opening(tailor, at, [(94, 228, 1), (150, 216), (231, 209, 1), (182, 241), (120, 242)])
    for side in (-1, 1):
        bow: list[Node] = [(88, 228, 1), (88 + side * 14, 220), (88 + side * 15, 234), (88, 230, 1)]
        tailor.canvas.cloth(
            at(bow), tailor.trim(tailor.second, "satin"), round_px=5, shadow=0.3, main=not tailor.look.accents
        )
