"""What `bench/search.py` judges, and the truth that it judges by."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vitrine.embedded.postgres import PostgresServer

from bench._search_data import make_sample, product_row
from bench._search_kept import Made, Place
from bench._search_ranked import terms_of
from bench._search_targets import missed_of
from retrieval_svc.catalog.money import RateTable
from retrieval_svc.index.schema import IndexedProduct, payload_of
from retrieval_svc.search.ranking import Features, Ranking, score_of
from retrieval_svc.search.ranking import terms_of as service_terms
from retrieval_svc.storage.tables import products

pytestmark = pytest.mark.unit

SAMPLE = make_sample(400, 16, 3)


def test_sample_is_the_same_each_time() -> None:
    again = make_sample(400, 16, 3)
    assert np.array_equal(SAMPLE.vectors, again.vectors)
    assert [SAMPLE.product(n) for n in (0, 399)] == [again.product(n) for n in (0, 399)]


def test_rows_have_every_column_that_the_service_must_fill() -> None:
    row = product_row(SAMPLE, 5)
    wanted = {column.name for column in products.columns if not column.nullable and column.server_default is None}
    assert wanted <= row.keys()
    assert row["product_id"] == SAMPLE.product(5).product_id
    assert row["material_keys"] == ["cotton"]


def test_nearest_keeps_to_the_mask_and_to_its_order() -> None:
    vector = SAMPLE.queries(1, 9)[0]
    mask = SAMPLE.tags["tenth"]
    rows = SAMPLE.nearest(vector, mask, 10)
    likeness = [float(SAMPLE.vectors[row] @ vector) for row in rows]
    assert mask[rows].all()
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[-1] >= max(float(SAMPLE.vectors[row] @ vector) for row in set(np.flatnonzero(mask)) - set(rows))
    assert SAMPLE.nearest(vector, np.zeros(400, bool), 10) == []


def test_queries_come_from_the_products_that_are_asked_for() -> None:
    mask = SAMPLE.cluster == SAMPLE.cluster[0]
    near = SAMPLE.queries(20, 4, among=mask) @ SAMPLE.vectors.T
    inside, outside = near[:, mask].max(axis=1), near[:, ~mask].max(axis=1)
    assert (inside > outside).mean() > 0.9


def test_kept_folder_serves_its_own_catalogue_only(tmp_path: Path) -> None:
    place = Place(tmp_path, PostgresServer(tmp_path / "postgres"))
    made = Made(10, 4, 1)
    assert not place.holds(made)
    place.mark(made)
    assert place.holds(made)
    with pytest.raises(SystemExit, match="take another folder"):
        place.holds(Made(10, 4, 2))


@pytest.mark.parametrize("budget", [None, 30.0])
def test_truth_of_the_published_score_is_that_of_the_terms(budget: float | None) -> None:
    rates = {"EUR": 1.0, "USD": 1.04, "GBP": 0.83, "JPY": 163.0}
    terms, vector = terms_of(SAMPLE, rates), SAMPLE.queries(1, 9)[0]
    scores = terms.scores(SAMPLE.vectors @ vector, budget)
    ranking = Ranking(budget_eur=budget, preferred_brands=frozenset({"brand 1", "brand 2"}))
    table = RateTable({code: Decimal(str(rate)) for code, rate in rates.items() if code != "EUR"}, dt.date(2026, 1, 1))
    for number in range(0, 400, 7):
        payload = payload_of(IndexedProduct(SAMPLE.product(number), None), table)
        cosine = float(SAMPLE.vectors[number] @ vector)
        truth = score_of(service_terms(ranking, Features.of_payload(payload, cosine, 0.0, 0.0)))
        assert scores[number] == pytest.approx(truth, abs=1e-6)


REPORT: dict[str, Any] = {
    "products": 100_000, "idle": True, "recall": {"none": 1.0, "tenth": 0.99}, "scan": {"ratio": 2.0},
    "latency": {"none": {"p50_ms": 7.0, "p99_ms": 30.0, "cpu_ms": 6.0}},
    "swap": {"failed": 0}, "text": {"right": 0.95},
}  # fmt: skip
JUDGED = [
    pytest.param({}, set(), id="all-reached"),
    pytest.param({"recall": {"none": 0.98}}, {"recall_none"}, id="recall"),
    pytest.param(
        {"latency": {"none": {"p50_ms": 9, "p99_ms": 41, "cpu_ms": 9}}}, {"p50_ms", "p99_ms", "cpu_ms"}, id="slow"
    ),
    pytest.param(
        {"idle": False, "latency": {"none": {"p50_ms": 9, "p99_ms": 41, "cpu_ms": 9}}}, set(), id="busy-machine"
    ),
    pytest.param({"ranked": {"none": 1.0, "20": 0.9}}, {"ranked_20"}, id="published-score"),
    pytest.param({"scan": {"ratio": 0.9}}, {"scan_ratio"}, id="no-better-than-a-scan"),
    pytest.param({"scan": {"ratio": 0.9}, "products": 10_500}, set(), id="small-catalogue"),
    pytest.param({"scan": {"ratio": 0.9}, "idle": False}, set(), id="scan-beside-other-work"),
    pytest.param({"swap": {"failed": 1}}, {"swap_failures"}, id="failed-search-in-a-swap"),
    pytest.param({"text": {"right": 0.8}}, {"text_right"}, id="text"),
]


@pytest.mark.parametrize(("change", "expected"), JUDGED)
def test_targets_are_missed_by_what_misses_them(change: dict[str, Any], expected: set[str]) -> None:
    assert set(missed_of(REPORT | change)) == expected
