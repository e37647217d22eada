"""How well the encoder names what people wear, on street photos with pixel masks."""

import json
from pathlib import Path

import cv2
import numpy as np

from imaging.decode import decode_bgr
from vision_svc.garments import fashion_space
from vision_svc.garments.fashion import FashionEmbedder
from vision_svc.garments.foreground import crop_to_mask
from vision_svc.garments.kinds import KINDS
from vision_svc.training.encoder_labels import MASK_LABELS

# A piece smaller than this share of its photo says nothing; labels with fewer pieces than this are not shown alone.
_LEAST_SHARE, _COMMON = 0.004, 10


def on_worn(folder: Path) -> dict[str, object]:
    """Kinds of what people wear, cut out by the true masks of a folder of street photos, against the masks' labels.

    Right is a garment whose likeliest kind is one that its label names ("shoes" names boots too).
    """
    names = json.loads((folder / "ccp_labels.json").read_text())["index_to_label"]
    views, truths = [], []
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
    kinds = fashion_space.chances(np.stack(FashionEmbedder().infer(views)), "kind").argmax(axis=1)
    right = np.array([KINDS[kind] in MASK_LABELS[truth] for kind, truth in zip(kinds, truths, strict=True)])
    labels_of = np.array(truths)
    common = [name for name in np.unique(labels_of) if (labels_of == name).sum() >= _COMMON]
    by_label = {name: round(float(right[labels_of == name].mean()), 3) for name in common}
    return {"garments": len(views), "kind_right": round(float(right.mean()), 3), "by_label": by_label}
