"""One-piece garments: a bodice with a skirt or with legs.

Choices (`Look.style`): those of uppers and of skirts or trousers; `bodice` (as `front` of uppers), `sash`.
"""

from __future__ import annotations

from dataclasses import replace

from retrieval_svc.catalog.demo.lowers import draw_legs
from retrieval_svc.catalog.demo.shapes import Node, mirrored, placed
from retrieval_svc.catalog.demo.skirts import draw_panel
from retrieval_svc.catalog.demo.tailor import Tailor
from retrieval_svc.catalog.demo.uppers import draw_upper, frame_of


def draw_dress(tailor: Tailor) -> None:
    """Draws a dress: a bodice that ends at the waist, and a skirt sewn to it."""
    look = tailor.look
    bodice = {
        **look.style,
        "length": 0.46,
        "waist": 0.86,
        "flare": 0.8,
        "hem": "straight",
        "front": look.word("bodice", "closed"),
    }
    upper = Tailor(tailor.canvas, replace(look, style={**bodice, "length": 0.5}))
    frame = frame_of(upper)
    skirt = Tailor(tailor.canvas, replace(look, style={**look.style, "length": look.number("length", 0.7) * 0.9}))
    draw_panel(skirt, frame.hem + 1, frame.hem_y - 8)
    draw_upper(upper)
    tailor.canvas.seam(
        placed([(-frame.hem, frame.hem_y - 3), (0, frame.hem_y + 1), (frame.hem, frame.hem_y - 3)]), depth=0.35
    )
    if look.word("sash"):
        y, w = frame.hem_y - 9, frame.hem + 2
        sash: list[Node] = [(0, y), (w, y - 3, 1), (w + 1, y + 11, 1), (0, y + 14)]
        tailor.canvas.cloth(
            placed(mirrored(sash)), tailor.trim(tailor.second, "woven"), round_px=8, shadow=0.35, main=False
        )


def draw_jumpsuit(tailor: Tailor) -> None:
    """Draws a jumpsuit: a bodice and trousers in one."""
    look = tailor.look
    upper = Tailor(
        tailor.canvas,
        replace(look, style={**look.style, "length": 0.5, "waist": 0.88, "flare": 0.84, "hem": "straight"}),
    )
    frame = frame_of(upper)
    draw_legs(tailor, waist=frame.hem, waist_y=frame.hem_y - 6)
    draw_upper(upper)
    y, w = frame.hem_y - 10, frame.hem + 2
    band: list[Node] = [(0, y), (w, y - 3, 1), (w + 1, y + 12, 1), (0, y + 15)]
    tailor.canvas.cloth(placed(mirrored(band)), tailor.cloth, round_px=8, shadow=0.3)
