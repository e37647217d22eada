"""The radar on garments as vision measured them: it moves the right way, and far enough to tell people apart."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from profile_svc.taste.axes import AXES
from profile_svc.taste.evidence import Sighting
from profile_svc.taste.state import EMPTY, apply
from profile_svc.taste.wearing import Occasion
from tests.unit.profile_svc.measured import GARMENTS

pytestmark = pytest.mark.unit

DAY_S = 86400.0
WARDROBES = {
    "office": [["dark blazer", "white shirt", "black trousers", "dark shoes"]],
    "evening": [["navy dress", "dark shoes"]],
    "neon": [["neon hoodie", "yellow shorts"], ["pink hoodie", "red shorts"]],
    "floral": [["lime floral dress"], ["white floral dress", "dark shoes"]],
    "grey and easy": [["grey t-shirt", "grey shorts"]],
}


def worn(outfits: list[list[str]], days: int) -> dict[str, float]:
    state = EMPTY
    for day, names in zip(range(days), itertools.cycle(outfits), strict=False):
        garments = tuple(replace(GARMENTS[name], garment_id=f"g{place}") for place, name in enumerate(names))
        state, _ = apply(state, Sighting(garments), Occasion(f"e{day}", day * DAY_S))
    return dict(zip((axis.name for axis in AXES), state.axes, strict=True))


@pytest.mark.parametrize(
    ("name", "towards"),
    [
        pytest.param(
            "dark blazer",
            {"minimal_maximal": -1, "structured_relaxed": -1, "neutral_colorful": -1, "classic_experimental": -1,
             "casual_formal": +1},
            id="dark blazer",
        ),
        pytest.param(
            "neon hoodie",
            {"minimal_maximal": +1, "structured_relaxed": +1, "neutral_colorful": +1, "classic_experimental": +1,
             "casual_formal": -1},
            id="neon hoodie",
        ),
        pytest.param(
            "lime floral dress",
            {"minimal_maximal": +1, "structured_relaxed": +1, "neutral_colorful": +1, "classic_experimental": +1},
            id="floral dress",
        ),
        pytest.param(
            "white floral dress", {"minimal_maximal": +1, "classic_experimental": +1, "neutral_colorful": -1},
            id="floral dress on white",
        ),
        pytest.param(
            "grey t-shirt", {"minimal_maximal": -1, "structured_relaxed": +1, "neutral_colorful": -1,
                             "classic_experimental": -1, "casual_formal": -1}, id="grey t-shirt",
        ),
        pytest.param("navy dress", {"minimal_maximal": -1, "neutral_colorful": -1, "casual_formal": +1}, id="navy"),
    ],
)  # fmt: skip
def test_first_sighting_moves_the_right_way_and_a_little(name: str, towards: dict[str, int]) -> None:
    radar = worn([[name]], 1)
    for axis, sign in towards.items():
        moved = (radar[axis] - 50) * sign
        assert 0 < moved <= 7.5, (axis, radar[axis])  # one sighting is 15 % of what it could say


def test_wardrobes_span_most_of_every_axis() -> None:
    radars = {name: worn(outfits, 60) for name, outfits in WARDROBES.items()}
    for axis in AXES:
        scores = [radar[axis.name] for radar in radars.values()]
        assert max(scores) - min(scores) >= 65, (axis.name, radars)
    assert radars["office"]["casual_formal"] > 75 > 15 > radars["neon"]["casual_formal"]
    assert radars["office"]["structured_relaxed"] < 30 < 70 < radars["neon"]["structured_relaxed"]
    assert radars["neon"]["neutral_colorful"] > 80 > 10 > radars["office"]["neutral_colorful"]
    assert radars["floral"]["classic_experimental"] > 70 > 20 > radars["grey and easy"]["classic_experimental"]
    assert radars["floral"]["minimal_maximal"] > 70 > 25 > radars["grey and easy"]["minimal_maximal"]
