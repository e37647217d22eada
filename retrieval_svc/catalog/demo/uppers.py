"""Everything for the upper body, from a tank top to a trench coat: one cut with many choices.

Choices (`Look.style`): `length`, `sleeve` (none, short, elbow, long), `neck` (crew, vee, scoop, shirt, polo, turtle,
hood, lapel, stand, strap, cami), `front` (closed, buttons, polo, zip, open, single, double), `hem` (straight, curved,
rib), `pocket` (none, chest, flap, patch, welt, slit, kangaroo), `cuff` (plain, rib, shirt), `belt`, `quilted`, `yoke`,
`waist`, `flare`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrieval_svc.catalog.demo.collars import draw_back, draw_neck
from retrieval_svc.catalog.demo.fronts import draw_front
from retrieval_svc.catalog.demo.region import Fold
from retrieval_svc.catalog.demo.shapes import CENTER_X, Node, Points, flipped, mirrored, open_curve, placed
from retrieval_svc.catalog.demo.tailor import Tailor

_SLEEVE_END = {"short": 0.36, "elbow": 0.55, "long": 1.0}


@dataclass(frozen=True, slots=True)
class Frame:
    """The measures of an upper garment, in pixels relative to the middle of the body (x) and the picture (y).

    Attributes:
        neck: Half width of the neckline.
        neck_y: Where the neck meets the shoulder.
        shoulder: Half width of the shoulders.
        shoulder_y: Where they end.
        chest: Half width below the arms.
        chest_y: Where the arms begin.
        waist: Half width at the waist.
        hem: Half width at the hem.
        hem_y: Where it ends.
        drop: Depth of the neckline at the front.
    """

    neck: float
    neck_y: float
    shoulder: float
    shoulder_y: float
    chest: float
    chest_y: float
    waist: float
    hem: float
    hem_y: float
    drop: float


def frame_of(tailor: Tailor) -> Frame:
    """Measures a garment from its look."""
    look = tailor.look
    wide = look.width
    length = look.number("length", 1.0)
    top = 66.0 if length < 1.25 else 46.0
    bare = look.word("neck") in {"strap", "cami"}
    drops = {"vee": 58.0, "scoop": 34.0, "lapel": 110.0, "strap": 44.0, "cami": 58.0, "crew": 15.0}
    chest = 64 * (0.62 + 0.38 * wide)
    return Frame(
        neck=32.0 if bare or look.word("neck") == "scoop" else 25.0,
        neck_y=top,
        shoulder=51.0 if bare else 62 + 17 * wide + (-18 if look.word("sleeve") == "none" else 0),
        shoulder_y=top + (5 if bare else 18 + 3 * wide),
        chest=chest,
        chest_y=top + 84 + 8 * wide,
        waist=chest * look.number("waist", 0.96),
        hem=chest * look.number("flare", 1.03) + (3 if look.word("hem") == "curved" else 0),
        hem_y=top + 252 * length,
        drop=drops.get(look.word("neck"), 12.0),
    )


def draw_upper(tailor: Tailor) -> None:
    """Draws an upper garment."""
    frame = frame_of(tailor)
    draw_back(tailor, frame)
    if tailor.look.word("sleeve", "long") != "none":
        for side in (1, -1):
            _sleeve(tailor, frame, side)
    body = body_path(tailor, frame)
    tailor.canvas.cloth(body, tailor.cloth, folds=_body_folds(tailor, frame), round_px=30, shadow=0.28)
    _armholes(tailor, frame)
    _hem(tailor, frame)
    draw_front(tailor, frame)
    draw_neck(tailor, frame)


def body_path(tailor: Tailor, frame: Frame) -> list[Node]:
    """Returns the outline of the body without sleeves."""
    look = tailor.look
    bow = {"curved": 13.0, "rib": 1.0}.get(look.word("hem"), 4.0)
    neck: list[Node] = [(0.0, frame.neck_y + frame.drop)]
    if look.word("neck") in {"vee", "lapel"}:
        neck = [(0.0, frame.neck_y + frame.drop, 1), (frame.neck * 0.62, frame.neck_y + frame.drop * 0.44)]
    elif look.word("neck") in {"crew", "scoop", "strap"}:
        neck.append((frame.neck * 0.72, frame.neck_y + frame.drop * 0.72))
    elif look.word("neck") == "cami":
        neck.append((frame.neck * 0.9, frame.neck_y + frame.drop * 0.93))
    else:
        neck = [(0.0, frame.neck_y + 7), (frame.neck * 0.7, frame.neck_y + 4)]
    top: list[Node] = [
        (frame.neck, frame.neck_y, 1),
        (frame.shoulder - 5, frame.shoulder_y - 2, 1),
        (frame.shoulder - 11, frame.shoulder_y + 32),
    ]
    if look.word("neck") == "cami":
        top = [(frame.neck + 8, frame.neck_y + frame.drop * 0.78, 1)]
    side: list[Node] = [
        (frame.chest, frame.chest_y, 1),
        (frame.waist, (frame.chest_y * 0.55 + frame.hem_y * 0.45)),
        (frame.hem, frame.hem_y - (10 if look.word("hem") == "curved" else 0), 1),
        (frame.hem * 0.5, frame.hem_y + bow * 0.6),
        (0.0, frame.hem_y + bow),
    ]
    return placed(mirrored([*neck, *top, *side]))


def _sleeve_edges(tailor: Tailor, frame: Frame) -> tuple[Points, Points, list[Node]]:
    """Outer and inner edge of the right sleeve and its outline, relative to the middle."""
    look = tailor.look
    share = _SLEEVE_END[look.word("sleeve", "long")]
    wide = 0.7 + 0.3 * look.width
    cuff = (25 if share < 1 else 13) * wide * (1.25 if share == 0.55 else 1.0)
    shoulder = np.array([frame.shoulder - 3, frame.shoulder_y - 1])
    wrist = np.array([frame.shoulder + 34 + 8 * look.width, frame.shoulder_y + 236])
    end = shoulder + (wrist - shoulder) * share + np.array([8 * (1 - share), 0])
    along = (wrist - shoulder) / np.hypot(*(wrist - shoulder))
    across = np.array([along[1], -along[0]])
    out, inn = end + across * cuff, end - across * cuff
    pit = np.array([frame.chest - 3, frame.chest_y + 2])
    swell = shoulder * 0.62 + out * 0.38 + across * (9 * wide if share == 1 else 5)
    bow = pit * 0.55 + inn * 0.45 + across * 3
    cap = shoulder * 0.78 + np.array([frame.neck, frame.neck_y]) * 0.22
    path: list[Node] = [
        (*cap, 1), (shoulder[0] - 2, shoulder[1], 1),
        (shoulder[0] + 5, shoulder[1] + 10), tuple(swell), (*out, 1), (*inn, 1), tuple(bow), (*pit, 1),
        (frame.shoulder - 22, frame.shoulder_y + 30),
    ]  # fmt: skip
    outer = open_curve([tuple(shoulder), tuple(swell), tuple(out)])
    inner = open_curve([tuple(pit), tuple(bow), tuple(inn)])
    return outer, inner, path


def _sleeve(tailor: Tailor, frame: Frame, side: int) -> None:
    look, canvas = tailor.look, tailor.canvas
    outer, inner, half = _sleeve_edges(tailor, frame)
    move = np.array([CENTER_X, 0], dtype=np.float32)
    mirror = np.array([side, 1], dtype=np.float32)
    outer, inner = outer * mirror + move, inner * mirror + move
    path = placed(half) if side > 0 else flipped(placed(half))
    share = _SLEEVE_END[look.word("sleeve", "long")]
    folds = tailor.creases(outer, inner, 0.5 if share == 1 else 0.75, 5 if share == 1 else 2)
    folds += tailor.drape(outer, inner, 3, height=1.4, width=4, start=0.1)
    if look.style.get("quilted"):
        folds = _quilting(outer, inner, 9)
    canvas.cloth(path, tailor.cloth, folds=folds, round_px=17, shadow=0.15, angle=-14.0 * side)
    cuff = look.word("cuff", "plain")
    if cuff == "rib":
        _band(tailor, outer, inner, 0.93 if share == 1 else 0.9)
    elif cuff == "shirt" and share == 1:
        _band(tailor, outer, inner, 0.91, shirt=True)
    else:
        edge = _across(outer, inner, 0.965 if share == 1 else 0.93)
        canvas.stitches(edge, tailor.thread)


def _band(tailor: Tailor, outer: Points, inner: Points, start: float, *, shirt: bool = False) -> None:
    """The end of a sleeve as a band of its own."""
    a, b = _at(outer, start), _at(inner, start)
    path: list[Node] = [(*a, 1), (*outer[-1], 1), (*inner[-1], 1), (*b, 1)]
    cloth = tailor.cloth if shirt else tailor.trim()
    tailor.canvas.cloth(path, cloth, round_px=8, shadow=0.22)
    if shirt:
        tailor.canvas.stitches(_across(outer, inner, start + 0.012), tailor.thread)
        spot = _at(outer, start + 0.05) * 0.62 + _at(inner, start + 0.05) * 0.38
        tailor.canvas.disc(float(spot[0]), float(spot[1]), 1.7, tailor.second if tailor.look.accents else tailor.shade)


def _at(edge: Points, share: float) -> Points:
    position = share * (len(edge) - 1)
    low = int(position)
    high = min(low + 1, len(edge) - 1)
    return np.asarray(edge[low] + (edge[high] - edge[low]) * (position - low), dtype=np.float32)


def _across(outer: Points, inner: Points, share: float) -> Points:
    return np.stack([_at(outer, share), _at(inner, share)])


def _body_folds(tailor: Tailor, frame: Frame) -> list[Fold]:
    look = tailor.look
    left = open_curve(placed([(-frame.chest + 6, frame.chest_y), (-frame.hem + 6, frame.hem_y)]))
    right = open_curve(placed([(frame.chest - 6, frame.chest_y), (frame.hem - 6, frame.hem_y)]))
    if look.style.get("quilted"):
        return _quilting(left, right, 9, top=frame.neck_y + 26)
    soft = {"leather": 0.7, "denim": 0.7, "wool": 0.7, "satin": 1.5}.get(look.weave, 1.0)
    folds = tailor.drape(left, right, 5, height=2.0 * soft, width=7, start=0.25)
    for side in (-1, 1):
        x = CENTER_X + side * (frame.chest - 8)
        folds.append(tailor.pull(x, frame.chest_y + 2, -side * 34, 30, height=2.2 * soft, width=5))
        folds.append(tailor.pull(x - side * 4, frame.chest_y - 16, -side * 26, 26, height=1.5 * soft, width=4))
        folds.append(tailor.pull(x, frame.hem_y - 60, -side * 40, 22, height=1.6 * soft, width=5))
    if look.style.get("belt"):
        y = frame.neck_y + 128
        folds += [tailor.pull(CENTER_X + x, y - 4, x * 0.1, -34, height=-2.0, width=4) for x in range(-44, 45, 15)]
        folds += [tailor.pull(CENTER_X + x, y + 12, x * 0.25, 52, height=2.2, width=5) for x in range(-50, 51, 14)]
    return folds


def _quilting(left: Points, right: Points, count: int, top: float | None = None) -> list[Fold]:
    """The sewn lines of a padded garment as valleys."""
    folds = []
    first = left[0, 1] if top is None else top
    for share in (np.arange(count) + 0.6) / count:
        if top is None:
            line = _across(left, right, float(share))
        else:
            y = float(first + share * (left[-1, 1] - first))
            line = np.array([[CENTER_X - 112, y], [CENTER_X, y + 3], [CENTER_X + 112, y]], dtype=np.float32)
        folds.append(Fold(line, -9.0, 2.0))
    return folds


def _armholes(tailor: Tailor, frame: Frame) -> None:
    if tailor.look.word("sleeve", "long") == "none":
        return
    for side in (1, -1):
        line = [
            (frame.shoulder - 6, frame.shoulder_y - 1),
            (frame.shoulder - 12, frame.shoulder_y + 32),
            (frame.chest - 1, frame.chest_y),
        ]
        seam = placed(line) if side > 0 else flipped(placed(line))
        tailor.canvas.seam(seam, depth=0.3)


def _hem(tailor: Tailor, frame: Frame) -> None:
    look, canvas = tailor.look, tailor.canvas
    if look.word("hem") == "rib":
        y, w = frame.hem_y, frame.hem
        band: list[Node] = [(0, y - 15), (w * 0.6, y - 15.5), (w + 0.5, y - 16, 1), (w - 4, y + 1, 1), (0, y + 2)]
        canvas.cloth(placed(mirrored(band)), tailor.trim(), round_px=8, shadow=0.12)
        return
    bow = 13 if look.word("hem") == "curved" else 4
    lift = 10 if look.word("hem") == "curved" else 0
    line = [
        (-frame.hem + 2, frame.hem_y - 7 - lift),
        (0, frame.hem_y + bow - 7),
        (frame.hem - 2, frame.hem_y - 7 - lift),
    ]
    canvas.stitches(placed(line), tailor.thread)
