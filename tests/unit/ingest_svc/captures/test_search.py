"""What a personal search sends: valid by the contract, and nothing where nothing is known."""

from __future__ import annotations

import pytest
from google.type import money_pb2
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.type.v1 import garment_pb2, model_pb2, personal_context_pb2

from ingest_svc.captures.search import PersonalWeights, parts_of, ranking_for
from ingest_svc.settings import IngestSettings
from mesh.validation import validate

pytestmark = pytest.mark.unit

Context = personal_context_pb2.PersonalContext


@pytest.mark.parametrize(
    ("context", "parts"),
    [
        pytest.param(Context(), (), id="nothing"),
        pytest.param(Context(taste=model_pb2.Embedding(values=[1.0], model="m/1")), ("taste",), id="taste"),
        pytest.param(Context(color_season="dark winter"), ("color_season",), id="season"),
        pytest.param(Context(sizes={"top": "M"}), ("sizes",), id="sizes"),
        pytest.param(Context(budget=money_pb2.Money(currency_code="EUR", units=60)), ("budget",), id="budget"),
        pytest.param(Context(preferred_brands=["Mare"]), ("preferred_brands",), id="brands"),
        pytest.param(Context(avoided_brands=["Mare"]), ("avoided_brands",), id="avoided brands"),
        pytest.param(Context(avoided_colors=["red"]), ("avoided_colors",), id="avoided colours"),
        pytest.param(Context(avoided_materials=["wool"]), ("avoided_materials",), id="avoided materials"),
        pytest.param(Context(departments=["men"]), ("departments",), id="departments"),
        pytest.param(Context(currency_code="SEK"), ("currency_code",), id="currency"),
        pytest.param(
            Context(preferred_brands=["Mare"], color_season="x"), ("color_season", "preferred_brands"), id="two"
        ),
    ],
)
def test_parts_that_are_known_are_named_and_sent(context: Context, parts: tuple[str, ...]) -> None:
    assert parts_of(context) == parts
    ranking = ranking_for(context, PersonalWeights(0.3, 0.2, 0.1))
    validate(search_service_pb2.MatchGarmentsRequest(garments=[garment_pb2.Garment()], ranking=ranking))
    assert ranking.personal_context == context
    weights = {field.name: value for field, value in ranking.weights.ListFields()}
    assert weights == pytest.approx({"taste": 0.3, "size": 0.2, "color_season": 0.1})


def test_names_of_the_parts_are_those_of_the_context() -> None:
    """Retrieval says by these names what had no influence."""
    full = Context(
        color_season="x",
        sizes={"top": "M"},
        preferred_brands=["Mare"],
        avoided_brands=["Kumo"],
        avoided_colors=["red"],
        avoided_materials=["wool"],
        departments=["men"],
        currency_code="SEK",
    )
    full.taste.SetInParent()
    full.budget.SetInParent()
    assert parts_of(full) == tuple(field.name for field in Context.DESCRIPTOR.fields)


@pytest.mark.parametrize(("on", "weights"), [(False, None), (True, PersonalWeights(0.4, 0.1, 0.0))], ids=["off", "on"])
def test_settings_decide(on: bool, weights: PersonalWeights | None) -> None:
    settings = IngestSettings(personal_ranking=on, personal_taste_weight=0.4, personal_season_weight=0.0)
    assert settings.personal_weights() == weights
