"""Forty typed texts on the demo catalogue, through the real vision service: what `bench/search.py` measures too."""

from __future__ import annotations

from pathlib import Path

import pytest
from vitrine.embedded.postgres import PostgresServer

from bench._search_queries import QUERIES
from bench._search_words import text_report

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


async def test_typed_texts_find_what_they_mean(postgres: PostgresServer, models_dir: Path, tmp_path: Path) -> None:
    report = await text_report(postgres.new_database(), tmp_path, models_dir)
    assert report["queries"] == len({wanted.text for wanted in QUERIES}) == 40
    assert report["right"] >= 0.9, report["wrong"]
