"""How well the encoder names what people wear, on street photos with pixel masks."""

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import decode_bgr
from vision_svc.garments import fashion_space
from vision_svc.garments.fashion import FashionEmbedder
from vision_svc.garments.foreground import crop_to_mask
from vision_svc.garments.kinds import KINDS
from vision_svc.garments.parse_labels import LABELS
from vision_svc.garments.refine import FINER, UNTRIED, finer_category
from vision_svc.training.encoder_labels import MASK_LABELS
from vision_svc.training.parser_truth import label_table

# A piece smaller than this share of its photo says nothing; labels with fewer pieces than this are not shown alone.
_LEAST_SHARE, _COMMON = 0.004, 10


def on_worn(folder: Path) -> dict[str, object]:
    """Kinds of what people wear, cut out by the true masks of a folder of street photos, against the masks' labels.

    Right is a garment whose likeliest kind is one that its label names ("shoes" names boots too).
    """
    names = json.loads((folder / "ccp_labels.json").read_text())["index_to_label"]
    table, _ = label_table(folder / "ccp_labels.json")
    views, truths, coarse = [], [], []
    for path in sorted(folder.glob("*_mask.png")):
        image = decode_bgr(path.with_name(path.name.replace("_mask.png", ".jpg")).read_bytes())
        labels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if labels is None or labels.shape != image.shape[:2]:
            continue
        for number in np.unique(labels):
            mask = labels == number
            if names[number] in MASK_LABELS and mask.mean() >= _LEAST_SHARE:
                views.append(crop_to_mask(image, mask))
                truths.append(names[number])
                coarse.append(LABELS[table[number]])
    vectors = np.stack(FashionEmbedder().infer(views))
    kinds = fashion_space.chances(vectors, "kind").argmax(axis=1)
    right = np.array([KINDS[kind] in MASK_LABELS[truth] for kind, truth in zip(kinds, truths, strict=True)])
    labels_of = np.array(truths)
    common = [name for name in np.unique(labels_of) if (labels_of == name).sum() >= _COMMON]
    by_label = {name: round(float(right[labels_of == name].mean()), 3) for name in common}
    figures = {"garments": len(views), "kind_right": round(float(right.mean()), 3), "by_label": by_label}
    return figures | {"finer": finer_names(vectors, coarse, truths)}


def finer_names(vectors: npt.NDArray[np.float32], coarse: list[str], truths: list[str]) -> dict[str, object]:
    """How often a garment gets a finer name than the parser's, and how often that is right, by the parser's name.

    This is where the limits of `vision_svc.garments.refine` are checked whenever the encoder changes; those that it
    keeps as untried are shown beside.
    """
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for vector, name, truth in zip(vectors, coarse, truths, strict=True):
        said = finer_category(name, vector, {**FINER, **UNTRIED})
        pairs.setdefault(name, []).append((said != name, said in MASK_LABELS[truth]))
    found: dict[str, object] = {}
    for name, own in sorted(pairs.items()):
        right = [fits for named, fits in own if named]
        share = {"right": round(float(np.mean(right)), 3)} if right else {}
        found[name] = {"garments": len(own), "named": round(len(right) / len(own), 3), **share}
    return found
