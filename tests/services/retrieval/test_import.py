"""Imports: every row is stored wholly or reported, and again changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2
import numpy as np
import psycopg
import pytest
from google.type import money_pb2
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import product_pb2

from tests.services.retrieval.conftest import Place
from tests.services.retrieval.rows import demo_rows, raw, shirt
from tests.services.retrieval.vision_stub import draw

pytestmark = pytest.mark.service

BOMB = cv2.imencode(".png", np.zeros((8000, 8000), np.uint8))[1].tobytes()
GOOD = draw("navy")


def typed(row_number: int, **changes: Any) -> pb.ImportRow:
    fields = {
        "name": f"products/T-{row_number}",
        "title": "Coat",
        "category": "coat",
        "price": money_pb2.Money(currency_code="EUR", units=5),
    } | changes
    return pb.ImportRow(row_number=row_number, product=product_pb2.Product(**fields))


def with_column(name: str) -> pb.ImportRow:
    row = shirt()
    row.raw.columns[name] = "navy"
    return row


BAD_ROWS = [
    pytest.param(pb.ImportRow(row_number=1), "record", "INVALID_FIELD", id="nothing"),
    pytest.param(raw(1), "sku", "INVALID_FIELD", id="no-column"),
    pytest.param(shirt(sku="-"), "sku", "INVALID_FIELD", id="no-sku"),
    pytest.param(shirt(sku="a/b"), "sku", "INVALID_FIELD", id="slash-in-sku"),
    pytest.param(shirt(title="-"), "title", "INVALID_FIELD", id="no-title"),
    pytest.param(shirt(title="x" * 301), "title", "INVALID_FIELD", id="long-title"),
    pytest.param(shirt(category=""), "category", "INVALID_FIELD", id="no-category"),
    pytest.param(shirt(price=""), "price", "INVALID_FIELD", id="no-price"),
    pytest.param(shirt(price="-5 EUR"), "price", "INVALID_FIELD", id="negative-price"),
    pytest.param(shirt(price="12,50 EUR"), "price", "INVALID_FIELD", id="comma-price"),
    pytest.param(shirt(price="nan EUR"), "price", "INVALID_FIELD", id="nan-price"),
    pytest.param(shirt(price="5"), "currency", "INVALID_FIELD", id="no-currency"),
    pytest.param(shirt(price="5 EUR", currency="USD"), "currency", "INVALID_FIELD", id="two-currencies"),
    pytest.param(shirt(price="5 XTS"), "price.currency_code", "CURRENCY_UNKNOWN", id="currency-without-rate"),
    pytest.param(shirt(gender="martian"), "gender", "INVALID_FIELD", id="gender"),
    pytest.param(shirt(availability="maybe"), "availability", "INVALID_FIELD", id="availability"),
    pytest.param(shirt(bucket="hat"), "bucket", "INVALID_FIELD", id="bucket"),
    pytest.param(shirt(colors="navy#12"), "colors", "INVALID_FIELD", id="color-code"),
    pytest.param(shirt(sizes="|".join(str(n) for n in range(61))), "sizes", "INVALID_FIELD", id="61-sizes"),
    pytest.param(shirt(image_url="shirt.jpg"), "image_url", "INVALID_FIELD", id="file-as-link"),
    pytest.param(shirt(image_url="ftp://a/b.jpg"), "image_url", "INVALID_FIELD", id="link-by-ftp"),
    pytest.param(shirt(image_url="https://"), "image_url", "INVALID_FIELD", id="link-to-nowhere"),
    pytest.param(shirt(colour="navy"), "colour", "INVALID_FIELD", id="misspelt-column"),
    pytest.param(shirt(title="a\0b"), "title", "INVALID_FIELD", id="nul-in-title"),
    pytest.param(shirt(tags="a|b\0"), "tags", "INVALID_FIELD", id="nul-in-tag"),
    pytest.param(with_column("col\0our"), "col\ufffdour", "INVALID_FIELD", id="nul-in-column"),
    pytest.param(shirt(images=[b""]), "images[0].data", "IMAGE_EMPTY", id="empty-image"),
    pytest.param(shirt(images=[b"hello"]), "images[0].data", "IMAGE_FORMAT_UNSUPPORTED", id="no-image"),
    pytest.param(shirt(images=[GOOD[: len(GOOD) // 2]]), "images[0].data", "IMAGE_CORRUPT", id="cut-image"),
    pytest.param(shirt(images=[BOMB]), "images[0].data", "IMAGE_TOO_LARGE", id="64-megapixels"),
    pytest.param(shirt(images=[draw("red", size=(8, 8))]), "images[0].data", "IMAGE_TOO_SMALL", id="tiny-image"),
    pytest.param(shirt(images=[GOOD, b"hello"]), "images[1].data", "IMAGE_FORMAT_UNSUPPORTED", id="second-image"),
    pytest.param(shirt(images=[GOOD] * 11), "images", "INVALID_FIELD", id="11-images"),
    pytest.param(
        shirt(images=[draw("red", size=(40, 20))]), "images[0].data", "IMAGE_TOO_SMALL", id="vision-refuses-it"
    ),
    pytest.param(typed(1, name="T-1"), "name", "INVALID_FIELD", id="typed-bad-name"),
    pytest.param(typed(1, title=""), "title", "INVALID_FIELD", id="typed-no-title"),
    pytest.param(typed(1, title=" "), "title", "INVALID_FIELD", id="typed-blank-title"),
    pytest.param(typed(1, url="\0"), "url", "INVALID_FIELD", id="typed-nul"),
    pytest.param(
        typed(1, price=money_pb2.Money(currency_code="eur", units=5)), "price", "INVALID_FIELD", id="typed-currency"
    ),
    pytest.param(
        typed(1, price=money_pb2.Money(currency_code="EUR", units=-5)), "price", "INVALID_FIELD", id="typed-price"
    ),
]


@pytest.fixture(scope="module")
async def bad_rows_answer(shop: Place) -> AsyncIterator[Any]:
    """All bad rows in one import, each between good ones, into a service of their own catalogue."""
    stubs = shop.stubs("operator")
    before = shop.files()
    rows = []
    for place, case in enumerate(BAD_ROWS):
        row = pb.ImportRow()
        row.CopyFrom(case.values[0])  # type: ignore[arg-type]  # the first value of each case is a row
        row.row_number = place + 1
        if row.WhichOneof("record") == "raw" and row.raw.columns.get("sku", "").startswith("S-"):
            row.raw.columns["sku"] = f"bad-{place}"
        rows.append(row)
    answer = await stubs.import_rows(rows, source="bad.csv", total_row_count=len(rows))
    assert shop.files() == before
    yield answer
    await stubs.channel.close()


@pytest.mark.parametrize(("row", "field", "reason"), BAD_ROWS)
async def test_bad_row_is_reported_with_number_field_and_reason(
    bad_rows_answer: pb.ImportProductsResponse,
    request: pytest.FixtureRequest,
    row: pb.ImportRow,  # noqa: ARG001 - imported by the fixture
    field: str,
    reason: str,
) -> None:
    number = next(n for n, case in enumerate(BAD_ROWS, 1) if f"[{case.id}]" in request.node.name)
    found = [item for item in bad_rows_answer.rejections if item.row_number == number]
    assert (field, reason) in [(item.field, item.reason) for item in found]
    assert all(item.description for item in found)


async def test_bad_rows_leave_nothing_behind(shop: Place, bad_rows_answer: pb.ImportProductsResponse) -> None:
    run = getattr(bad_rows_answer, "import")
    assert (run.row_count, run.rejected_count) == (len(BAD_ROWS), len(BAD_ROWS))
    assert (run.created_count, run.updated_count, run.state) == (0, 0, pb.Import.STATE_SUCCEEDED)
    stubs = shop.stubs("operator")
    listed = await stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=200))
    assert listed.total_count == len(demo_rows())
    assert (await stubs.index()).product_count == len(demo_rows())
    rejections: list[pb.RowRejection] = []
    token = ""
    while True:
        request = pb.ListImportRejectionsRequest(parent=run.name, page_size=10, page_token=token)
        page = await stubs.catalog.ListImportRejections(request)
        rejections += page.rejections
        token = page.next_page_token
        if not token:
            break
    assert rejections == list(bad_rows_answer.rejections)
    stored = getattr(await stubs.catalog.GetImport(pb.GetImportRequest(name=run.name)), "import")
    assert stored == run
    await stubs.channel.close()


async def test_good_and_bad_rows_mix_and_again_changes_nothing(place: Place) -> None:
    stubs = place.stubs("operator")
    rows = [*demo_rows(), shirt(100, price="free"), shirt(101, sku="D-0"), typed(102)]
    first = await stubs.import_rows(rows, chunk=7)
    run = getattr(first, "import")
    assert (run.created_count, run.rejected_count, run.row_count) == (49, 2, 51)
    assert [(item.row_number, item.field) for item in first.rejections] == [(100, "price"), (101, "sku")]
    assert "stands in row 1 already" in first.rejections[1].description
    files, calls = place.files(), place.vision.calls
    assert len(files) == len({row.images[0].data for row in demo_rows()})  # the same file is kept once
    again = getattr(await stubs.import_rows(rows, chunk=50), "import")
    assert (again.created_count, again.updated_count, again.unchanged_count) == (0, 0, 49)
    assert place.files() == files
    assert place.vision.calls == calls  # no picture was embedded twice
    assert (await stubs.index()).product_count == 49
    product = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/T-102"))).product
    assert product.vector_state == product_pb2.VECTOR_STATE_NO_IMAGE
    await stubs.channel.close()


async def stored_rows(place: Place, table: str) -> int:
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        found = await (await connection.execute(f"select count(*) from retrieval.{table}")).fetchone()  # noqa: S608
    assert found is not None
    return int(found[0])


async def noted_numbers(place: Place, import_name: str) -> int:
    """How many article numbers are kept of an import, because it runs or may go on."""
    async with await psycopg.AsyncConnection.connect(place.database_url.replace("+psycopg", "")) as connection:
        query = "select count(*) from retrieval.import_rows where import_id = %s"
        found = await (await connection.execute(query, [import_name.removeprefix("imports/")])).fetchone()
    assert found is not None
    return int(found[0])


async def test_article_number_that_stands_twice_counts_once(place: Place) -> None:
    stubs = place.stubs("operator")
    rows = [
        shirt(1, sku="A", title="First"),
        shirt(1, sku="A", title="Same number"),  # a file whose rows are not numbered
        shirt(2, sku="A", title="Same chunk"),
        typed(3, name="products/B"),
        shirt(4, sku="C", price="free"),
        shirt(5, sku="C"),  # the row before was no product
        shirt(6, sku="A", title="Next chunk"),
        typed(7, name="products/B"),
    ]
    answer = await stubs.import_rows(rows, chunk=6)
    assert [(item.row_number, item.field, item.description) for item in answer.rejections] == [
        (1, "sku", "'A' stands in row 1 already"),
        (2, "sku", "'A' stands in row 1 already"),
        (4, "price", "must be an amount such as 12.50, or 12.50 EUR, got 'free'"),
        (6, "sku", "'A' stands in row 1 already"),
        (7, "name", "'B' stands in row 3 already"),
    ]
    run = getattr(answer, "import")
    assert (run.row_count, run.created_count, run.rejected_count) == (8, 3, 5)
    products = (await stubs.catalog.ListProducts(pb.ListProductsRequest())).products
    assert [(item.name, item.title) for item in products if item.name == "products/A"] == [("products/A", "First")]
    assert await noted_numbers(place, run.name) == 0  # what was noted while it ran is gone
    await stubs.channel.close()


@pytest.mark.parametrize("chunk", [1, 10], ids=["chunks-of-one", "one-chunk"])
@pytest.mark.parametrize("dry_run", [False, True], ids=["stored", "dry-run"])
async def test_refused_row_leaves_its_article_number_to_the_next(place: Place, chunk: int, *, dry_run: bool) -> None:
    stubs = place.stubs("operator")
    rows = [
        shirt(1, sku="A", price="5 XTS"),
        shirt(2, [b"no picture"], sku="A"),
        shirt(3, sku="A", price="7 EUR"),
        shirt(4, sku="A", price="9 EUR"),
        shirt(5, sku="B", price="5 XTS"),
    ]
    answer = await stubs.import_rows(rows, chunk=chunk, dry_run=dry_run)
    assert [(item.row_number, item.field, item.reason) for item in answer.rejections] == [
        (1, "price.currency_code", "CURRENCY_UNKNOWN"),
        (2, "images[0].data", "IMAGE_FORMAT_UNSUPPORTED"),
        (4, "sku", "INVALID_FIELD"),
        (5, "price.currency_code", "CURRENCY_UNKNOWN"),
    ]
    assert answer.rejections[2].description == "'A' stands in row 3 already"
    products = (await stubs.catalog.ListProducts(pb.ListProductsRequest())).products
    assert [(item.name, item.price.units) for item in products] == ([] if dry_run else [("products/A", 7)])
    await stubs.channel.close()


async def test_changed_picture_replaces_the_old_one(place: Place) -> None:
    stubs = place.stubs("operator")
    await stubs.import_rows([shirt(1, [draw("navy")])])
    old = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/S-1"))).product
    run = getattr(await stubs.import_rows([shirt(1, [draw("red")])]), "import")
    assert run.updated_count == 1
    new = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/S-1"))).product
    assert new.images[0].name != old.images[0].name
    assert new.etag != old.etag
    assert len(place.files()) == 1
    image = (await stubs.catalog.GetProductImage(pb.GetProductImageRequest(name=new.images[0].name))).image
    pixels = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert image.content_type == "image/jpeg"
    assert pixels.shape[:2] == (new.images[0].height_px, new.images[0].width_px) == (80, 60)
    assert pixels[:, :, 2].mean() > 180  # red
    kept = getattr(await stubs.import_rows([shirt(1, title="Red shirt")]), "import")  # no picture: it keeps its own
    assert kept.updated_count == 1
    assert (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/S-1"))).product.images == new.images
    await stubs.channel.close()


async def test_dry_run_writes_nothing(place: Place) -> None:
    stubs = place.stubs("operator")
    answer = await stubs.import_rows([shirt(1, [GOOD]), shirt(2, [b"no"])], dry_run=True)
    run = getattr(answer, "import")
    assert (run.row_count, run.created_count, run.rejected_count, run.dry_run) == (2, 0, 1, True)
    assert (await stubs.catalog.ListProducts(pb.ListProductsRequest())).total_count == 0
    assert place.files() == set()
    await stubs.channel.close()


async def test_currency_default_and_hex_colors(place: Place) -> None:
    stubs = place.stubs("operator")
    row = shirt(1, price="12.5", colors="Navy#1F2A44|white", gender="Men", availability="in stock", sizes="M|M|L")
    answer = await stubs.import_rows([row], default_currency_code="CHF")
    assert not answer.rejections
    product = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/S-1"))).product
    assert product.price == money_pb2.Money(currency_code="CHF", units=12, nanos=500_000_000)
    assert [(color.name, color.hex) for color in product.colors] == [("navy", "#1f2a44"), ("white", "")]
    assert (product.gender, product.availability) == (product_pb2.GENDER_MEN, product_pb2.AVAILABILITY_IN_STOCK)
    assert list(product.sizes) == ["M", "L"]
    assert product.bucket == 1
    await stubs.channel.close()
