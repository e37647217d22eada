from __future__ import annotations

import numpy as np
import pytest

from tests.unit.vision_svc.garments.drawn import garment, mask_of
from vision_svc.garments.attributes import describe_product, solidity
from vision_svc.garments.color_names import by_name
from vision_svc.garments.colors import DominantColor
from vision_svc.garments.pattern import Pattern
from vision_svc.garments.silhouette import Silhouette
from vision_svc.garments.style import Style, score_style
from vision_svc.garments.thumbnail import GarmentView

pytestmark = pytest.mark.unit


def style(
    category: str, colors: str, pattern: float = 0.1, fit: Silhouette = Silhouette.REGULAR, solid: float = 0.85
) -> Style:
    named = [by_name()[name] for name in colors.split("+")]
    dominant = [DominantColor(c.name, "#000000", (c.lab[0], c.lab[1], c.lab[2]), 1 / len(named), 1.0) for c in named]
    return score_style(category, dominant, Pattern("plain", pattern, 0, 0, 0.9), fit, solid)


def test_a_black_blazer_is_more_formal_than_a_neon_hoodie() -> None:
    blazer, hoodie = (
        style("blazer", "black", fit=Silhouette.SLIM),
        style("hoodie", "neon green", fit=Silhouette.OVERSIZED),
    )
    assert blazer.formality > 80 > 20 > hoodie.formality
    assert blazer.structure > 80 > 20 > hoodie.structure


@pytest.mark.parametrize(
    ("less", "more", "attribute"),
    [
        pytest.param(style("shirt", "scarlet"), style("shirt", "navy"), "formality", id="navy is more formal than red"),
        pytest.param(style("shirt", "white", 0.8), style("shirt", "white"), "formality", id="a print is less formal"),
        pytest.param(
            style("coat", "camel", fit=Silhouette.OVERSIZED), style("coat", "camel"), "structure", id="wide is soft"
        ),
        pytest.param(
            style("top", "grey", solid=0.6), style("top", "grey", solid=0.95), "structure", id="straight outlines"
        ),
        pytest.param(style("dress", "red+white+blue+green"), style("dress", "red"), "minimalism", id="fewer colours"),
        pytest.param(style("dress", "white", 0.7), style("dress", "white", 0.1), "minimalism", id="no pattern"),
        pytest.param(style("dress", "fuchsia"), style("dress", "stone"), "minimalism", id="muted"),
        pytest.param(style("dress", "black+white"), style("dress", "black+charcoal"), "minimalism", id="low contrast"),
    ],
)
def test_scores_react_to_evidence(less: Style, more: Style, attribute: str) -> None:
    assert getattr(more, attribute) > getattr(less, attribute) + 2


def test_scores_span_their_range() -> None:
    assert style("dress", "white").minimalism > 80
    assert style("dress", "neon pink+neon green+royal blue+yellow", 1.0).minimalism < 10


def test_scores_stay_within_0_and_100() -> None:
    for one in (
        style("suit", "black", 0, Silhouette.SLIM, 1.0),
        style("hoodie", "neon pink+lime", 1, Silhouette.OVERSIZED, 0.1),
    ):
        assert all(0 <= value <= 100 for value in (one.formality, one.structure, one.minimalism))


def test_solidity_of_known_shapes() -> None:
    full, cross = np.ones((20, 20), np.bool_), np.zeros((30, 30), np.bool_)
    cross[10:20] = cross[:, 10:20] = True
    assert solidity(full) == pytest.approx(1, abs=0.02)
    assert solidity(cross) == pytest.approx(500 / 700, abs=0.03)  # the hull is an octagon of 900 - 4 * 50 pixels
    assert solidity(np.zeros((3, 3), np.bool_)) == 0


def test_a_product_is_described_with_confidences() -> None:
    picture = garment(3, "t-shirt", "plain", hue=110)
    found = describe_product(GarmentView(picture, mask_of(3, picture)), "t-shirt")
    assert set(found.confidence) == {"colors", "pattern", "silhouette", "sleeve_length", "length", "style"}
    assert all(0 <= value <= 1 for value in found.confidence.values())
    assert found.silhouette is Silhouette.UNKNOWN
    assert found.confidence["silhouette"] == 0
    assert found.confidence["style"] > describe_product(GarmentView(picture, mask_of(3, picture))).confidence["style"]


def test_an_empty_mask_takes_the_whole_crop() -> None:
    picture = np.full((10, 10, 3), (69, 37, 27), np.uint8)
    found = describe_product(GarmentView(picture, np.zeros((10, 10), np.bool_)))
    assert [color.name for color in found.colors] == ["navy"]
