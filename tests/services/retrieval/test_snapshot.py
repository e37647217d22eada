"""Saving and restoring the in-process index, with the real engine and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from vitrine.embedded.postgres import PostgresServer

from mesh.database import Database
from mesh.metrics import Metrics
from retrieval_svc.index.edge_backend import EdgeBackend, newest_generation
from retrieval_svc.index.manager import IndexManager
from retrieval_svc.index.schema import IMAGE_VECTOR, SCHEMA_VERSION
from retrieval_svc.index.snapshot import SnapshotError, read_manifest
from retrieval_svc.index.vector_index import IndexQuery
from retrieval_svc.snapshot import restore_index, save_index
from retrieval_svc.storage.tables import index_models
from tests.services.retrieval.conftest import eventually
from tests.services.retrieval.stored import remove, store
from tests.unit.retrieval_svc.catalogue import DIMENSION, make_products

pytestmark = pytest.mark.service

ITEMS = make_products(40)
QUERY = np.random.default_rng(3).normal(size=DIMENSION).tolist()


class Catalogue:
    """A database, and where its index is."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.database = Database(SecretStr(url), "retrieval", "retrieval_svc.migrations", pool_size=3)
        self.index_dir = folder / "index"
        self.written = folder / "written.tar"
        self.saved = folder / "saved.tar"

    @asynccontextmanager
    async def followed(self, index_dir: Path, count: int) -> AsyncIterator[IndexManager]:
        """Runs an index until it holds so many products."""
        backend = EdgeBackend(index_dir, SecretStr(self.url), "retrieval", snapshot=self.written)
        manager = IndexManager(self.database, backend, Metrics(), structlog.get_logger(), poll_s=0.1)
        await manager.open()
        running = asyncio.create_task(manager.run())
        try:
            await eventually(lambda: _holds(manager, count))
            yield manager
        finally:
            manager.stop()
            await running


async def _holds(manager: IndexManager, count: int) -> bool:
    return manager.health().current is not None and await manager.active().index.count() == count


async def answers(manager: IndexManager) -> tuple[int, list[tuple[str, float]]]:
    """The generation, and what it finds; ties in the order of their ids, since engines promise none."""
    active = manager.active()
    hits = await active.index.query(IndexQuery(QUERY, limit=50, using=IMAGE_VECTOR))
    found = [(hit.id, round(hit.score, 5)) for hit in hits]
    return active.state.generation, sorted(found, key=lambda one: (-one[1], one[0]))


@pytest.fixture(scope="module")
async def catalogue(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Catalogue]:
    """24 products, and two snapshots of them: one written with the build, one saved by the command."""
    made = Catalogue(postgres.new_database(), tmp_path_factory.mktemp("snapshot"))
    await made.database.migrate()
    await store(made.database, ITEMS[:20])
    async with made.followed(made.index_dir, 20):
        with pytest.raises(SnapshotError, match="still running"):
            await save_index(made.index_dir, made.saved)
        await store(made.database, ITEMS[20:24])
    async with made.followed(made.index_dir, 24):
        pass
    await save_index(made.index_dir, made.saved)
    yield made
    await made.database.close()


async def test_manifests_say_how_far_each_snapshot_is(catalogue: Catalogue) -> None:
    written, saved = read_manifest(catalogue.written), read_manifest(catalogue.saved)
    assert (written.product_count, saved.product_count) == (20, 24)
    assert written.state.applied_seq < saved.state.applied_seq
    assert (saved.state.model, saved.state.schema_version) == ("m/1", SCHEMA_VERSION)


def _edited(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(file: Path) -> None:
        with tarfile.open(file) as tar:
            members = [(member.name, found.read()) for member in tar if (found := tar.extractfile(member))]
        manifest = json.loads(members[0][1])
        change(manifest)
        members[0] = (members[0][0], json.dumps(manifest).encode())
        part = file.with_suffix(".part")
        with tarfile.open(file, "w") as tar:
            for name, content in members:
                part.write_bytes(content)
                tar.add(part, name)

    return edit


def _flip_a_byte(file: Path) -> None:
    with tarfile.open(file) as tar:
        largest = max(tar, key=lambda member: member.size)
    with file.open("r+b") as content:
        content.seek(largest.offset_data + largest.size // 2)
        value = content.read(1)[0]
        content.seek(-1, os.SEEK_CUR)
        content.write(bytes([value ^ 0xFF]))


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _state(**changes: object) -> Callable[[Path], None]:
    return _edited(lambda manifest: manifest["state"].update(changes))


REFUSED = [
    pytest.param(_state(schema_version=SCHEMA_VERSION - 1), "has schema version", id="other-schema"),
    pytest.param(_state(model="other/1"), "vectors of 'other/1'", id="other-model"),
    pytest.param(_state(dimension=7), "with 7 numbers", id="other-dimension"),
    pytest.param(_state(applied_seq=10**9), "a later state", id="from-the-future"),
    pytest.param(_edited(lambda manifest: manifest.update(product_count=3)), "manifest says 3", id="other-count"),
    pytest.param(_edited(lambda manifest: manifest.update(format=2)), "its format is 2", id="other-format"),
    pytest.param(_edited(lambda manifest: manifest["folders"].append("../out")), "must not write", id="path-outside"),
    pytest.param(_edited(lambda manifest: manifest["files"].popitem()), "does not name", id="unnamed-file"),
    pytest.param(_edited(lambda manifest: manifest["files"].update(more="0")), "1 of", id="file-missing"),
    pytest.param(_flip_a_byte, "damaged", id="flipped-byte"),
    pytest.param(_cut, "cut off|cannot be read", id="cut-off"),
    pytest.param(lambda file: file.write_bytes(b"tar?"), "no snapshot", id="no-tar"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
async def test_snapshot_that_does_not_fit_is_refused(
    catalogue: Catalogue, tmp_path: Path, change: Callable[[Path], None], message: str
) -> None:
    file = tmp_path / "changed.tar"
    shutil.copy(catalogue.saved, file)
    change(file)
    with pytest.raises(SnapshotError, match=message):
        await restore_index(catalogue.database, tmp_path / "index", file)
    assert newest_generation(tmp_path / "index") is None
    assert await asyncio.to_thread(lambda: list(tmp_path.glob("index/*"))) == []


async def test_snapshot_of_another_catalogue_is_refused(
    catalogue: Catalogue, postgres: PostgresServer, tmp_path: Path
) -> None:
    """One of the same model, with more changes, in which one product costs something else."""
    other = Catalogue(postgres.new_database(), tmp_path)
    await other.database.migrate()
    with pytest.raises(SnapshotError, match="none yet"):
        await restore_index(other.database, other.index_dir, catalogue.saved)
    dearer = replace(ITEMS[3], product=replace(ITEMS[3].product, price=ITEMS[4].product.price))
    await store(other.database, [*ITEMS[:3], dearer, *ITEMS[4:24]])
    await store(other.database, ITEMS[24:])
    with pytest.raises(SnapshotError, match="another catalogue"):
        await restore_index(other.database, other.index_dir, catalogue.saved)
    await other.database.close()


def test_command_saves_shows_and_says_what_it_refuses(catalogue: Catalogue, tmp_path: Path) -> None:
    environment = os.environ | {"VITRINE_DATABASE_URL": catalogue.url, "VITRINE_INDEX_DIR": str(tmp_path / "index")}

    def run(*arguments: str, **more: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "retrieval_svc.snapshot", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment | more, check=False, timeout=300)
        return done.returncode, done.stdout + done.stderr

    status, said = run("restore", str(catalogue.saved))
    assert (status, "restored as generation" in said) == (0, True), said
    status, said = run("save", str(tmp_path / "again.tar"))
    assert (status, "24 products, vectors of m/1" in said) == (0, True), said
    status, said = run("restore", str(catalogue.saved), VITRINE_INDEX_ENGINE="server")
    assert (status, "refused: " in said, "Qdrant server" in said) == (1, True, True), said


@pytest.mark.parametrize("kind", ["written", "saved"])
async def test_restored_index_answers_alike_and_catches_up(catalogue: Catalogue, tmp_path: Path, kind: str) -> None:
    """Last of all: the catalogue changes."""
    await store(catalogue.database, ITEMS[24:])
    changed = replace(ITEMS[1], vector=ITEMS[2].vector)
    await store(catalogue.database, [changed])
    await remove(catalogue.database, "sku-0")
    async with catalogue.followed(catalogue.index_dir, 39) as manager:
        followed, expected = await answers(manager)
    restored = await restore_index(catalogue.database, tmp_path / "index", getattr(catalogue, kind))
    assert restored.generation > followed
    async with catalogue.followed(tmp_path / "index", 39) as manager:
        assert await answers(manager) == (restored.generation, expected)  # caught up, and not built anew


async def test_snapshot_of_a_model_that_is_gone_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    async with catalogue.database.begin() as connection:
        await connection.execute(sa.update(index_models).values(active_model="m/2"))
    with pytest.raises(SnapshotError, match="'m/1' with 24 numbers, the catalogue wants 'm/2'"):
        await restore_index(catalogue.database, tmp_path / "index", catalogue.saved)
