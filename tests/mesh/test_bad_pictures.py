"""Pictures that are no good: refused with the reason and the field, and nothing of them stays."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.retrieval.v1 import catalog_service_pb2 as pb

from tests.mesh import pictures
from tests.mesh.contract import Json
from tests.mesh.requests import GOOD, capture, euros, image, invalid, product, token_for, upsert
from tests.mesh.stores import Stores
from tests.mesh.talks import talk
from tests.mesh.test_streams import frame
from tests.mesh.ways import GrpcWay, Way
from tests.support.mesh import client

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
WAYS = ["grpc", "json"]
HUGE = "over-10-MiB"
PICTURES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "IMAGE_EMPTY"),
    "truncated": (pictures.truncated(), "IMAGE_CORRUPT"),
    "not-an-image": (pictures.not_an_image(), "IMAGE_FORMAT_UNSUPPORTED"),
    "gif": (b"GIF89a\x10\0\x10\0\x80\0\0" + bytes(40), "IMAGE_FORMAT_UNSUPPORTED"),
    "50-megapixel-bomb": (pictures.bomb(), "IMAGE_TOO_LARGE"),
    "too-small": (pictures.too_small(), "IMAGE_TOO_SMALL"),
    HUGE: (pictures.photo() + bytes(10 * 1024 * 1024), "INVALID_FIELD"),
}


def with_picture(name: str, picture: Json) -> Json:
    requests: dict[str, Json] = {
        "CaptureService/CreateCapture": capture(image=picture),
        "GarmentService/AnalyzeImage": {"image": picture},
        "SearchService/SearchProducts": {"image": picture},
        "CatalogService/UpsertProducts": upsert(
            {"product": product(name="products/good"), "images": [GOOD]}, {"product": product(), "images": [picture]}
        ),
    }
    return requests[name]


FIELD_OF_PICTURE = {
    "CaptureService/CreateCapture": "image.data", "GarmentService/AnalyzeImage": "image.data",
    "SearchService/SearchProducts": "image.data", "CatalogService/UpsertProducts": "products[1].images[0].data",
}  # fmt: skip


async def test_a_good_request_does_leave_something(mesh: EmbeddedMesh, grpc_way: GrpcWay, stores: Stores) -> None:
    """Else the comparisons of this file would say nothing."""
    before = await stores.snapshot()
    token = mesh.keys.token("ada")
    made = (await grpc_way.call("CaptureService/CreateCapture", capture(), token)).only["capture"]
    await grpc_way.call("CaptureService/WatchCapture", {"name": made["name"]}, token)
    await grpc_way.call(
        "CatalogService/UpsertProducts",
        upsert({"product": product(), "images": [GOOD]}),
        mesh.keys.token("x", ["operator"]),
    )
    changed = stores.difference(before, await stores.snapshot())
    tables = {"ingest.captures", "profile.taste_events", "retrieval.products"}
    assert {f"table {name}" for name in tables} | {"index"} <= set(changed)
    assert len([place for place in changed if place.startswith("object ")]) >= 2
    await stores.settle()


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("way", WAYS, indirect=True)
@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("name", FIELD_OF_PICTURE)
async def test_bad_pictures(mesh: EmbeddedMesh, way: Way, name: str, kind: str) -> None:
    data, reason = PICTURES[kind]
    answer = await way.call(name, with_picture(name, image(data)), token_for(mesh, name))
    assert answer.failure == invalid(FIELD_OF_PICTURE[name], reason=reason)
    if reason in ("IMAGE_TOO_LARGE", "IMAGE_TOO_SMALL"):
        assert {"limit", "actual"} <= set(dict(answer.facts))


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("way", WAYS, indirect=True)
async def test_bad_pictures_of_a_batch_are_answered_one_by_one(mesh: EmbeddedMesh, way: Way) -> None:
    kinds = [kind for kind in PICTURES if kind != HUGE]
    items = [{"image": image(PICTURES[kind][0])} for kind in kinds] + [{"image": GOOD}]
    answer = await way.call("GarmentService/BatchEmbedImages", {"items": items}, mesh.keys.token("ada", ["operator"]))
    *bad, good = answer.only["items"]
    assert good["image"]["embedding"]["values"]
    reasons = [next(detail["reason"] for detail in item["error"]["details"] if "reason" in detail) for item in bad]
    assert reasons == [PICTURES[kind][1] for kind in kinds]


@pytest.mark.parametrize("kind", ["grpc", "ws-proto", "ws-json"])
async def test_bad_frames(mesh: EmbeddedMesh, stores: Stores, kind: str) -> None:
    """Each is answered by itself, the stream goes on, and there is nothing but the session's own row."""
    bad = {number: value for number, value in enumerate(PICTURES.values(), 1) if value[1] != "INVALID_FIELD"}
    before = await stores.snapshot()
    async with talk(kind, mesh.edge_target, mesh.keys.token("framer")) as stream:
        await stream.send(config={"parent": "users/framer"})
        for number, (data, _) in bad.items():
            await stream.send(frame=frame(number, data, 1e9 + 20 * number))
        await stream.until(lambda event: event.ack.frame_number == max(bad) and event.ack.rejected_reason != "")
        await stream.send(command={"stop": {}})
        assert await stream.end() is None
    rejected = {event.ack.frame_number: event.ack.rejected_reason for event in stream.events if event.HasField("ack")}
    assert rejected == {number: reason for number, (_, reason) in bad.items()}
    assert set(stores.difference(before, await stores.snapshot())) <= {"table ingest.streams"}


def _in_a_row(kind: str) -> str:
    """Rows are checked one by one, not by the rules of the message; so their reason is always the picture's own."""
    return "IMAGE_TOO_LARGE" if kind == HUGE else PICTURES[kind][1]


async def test_bad_rows_of_an_import(mesh: EmbeddedMesh, stores: Stores) -> None:
    """Each is reported with its number, field and reason; the import's own record is all that stays."""
    rows: list[tuple[Json, list[bytes], str, str]] = [
        (product(price=euros(-1)), [], "price", "INVALID_FIELD"),
        (product(title=""), [], "title", "INVALID_FIELD"),
        (product(name="products/../x"), [], "name", "INVALID_FIELD"),
        (product(price=euros(5, currencyCode="XTS")), [], "price.currency_code", "CURRENCY_UNKNOWN"),
        *(
            (product(name=f"products/{kind}"), [PICTURES[kind][0]], "images[0].data", _in_a_row(kind))
            for kind in PICTURES
        ),
    ]
    config = pb.ImportProductsRequest(config=pb.ImportConfig(source="bad rows"))
    chunk = pb.ImportProductsRequest()
    for number, (record, images, _, _) in enumerate(rows, 1):
        body = {"rowNumber": number, "product": record, "images": [image(data) for data in images]}
        ParseDict(body, chunk.chunk.rows.add())
    before = await stores.snapshot()
    async with client(mesh, "keeper", "operator") as keeper:
        report = await keeper.catalog.ImportProducts(iter([config, chunk]))
    found = {row.row_number: (row.field, row.reason) for row in report.rejections}
    assert found == {number: (field, reason) for number, (_, _, field, reason) in enumerate(rows, 1)}
    assert (getattr(report, "import").rejected_count, getattr(report, "import").created_count) == (len(rows), 0)
    changed = stores.difference(before, await stores.snapshot())
    assert set(changed) <= {"table retrieval.imports", "table retrieval.import_rejections"}
