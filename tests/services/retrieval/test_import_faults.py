"""Imports that meet trouble: broken streams, dead processes, stores and services that are away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import psycopg
import pytest
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import product_pb2

from tests.services.retrieval.conftest import Place, eventually
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import demo_rows, shirt, stream_of
from tests.services.retrieval.test_import import noted_numbers, stored_rows

pytestmark = pytest.mark.service


async def test_object_store_that_goes_away_fails_the_import_and_leaves_nothing_half(place: Place) -> None:
    stubs = place.stubs("operator")
    objects = place.folder / "objects" / "products"
    rows = demo_rows()[:24]

    async def losing_the_store() -> AsyncIterator[pb.ImportProductsRequest]:
        async for message in stream_of(rows, chunk=12):
            yield message
            if message.WhichOneof("message") == "chunk" and not objects.is_file():
                await eventually(first_is_stored)
                objects.rename(place.folder / "away")
                objects.write_text("no folder: every write fails, as on a full disk")

    async def first_is_stored() -> bool:
        return (await stubs.catalog.ListProducts(pb.ListProductsRequest())).total_count == 12

    failure = await failure_of(stubs.catalog.ImportProducts(losing_the_store()))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert failure.metadata["dependency"] == "objects"
    run = getattr(await stubs.catalog.GetImport(pb.GetImportRequest(name=failure.metadata["import"])), "import")
    assert (run.state, run.error) == (pb.Import.STATE_FAILED, "the object store does not answer")
    assert (run.row_count, run.created_count) == (12, 12)
    assert await first_is_stored()
    assert await stored_rows(place, "product_vectors") == 12
    assert await noted_numbers(place, run.name) == 12  # so that it can go on
    objects.unlink()
    (place.folder / "away").rename(objects)
    again = getattr(await stubs.import_rows(rows), "import")
    assert (again.created_count, again.unchanged_count) == (12, 12)
    assert len(place.files()) == len({row.images[0].data for row in rows})
    await stubs.channel.close()


async def test_stream_that_breaks_the_protocol(place: Place) -> None:
    stubs = place.stubs("operator")

    async def no_config() -> Any:
        yield pb.ImportProductsRequest(chunk=pb.ImportChunk(rows=[shirt(1)]))

    async def two_configs() -> Any:
        async for message in stream_of([shirt(1)]):
            yield message
        yield pb.ImportProductsRequest(config=pb.ImportConfig())

    for messages in (no_config(), two_configs()):
        failure = await failure_of(stubs.catalog.ImportProducts(messages))
        assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PROTOCOL_VIOLATION")
    run = getattr(await stubs.catalog.GetImport(pb.GetImportRequest(name=failure.metadata["import"])), "import")
    assert (run.state, run.created_count) == (pb.Import.STATE_FAILED, 1)
    await stubs.channel.close()


async def test_import_whose_process_died_is_reported_as_failed(place: Place) -> None:
    stubs = place.stubs("operator")
    name = getattr(await stubs.import_rows([shirt(1)]), "import").name
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        await connection.execute(
            "update retrieval.imports set state = 1, end_time = null, update_time = now() - interval '11 minutes'"
        )
    run = getattr(await stubs.catalog.GetImport(pb.GetImportRequest(name=name)), "import")
    assert (run.state, run.row_count) == (pb.Import.STATE_FAILED, 1)
    assert run.error
    await stubs.channel.close()


async def test_import_without_vision_is_done_later(place: Place) -> None:
    stubs = place.stubs("operator")
    await place.vision.stop()
    run = getattr(await stubs.import_rows(demo_rows()[:10]), "import")
    assert (run.created_count, run.pending_vector_count) == (10, 10)
    product = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/D-0"))).product
    assert product.vector_state == product_pb2.VECTOR_STATE_PENDING
    assert (await stubs.index()).pending_vector_count == 10
    await place.vision.start()

    async def done() -> bool:
        index = await stubs.index()
        return index.pending_vector_count == 0 and index.vector_count == 10

    await eventually(done)
    product = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/D-0"))).product
    assert (product.vector_state, product.vector_model) == (product_pb2.VECTOR_STATE_READY, "stub/1")
    await stubs.channel.close()
