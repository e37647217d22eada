"""From an outfit's probabilities to garments: connected parts, named, scored, in the pixels of the picture."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.geometry import Roi
from vision_svc.garments.outline import outlines
from vision_svc.garments.parse_labels import LABELS
from vision_svc.garments.parse_outfit import GROUPS, Group, Outfit
from vision_svc.garments.parse_score import score_of
from vision_svc.garments.types import ParsedGarment
from vision_svc.people.types import BoolMask, FloatArray, Person

# Parts of one garment: those that are smaller than this share of its largest are specks. Sleeves and hems that a bag or
# a hand cuts off belong to it; the two shoes are one pair. Only bags and hats are counted one by one.
_SPECK = 0.04
_SEPARATE = frozenset({"bag", "headwear"})
_SEPARATE_FROM = 0.3
# Fewer cells of the map than this are noise.
_LEAST_CELLS = {"shoes": 10, "belt": 8, "headwear": 14, "scarf": 20, "accessory": 12, "bag": 25}
_LEAST_CELLS_OTHERWISE = 45
# What is less sure than this is nearly always wrong.
_LEAST_SCORE = 0.25


@dataclass(frozen=True)
class Part:
    """A garment on the network's map: its group, its cells, bool `(h, w)`, and how far each is ahead of all else."""

    group: Group
    cells: BoolMask
    lead: FloatArray


def pieces(outfit: Outfit, person: Person, roi: Roi, size: tuple[int, int]) -> list[ParsedGarment]:
    """Cuts the garments of one person out.

    Args:
        outfit: What the network says, in line.
        person: The person, in pixels of the picture.
        roi: The region of the picture that the map covers.
        size: Height and width of the picture.

    Returns:
        The garments, top to bottom.
    """
    found = (_garment(outfit, part, person, roi, size) for part in parts(outfit))
    sure = (garment for garment in found if garment and garment.score >= _LEAST_SCORE)
    return sorted(sure, key=lambda garment: garment.box_xyxy[1])


def parts(outfit: Outfit) -> Iterator[Part]:
    """Yields the garments on the map: where a group leads, in connected parts."""
    best_two = np.partition(outfit.groups, len(GROUPS) - 2, axis=0)[-2:]
    for index, group in enumerate(GROUPS):
        if group.bucket is None:
            continue
        own = outfit.groups[index]
        lead = own - np.where(own >= best_two[1], best_two[0], best_two[1])
        for cells in _connected(lead > 0, group.name):
            yield Part(group, cells, lead)


def _connected(cells: BoolMask, name: str) -> list[BoolMask]:
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    least = _LEAST_CELLS.get(name, _LEAST_CELLS_OTHERWISE)
    if count <= 1 or areas.sum() < least:
        return []
    kept = [number + 1 for number in np.argsort(-areas, kind="stable") if areas[number] >= _SPECK * areas.max()]
    if name not in _SEPARATE:
        return [np.isin(numbers, kept)]
    alone = [one for one in kept if areas[one - 1] >= max(_SEPARATE_FROM * areas.max(), least)]
    rest = [one for one in kept if one not in alone]
    return [np.isin(numbers, [one, *rest] if one == kept[0] else [one]) for one in alone]


def _garment(outfit: Outfit, part: Part, person: Person, roi: Roi, size: tuple[int, int]) -> ParsedGarment | None:
    """Brings a part into the picture; None where nothing of it lies inside."""
    box = _extent(part.cells, roi, size)
    mask = _enlarge(part, roi, box)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size or part.group.bucket is None:
        return None
    cut = np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    left, top = box[0] + int(columns[0]), box[1] + int(rows[0])
    category = _category(outfit, part)
    coverage = min(1.0, float(cut.sum()) / max(float(person.mask.sum()), 1.0))
    return ParsedGarment(
        part.group.bucket, category, score_of(outfit, part.group.name, part.cells) * person.score,
        (left, top, left + cut.shape[1], top + cut.shape[0]), cut, outlines(cut, (left, top)), coverage,
    )  # fmt: skip


def _extent(cells: BoolMask, roi: Roi, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns the box of the picture around some cells with one cell of room, `(x0, y0, x1, y1)`, inside of it."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    corners = np.array([[columns[0] - 1, rows[0] - 1], [columns[-1] + 2, rows[-1] + 2]], np.float32)
    places = roi.to_image((corners / cells.shape[::-1]).astype(np.float32))
    (x0, y0), (x1, y1) = np.floor(places[0]).astype(int), np.ceil(places[1]).astype(int)
    left, top = min(max(0, int(x0)), size[1] - 1), min(max(0, int(y0)), size[0] - 1)
    return left, top, max(left + 1, min(size[1], int(x1))), max(top + 1, min(size[0], int(y1)))


def _enlarge(part: Part, roi: Roi, box: tuple[int, int, int, int]) -> BoolMask:
    """Scales the lead of a part into a box of the picture: its mask there, with edges finer than the cells."""
    near = cv2.dilate(part.cells.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    lead = np.where(near, part.lead, np.float32(-1))
    rows, columns = lead.shape
    to_map: npt.NDArray[np.float64] = roi.matrix(columns, rows)
    to_map[:, 2] += to_map[:, :2] @ (box[0], box[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = box[2] - box[0], box[3] - box[1]
    mask: BoolMask = cv2.warpAffine(lead, to_map, size, flags=flags, borderMode=cv2.BORDER_REPLICATE) > 0
    return mask


def _category(outfit: Outfit, part: Part) -> str:
    """Names a garment by the label that most of its cells have; finer names are the encoder's (`garments.refine`)."""
    sums = {label: float(outfit.labels[LABELS.index(label)][part.cells].sum()) for label in part.group.labels}
    return max(sums, key=lambda label: sums[label])
