"""Finer names from vectors: only where the encoder is sure, and with the style that goes with them."""

from __future__ import annotations

import numpy as np
import pytest

from vision_svc.garments import fashion_space as space
from vision_svc.garments.attributes import describe_product
from vision_svc.garments.kinds import KINDS
from vision_svc.garments.refine import FINER, finer_category, refined
from vision_svc.garments.style import CATEGORY_PRIORS
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import Bucket, ParsedGarment

pytestmark = pytest.mark.unit


def vector(**chances: float) -> space.FloatArray:
    """A vector whose kind block holds these chances."""
    shares = np.array([chances.get(kind, 0.0) for kind in KINDS])
    found: space.FloatArray = space.join({"kind": np.sqrt(shares / shares.sum())[None]})[0]
    return found


@pytest.mark.parametrize(
    ("category", "chances", "expected"),
    [
        ("outerwear", {"blazer": 0.6, "coat": 0.2}, "blazer"),
        ("outerwear", {"blazer": 0.3, "coat": 0.3, "jacket": 0.3}, "outerwear"),
        ("outerwear", {"blazer": 0.1, "skirt": 0.9}, "blazer"),
        ("trousers", {"jeans": 0.9, "trousers": 0.1}, "jeans"),
        ("trousers", {"jeans": 0.55, "trousers": 0.45}, "trousers"),
        ("shoes", {"boots": 0.8, "shoes": 0.1}, "boots"),
        ("top", {"t-shirt": 1.0}, "top"),
        ("bag", {"belt": 1.0}, "bag"),
        ("outerwear", {"skirt": 1.0}, "outerwear"),
    ],
    ids=[
        "sure",
        "unsure",
        "others play no part",
        "jeans",
        "nearly",
        "boots",
        "tops stay",
        "no finer name",
        "none of them",
    ],
)
def test_names_get_finer_where_the_encoder_is_sure(category: str, chances: dict[str, float], expected: str) -> None:
    assert finer_category(category, vector(**chances)) == expected


def test_every_finer_name_is_a_kind_with_a_style() -> None:
    for names, sure in FINER.values():
        assert set(names) <= set(KINDS)
        assert set(names) <= set(CATEGORY_PRIORS)
        assert 0.5 <= sure < 1


def test_a_blazer_is_more_formal_than_unnamed_outerwear() -> None:
    view = GarmentView(np.full((60, 40, 3), 30, np.uint8), np.ones((60, 40), np.bool_))
    coarse = ParsedGarment(Bucket.OUTERWEAR, "outerwear", 0.9, (0, 0, 40, 60), view.mask, (), 0.4)
    before = describe_product(view, "outerwear")
    named, after = refined(coarse, before, view, vector(blazer=1.0))
    assert named.category == "blazer"
    assert after is not None
    assert after.style.formality > before.style.formality + 15
    assert after.colors == before.colors
    assert refined(coarse, None, view, vector(blazer=1.0)) == (named, None)
    assert refined(coarse, before, view, vector(skirt=1.0)) == (coarse, before)
