"""From label probabilities to an outfit: one decision for the whole person where pixels alone would contradict."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.garments.types import Bucket
from vision_svc.people.types import FloatArray

_TINY = 1e-6
# How sure it is that a dress is worn rather than two pieces: what the network says of the whole picture and how the
# pixels of dress and lower garment compare are about equally good (area under the curve 0.87 and 0.88).
_DRESS_BIAS, _DRESS_BY_PRESENCE, _DRESS_BY_PIXELS = 0.0, 0.5, 0.5


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
        dress: How sure it is that a dress is worn rather than two pieces, 0-1.
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
    dress = dress_probability(groups, presence)
    top, bottom, whole = (groups[_INDEX[name]] for name in ("top", "bottom", "dress"))
    if dress >= 0.5:
        whole += bottom
        bottom[:] = 0
    else:
        share = (top + _TINY) / (top + bottom + 2 * _TINY)
        top += share * whole
        bottom += (1 - share) * whole
        whole[:] = 0
    return Outfit(groups, labels, presence, dress)


def dress_evidence(groups: FloatArray, presence: FloatArray) -> npt.NDArray[np.float64]:
    """Returns the two log odds that speak for a dress: of the whole picture, and of the pixels."""
    said = float(presence[PRESENCE.index("dress")])
    dress, bottom = (float(groups[_INDEX[name]].sum()) for name in ("dress", "bottom"))
    return np.array([np.log((said + 1e-4) / (1 - said + 1e-4)), np.log((dress + 5.0) / (bottom + 5.0))])


def dress_probability(groups: FloatArray, presence: FloatArray) -> float:
    """Returns how sure it is that a dress is worn rather than two pieces, 0-1."""
    logit = _DRESS_BIAS + dress_evidence(groups, presence) @ (_DRESS_BY_PRESENCE, _DRESS_BY_PIXELS)
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
