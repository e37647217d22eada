"""How close a garment sits: its width against the body below it."""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import BoolMask, Joint, Person


class Silhouette(enum.Enum):
    """Names and numbers as `vitrine.type.v1.Silhouette`."""

    UNKNOWN = 0
    SLIM = 1
    REGULAR = 2
    OVERSIZED = 3


@dataclass(frozen=True)
class Fit:
    """A measured silhouette.

    Attributes:
        silhouette: The word.
        ratio: Width of the garment over the width of the body that its bones let expect; 0 when not known.
        confidence: 0-1; low near a limit and where joints are hidden.
    """

    silhouette: Silhouette
    ratio: float
    confidence: float


UNKNOWN_FIT = Fit(Silhouette.UNKNOWN, 0.0, 0.0)

# Ratio below which a garment is slim, and above which it is oversized. In ANSUR II the waist is 0.80 (SD 0.08) as wide
# as the shoulders (biacromial breadth), and the thigh above the knee 0.32 as wide as it is long. The pose model's
# joints lie a little inside of the acromia, so a bare waist is about 0.95 of their distance; a tenth more is close to
# the body, and almost half more hangs free of it. The limits themselves are ours.
_TORSO_LIMITS = (1.05, 1.4)
_LEG_LIMITS = (0.36, 0.55)
# Seen from the side the shoulders are no measure. Biacromial breadth is 0.76 (SD 0.05) of the height from hip joint to
# acromion in ANSUR II; between the pose model's joints it is a little less.
_SHOULDERS_PER_TORSO = 0.62
_UPPER = frozenset({Bucket.TOP, Bucket.OUTERWEAR, Bucket.DRESS})


def measure_silhouette(garment: ParsedGarment, person: Person) -> Fit:
    """Measures how close a garment sits on the person who wears it.

    Args:
        garment: A garment of this person; shoes and accessories have no silhouette.
        person: In the pixels of the same picture.

    Returns:
        The silhouette, UNKNOWN where the joints that it needs are hidden or the garment does not cover the place.
    """
    if garment.bucket in _UPPER:
        return _torso_fit(garment, person)
    if garment.bucket is Bucket.BOTTOM:
        return _leg_fit(garment, person)
    return UNKNOWN_FIT


def _torso_fit(garment: ParsedGarment, person: Person) -> Fit:
    joints = (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP)
    shoulders = (person.joint(joints[0]) + person.joint(joints[1])) / 2
    hips = (person.joint(joints[2]) + person.joint(joints[3])) / 2
    torso_px = float(np.linalg.norm(hips - shoulders))
    apart_px = float(np.linalg.norm(person.joint(joints[0]) - person.joint(joints[1])))
    reference_px = max(apart_px, _SHOULDERS_PER_TORSO * torso_px)
    widths = [_run_width(garment, shoulders + share * (hips - shoulders)) for share in (0.55, 0.65, 0.75)]
    frontal = min(1.0, apart_px / max(_SHOULDERS_PER_TORSO * torso_px, 1.0))
    return _classify(widths, reference_px, _TORSO_LIMITS, _seen(person, joints) * frontal)


def _leg_fit(garment: ParsedGarment, person: Person) -> Fit:
    fits = []
    for hip, knee in ((Joint.LEFT_HIP, Joint.LEFT_KNEE), (Joint.RIGHT_HIP, Joint.RIGHT_KNEE)):
        start, end = person.joint(hip), person.joint(knee)
        widths = [_leg_width(garment, person, start + share * (end - start)) for share in (0.7, 0.8, 0.9)]
        fits.append(_classify(widths, float(np.linalg.norm(end - start)), _LEG_LIMITS, _seen(person, (hip, knee))))
    return max(fits, key=lambda fit: fit.confidence)


def _classify(widths: list[int], reference_px: float, limits: tuple[float, float], seen: float) -> Fit:
    known = [width for width in widths if width > 0]
    if not known or reference_px < 4:
        return UNKNOWN_FIT
    ratio = float(np.median(known)) / reference_px
    slim, oversized = limits
    word = Silhouette.SLIM if ratio < slim else Silhouette.OVERSIZED if ratio > oversized else Silhouette.REGULAR
    margin = min(abs(ratio - slim) / slim, abs(ratio - oversized) / oversized)
    return Fit(word, ratio, seen * (0.5 + min(0.5, 2.0 * margin)))


def _leg_width(garment: ParsedGarment, person: Person, point_xy: npt.NDArray[np.floating]) -> int:
    """Returns the width of one leg; where legs touch, or under a skirt, that is half of what is seen."""
    width = _run_width(garment, point_xy)
    knees = abs(float(person.joint(Joint.LEFT_KNEE)[0] - person.joint(Joint.RIGHT_KNEE)[0]))
    hips = abs(float(person.joint(Joint.LEFT_HIP)[0] - person.joint(Joint.RIGHT_HIP)[0]))
    # Two separate legs are each narrower than their distance; from the side both are one.
    return width // 2 if width > max(knees, 0.5 * hips) else width


def _run_width(garment: ParsedGarment, point_xy: npt.NDArray[np.floating]) -> int:
    """Returns how many pixels of the garment's row touch the one at `point_xy`, so that hanging arms do not count."""
    x0, y0, x1, y1 = garment.box_xyxy
    x, y = round(float(point_xy[0])), round(float(point_xy[1]))
    if not (x0 <= x < x1 and y0 <= y < y1):
        return 0
    row: BoolMask = garment.mask[y - y0]
    if not row[x - x0]:
        return 0
    gaps = np.flatnonzero(~row)
    left = gaps[gaps < x - x0]
    right = gaps[gaps > x - x0]
    return int((right[0] if right.size else len(row)) - (left[-1] + 1 if left.size else 0))


def _seen(person: Person, joints: tuple[Joint, ...]) -> float:
    return float(min(person.visibility[joint] for joint in joints))
