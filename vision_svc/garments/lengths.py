"""How long a garment is: its sleeves against the arms, its hem against the legs of the person who wears it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision_svc.garments.limbs import LimbMapper, Part
from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import FloatArray, Joint, Person

# Places where an arm is looked at: shares of the upper arm and of the forearm. The shoulder itself is left out, where
# straps are, and the wrist, where joints wander.
_UPPER_ARM, _FOREARM = (0.25, 0.4, 0.55, 0.7), (0.2, 0.4, 0.6, 0.8)
# Of the eight places of both arms so many must be seen, each counted at its visibility.
_LEAST_UPPER_ARM, _LEAST_FOREARM = 1.0, 0.5
_ARMS = (
    (Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST),
    (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
)
_LEGS = ((Joint.LEFT_KNEE, Joint.LEFT_ANKLE), (Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE))
_HIPS = (Joint.LEFT_HIP, Joint.RIGHT_HIP)
# Covered shares of the upper arm from which there is a sleeve, and of the forearm from which it is a long one: three
# quarter sleeves and sleeves that are rolled up below the elbow count as long.
_SLEEVE_FROM, _LONG_SLEEVE_FROM = 0.35, 0.3
# Hems as body heights (0 shoulders, 1 hips, 2 knees, 3 ankles; see `limbs.BodyMap`). The word ends at the number.
_TOPS = (("cropped", 0.9), ("regular", 1.35), ("long", np.inf))
_SKIRTS = (("mini", 1.8), ("knee", 2.3), ("midi", 2.85), ("maxi", np.inf))
_LEGWEAR = (("shorts", 2.15), ("cropped", 2.75), ("full", np.inf))
# So much height on either side of a limit makes as sure as it gets.
_SURE_MARGIN = 0.25
# The hem is where so much of the garment lies above; the rest is what noise drags down.
_HEM_SHARE = 0.96
_GRID_PX = 72
_NOT_ARMS = (Part.TORSO, Part.THIGH, Part.SHIN, Part.FOOT)
_LEG_CATEGORIES = frozenset({"jumpsuit"})
# Trousers that go down into boots, and tops into a waistband, are longer than they are seen to be: how sure we are then
# that they are as long as most.
_TUCKED_IN = 0.75
# A belt may lie between top and trousers, so much of the top's height; a midriff is more.
_BELT_SHARE = 0.12


@dataclass(frozen=True)
class Length:
    """One measured length.

    Attributes:
        word: What it is; empty where it cannot be told.
        confidence: The chance that the word is right, 0-1; 0 without a word.
    """

    word: str
    confidence: float


@dataclass(frozen=True)
class Lengths:
    """The lengths of one garment.

    Attributes:
        sleeves: `sleeveless`, `short` or `long` (from three quarters on).
        hem: For tops and outerwear `cropped` (ends above the hips), `regular` or `long` (ends below the hips); for
            dresses and skirts `mini`, `knee`, `midi` or `maxi`; for trousers and jumpsuits `shorts`, `cropped`, `full`.
    """

    sleeves: Length
    hem: Length


UNKNOWN_LENGTH = Length("", 0.0)
UNKNOWN_LENGTHS = Lengths(UNKNOWN_LENGTH, UNKNOWN_LENGTH)


def measure_lengths(garment: ParsedGarment, person: Person, others: Iterable[ParsedGarment] = ()) -> Lengths:
    """Measures sleeves and hem of a garment on the person who wears it.

    Args:
        garment: A garment of this person; shoes and accessories have no length.
        person: In the pixels of the same picture.
        others: What else the person wears: a sleeve under a coat is hidden, not missing. May hold `garment` itself.
    """
    if garment.bucket in (Bucket.SHOES, Bucket.ACCESSORIES):
        return UNKNOWN_LENGTHS
    rest = [other for other in others if other is not garment]
    sleeves = UNKNOWN_LENGTH if garment.bucket is Bucket.BOTTOM else _sleeves(garment, person, rest)
    return Lengths(sleeves, _hem(garment, person, rest))


def _sleeves(garment: ParsedGarment, person: Person, others: list[ParsedGarment]) -> Length:
    """Looks along both arms; the one of which more can be seen speaks louder."""
    upper, forearm = np.zeros(2), np.zeros(2)
    for shoulder, elbow, wrist in _ARMS:
        upper += _covered(garment, person, others, (shoulder, elbow), _UPPER_ARM)
        forearm += _covered(garment, person, others, (elbow, wrist), _FOREARM)
    if upper[1] < _LEAST_UPPER_ARM:
        return UNKNOWN_LENGTH
    above, below = float(upper[0] / upper[1]), float(forearm[0] / max(forearm[1], 1e-9))
    seen = min(1.0, float(upper[1]) / 4), min(1.0, float(forearm[1]) / 4)
    if above < _SLEEVE_FROM:
        return Length("sleeveless", _sleeve_chance(_SLEEVE_FROM - above, seen[0]))
    if forearm[1] < _LEAST_FOREARM:  # whether the sleeve is long stays open
        return UNKNOWN_LENGTH
    margin = min(above - _SLEEVE_FROM, abs(below - _LONG_SLEEVE_FROM))
    return Length("long" if below >= _LONG_SLEEVE_FROM else "short", _sleeve_chance(margin, seen[1]))


def _sleeve_chance(margin: float, seen: float) -> float:
    return 0.5 + 0.4 * min(1.0, margin / 0.4) * seen


def _covered(
    garment: ParsedGarment,
    person: Person,
    others: list[ParsedGarment],
    ends: tuple[Joint, Joint],
    places: tuple[float, ...],
) -> FloatArray:
    """Returns how much of a limb's places the garment covers, and how much of them was seen, each at its visibility."""
    start, end = person.joint(ends[0]), person.joint(ends[1])
    weight = float(min(person.visibility[ends[0]], person.visibility[ends[1]]))
    covered = seen = 0.0
    for share in places:
        point = start + share * (end - start)
        if _is_on(garment, point):
            covered, seen = covered + weight, seen + weight
        elif _on_person(person, point) and not any(_is_on(other, point) for other in others):
            seen += weight
    return np.array([covered, seen], np.float32)


def _hem(garment: ParsedGarment, person: Person, others: list[ParsedGarment]) -> Length:
    words = _words(garment)
    joints = [*_HIPS, *(joint for leg in _LEGS for joint in leg)]
    heights = _heights(garment, person)
    if not heights.size:
        return UNKNOWN_LENGTH
    hem = float(np.quantile(heights, _HEM_SHARE))
    index = next(place for place, (_, end) in enumerate(words) if hem <= end)
    limits = [end for _, end in words[:-1]]
    margin = min(abs(hem - limit) for limit in limits)
    # Of the joints only those around the hem matter: hips, then knees, then ankles.
    seen = float(min(person.visibility[joint] for joint in joints[: 2 if hem < 1.2 else 4 if hem < 2.2 else 6]))
    cut_off = garment.box_xyxy[3] >= person.mask.shape[0] - 1
    if cut_off and index < len(words) - 1:
        return UNKNOWN_LENGTH
    if words[index][0] == "cropped" and (longer := _tucked_in(garment, others)):
        return Length(longer, _TUCKED_IN)
    return Length(words[index][0], (0.6 + 0.35 * min(1.0, margin / _SURE_MARGIN)) * min(1.0, 0.3 + seen))


def _words(garment: ParsedGarment) -> tuple[tuple[str, float], ...]:
    if garment.bucket in (Bucket.TOP, Bucket.OUTERWEAR):
        return _TOPS
    if garment.category in _LEG_CATEGORIES or (garment.bucket is Bucket.BOTTOM and garment.category != "skirt"):
        return _LEGWEAR
    return _SKIRTS


def _heights(garment: ParsedGarment, person: Person) -> FloatArray:
    """Returns the body heights of those of the garment's pixels that lie on no arm, `(N,)`."""
    x0, y0, x1, y1 = garment.box_xyxy
    scale = min(1.0, _GRID_PX / max(x1 - x0, y1 - y0))
    size = max(1, round((y1 - y0) * scale)), max(1, round((x1 - x0) * scale))
    body = LimbMapper(person, (x0, y0), scale, size).map()
    rows, columns = (_places(count, scale, limit) for count, limit in zip(size, garment.mask.shape, strict=True))
    heights: FloatArray = body.height[garment.mask[np.ix_(rows, columns)] & np.isin(body.part, _NOT_ARMS)]
    return heights


def _places(count: int, scale: float, limit: int) -> npt.NDArray[np.intp]:
    """Returns the middles of a grid's cells in pixels of a mask with `limit` of them."""
    places: npt.NDArray[np.intp] = np.minimum((np.arange(count) + 0.5) / scale, limit - 1).astype(np.intp)
    return places


def _tucked_in(garment: ParsedGarment, others: list[ParsedGarment]) -> str:
    """Returns how long what goes on inside of boots or a waistband is taken to be; empty where the hem is free."""
    top, end = garment.box_xyxy[1], garment.box_xyxy[3] + 1
    if garment.bucket is Bucket.BOTTOM:
        return "full" if any(_begins_by(other, end) for other in others if other.bucket is Bucket.SHOES) else ""
    if garment.bucket is Bucket.TOP:
        end += round(_BELT_SHARE * (end - top))
        below = (other for other in others if other.bucket in (Bucket.BOTTOM, Bucket.DRESS))
        return "regular" if any(_begins_by(other, end) for other in below) else ""
    return ""


def _begins_by(other: ParsedGarment, row: int) -> bool:
    return other.box_xyxy[1] <= row < other.box_xyxy[3]


def _is_on(garment: ParsedGarment, point_xy: npt.NDArray[np.floating]) -> bool:
    x0, y0, x1, y1 = garment.box_xyxy
    x, y = int(point_xy[0]), int(point_xy[1])
    return x0 <= x < x1 and y0 <= y < y1 and bool(garment.mask[y - y0, x - x0])


def _on_person(person: Person, point_xy: npt.NDArray[np.floating]) -> bool:
    x, y = int(point_xy[0]), int(point_xy[1])
    height, width = person.mask.shape
    return 0 <= x < width and 0 <= y < height and bool(person.mask[y, x])
