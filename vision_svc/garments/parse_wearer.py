"""Whether there is somebody in the clothes: what the labels of the network add to how likely a pose is a person's.

A coat on a hanger may stand like a body, but where its head and its hands should be there is neither skin nor hair, and
the network is less sure of what it sees than on a person.
"""

import numpy as np

from vision_svc.garments.parse_labels import LABELS
from vision_svc.people.presence import seen_inside
from vision_svc.people.types import BoolMask, FloatArray, Joint, Person

# Less likely than this nobody is there. On held-out contributors garments are found in 4 of 244 photos of lone ones
# (before: 24); of 150 whole people none is lost, with blurred faces of which nobody told one (docs/models.md).
LEAST_CHANCE = 0.24
# A face that was told of where the head is settles it: on 0.3 % of lone garments the face detector sees one there.
_OF_A_FACE = 0.99

FEATURES = ("detection", "seen", "head", "hands", "sure", "skin")
# Logistic regression by `vision_svc.training.fit_presence`.
WEIGHTS = (1.484, 4.744, 3.499, 1.331, 2.126, 16.192)
CONSTANT = -8.736

_SKIN, _HAIR = LABELS.index("skin"), LABELS.index("hair")
_HEAD_RADIUS, _HAND_RADIUS = 0.24, 0.15  # torso lengths
_EARS = [Joint.LEFT_EAR, Joint.RIGHT_EAR]
_HANDS = (
    [Joint.LEFT_WRIST, Joint.LEFT_PINKY, Joint.LEFT_INDEX, Joint.LEFT_THUMB],
    [Joint.RIGHT_WRIST, Joint.RIGHT_PINKY, Joint.RIGHT_INDEX, Joint.RIGHT_THUMB],
)
_SHOULDERS, _HIPS = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER], [Joint.LEFT_HIP, Joint.RIGHT_HIP]


def wearer_evidence(person: Person, labels: FloatArray, inside: BoolMask, joints_xy: FloatArray) -> FloatArray:
    """Measures what speaks for a person.

    Args:
        person: As the people models see it.
        labels: float32 `(len(LABELS), h, w)`: probabilities.
        inside: bool `(h, w)`: the person's mask.
        joints_xy: float32 `(33, 2)`, cells of the map.

    Returns:
        float32 `(len(FEATURES),)`, each 0-1: the detector's score; how well the joints inside the picture are seen;
        how much skin or hair there is at the head, and skin at the hands; how sure the labels are inside the mask; the
        share of skin in all that is not background.
    """
    spine = joints_xy[_SHOULDERS].mean(axis=0) - joints_xy[_HIPS].mean(axis=0)
    unit = max(float(np.hypot(*spine)), 2.0)
    head = _disc(inside.shape, joints_xy[_EARS].mean(axis=0), _HEAD_RADIUS * unit)
    left, right = (_disc(inside.shape, joints_xy[hand].mean(axis=0), _HAND_RADIUS * unit) for hand in _HANDS)
    best = labels.argmax(axis=0)
    return np.array(
        [
            person.detection, seen_inside(person.joints_xyz, person.visibility, person.mask.shape),
            _mean(labels[_SKIN] + labels[_HAIR], head), _mean(labels[_SKIN], left | right),
            _mean(labels.max(axis=0), inside), float((best == _SKIN).sum()) / max(int((best > 0).sum()), 1),
        ], np.float32,
    )  # fmt: skip


def wearer_chance(evidence: FloatArray, *, has_face: bool) -> float:
    """Returns how likely it is a person, 0-1, were there as many lone garments.

    Args:
        evidence: float32 `(len(FEATURES),)`, of `wearer_evidence`.
        has_face: A face was told of where the head is.
    """
    chance = float(1 / (1 + np.exp(-np.clip(CONSTANT + float(evidence @ np.array(WEIGHTS)), -30, 30))))
    return max(chance, _OF_A_FACE) if has_face else chance


def _disc(shape: tuple[int, ...], middle: FloatArray, radius: float) -> BoolMask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    disc: BoolMask = np.hypot(columns - middle[0], rows - middle[1]) <= radius
    return disc


def _mean(values: FloatArray, where: BoolMask) -> float:
    return float(values[where].mean()) if where.any() else 0.0
