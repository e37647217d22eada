"""One mesh for the files of faults, quick to notice them; it mends itself after each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.sdk import CatalogSource, import_catalog

from retrieval_svc.catalog.demo.export import DEFAULT_SEED, write_catalog
from tests.support.mesh import client, running_mesh

# As in production but sooner; and no capture may end without products or taste only because tests have no patience.
_SETTINGS = {
    "WORKER_HEARTBEAT_S": "0.3",
    "WORKER_STALLED_S": "1.5",
    "WORKER_RECOVERY_S": "0.3",
    "CAPTURE_RETRY_FIRST_S": "0.2",
    "CAPTURE_RETRY_LONGEST_S": "0.5",
    "CAPTURE_MAX_ATTEMPTS": "100",
    "CAPTURE_DEGRADE_AFTER_ATTEMPTS": "100",
}
_PRODUCTS = 12


@pytest.fixture(scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedMesh]:
    """Two ingest replicas and a small catalogue."""
    folder = tmp_path_factory.mktemp("chaos")
    async with running_mesh(folder / "mesh", replicas={"ingest": 2}, settings={"*": _SETTINGS}) as running:
        await _import(running, folder / "catalog")
        yield running


async def _import(mesh: EmbeddedMesh, folder: Path) -> None:
    await asyncio.to_thread(write_catalog, folder, _PRODUCTS, DEFAULT_SEED)
    async with client(mesh, "shopkeeper", "operator") as shopkeeper:
        report = await import_catalog(shopkeeper, CatalogSource(folder / "catalog.jsonl"))
    assert not report.rejections
