"""The pure core: evidence, axes, EMA, attribution, replay."""

from __future__ import annotations

import numpy as np
import pytest

from mesh.errors import InvalidInputError
from profile_svc.taste.axes import AXES, colorfulness, evidence_of
from profile_svc.taste.change import Moment, change_between
from profile_svc.taste.evidence import (
    SeenColor,
    SeenEmbedding,
    SeenGarment,
    Sighting,
    StyleScores,
)
from profile_svc.taste.state import ALPHA, EMPTY, GarmentMove, TasteState, apply
from profile_svc.taste.wearing import Occasion

pytestmark = pytest.mark.unit

DAY_S = 86400.0
RED = SeenColor("red", "#ff0000", (53.24, 80.09, 67.20), 1.0)
GREY = SeenColor("grey", "#777777", (50.0, 0.0, 0.0), 1.0)


def garment(garment_id: str = "g0", **values: object) -> SeenGarment:
    return SeenGarment(garment_id, **values)  # type: ignore[arg-type]


def vector(*values: float, model: str = "m/1") -> SeenEmbedding:
    array = np.asarray(values, dtype=np.float64)
    return SeenEmbedding(model, (array / np.linalg.norm(array)).astype(np.float32))


def wear(state: TasteState, sighting: Sighting) -> tuple[TasteState, tuple[GarmentMove, ...]]:
    """Moves a taste by a sighting on a day of its own, so that everything in it counts."""
    return apply(state, sighting, Occasion(f"e{state.count}", DAY_S * state.count))


def axis(state: TasteState, name: str) -> float:
    return state.axes[[item.name for item in AXES].index(name)]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(garment(), {}, id="nothing known"),
        pytest.param(garment(score=0.0, style=StyleScores(50, 50, 50)), {}, id="no weight"),
        pytest.param(
            garment(style=StyleScores(formality=80, structure=90, minimalism=70)),
            {"minimal_maximal": 50 * 25 / 41, "structured_relaxed": 0, "casual_formal": 100},
            id="style alone",
        ),
        pytest.param(
            garment(style=StyleScores(54, 54, 54), silhouette="oversized"),
            # softness 46 and a wide fit of 85 make 53.8, which is 0.8 above the middle
            {
                "minimal_maximal": 50,
                "structured_relaxed": 50 + 50 * 0.8 / 23,
                "casual_formal": 78,
                "classic_experimental": 100,
            },
            id="a wide fit relaxes",
        ),
        pytest.param(garment(colors=(RED,)), {"neutral_colorful": 100, "classic_experimental": 100}, id="pure red"),
        pytest.param(garment(colors=(GREY,)), {"neutral_colorful": 0, "classic_experimental": 0}, id="grey"),
        pytest.param(garment(pattern="striped"), {"classic_experimental": 50 * 22 / 31}, id="stripes are classic"),
        pytest.param(
            garment(pattern="patterned", pattern_score=0.6),
            {"classic_experimental": 50 + 50 * 26 / 36},
            id="some pattern",
        ),
    ],
)
def test_evidence_of_a_garment(seen: SeenGarment, expected: dict[str, float]) -> None:
    found = {name: item.value for name, item in evidence_of(seen).items()}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "lab", "low", "high"),
    [  # Lab of common colour names, from the sRGB values of CSS, D65
        ("black", (0, 0, 0), 0, 0),
        ("white", (100, 0, 0), 0, 0),
        ("beige", (95.95, -4.19, 12.05), 0, 0.05),
        ("dark navy", (17.0, 3.0, -17.0), 0, 0.05),
        ("camel", (66.5, 9.6, 30.6), 0, 0.4),
        ("red", (53.24, 80.09, 67.20), 1, 1),
        ("royal blue", (47.8, 26.3, -65.3), 1, 1),
        ("emerald", (66.8, -52.0, 24.0), 0.9, 1),
    ],
)
def test_colorfulness_follows_what_stylists_call_neutral(
    name: str, lab: tuple[float, float, float], low: float, high: float
) -> None:
    assert low <= colorfulness(lab) <= high, name


def test_first_sighting_moves_from_neutral_by_the_share_of_the_new() -> None:
    state, _ = wear(EMPTY, Sighting((garment(style=StyleScores(100, 100, 100)),)))
    assert axis(state, "casual_formal") == pytest.approx(0.85 * 50 + 0.15 * 100)
    assert axis(state, "minimal_maximal") == pytest.approx(0.85 * 50)
    assert axis(state, "neutral_colorful") == 50  # nothing was said about colour
    assert state.count == 1


def test_axes_converge_to_what_is_worn_and_stay_in_range() -> None:
    state = EMPTY
    for _ in range(80):
        state, _ = wear(state, Sighting((garment(style=StyleScores(100, 0, 0), colors=(RED,)),)))
    assert axis(state, "casual_formal") == pytest.approx(100, abs=0.1)
    assert all(0 <= score <= 100 for score in state.axes)


def test_vector_follows_the_published_ema() -> None:
    """The reference is the seed's own formula in float64: normalise(0.85 * old + 0.15 * new)."""
    rng = np.random.default_rng(3)
    seen = [vector(*rng.normal(size=64)) for _ in range(40)]
    state = EMPTY
    expected = seen[0].values.astype(np.float64)
    for index, item in enumerate(seen):
        state, _ = wear(state, Sighting((garment(embedding=item),)))
        if index:
            expected = ALPHA * expected + (1 - ALPHA) * item.values.astype(np.float64)
            expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(state.vectors["m/1"].values, expected, atol=1e-6)
    assert state.vectors["m/1"].values.dtype == np.float32


def test_another_model_starts_a_vector_of_its_own() -> None:
    state, _ = wear(EMPTY, Sighting((garment(embedding=vector(1, 0)),)))
    state, _ = wear(state, Sighting((garment(embedding=vector(0, 0, 1, model="n/2")),)))
    assert state.last_model == "n/2"
    assert state.vectors["m/1"].values.tolist() == [1, 0]
    assert state.vectors["n/2"].values.tolist() == [0, 0, 1]


def test_whole_picture_speaks_where_no_garment_has_a_vector() -> None:
    state, _ = wear(EMPTY, Sighting((garment(),), vector(0, 1)))
    assert state.vectors["m/1"].values.tolist() == [0, 1]


def test_opposite_vectors_leave_the_taste_alone() -> None:
    both = (garment("a", embedding=vector(1, 0)), garment("b", embedding=vector(-1, 0)))
    state, _ = wear(EMPTY, Sighting(both))
    assert state.vectors == {}


@pytest.mark.parametrize(
    "sighting",
    [
        Sighting((garment(embedding=vector(1, 0, 0)),)),
        Sighting((garment("a", embedding=vector(1, 0)), garment("b", embedding=vector(1, 0, 0)))),
    ],
    ids=["against the taste", "within the sighting"],
)
def test_dimension_that_does_not_fit_is_refused(sighting: Sighting) -> None:
    state, _ = wear(EMPTY, Sighting((garment(embedding=vector(1, 0)),)))
    with pytest.raises(InvalidInputError) as caught:
        wear(state, sighting)
    assert caught.value.reason == "EMBEDDING_DIMENSION"
    assert caught.value.metadata == {"expected": "2", "actual": "3"}


def test_summary_names_the_garment_and_its_largest_part() -> None:
    coat = garment(
        "coat", bucket="outerwear", category="coat", colors=(SeenColor("burgundy", "#6d1a2d", (25, 40, 10), 1.0),),
        style=StyleScores(formality=60, structure=95, minimalism=60),
    )  # fmt: skip
    sighting = Sighting((coat,))
    after, moves = wear(EMPTY, sighting)
    change = change_between(Moment(EMPTY, 0, ""), after, sighting=sighting, moves=moves)
    # 0.15 * (0 - 50) = -7.5 on structured_relaxed is the largest part
    assert change.attributions[0].summary == "burgundy coat: +8 structured"
    assert change.first


def test_parts_of_all_garments_add_up_to_the_move() -> None:
    sighting = Sighting(
        (
            garment("a", bucket="top", score=0.9, style=StyleScores(90, 80, 20), colors=(RED,), pattern="floral"),
            garment("b", bucket="shoes", score=0.7, style=StyleScores(10, 30, 95), silhouette="slim"),
            garment("c", bucket="accessories", score=0.4, colors=(GREY,), confidence={"colors": 0.5}),
        )
    )
    after, moves = wear(EMPTY, sighting)
    change = change_between(Moment(EMPTY, 0, ""), after, sighting=sighting, moves=moves)
    for index, delta in enumerate(change.deltas()):
        name = AXES[index].name
        parts = sum(item.deltas.get(name, 0.0) for item in change.attributions)
        assert parts == pytest.approx(delta, abs=1e-4)


def test_shoes_count_half_and_unsure_attributes_less() -> None:
    top = garment("a", bucket="top", style=StyleScores(100, 50, 50))
    shoes = garment("b", bucket="shoes", style=StyleScores(0, 50, 50), confidence={"style": 0.5})
    state, _ = wear(EMPTY, Sighting((top, shoes)))
    assert axis(state, "casual_formal") == pytest.approx(0.85 * 50 + 0.15 * (100 * 1.0 / 1.25))
