"""Imports that go on behind the rows of one that broke."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import psycopg
import pytest
from vitrine.retrieval.v1 import catalog_service_pb2 as pb

from tests.services.retrieval.conftest import Place, Stubs, eventually
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import shirt, stream_of
from tests.services.retrieval.test_import import noted_numbers
from tests.services.retrieval.vision_stub import draw

pytestmark = pytest.mark.service

ROWS = [
    shirt(1, [draw("navy")], sku="A", title="First"),
    shirt(2, sku="B", price="free"),
    shirt(3, sku="C", price="5 XTS"),
    shirt(4, sku="A", title="Once more"),
    shirt(5, sku="C", price="7 EUR"),
]


async def run_of(stubs: Stubs, name: str) -> pb.Import:
    return getattr(await stubs.catalog.GetImport(pb.GetImportRequest(name=name)), "import")  # type: ignore[no-any-return]


async def broken_off(place: Place, rows: Sequence[pb.ImportRow], **config: Any) -> str:
    """Sends rows in chunks of one over a connection that ends when they are done."""
    stubs, sending = place.stubs("operator"), place.stubs("operator")
    request_id = str(uuid.uuid4())
    name = f"imports/{request_id}"

    async def messages() -> AsyncIterator[pb.ImportProductsRequest]:
        async for message in stream_of(rows, chunk=1, request_id=request_id, total_row_count=len(ROWS), **config):
            yield message
        await asyncio.Event().wait()

    async def done() -> bool:
        try:
            return bool((await run_of(stubs, name)).row_count == len(rows))
        except grpc.aio.AioRpcError:
            return False

    async def failed() -> bool:
        return bool((await run_of(stubs, name)).state == pb.Import.STATE_FAILED)

    call = asyncio.ensure_future(sending.catalog.ImportProducts(messages()))
    await eventually(done)
    await sending.channel.close()
    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
        await call
    await eventually(failed)
    await stubs.channel.close()
    return name


@pytest.mark.parametrize("done", [1, 2, 3, 4], ids=lambda done: f"after-{done}")
@pytest.mark.parametrize("dry_run", [False, True], ids=["stored", "dry-run"])
async def test_import_goes_on_as_if_it_had_not_broken(place: Place, done: int, *, dry_run: bool) -> None:
    stubs = place.stubs("operator")
    name = await broken_off(place, ROWS[:done], dry_run=dry_run)
    calls = place.vision.calls
    answer = await stubs.import_rows(ROWS[done:], chunk=2, resume=name, done_row_count=done, dry_run=dry_run)
    run = getattr(answer, "import")
    assert (run.name, run.state, run.total_row_count, run.error) == (name, pb.Import.STATE_SUCCEEDED, len(ROWS), "")
    assert (run.row_count, run.created_count, run.rejected_count) == (5, 0 if dry_run else 2, 3)
    assert [(item.row_number, item.description.split(",")[0]) for item in answer.rejections] == [
        (2, "must be an amount such as 12.50"),
        (3, "no exchange rate is known for 'XTS'"),
        (4, "'A' stands in row 1 already"),
    ]
    listed = await stubs.catalog.ListImportRejections(pb.ListImportRejectionsRequest(parent=name))
    assert listed.rejections == answer.rejections
    products = (await stubs.catalog.ListProducts(pb.ListProductsRequest())).products
    assert [(item.name, item.title) for item in products][:1] == ([] if dry_run else [("products/A", "First")])
    assert place.vision.calls == calls  # the picture of row 1 was not sent again
    assert await noted_numbers(place, name) == 0
    await stubs.channel.close()


async def test_import_whose_process_died_goes_on_and_the_one_before_cannot_any_more(place: Place) -> None:
    stubs = place.stubs("operator")
    go_on = asyncio.Event()
    request_id = str(uuid.uuid4())
    name = f"imports/{request_id}"

    async def messages() -> AsyncIterator[pb.ImportProductsRequest]:
        first, *rest = [message async for message in stream_of(ROWS, chunk=3, request_id=request_id)]
        yield first
        yield rest[0]
        await go_on.wait()
        yield rest[1]

    async def done() -> bool:
        try:
            return bool((await run_of(stubs, name)).row_count == 3)
        except grpc.aio.AioRpcError:
            return False

    before = stubs.catalog.ImportProducts(messages())
    await eventually(done)
    assert (await run_of(stubs, name)).state == pb.Import.STATE_RUNNING
    run = getattr(await stubs.import_rows(ROWS[3:], resume=name, done_row_count=3), "import")
    assert (run.state, run.row_count, run.created_count) == (pb.Import.STATE_SUCCEEDED, 5, 2)
    go_on.set()
    failure = await failure_of(before)
    assert (failure.code, failure.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert await run_of(stubs, name) == run  # and the end of the one before changed nothing
    await stubs.channel.close()


async def test_what_cannot_be_resumed_is_refused(place: Place) -> None:
    stubs = place.stubs("operator")
    name = await broken_off(place, ROWS[:2])
    ended = getattr(await stubs.import_rows(ROWS[:1]), "import").name
    own = {"request_id": name.removeprefix("imports/")}
    cases: list[tuple[dict[str, Any], grpc.StatusCode, str]] = [
        ({"resume": "imports/nothing"}, grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND"),
        ({"resume": ended, "done_row_count": 1}, grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT"),
        ({"resume": name, "done_row_count": 1}, grpc.StatusCode.ABORTED, "ETAG_MISMATCH"),
        ({"resume": name, "done_row_count": 2, "dry_run": True}, grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT"),
        ({"done_row_count": 2}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ({"resume": "products/x"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ({"request_id": "no uuid"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        (own, grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_EXISTS"),
    ]
    for config, code, reason in cases:
        failure = await failure_of(stubs.import_rows(ROWS[2:], **config))
        assert (failure.code, failure.reason) == (code, reason), config
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        await connection.execute("update retrieval.imports set end_time = now() - interval '8 days'")
    failure = await failure_of(stubs.import_rows(ROWS[2:], resume=name, done_row_count=2))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT")
    assert await noted_numbers(place, name) == 1  # refused, so nothing was forgotten yet either
    await run_of(stubs, ended)
    assert await noted_numbers(place, name) == 0
    await stubs.channel.close()
