"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from vitrine.embedded.postgres import PostgresServer

from imaging.models.fetch import fetch
from tests.support.sharing import FolderScheduling

MODELS_DIR = Path(__file__).parents[1] / "models"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FolderScheduling:
    """Shares tests out as `tests.support.sharing` says (``pytest -n 2``)."""
    return FolderScheduling(config, log)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of the model files; `make setup-dev` fills it, and this fetches what is missing."""
    fetch(MODELS_DIR)
    return MODELS_DIR


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real PostgreSQL server for this test session; ask it for a `.new_database()` each."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "server", durable=False)
    server.start()
    try:
        yield server
    finally:
        server.delete()
