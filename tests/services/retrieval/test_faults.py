"""What this service stands on goes away and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from vitrine.embedded.ports import free_port
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import search_service_pb2 as search_pb2
from vitrine.type.v1 import image_pb2, model_pb2

from mesh.keys import SigningKey, key_set
from tests.services.retrieval.conftest import Place, Stubs, eventually, ready, running
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import demo_rows
from tests.services.retrieval.vision_stub import VisionStub, draw, embed

pytestmark = pytest.mark.service

VECTOR = model_pb2.Embedding(values=embed(draw("navy")), model="stub/1")
BY_VECTOR = search_pb2.SearchProductsRequest(embedding=VECTOR)


async def test_vision_away_leaves_vector_searches(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.import_rows(demo_rows()[:5])
    await place.vision.stop()
    try:
        for request in (
            search_pb2.SearchProductsRequest(text="navy shirt"),
            search_pb2.SearchProductsRequest(image=image_pb2.Image(data=draw("navy"))),
        ):
            failure = await failure_of(stubs.search.SearchProducts(request))
            assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
            assert failure.metadata["dependency"] == "vision"
        assert len((await stubs.search.SearchProducts(BY_VECTOR)).matches) == 5
    finally:
        await place.vision.start()
    await stubs.channel.close()


async def test_index_not_ready_before_there_is_a_model(
    postgres: PostgresServer, tmp_path: Path, free_stub: VisionStub
) -> None:
    async with running(tmp_path, postgres.new_database(), free_stub) as place:
        stubs = place.stubs("operator")
        failure = await failure_of(stubs.search.SearchProducts(BY_VECTOR))
        assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "INDEX_NOT_READY")
        assert (await stubs.index()).state == search_pb2.INDEX_STATE_BUILDING
        await stubs.import_rows(demo_rows()[:3])  # the catalogue does not need the vision service
        await free_stub.start()
        await ready(place, count=3)
        assert (await stubs.search.SearchProducts(BY_VECTOR)).matches
        await stubs.channel.close()


@pytest.fixture
async def free_stub() -> AsyncIterator[VisionStub]:
    """A vision service that is not there yet."""
    stub = VisionStub()
    stub.port = free_port()
    yield stub
    await stub.stop()


async def test_index_is_opened_again_and_rebuilt_when_lost_or_damaged(
    postgres: PostgresServer, tmp_path: Path, shared_vision: VisionStub
) -> None:
    url = postgres.new_database()
    async with running(tmp_path, url, shared_vision) as place:
        stubs = place.stubs("operator")
        await ready(place)
        await stubs.import_rows(demo_rows()[:12])
        await ready(place, count=12)
        generation = (await stubs.index()).generation
        await stubs.channel.close()
    async with running(tmp_path, url, shared_vision) as place:  # what was followed incrementally is still there
        stubs = place.stubs("operator")
        index = await stubs.index()
        assert (index.generation, index.product_count) == (generation, 12)
        await stubs.channel.close()
    for damage in (_remove_shard, _cut_segments, _claim_other_schema):
        damage(tmp_path / "index")
        async with running(tmp_path, url, shared_vision) as place:
            stubs = place.stubs()
            await eventually(lambda stubs=stubs, last=generation: _newer(stubs, last))  # type: ignore[misc]
            await ready(place, count=12)
            generation = (await stubs.index()).generation
            assert (await stubs.search.SearchProducts(BY_VECTOR)).matches[0].product.colors[0].name == "navy"
            await stubs.channel.close()
        assert len(list((tmp_path / "index").iterdir())) == 1


async def _newer(stubs: Stubs, generation: int) -> bool:
    return (await stubs.index()).generation > generation


def _remove_shard(index: Path) -> None:
    for path in sorted(index.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def _cut_segments(index: Path) -> None:
    for path in index.rglob("segments/**/*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def _claim_other_schema(index: Path) -> None:
    (state,) = index.glob("*/state.json")
    state.write_text(json.dumps(json.loads(state.read_text()) | {"schema_version": 0}))


async def test_postgres_restart(tmp_path: Path, shared_vision: VisionStub) -> None:
    server = PostgresServer(tmp_path / "postgres", durable=False)
    await asyncio.to_thread(server.start)
    try:
        async with running(tmp_path, server.new_database(), shared_vision) as place:
            stubs = place.stubs("operator")
            await ready(place)
            await stubs.import_rows(demo_rows()[:6])
            await asyncio.to_thread(server.stop)
            assert len((await stubs.search.SearchProducts(BY_VECTOR)).matches) == 6  # the index answers alone
            failure = await failure_of(stubs.catalog.ListProducts(pb.ListProductsRequest()))
            assert (failure.code, failure.metadata["dependency"]) == (grpc.StatusCode.UNAVAILABLE, "postgres")
            broken = await failure_of(stubs.import_rows(demo_rows()))
            assert broken.code == grpc.StatusCode.UNAVAILABLE
            await asyncio.to_thread(server.start)
            run = getattr(await stubs.import_rows(demo_rows()), "import")
            assert (run.created_count, run.unchanged_count) == (42, 6)
            await ready(place, count=48)
            assert (await stubs.index()).last_error == ""  # no build failed
            await stubs.channel.close()
    finally:
        await asyncio.to_thread(server.delete)


async def test_kill_in_the_middle_of_an_import(
    postgres: PostgresServer, tmp_path: Path, shared_vision: VisionStub
) -> None:
    key = SigningKey.generate()
    (tmp_path / "jwks.json").write_text(key_set([key]))
    port, url = free_port(), postgres.new_database()
    token = key.sign("ops", ["operator"], ttl_s=600)
    process = await _start(tmp_path, url, port, shared_vision)
    stubs = Stubs(port, token)
    await eventually(lambda: _answers(stubs))
    with pytest.raises(grpc.aio.AioRpcError):
        await stubs.catalog.ImportProducts(_killing(process, demo_rows()))
    await process.wait()
    await stubs.channel.close()
    orphan = tmp_path / "objects" / "products" / "00" / f"{'0' * 32}.jpg"  # kept, but its product was not stored
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left behind")
    process = await _start(tmp_path, url, port, shared_vision)
    stubs = Stubs(port, token)
    try:
        await eventually(lambda: _answers(stubs))
        await eventually(lambda: _is_gone(orphan))
        kept = (await stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=200))).products
        assert len(kept) == 24  # whole chunks
        assert all(product.images and product.vector_state in (2, 3) for product in kept)
        run = getattr(await stubs.import_rows(demo_rows()), "import")
        assert (run.created_count, run.unchanged_count) == (24, 24)

        async def whole() -> bool:
            index = await stubs.index()
            return index.product_count == 48 and index.vector_count == 48

        await eventually(whole)
    finally:
        await stubs.channel.close()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def _killing(process: asyncio.subprocess.Process, rows: list[pb.ImportRow]) -> AsyncIterator[Any]:
    yield pb.ImportProductsRequest(config=pb.ImportConfig())
    for start in (0, 12):
        yield pb.ImportProductsRequest(chunk=pb.ImportChunk(rows=rows[start : start + 12]))
    await asyncio.sleep(1.5)  # both chunks are stored
    process.kill()
    await asyncio.sleep(0.2)
    yield pb.ImportProductsRequest(chunk=pb.ImportChunk(rows=rows[24:]))


async def _start(folder: Path, url: str, port: int, vision: VisionStub) -> asyncio.subprocess.Process:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "VITRINE_DATABASE_URL": url,
        "VITRINE_JWKS": str(folder / "jwks.json"),
        "VITRINE_OBJECTS_URL": f"file://{folder}/objects",
        "VITRINE_INDEX_DIR": str(folder / "index"),
        "VITRINE_VISION_TARGET": f"127.0.0.1:{vision.port}",
        "VITRINE_GRPC_PORT": str(port),
        "VITRINE_METRICS_PORT": "0",
        "VITRINE_INDEX_POLL_S": "0.2",
        "VITRINE_BACKFILL_POLL_S": "0.2",
        "VITRINE_LOG_LEVEL": "error",
    }
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "retrieval_svc", env=environment)


async def _is_gone(path: Path) -> bool:
    return not await asyncio.to_thread(path.exists)


async def _answers(stubs: Stubs) -> bool:
    try:
        return (await stubs.index()).state == search_pb2.INDEX_STATE_READY
    except grpc.aio.AioRpcError:
        return False
