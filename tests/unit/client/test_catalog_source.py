"""Catalogues on disk: what is sent of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import grpc
import grpc.aio
import numpy as np
import pytest
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.sdk import CatalogSource, ImportProgress, Vitrine, import_catalog

pytestmark = pytest.mark.unit
MIB = 1024 * 1024


def noise(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 10.9 MB that no JPEG can make small, a small one, and one that is none."""
    path = tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(path / "big.png"), noise(1400, 2600))
    assert (path / "big.png").stat().st_size > 9 * MIB
    cv2.imwrite(str(path / "small.jpg"), noise(60, 80))
    (path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(20 * MIB))
    return path


class Catalog:
    """Takes an import, with the limit of a message that the mesh has."""

    def __init__(self) -> None:
        self.rows: list[pb.ImportRow] = []

    async def take(self, requests: AsyncIterator[pb.ImportProductsRequest], _: object) -> pb.ImportProductsResponse:
        async for message in requests:
            self.rows += message.chunk.rows
        return pb.ImportProductsResponse()

    def handler(self) -> grpc.GenericRpcHandler:
        method = grpc.stream_unary_rpc_method_handler(
            self.take, pb.ImportProductsRequest.FromString, pb.ImportProductsResponse.SerializeToString
        )
        return grpc.method_handlers_generic_handler("vitrine.retrieval.v1.CatalogService", {"ImportProducts": method})


@asynccontextmanager
async def importing(catalog: Catalog) -> AsyncIterator[Vitrine]:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 * MIB)])
    server.add_generic_rpc_handlers([catalog.handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Vitrine(f"127.0.0.1:{port}", user="ada", token="") as mesh:
        yield mesh
    await server.stop(None)


def size_of(data: bytes) -> tuple[int, int] | None:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else (image.shape[1], image.shape[0])


async def test_rows_with_large_pictures_are_sent_smaller_and_later_rows_go_on(folder: Path, tmp_path: Path) -> None:
    images = ["big.png|big.png", "broken.jpg", "small.jpg|big.png", "|".join(["big.png"] * 3), "nowhere.jpg"]
    lines = [json.dumps({"sku": f"s{number}", "image": names}) for number, names in enumerate(images, 1)]
    (tmp_path / "shop.jsonl").write_text("\n".join(lines))
    catalog, progress = Catalog(), list[ImportProgress]()
    async with importing(catalog) as mesh:
        await import_catalog(mesh, CatalogSource(tmp_path / "shop.jsonl", folder), on_progress=progress.append)
    assert [row.row_number for row in catalog.rows] == [1, 2, 3, 4, 5]
    assert progress[-1] == ImportProgress(5, 5)
    large, broken, mixed, three, missing = ([image.data for image in row.images] for row in catalog.rows)
    assert [size_of(data) for data in large] == [(2048, 1103)] * 2
    assert all(len(data) <= 7 * MIB for data in large)
    # The server reads these and says what is wrong with them.
    assert broken == [(folder / "broken.jpg").read_bytes()[: 10 * MIB]]
    assert missing == [b""]
    assert mixed[0] == (folder / "small.jpg").read_bytes()
    assert len(three) == 3
    assert sum(map(len, three)) <= 14 * MIB
    assert all(size_of(data) is not None for data in three)


async def test_pictures_that_fit_are_sent_as_they_are(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("sku,images\ns1,small.jpg | small.jpg\n")
    catalog = Catalog()
    async with importing(catalog) as mesh:
        await import_catalog(mesh, CatalogSource(tmp_path / "shop.csv", folder))
    assert [image.data for image in catalog.rows[0].images] == [(folder / "small.jpg").read_bytes()] * 2
