"""What the parser is trained on, and how it is measured while it trains."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from vision_svc.garments.parse_labels import LABELS, PRESENCE

# Rare things weigh more than their few pixels do.
_WEIGHTS = {
    "background": 0.5, "trousers": 0.9, "shorts": 1.5, "skirt": 1.4, "dress": 1.2, "legwear": 1.5, "shoes": 1.6,
    "bag": 1.6, "headwear": 1.6, "belt": 2.0, "scarf": 2.0, "eyewear": 2.0, "accessory": 1.5,
}  # fmt: skip
GROUPS: dict[str, tuple[str, ...]] = {
    "upper": ("top", "outerwear"), "lower": ("trousers", "shorts", "skirt"), "dress": ("dress",), "shoes": ("shoes",),
    "bag": ("bag",), "headwear": ("headwear",), "outerwear": ("outerwear",), "top": ("top",), "skin": ("skin",),
    "hair": ("hair",), "legwear": ("legwear",), "scarf": ("scarf",), "belt": ("belt",), "eyewear": ("eyewear",),
}  # fmt: skip
"""What is measured, and what overlap is trained for: things, each of one or several labels."""
MEASURED = ("upper", "lower", "dress", "shoes", "bag")
_OVERLAP_WEIGHT, _PRESENCE_WEIGHT = 0.7, 0.5
# A dress or two pieces: all pixels below the waist hang on it, so it counts more than what else may be there.
_PRESENCE_WEIGHTS = {"dress": 8.0, "skirt": 3.0, "outerwear": 2.0, "headwear": 2.0}


def class_weights() -> Tensor:
    """Returns the weight of each label, float32 `(len(LABELS),)`."""
    return torch.tensor([_WEIGHTS.get(name, 1.0) for name in LABELS], dtype=torch.float32)


def membership() -> Tensor:
    """Returns which labels belong to which thing, float32 `(len(GROUPS), len(LABELS))`."""
    rows = [[float(name in members) for name in LABELS] for members in GROUPS.values()]
    return torch.tensor(rows, dtype=torch.float32)


def loss(logits: Tensor, presence: Tensor, labels: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """Cross entropy of the pixels, soft overlap of the things in the whole batch, and presence.

    Args:
        logits: `(N, len(LABELS), h, w)`.
        presence: Logits `(N, len(PRESENCE))`.
        labels: int64 `(N, h, w)`.
        wanted: `(N, len(PRESENCE))`, 0 or 1.
        known: `(N, len(PRESENCE))`, 0 where nothing is known.
    """
    logs = functional.log_softmax(logits.float(), dim=1)
    pixels = functional.nll_loss(logs, labels, class_weights().to(logits.device))
    members = membership().to(logits.device)
    flat = logs.exp().permute(1, 0, 2, 3).flatten(1)
    found = members @ flat
    true = members[:, labels.flatten()]
    shared = (found * true).sum(dim=1)
    joined = found.sum(dim=1) + true.sum(dim=1) - shared
    there = true.sum(dim=1) > 0
    overlap = 1 - (shared[there] / joined[there]).mean()
    weights = known * torch.tensor([_PRESENCE_WEIGHTS.get(name, 1.0) for name in PRESENCE], device=known.device)
    there_at_all = functional.binary_cross_entropy_with_logits(presence.float(), wanted, weight=weights)
    return pixels + _OVERLAP_WEIGHT * overlap + _PRESENCE_WEIGHT * there_at_all


class Overlaps:
    """Intersection over union of each thing, over all pixels that were added."""

    def __init__(self) -> None:
        self._counts = np.zeros((len(LABELS), len(LABELS)), np.int64)

    def add(self, found: npt.NDArray[np.int64], true: npt.NDArray[np.uint8]) -> None:
        """Adds label maps of the same shape."""
        pairs = found.ravel() * len(LABELS) + true.ravel()
        self._counts += np.bincount(pairs, minlength=len(LABELS) ** 2).reshape(self._counts.shape)

    def result(self) -> dict[str, float]:
        """Returns the figures by thing, and `mean`: the mean of those that count."""
        members = membership().numpy() > 0
        figures = {}
        for name, row in zip(GROUPS, members, strict=True):
            found, true = self._counts[row].sum(), self._counts[:, row].sum()
            shared = self._counts[row][:, row].sum()
            figures[name] = float(shared / max(found + true - shared, 1))
        figures["mean"] = float(np.mean([figures[name] for name in MEASURED]))
        return figures
