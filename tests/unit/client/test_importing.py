"""Sending a catalogue over connections that break."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.sdk import CatalogSource, ImportProgress, RpcFailure, Vitrine, import_catalog, importing

pytestmark = pytest.mark.unit
ROWS = 450  # chunks of 100
UNAVAILABLE, ABORTED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED


def answer_of(run: pb.Import) -> pb.ImportProductsResponse:
    answer = pb.ImportProductsResponse()
    getattr(answer, "import").CopyFrom(run)
    return answer


class Shop:
    """Keeps imports as the service does, and breaks streams as it is told.

    Attributes:
        breaks: For each stream in turn, after how many rows of its own it breaks, and with which code.
        begins: Whether a stream that breaks at once has begun its import.
        configs: What each stream said first.
        rows: Numbers of the rows that were stored.
    """

    def __init__(self, *breaks: tuple[int, grpc.StatusCode], begins: bool = True) -> None:
        self.breaks = list(breaks)
        self.begins = begins
        self.configs: list[pb.ImportConfig] = []
        self.rows: list[int] = []
        self.run: pb.Import | None = None

    async def take(self, requests: AsyncIterator[pb.ImportProductsRequest], context: Any) -> pb.ImportProductsResponse:
        config = (await anext(requests)).config
        self.configs.append(config)
        breaks_after, code = self.breaks.pop(0) if self.breaks else (ROWS + 1, UNAVAILABLE)
        if breaks_after or self.begins:
            self.run = pb.Import(name=config.resume or f"imports/{config.request_id}", row_count=len(self.rows))
        taken = 0
        async for message in requests:
            if taken >= breaks_after:
                await context.abort(code, "as told")
            self.rows += [row.row_number for row in message.chunk.rows]
            taken += len(message.chunk.rows)
            assert self.run is not None
            self.run.row_count = len(self.rows)
        assert self.run is not None
        self.run.state = pb.Import.STATE_SUCCEEDED
        if taken >= breaks_after:
            await context.abort(code, "its answer got lost")
        return answer_of(self.run)

    async def get(self, request: pb.GetImportRequest, context: Any) -> pb.GetImportResponse:
        if self.run is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no import")
        assert self.run is not None
        assert request.name == self.run.name
        return pb.GetImportResponse(**{"import": self.run})

    async def rejections(self, request: pb.ListImportRejectionsRequest, _: Any) -> pb.ListImportRejectionsResponse:
        assert self.run is not None
        assert request.parent == self.run.name
        first = int(request.page_token or 1)
        rejection = pb.RowRejection(row_number=first)
        return pb.ListImportRejectionsResponse(rejections=[rejection], next_page_token="2" if first == 1 else "")

    def handler(self) -> grpc.GenericRpcHandler:
        methods: dict[str, Any] = {
            "ImportProducts": grpc.stream_unary_rpc_method_handler(
                self.take, pb.ImportProductsRequest.FromString, pb.ImportProductsResponse.SerializeToString
            ),
            "GetImport": grpc.unary_unary_rpc_method_handler(
                self.get, pb.GetImportRequest.FromString, pb.GetImportResponse.SerializeToString
            ),
            "ListImportRejections": grpc.unary_unary_rpc_method_handler(
                self.rejections,
                pb.ListImportRejectionsRequest.FromString,
                pb.ListImportRejectionsResponse.SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler("vitrine.retrieval.v1.CatalogService", methods)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_LONGEST_PAUSE_S", 0.01)


@pytest.fixture
def source(tmp_path: Path) -> CatalogSource:
    lines = "".join(f"s{number}\n" for number in range(ROWS))
    (tmp_path / "shop.csv").write_text(f"sku\n{lines}")
    return CatalogSource(tmp_path / "shop.csv")


async def sent_to(shop: Shop, source: CatalogSource, **options: Any) -> pb.ImportProductsResponse:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([shop.handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with Vitrine(f"127.0.0.1:{port}", user="ada", token="") as mesh:
            return await import_catalog(mesh, source, **options)
    finally:
        await server.stop(None)


BREAKS: dict[str, tuple[tuple[int, grpc.StatusCode], ...]] = {
    "never": (),
    "at-once": ((0, UNAVAILABLE),),
    "twice": ((100, UNAVAILABLE), (200, UNAVAILABLE)),
    "reset-by-the-edge": ((300, grpc.StatusCode.INTERNAL),),
    "other-stream-still-ends": ((200, UNAVAILABLE), (0, ABORTED)),
    "often-but-always-further": ((100, UNAVAILABLE),) * 4,
}


@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS)
async def test_every_row_is_sent_once_over_all_streams(
    source: CatalogSource, breaks: tuple[tuple[int, grpc.StatusCode], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_ATTEMPTS", 3)
    shop, progress = Shop(*breaks), list[ImportProgress]()
    report = await sent_to(shop, source, on_progress=progress.append)
    assert shop.rows == list(range(1, ROWS + 1))
    assert getattr(report, "import").state == pb.Import.STATE_SUCCEEDED
    first, *others = shop.configs
    assert len(others) == len(breaks)
    assert (first.resume, first.done_row_count, first.total_row_count) == ("", 0, ROWS)
    assert {config.resume for config in others} <= {f"imports/{first.request_id}"}
    done = [sum(count for count, _ in breaks[: number + 1]) for number in range(len(breaks))]
    assert [config.done_row_count for config in others] == done
    assert progress[-1] == ImportProgress(ROWS, ROWS)


async def test_an_import_that_never_began_begins_anew_under_its_name(source: CatalogSource) -> None:
    shop = Shop((0, UNAVAILABLE), begins=False)
    await sent_to(shop, source)
    assert [config.resume for config in shop.configs] == ["", ""]
    assert len({config.request_id for config in shop.configs}) == 1
    assert len(shop.rows) == ROWS


async def test_a_report_that_got_lost_is_read_anew(source: CatalogSource) -> None:
    shop = Shop((ROWS, UNAVAILABLE))
    report = await sent_to(shop, source)
    assert len(shop.configs) == 1
    assert getattr(report, "import") == shop.run
    assert [rejection.row_number for rejection in report.rejections] == [1, 2]


async def test_an_import_is_resumed_by_hand(source: CatalogSource) -> None:
    shop = Shop()
    shop.run = pb.Import(name="imports/old", row_count=250, state=pb.Import.STATE_FAILED)
    shop.rows = list(range(1, 251))
    await sent_to(shop, source, resume="imports/old")
    assert [(config.resume, config.done_row_count) for config in shop.configs] == [("imports/old", 250)]
    assert shop.rows == list(range(1, ROWS + 1))


@pytest.mark.parametrize(
    ("breaks", "code", "streams"),
    [
        (((0, UNAVAILABLE),) * 9, UNAVAILABLE, 3),
        (((100, grpc.StatusCode.FAILED_PRECONDITION),), grpc.StatusCode.FAILED_PRECONDITION, 1),
        (((0, grpc.StatusCode.PERMISSION_DENIED),), grpc.StatusCode.PERMISSION_DENIED, 1),
    ],
    ids=["mesh-stays-away", "refused-midway", "refused-at-once"],
)
async def test_what_does_not_help_is_not_tried_for_ever_and_the_import_is_named(
    source: CatalogSource,
    breaks: tuple[tuple[int, grpc.StatusCode], ...],
    code: grpc.StatusCode,
    streams: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "_ATTEMPTS", 3)
    shop = Shop(*breaks)
    with pytest.raises(RpcFailure) as caught:
        await sent_to(shop, source)
    assert caught.value.code is code
    assert caught.value.metadata["import"] == f"imports/{shop.configs[0].request_id}"
    assert len(shop.configs) == streams
