"""From label probabilities to an outfit: one decision for the whole person where pixels alone would contradict."""

from dataclasses import dataclass

import numpy as np

from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.garments.types import Bucket
from vision_svc.people.types import FloatArray

_TINY = 1e-6
# Cells that dress and lower garment are each given beforehand, so that a few stray ones decide nothing.
_PRIOR_CELLS = 10.0


@dataclass(frozen=True)
class Group:
    """Labels that make up one kind of garment."""

    name: str
    bucket: Bucket | None
    labels: tuple[str, ...]


GROUPS = (
    Group("top", Bucket.TOP, ("top",)),
    Group("outerwear", Bucket.OUTERWEAR, ("outerwear",)),
    Group("bottom", Bucket.BOTTOM, ("trousers", "shorts", "skirt")),
    Group("dress", Bucket.DRESS, ("dress",)),
    Group("shoes", Bucket.SHOES, ("shoes",)),
    Group("bag", Bucket.ACCESSORIES, ("bag",)),
    Group("headwear", Bucket.ACCESSORIES, ("headwear",)),
    Group("belt", Bucket.ACCESSORIES, ("belt",)),
    Group("scarf", Bucket.ACCESSORIES, ("scarf",)),
    Group("accessory", Bucket.ACCESSORIES, ("accessory",)),
    Group("skin", None, ("skin",)),
    Group("hair", None, ("hair",)),
    Group("legwear", None, ("legwear",)),
    Group("eyewear", None, ("eyewear",)),
    Group("background", None, ("background",)),
)
_INDEX = {group.name: index for index, group in enumerate(GROUPS)}
_COLUMNS = [[LABELS.index(label) for label in group.labels] for group in GROUPS]


@dataclass(frozen=True)
class Outfit:
    """What one person wears, pixel by pixel.

    Attributes:
        groups: float32 `(len(GROUPS), h, w)`: probability of each group, sum 1.
        labels: float32 `(len(LABELS), h, w)`: what the network said.
        presence: float32 `(len(PRESENCE),)`: what the network said of the whole.
        dress: How much more of a dress there is than of a lower garment, 0-1.
    """

    groups: FloatArray
    labels: FloatArray
    presence: FloatArray
    dress: float

    def present(self, name: str) -> float:
        """Returns how probable it is that something of this name is there at all, 0-1."""
        return float(self.presence[PRESENCE.index(name)])


def decide(labels: FloatArray, presence: FloatArray) -> Outfit:
    """Settles whether a dress or two pieces are worn, and brings the pixels in line with it.

    Args:
        labels: float32 `(len(LABELS), h, w)`: probabilities of one person.
        presence: float32 `(len(PRESENCE),)`.

    Returns:
        The outfit.
    """
    groups = np.stack([labels[columns].sum(axis=0) for columns in _COLUMNS])
    dress = dress_share(groups)
    top, bottom, whole = (groups[_INDEX[name]] for name in ("top", "bottom", "dress"))
    if dress > 0.5:
        whole += bottom
        bottom[:] = 0
    else:
        share = (top + _TINY) / (top + bottom + 2 * _TINY)
        top += share * whole
        bottom += (1 - share) * whole
        whole[:] = 0
    return Outfit(groups, labels, presence, dress)


def dress_share(groups: FloatArray) -> float:
    """Returns the share of the dress among the cells where a dress or a lower garment leads, 0-1.

    It tells dresses from two pieces better than what the network says of the whole picture, on photos that it never
    saw (area under the curve 0.88 and 0.87).
    """
    leading = groups.argmax(axis=0)
    dress, bottom = (float((leading == _INDEX[name]).sum()) + _PRIOR_CELLS for name in ("dress", "bottom"))
    return dress / (dress + bottom)
