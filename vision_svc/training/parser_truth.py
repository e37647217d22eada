"""From the labels of the Clothing Co-Parsing set to ours."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vision_svc.garments.parse_labels import LABELS, PRESENCE

# Names of the data set that are not in one of its suggested groups under the right one of our labels.
_GROUPS = {
    "background": "background", "skin": "skin", "hair": "hair", "upper": "top", "outer": "outerwear",
    "lower": "trousers", "full": "dress", "legwear": "legwear", "shoes": "shoes", "bag": "bag", "head": "headwear",
    "eyewear": "eyewear", "accessory": "accessory",
}  # fmt: skip
_OWN = {"shorts": "shorts", "skirt": "skirt", "belt": "belt", "scarf": "scarf"}
# Finer things whose presence is asked for: our name -> names of the data set.
_FINER = {
    "boots": ("boots",), "sandals": ("sandals",), "heels": ("heels", "pumps", "wedges"), "jeans": ("jeans",),
    "leggings": ("leggings",), "shirt": ("shirt",), "blouse": ("blouse",), "t-shirt": ("t-shirt",),
    "sweater": ("sweater", "sweatshirt", "jumper", "hoodie", "cardigan"), "vest": ("vest",), "coat": ("coat",),
    "jacket": ("jacket",), "blazer": ("blazer",), "jumpsuit": ("romper",),
}  # fmt: skip
# Where the data set names only the kind, nothing is known of the finer things.
_VAGUE = {"shoes": ("boots", "sandals", "heels")}
_LEAST_PX = 40


@dataclass(frozen=True)
class Truth:
    """What is in each photo.

    Attributes:
        labels: uint8 `(N, h, w)`: numbers of `LABELS`.
        presence: float32 `(N, len(PRESENCE))`: 1 where it is there.
        known: float32 `(N, len(PRESENCE))`: 0 where the data set does not say.
    """

    labels: npt.NDArray[np.uint8]
    presence: npt.NDArray[np.float32]
    known: npt.NDArray[np.float32]


def label_table(description: Path) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Reads `ccp_labels.json`: a table from its numbers to ours, uint8 `(256,)`, and its names."""
    described = json.loads(description.read_text())
    names: list[str] = described["index_to_label"]
    ours = {name: label for group, label in _GROUPS.items() for name in described["suggested_groups"][group]}
    table = np.full(256, LABELS.index("accessory"), np.uint8)
    for number, name in enumerate(names):
        table[number] = LABELS.index(_OWN.get(name) or ours.get(name, "accessory"))
    return table, names


def translate(numbers: npt.NDArray[np.uint8], description: Path) -> Truth:
    """Translates label maps, uint8 `(N, h, w)`, of the data set."""
    table, names = label_table(description)
    labels = table[numbers]
    counts = np.stack([np.bincount(one.ravel(), minlength=256) for one in numbers])
    presence = np.zeros((len(numbers), len(PRESENCE)), np.float32)
    known = np.ones_like(presence)
    for column, name in enumerate(PRESENCE):
        if name in _FINER:
            members = [names.index(one) for one in _FINER[name] if one in names]
        else:
            members = [number for number in range(len(names)) if table[number] == LABELS.index(name)]
        presence[:, column] = counts[:, members].sum(axis=1) >= _LEAST_PX
    for vague, finer in _VAGUE.items():
        unsure = counts[:, names.index(vague)] > 0
        for name in finer:
            known[unsure, PRESENCE.index(name)] = 0
    return Truth(labels, presence, known)
