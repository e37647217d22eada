"""How the bench counts finer names."""

from __future__ import annotations

import numpy as np
import pytest

from bench._encoder_worn import finer_names
from vision_svc.garments import fashion_space as space
from vision_svc.garments.kinds import KINDS

pytestmark = pytest.mark.unit


def vector(kind: str) -> space.FloatArray:
    found: space.FloatArray = space.join({"kind": np.array([[float(name == kind) for name in KINDS]])})[0]
    return found


def test_named_and_right_are_counted_by_the_parser_s_name() -> None:
    vectors = np.stack([vector(kind) for kind in ("blazer", "coat", "bag", "boots")])
    found = finer_names(vectors, ["outerwear", "outerwear", "outerwear", "bag"], ["blazer", "blazer", "coat", "bag"])
    assert found["outerwear"] == {"garments": 3, "named": 0.667, "right": 0.5}
    assert found["bag"] == {"garments": 1, "named": 0.0}
