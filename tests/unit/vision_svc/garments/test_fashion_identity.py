"""One model id, one space: whatever changes the vectors of `fashion/3` needs another id, so that indexes are rebuilt.

A changed weights file, block, temperature or measurement of pixels fails here. Then raise `FASHION`, and run
`python -m tests.unit.vision_svc.garments.test_fashion_identity` for the new vectors.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.vision_svc.garments.drawn import garment
from vision_svc.garments.fashion import FASHION, SPEC, FashionEmbedder
from vision_svc.garments.fashion_words import FashionTextEmbedder
from vision_svc.garments.foreground import cut_out

pytestmark = pytest.mark.unit

_KNOWN = Path(__file__).with_name("fashion_vectors.json")
_TEXTS = ("navy striped shirt", "red floral dress", "black leather boots")
# Other processors add in another order; other weights or measurements move a vector much farther.
_LEAST_COSINE = 0.999


def _vectors() -> dict[str, list[float]]:
    pictures = {f"garment {seed}": cut_out(garment(seed)).view for seed in (1, 2, 3)}
    seen = zip(pictures, FashionEmbedder().infer(list(pictures.values())), strict=True)
    words = FashionTextEmbedder()
    found = dict(seen) | {text: words.embed_text(text).vector for text in _TEXTS}
    return {name: [round(float(value), 4) for value in vector] for name, vector in found.items()}


def test_a_model_id_stands_for_one_space() -> None:
    known = json.loads(_KNOWN.read_text())
    assert (known["model"], known["sha256"]) == (FASHION, SPEC.sha256)
    for name, vector in _vectors().items():
        assert float(np.dot(vector, known["vectors"][name])) > _LEAST_COSINE, name


if __name__ == "__main__":
    _KNOWN.write_text(json.dumps({"model": FASHION, "sha256": SPEC.sha256, "vectors": _vectors()}) + "\n")
