"""What all shoes share: soles, openings, laces, and where each of a pair stands."""

from __future__ import annotations

from collections.abc import Callable

from retrieval_svc.catalog.demo.cloth import Cloth
from retrieval_svc.catalog.demo.palette import linear
from retrieval_svc.catalog.demo.shapes import Node, open_curve
from retrieval_svc.catalog.demo.tailor import Tailor

Place = Callable[[list[Node]], list[Node]]


def placer(dx: float, dy: float) -> Place:
    """Returns what moves the outlines of a shoe to where it stands."""

    def place(path: list[Node]) -> list[Node]:
        return [(node[0] + dx, node[1] + dy, *node[2:]) for node in path]

    return place


def sole_cloth(tailor: Tailor, default: str) -> Cloth:
    """Returns the cloth of a sole: the colour that the look names, or `default`."""
    return Cloth(linear(tailor.look.word("sole", default)), "jersey", None, 0.2)


def base(
    tailor: Tailor, at: Place, upper: list[Node], sole: list[Node], default_sole: str, round_px: float = 24
) -> None:
    """Lays a sole and the upper on it."""
    tailor.canvas.cloth(at(sole), sole_cloth(tailor, default_sole), round_px=9, shadow=0.2, main=False)
    tailor.canvas.cloth(at(upper), tailor.cloth, round_px=round_px, shadow=0.1)


def opening(tailor: Tailor, at: Place, path: list[Node]) -> None:
    """Shows the inside where the foot goes in."""
    tailor.canvas.cloth(at(path), tailor.cloth.plain(), round_px=12, shadow=0, dim=0.42, main=False)


def lacing(tailor: Tailor, at: Place, start: tuple[float, float], end: tuple[float, float], count: int) -> None:
    """Laces across the tongue from the toe upward, with eyelets."""
    color = linear(tailor.look.word("lace", "white"))
    for i in range(count):
        share = i / max(1, count - 1)
        x, y = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        lace = open_curve(at([(x - 9, y - 4), (x, y - 5), (x + 8, y + 5)]))
        tailor.canvas.line(lace + 0.8, tailor.shade, width=2.6, opacity=0.6)
        tailor.canvas.line(lace, color, width=2.4)
        eye = at([(x + 9, y + 6)])[0]
        tailor.canvas.disc(eye[0], eye[1], 1.4, tailor.metal)
