"""Pictures in the object store and the products that use them, when writers and failures meet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import grpc
import grpc.aio
import pytest
from pydantic import SecretStr
from vitrine.embedded.ports import free_port
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import product_pb2

from mesh.database import Database
from mesh.errors import UnavailableError
from mesh.executor import ModelExecutor
from mesh.objects import ObjectStore
from retrieval_svc.catalog.candidate import Candidate
from retrieval_svc.catalog.gallery import Gallery
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.pictures import PictureStore, image_id_of
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.writer import CatalogWriter
from retrieval_svc.clients import VisionEncoder
from retrieval_svc.storage import catalog
from tests.services.retrieval.conftest import Place, eventually
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import shirt
from tests.services.retrieval.test_catalog import upsert
from tests.services.retrieval.vision_stub import draw

pytestmark = pytest.mark.service

NAVY, RED = draw("navy"), draw("red")


class Shop:
    """Two writers of one catalogue; the vision service is away."""

    def __init__(self, database: Database, folder: Path, channel: grpc.aio.Channel, executor: ModelExecutor) -> None:
        self.database = database
        self.folder = folder
        self.pictures = PictureStore(ObjectStore(f"file://{folder}"), executor)
        encoder = VisionEncoder(channel, batch_deadline_s=1.0, query_deadline_s=1.0)
        self.gallery = Gallery(database, self.pictures)
        self.writer = CatalogWriter(database, self.gallery, encoder)
        self.other = CatalogWriter(database, Gallery(database, self.pictures), encoder)

    def files(self) -> set[str]:
        return {path.stem for path in self.folder.rglob("*.jpg")}


@pytest.fixture
async def two(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Shop]:
    database = Database(SecretStr(postgres.new_database()), "retrieval", "retrieval_svc.migrations")
    await database.migrate()
    executor = ModelExecutor()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{free_port()}") as channel:
        yield Shop(database, tmp_path / "objects", channel, executor)
    executor.close()
    await database.close()


def product(product_id: str = "A", title: str = "Shirt") -> Product:
    return Product(product_id, title, "shirt", Money("EUR", Decimal(20)))


async def put(writer: CatalogWriter, *candidates: Candidate) -> None:
    await writer.store(await writer.prepare(candidates))


async def test_picture_that_another_writer_drops_meanwhile_is_copied_again(two: Shop) -> None:
    await put(two.writer, Candidate(product(), [NAVY]))
    prepared = await two.writer.prepare([Candidate(product(title="Navy shirt"), [NAVY])])
    await put(two.other, Candidate(product(), [RED]))
    assert two.files() == {image_id_of(RED)}
    await two.writer.store(prepared)
    assert two.files() == {image_id_of(NAVY)}
    assert (await two.pictures.get(image_id_of(NAVY)))[:2] == b"\xff\xd8"
    async with two.database.begin() as connection:
        stored = (await catalog.read_products(connection, ["A"]))["A"]
    assert (stored.title, [picture.image_id for picture in stored.pictures]) == ("Navy shirt", [image_id_of(NAVY)])


async def test_known_picture_that_is_still_there_is_not_copied_again(two: Shop) -> None:
    await put(two.writer, Candidate(product("A"), [NAVY]), Candidate(product("B"), [NAVY]))
    prepared = await two.writer.prepare([Candidate(product(title="Navy shirt"), [NAVY])])
    await put(two.other, Candidate(product(), [RED]))  # B uses it still
    await two.writer.store(prepared)
    assert prepared[0].pictures == []
    assert two.files() == {image_id_of(NAVY)}


async def test_pictures_of_a_product_that_was_not_stored_are_swept(two: Shop) -> None:
    await two.gallery.sweep()
    prepared = await two.writer.prepare([Candidate(product(), [NAVY])])

    async def fail(*_: object) -> None:
        raise UnavailableError("the database is gone", "DEPENDENCY_UNAVAILABLE")

    with pytest.raises(UnavailableError):
        await two.writer.store(prepared, fail)
    assert two.files() == {image_id_of(NAVY)}
    assert await two.gallery.sweep() == 1
    assert two.files() == set()


async def test_picture_that_cannot_be_removed_now_is_removed_later(two: Shop) -> None:
    await two.gallery.sweep()
    await put(two.writer, Candidate(product(), [NAVY]))
    prepared = await two.writer.prepare([Candidate(product(), [RED])])
    store = two.folder / "products"

    async def lose(*_: object) -> None:
        store.rename(two.folder / "away")
        store.write_text("no folder")

    await two.writer.store(prepared, lose)  # the product is stored: that the old picture stays is no error
    store.unlink()
    (two.folder / "away").rename(store)
    assert two.files() == {image_id_of(NAVY), image_id_of(RED)}
    assert await two.gallery.sweep() == 1
    assert two.files() == {image_id_of(RED)}


async def test_store_that_is_away_does_not_fail_what_is_stored_already(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.import_rows([shirt(1, [NAVY])])
    kept = place.folder / "objects" / "products"
    kept.rename(place.folder / "away")
    kept.write_text("no folder")
    try:
        await stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/S-1"))
        failure = await failure_of(stubs.catalog.GetProduct(pb.GetProductRequest(name="products/S-1")))
        assert failure.code == grpc.StatusCode.NOT_FOUND
    finally:
        kept.unlink()
        (place.folder / "away").rename(kept)
    assert place.files()

    async def gone() -> bool:
        return not place.files()

    await eventually(gone)  # now that the store is back
    await stubs.channel.close()


async def test_links_come_beside_our_own_pictures(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.import_rows([shirt(1, [NAVY], image_url="https://shop.example/1.jpg", image_alt="front")])
    for _ in range(2):  # again changes nothing
        await stubs.import_rows([shirt(1, image_url="https://shop.example/2.jpg", image_alt="back")])
    stored = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/S-1"))).product
    assert [(image.url, image.alt_text, bool(image.name)) for image in stored.images] == [
        ("https://shop.example/1.jpg", "front", True),
        ("https://shop.example/2.jpg", "back", False),
    ]
    sent = pb.ProductUpsert(product=stored)  # what was read may be sent back
    again = (await stubs.catalog.UpsertProducts(pb.UpsertProductsRequest(products=[sent]))).products[0]
    assert (again.images, again.etag) == (stored.images, stored.etag)
    await stubs.channel.close()


async def test_links_that_are_too_many_beside_our_own_pictures_are_refused(place: Place) -> None:
    stubs = place.stubs("operator")
    images = [draw("navy", size=(60 + number, 80)) for number in range(9)]
    await stubs.import_rows([shirt(1, images)])
    links = [product_pb2.ProductImage(url=f"https://shop.example/{number}.jpg") for number in range(2)]
    request = pb.UpsertProductsRequest(products=[upsert("B"), upsert("S-1", images=links)])
    failure = await failure_of(stubs.catalog.UpsertProducts(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert failure.fields == ("products[1].product.images",)
    accepted = pb.UpsertProductsRequest(products=[upsert("S-1", images=links[:1])])
    assert len((await stubs.catalog.UpsertProducts(accepted)).products[0].images) == 10
    await stubs.channel.close()
