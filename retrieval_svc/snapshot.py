"""Saves and restores the in-process index: ``python -m retrieval_svc.snapshot save|show|restore FILE``.

It reads the settings of the service (`VITRINE_INDEX_DIR`, `VITRINE_DATABASE_URL`). `save` wants the service to be
stopped; `restore` is taken up by its next start. An index can always be built from PostgreSQL: a snapshot saves the
minutes that takes, on the same machine or another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from mesh.database import Database
from mesh.errors import VitrineError
from retrieval_svc.catalog.product import point_id
from retrieval_svc.index.build import SHARD_FOLDER, write_state
from retrieval_svc.index.edge import QdrantEdge
from retrieval_svc.index.edge_backend import folder_of, newest_generation
from retrieval_svc.index.generation import GenerationState
from retrieval_svc.index.schema import SCHEMA_VERSION
from retrieval_svc.index.snapshot import Manifest, SnapshotError, read_manifest, save, unpack
from retrieval_svc.settings import RetrievalSettings
from retrieval_svc.storage import index_feed
from retrieval_svc.storage.change_log import last_change, unchanged_documents

_SCHEMA = "retrieval"
# Products whose content is compared with the catalogue, the ones that changed last before the snapshot.
_SAMPLE = 200


async def save_index(index_dir: Path, target: Path) -> Manifest:
    """Saves the newest generation of a service that is stopped.

    Args:
        index_dir: The folder of its index.
        target: The snapshot to write.

    Raises:
        SnapshotError: When there is no generation, or somebody uses it.
    """
    found = newest_generation(index_dir)
    if found is None:
        raise SnapshotError(f"{index_dir} holds no complete index")
    folder, state = found
    shard = _opened(folder)  # takes the engine's lock, and what its log holds into its files
    try:
        shard.flush()
        count = await shard.count()
    finally:
        await shard.close()
    return save(folder, state, count, target)


async def restore_index(database: Database, index_dir: Path, source: Path) -> GenerationState:
    """Unpacks a snapshot as the newest generation, which the next start of the service opens and lets catch up.

    Args:
        database: The catalogue.
        index_dir: The folder of the index; what it holds stays until the service starts.
        source: The snapshot.

    Returns:
        The state of the restored generation, with its new number.

    Raises:
        SnapshotError: When the snapshot is damaged, or fits neither this version nor this catalogue.
        VitrineError: When the database does not answer.
    """
    await _check_fits(database, read_manifest(source))
    part = _empty_place(index_dir)
    try:
        manifest = unpack(source, part)
        await _check_content(database, part, manifest)
        return await _put_in_place(database, index_dir, part, manifest)
    finally:
        shutil.rmtree(part, ignore_errors=True)


async def _check_fits(database: Database, manifest: Manifest) -> None:
    state = manifest.state
    if state.schema_version != SCHEMA_VERSION:
        text = f"the snapshot has schema version {state.schema_version}, this version of the service {SCHEMA_VERSION}"
        raise SnapshotError(text)
    async with database.begin() as connection:
        model = await index_feed.read_model(connection)
        newest = await last_change(connection)
    wanted = (model.model, model.dimension) if model else ("", 0)
    if (state.model, state.dimension) != wanted:
        text = f"the snapshot has vectors of {state.model!r} with {state.dimension} numbers, the catalogue wants "
        raise SnapshotError(text + (f"{wanted[0]!r} with {wanted[1]}" if model else "none yet"))
    if state.applied_seq > newest:
        text = f"the snapshot knows change {state.applied_seq}, the newest of this catalogue is {newest}"
        raise SnapshotError(f"{text}: it belongs to another catalogue, or to a later state of this one")


async def _check_content(database: Database, folder: Path, manifest: Manifest) -> None:
    """Compares products that have not changed since: another catalogue may have as many changes as ours."""
    async with database.begin() as connection:
        known = await unchanged_documents(connection, manifest.state.applied_seq, _SAMPLE)
    shard = _opened(folder)
    try:
        count = await shard.count()
        points = await shard.retrieve([point_id(product_id) for product_id in known], fields=["doc"])
    finally:
        await shard.close()
    if count != manifest.product_count:
        raise SnapshotError(f"the snapshot holds {count} products, its manifest says {manifest.product_count}")
    for product_id, document in known.items():
        point = points.get(point_id(product_id))
        if point is None or json.loads(str(point.payload["doc"])) != document:
            text = f"products/{product_id} differs, though it has not changed since"
            raise SnapshotError(f"the snapshot belongs to another catalogue: {text}")


async def _put_in_place(database: Database, index_dir: Path, part: Path, manifest: Manifest) -> GenerationState:
    """Gives the folder a number above all others; the state file comes last but for the name."""
    state = manifest.state
    async with database.begin() as connection:
        number = await index_feed.begin_generation(connection, "qdrant-edge", state.model, state.dimension)
        await index_feed.end_generation(connection, number, product_count=manifest.product_count)
    restored = replace(state, generation=number)
    write_state(part, restored)
    await asyncio.to_thread(part.rename, folder_of(index_dir, number))
    return restored


def _empty_place(index_dir: Path) -> Path:
    """Returns a folder that does not exist yet, and removes what a restore that was killed left behind."""
    for left in index_dir.glob("restoring-*"):
        shutil.rmtree(left, ignore_errors=True)
    return index_dir / f"restoring-{os.getpid()}"


def _opened(folder: Path) -> QdrantEdge:
    try:
        return QdrantEdge.load(folder / SHARD_FOLDER)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the engine panics over a damaged shard, which is no Exception
        raise SnapshotError(f"{folder} cannot be opened; is the service still running? ({error})") from error


def _told(manifest: Manifest) -> str:
    state = manifest.state
    return (
        f"{manifest.product_count} products, vectors of {state.model} ({state.dimension} numbers), schema version "
        f"{state.schema_version}, up to change {state.applied_seq}, built {state.build_time:%Y-%m-%d %H:%M} UTC"
    )


async def _run(command: str, file: Path, settings: RetrievalSettings) -> str:
    if command == "show":
        return _told(read_manifest(file))
    if settings.index_engine != "edge":
        raise SnapshotError("VITRINE_INDEX_ENGINE is server: a Qdrant server keeps its collections itself")
    if command == "save":
        return f"saved to {file}: {_told(await save_index(settings.index_dir, file))}"
    database = Database(settings.database_url, _SCHEMA, "retrieval_svc.migrations", pool_size=1)
    try:
        restored = await restore_index(database, settings.index_dir, file)
    finally:
        await database.close()
    return f"restored as generation {restored.generation}; the next start of the service opens it"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the exit status is 1 when it was refused."""
    parser = argparse.ArgumentParser(prog="python -m retrieval_svc.snapshot", description=__doc__)
    parser.add_argument("command", choices=("save", "show", "restore"))
    parser.add_argument("file", type=Path, help="the snapshot")
    stated = parser.parse_args(arguments)
    try:
        print(asyncio.run(_run(stated.command, stated.file, RetrievalSettings())))  # noqa: T201 - it is a command
    except (SnapshotError, VitrineError, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
