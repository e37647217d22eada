"""How sure the trained parser is of a garment, so that 0.7 means "right seven times in ten"."""

import numpy as np
import numpy.typing as npt

from vision_svc.garments.parse_labels import PRESENCE
from vision_svc.garments.parse_outfit import GROUPS, Outfit
from vision_svc.people.types import BoolMask

_INDEX = {group.name: index for index, group in enumerate(GROUPS)}
# What the network may say of the whole picture about each group; without an entry it says nothing.
_SAID = {group.name: [PRESENCE.index(label) for label in group.labels if label in PRESENCE] for group in GROUPS}
# Logistic regression on the held-out photos: how sure the pixels are on average, how many there are, what is said of
# the whole picture; and a bias of each group's own.
_WEIGHTS = np.array([0.761, 0.376, 0.421])
_BIAS = {
    "top": 0.50, "outerwear": 1.14, "bottom": 0.24, "dress": -1.50, "shoes": 1.08, "bag": 0.60, "headwear": 1.32,
    "belt": 0.77, "scarf": 0.81, "accessory": 0.55,
}  # fmt: skip
_TINY = 1e-3


def evidence(outfit: Outfit, name: str, cells: BoolMask) -> npt.NDArray[np.float64]:
    """Returns what speaks for a garment.

    Args:
        outfit: What the network says.
        name: Name of its group.
        cells: bool `(h, w)`: its cells, not empty.

    Returns:
        float64 `(3,)`: mean log odds of its pixels, log of its share of the map, log odds that such a thing is there.
    """
    sure = np.clip(outfit.groups[_INDEX[name]][cells], _TINY, 1 - _TINY)
    said = outfit.dress if name == "dress" else max((float(outfit.presence[one]) for one in _SAID[name]), default=0.5)
    return np.array([np.log(sure / (1 - sure)).mean(), np.log(cells.mean()), _log_odds(said)], np.float64)


def score_of(outfit: Outfit, name: str, cells: BoolMask) -> float:
    """Returns how sure it is that most of these cells are of that group, 0-1; arguments as for `evidence`."""
    logit = _BIAS[name] + evidence(outfit, name, cells) @ _WEIGHTS
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def _log_odds(share: float) -> float:
    clipped = min(max(share, _TINY), 1 - _TINY)
    return float(np.log(clipped / (1 - clipped)))
