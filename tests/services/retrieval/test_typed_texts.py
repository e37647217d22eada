"""What people type, through the real vision service and the real index: the bench's three tables on a small shop."""

from __future__ import annotations

from pathlib import Path

import pytest
from vitrine.embedded.postgres import PostgresServer

from bench._search_words import text_report

pytestmark = pytest.mark.service

# Drawing and embedding them takes 7 s of one core; `bench/search.py` asks the whole demo catalogue of 420.
PRODUCTS = 120


async def test_typed_texts_find_what_they_mean(postgres: PostgresServer, models_dir: Path, tmp_path: Path) -> None:
    report = await text_report(postgres.new_database(), tmp_path, models_dir, PRODUCTS)
    asked = [report["queries"], report["blind"]["queries"], report["blind2"]["queries"]]
    assert min(asked) >= 12, asked  # of forty each, those that so small a shop can answer
    assert sum(asked) >= 60, asked
    assert report["right"] >= 0.9, report["wrong"]
    assert report["blind"]["right"] >= 0.9, report["blind"]["wrong"]
    assert report["blind2"]["right"] >= 0.9, report["blind2"]["wrong"]
    assert report["blind"]["exact"] >= 0.9, report["blind"]["inexact"]
