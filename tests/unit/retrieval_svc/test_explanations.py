"""Tiers, counterfactuals, intervals and words: small rules against their definitions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.rows import RowProblem, parse_row
from retrieval_svc.catalog.vocabulary import Availability, Bucket, bucket_of
from retrieval_svc.search.certificate import RecallMeter, RecallMethod, wilson_lower_bound
from retrieval_svc.search.counterfactual import what_would_win
from retrieval_svc.search.ranking import Features, Ranking, Weights, keyword_value, price_value, score_of, terms_of
from retrieval_svc.search.tiers import TierPlaces, pick_tiers
from tests.unit.retrieval_svc.catalogue import RATES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([], TierPlaces()),
        ([50.0], TierPlaces(0)),
        ([50.0, 41.0, 59.0], TierPlaces(0)),
        ([50.0, 40.0, 60.0], TierPlaces(0, 1, 2)),
        ([50.0, 90.0, 10.0, 5.0, 70.0], TierPlaces(0, 2, 1)),
        ([0.0, 10.0], TierPlaces(0, None, 1)),
        ([0.0, 0.0, 10.0], TierPlaces(0, None, 2)),
    ],
    ids=["empty", "one", "near", "at-the-bounds", "first-in-order", "free", "two-free"],
)
def test_tiers(prices: list[float], expected: TierPlaces) -> None:
    assert pick_tiers(prices) == expected


@pytest.mark.parametrize(
    ("price", "budget", "expected"),
    [(80, None, 0.5), (50, 50, 1.0), (75, 50, 0.5), (25, 50, 0.5), (100, 50, 0.0), (500, 50, 0.0), (0, 50, 0.0)],
)
def test_price_term(price: float, budget: float | None, expected: float) -> None:
    assert price_value(price, budget) == pytest.approx(expected)


# Wilson score interval, 95 %: published examples (Newcombe 1998, table I: 81/263 -> 0.2553; 15/148 -> 0.0624;
# 0/20 -> 0; 1/29 -> 0.0061).
@pytest.mark.parametrize(
    ("hits", "total", "expected"),
    [(0, 0, 0.0), (81, 263, 0.2553), (15, 148, 0.0624), (0, 20, 0.0), (1, 29, 0.0061)],
)
def test_wilson_lower_bound(hits: int, total: int, expected: float) -> None:
    assert wilson_lower_bound(hits, total) == pytest.approx(expected, abs=5e-5)


def test_meter_forgets_old_searches() -> None:
    meter = RecallMeter(window=2)
    assert meter.empty
    assert meter.measure(["a", "b"], ["a", "c"]).value == 0.5
    for _ in range(2):
        meter.measure(["a"], ["a"])
    estimate = meter.estimate()
    assert (estimate.method, estimate.value, estimate.sample_count) == (RecallMethod.SAMPLED, 1.0, 2)
    assert estimate.lower_bound < 1.0


@given(
    price=st.floats(61, 119), gap=st.floats(0.001, 0.19), budget=st.just(60.0), cosine=st.floats(-1, 1)
)  # fmt: skip
def test_price_counterfactual_reaches_the_first_place(price: float, gap: float, budget: float, cosine: float) -> None:
    ranking = Ranking(budget_eur=budget)
    features = Features(price, "b", 0.5, 1.0, cosine)
    terms = terms_of(ranking, features)
    best = score_of(terms) + gap
    change = what_would_win(ranking, terms, best, price, "EUR", RATES)
    enough = gap + 1e-6 <= 0.2 * (1 - price_value(price, budget))
    assert (change is not None) == enough
    if change is None or change.price_decrease is None:
        return
    cheaper = Features(price - float(change.price_decrease.amount), "b", 0.5, 1.0, cosine)
    # Rounded up to a cent, so it may pass the budget by a cent on the other side.
    assert score_of(terms_of(ranking, cheaper)) >= best - 0.2 * 0.01 / budget
    dearer = Features(price - float(change.price_decrease.amount) + 0.02, "b", 0.5, 1.0, cosine)
    assert score_of(terms_of(ranking, dearer)) < best + 1e-6


def test_availability_counterfactual() -> None:
    terms = terms_of(Ranking(), Features(50, "b", 0.5, 0.0, 0.5))
    change = what_would_win(Ranking(), terms, score_of(terms) + 0.05, 50, "EUR", RATES)
    assert change is not None
    assert (change.term, change.availability) == ("availability", Availability.IN_STOCK)
    assert what_would_win(Ranking(), terms, score_of(terms) + 0.2, 50, "EUR", RATES) is None


def test_what_is_as_good_as_the_first_needs_no_change() -> None:
    ranking = Ranking(budget_eur=60.0)
    terms = terms_of(ranking, Features(90.0, "b", 0.5, 0.0, 0.5))
    for best in (score_of(terms) - 0.11, score_of(terms)):
        assert what_would_win(ranking, terms, best, 90.0, "EUR", RATES) is None


def test_decrease_is_told_in_the_currency_of_the_answer() -> None:
    ranking = Ranking(budget_eur=60.0)
    terms = terms_of(ranking, Features(90.0, "b", 0.5, 1.0, 0.5))
    change = what_would_win(ranking, terms, score_of(terms) + 0.05, 90.0, "JPY", RATES)
    # 0.05 / 0.2 * 60 = 15 euros (and a hair), 163.06 yen each, rounded up to whole yen.
    assert change is not None
    assert change.price_decrease == Money("JPY", Decimal(2446))
    assert change.description == "2446 JPY less would make it first"


def test_text_weights_add_up_to_the_cosine_weight() -> None:
    for understood in (0.0, 0.3, 1.0):
        shared = Weights().shared_with_words(understood)
        assert shared.cosine + shared.keyword == pytest.approx(0.6)
        assert shared.cosine == pytest.approx(0.3 * understood)
    assert keyword_value(0.0, 8.0) == 0.0
    assert keyword_value(8.0, 8.0) == 1.0


@pytest.mark.parametrize(
    ("category", "bucket"),
    [
        ("", Bucket.UNSPECIFIED), ("Shirt", Bucket.TOP), ("t-shirt", Bucket.TOP), ("Trench Coat", Bucket.OUTERWEAR),
        ("ankle boots", Bucket.SHOES), ("evening_dress", Bucket.DRESS), ("thing", Bucket.UNSPECIFIED),
        ("headwear", Bucket.ACCESSORIES), ("bag", Bucket.ACCESSORIES), ("skirt", Bucket.BOTTOM),
    ],
)  # fmt: skip
def test_bucket_of_category(category: str, bucket: Bucket) -> None:
    assert bucket_of(category) == bucket


def test_every_problem_of_a_row_is_reported() -> None:
    problems = parse_row({"sku": "a b", "price": "x", "gender": "?", "hue": "red"})
    assert isinstance(problems, list)
    assert {problem.field for problem in problems} == {"sku", "title", "category", "price", "gender", "hue"}
    assert all(isinstance(problem, RowProblem) and problem.description for problem in problems)


@given(st.dictionaries(st.sampled_from(["sku", "title", "category", "price", "colors", "sizes"]), st.text(max_size=80)))
def test_no_text_makes_the_row_reader_fail(columns: dict[str, str]) -> None:
    parse_row(columns)
