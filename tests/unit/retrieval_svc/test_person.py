"""Sizes and colour seasons: what they are worth, and that each moves the order the right way."""

from __future__ import annotations

import pytest

from retrieval_svc.catalog.vocabulary import Bucket
from retrieval_svc.search.person import Person, person_of, season_colors, season_value, size_value
from retrieval_svc.search.ranking import Features, Ranking, Weights, best_possible, score_of, terms_of

pytestmark = pytest.mark.unit
TOP, SHOES = int(Bucket.TOP), int(Bucket.SHOES)


@pytest.mark.parametrize(
    ("bucket", "sizes", "value"),
    [
        (TOP, ["s", "m"], 1.0), (TOP, ["s", "l"], 0.0), (TOP, [], 0.5), (SHOES, ["42"], 0.5), (TOP, ["one size"], 1.0),
    ],
    ids=["has-it", "others-only", "states-none", "other-bucket", "one-for-all"],
)  # fmt: skip
def test_size_value(bucket: int, sizes: list[str], value: float) -> None:
    assert size_value(person_of({"top": " M "}, ""), bucket, sizes) == value


def test_unknown_buckets_and_empty_sizes_are_left_out() -> None:
    assert person_of({"wings": "M", "shoes": " "}, "monsoon") == Person()


@pytest.mark.parametrize(
    ("season", "suits", "does_not"),
    [
        ("dark winter", "black", "light grey"), ("Bright Winter", "royal blue", "mustard"),
        ("warm_autumn", "rust", "black"),
        ("soft-summer", "lavender", "orange"), ("light spring", "peach", "black"), ("spring", "coral", "charcoal"),
    ],
)  # fmt: skip
def test_colors_of_a_season(season: str, suits: str, does_not: str) -> None:
    person = Person({}, season_colors(season))
    assert (season_value(person, [suits]), season_value(person, [does_not]), season_value(person, [])) == (1, 0, 0.5)
    assert season_value(person, [does_not, suits]) == 1.0


FITTING = Features(50, "b", 0.5, 1.0, 0.5, bucket=TOP, sizes=["m"], colors=["rust"])
OTHER = Features(50, "b", 0.5, 1.0, 0.52, bucket=TOP, sizes=["xl"], colors=["black"])
PERSON = person_of({"top": "M"}, "autumn")


@pytest.mark.parametrize("weights", [Weights(size=0.1), Weights(color_season=0.1)], ids=["size", "color-season"])
def test_each_term_moves_what_fits_the_person_up(weights: Weights) -> None:
    off, on = Ranking(person=PERSON), Ranking(weights, person=PERSON)
    assert score_of(terms_of(off, FITTING)) < score_of(terms_of(off, OTHER))
    assert score_of(terms_of(on, FITTING)) > score_of(terms_of(on, OTHER))
    (term,) = [term for term in terms_of(on, FITTING) if term.name in ("size", "color_season")]
    assert (term.weight, term.value) == (0.1, 1.0)
    assert score_of(terms_of(on, FITTING)) <= best_possible(on, 0.6 * 0.5, 0.0)


def test_without_weights_a_person_changes_nothing() -> None:
    for features in (FITTING, OTHER):
        assert terms_of(Ranking(person=PERSON), features) == terms_of(Ranking(), features)
