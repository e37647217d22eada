"""Finer names from vectors: only where the encoder is sure, and with the style that goes with them."""

from __future__ import annotations

import numpy as np
import pytest

from vision_svc.garments import fashion_space as space
from vision_svc.garments.attributes import describe_product
from vision_svc.garments.kinds import KINDS
from vision_svc.garments.pattern import Pattern, named_pattern
from vision_svc.garments.refine import FINER, UNTRIED, finer_category, refined
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
    for names, sure in [*FINER.values(), *UNTRIED.values()]:
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


def patterned(chances: tuple[float, ...], edges: float = 0.2) -> Pattern:
    """What a vector with these chances of patterns makes of cloth that the rule calls plain."""
    vector = space.join({"pattern": np.sqrt(np.array([chances]))})[0]
    return named_pattern(Pattern("plain", 0.2, edges, 0.0, 0.6), vector)


@pytest.mark.parametrize(
    ("chances", "word"),
    [
        pytest.param((0.95, 0.05, 0, 0, 0, 0), "plain", id="plain"),
        pytest.param((0.01, 0.97, 0.02, 0, 0, 0), "striped", id="striped"),
        pytest.param((0.02, 0, 0, 0.08, 0.9, 0), "floral", id="floral"),
        pytest.param((0.01, 0.2, 0.2, 0.2, 0.2, 0.19), "patterned", id="patterned, nobody knows how"),
    ],
)
def test_patterns_get_their_name_from_the_encoder(chances: tuple[float, ...], word: str) -> None:
    found = patterned(chances)
    assert found.word == word
    assert 0.4 < found.confidence <= 1
    assert found.score == 0.2


def test_edges_speak_for_a_pattern_too() -> None:
    unsure = (0.3, 0.7, 0, 0, 0, 0)
    assert patterned(unsure, edges=0.0).word == "plain"
    assert patterned(unsure, edges=0.5).word == "striped"


def test_a_close_up_speaks_for_a_pattern_too() -> None:
    whole, close, plain = (
        space.join({"pattern": np.sqrt(np.array([chances]))})[0]
        for chances in ((0.85, 0.05, 0.1, 0, 0, 0), (0.02, 0.97, 0.01, 0, 0, 0), (0.99, 0.01, 0, 0, 0, 0))
    )
    rule = Pattern("plain", 0.2, 0.4, 0.0, 0.6)
    assert named_pattern(rule, whole).word == "plain"
    assert named_pattern(rule, whole, closer=close).word == "striped"
    sure, unsure = named_pattern(rule, whole, closer=plain), named_pattern(rule, whole)
    assert sure.word == "plain"
    assert sure.confidence > unsure.confidence


def test_of_a_garment_that_lies_alone_the_encoder_is_believed() -> None:
    vector = space.join({"pattern": np.sqrt(np.array([[0.4, 0.6, 0, 0, 0, 0]]))})[0]
    alone = named_pattern(Pattern("plain", 0.2, 0.0, 0.0, 0.6), vector, worn=False)
    assert alone.word == "striped"
    assert alone.confidence == pytest.approx(0.6, abs=1e-5)


def test_a_vector_without_patterns_leaves_the_rule_alone() -> None:
    rule = Pattern("patterned", 0.6, 0.3, 2.0, 0.6)
    assert named_pattern(rule, vector(skirt=1.0)) is rule


def test_the_pattern_of_a_garment_and_its_confidence_follow_the_encoder() -> None:
    view = GarmentView(np.full((60, 40, 3), 30, np.uint8), np.ones((60, 40), np.bool_))
    seen = ParsedGarment(Bucket.TOP, "top", 0.8, (0, 0, 40, 60), view.mask, (), 0.4)
    before = describe_product(view, "top")
    sure = space.join({"pattern": np.sqrt(np.array([[0.001, 0.998, 0.001, 0, 0, 0]]))})[0]
    _, after = refined(seen, before, view, sure)
    assert after is not None
    assert after.pattern == named_pattern(before.pattern, sure)
    assert after.confidence["pattern"] == after.pattern.confidence
    assert after.confidence["colors"] == before.confidence["colors"]
