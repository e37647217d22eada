"""Four ways in, one contract: every client gets the same answers and the same errors."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from tests.mesh import pictures
from tests.mesh.answers import Failure, without
from tests.mesh.contract import Json
from tests.mesh.ways import GrpcWay, Way

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]

# grpcio is the yardstick of the others; `events` differs from `json` only where the server streams.
OTHERS = ["better", "connect", "json"]
ALL = ["grpc", *OTHERS, "events"]
PHOTO = {"data": pictures.text_of(pictures.photo())}
NOBODY = f"users/ada/captures/{uuid.UUID(int=7)}"
VOLATILE = {"processingMs", "latency", "nextPageToken"}

READS: dict[str, tuple[str, Json]] = {
    "radar": ("ProfileService/GetRadar", {"name": "users/ada/radar"}),
    "profile": ("ProfileService/GetProfile", {"name": "users/ada/profile"}),
    "product": ("CatalogService/GetProduct", {"name": "products/{product}"}),
    "picture": ("CatalogService/GetProductImage", {"name": "{image}"}),
    "products": ("CatalogService/ListProducts", {"pageSize": 7, "filter": {"buckets": ["GARMENT_BUCKET_TOP"]}}),
    "rates": ("CatalogService/ListCurrencyRates", {}),
    "words": (
        "SearchService/SearchProducts",
        {"text": "blue shirt", "pageSize": 5, "ranking": {"budget": {"currencyCode": "EUR", "units": "60"}}},
    ),
    "picture-search": ("SearchService/SearchProducts", {"image": PHOTO, "pageSize": 3}),
    "like-a-product": ("SearchService/SearchProducts", {"product": "products/{product}", "pageSize": 3}),
    "text-vector": ("GarmentService/EmbedText", {"text": "a navy striped shirt"}),
    "analysis": ("GarmentService/AnalyzeImage", {"image": PHOTO}),
    "models": ("ModelService/ListModels", {"task": ""}),
}


@pytest.fixture(scope="module")
async def first_product(shop: EmbeddedMesh, grpc_way: GrpcWay) -> dict[str, str]:
    answer = await grpc_way.call("CatalogService/ListProducts", {"pageSize": 1}, shop.keys.token("ada"))
    product = answer.only["products"][0]
    return {"product": product["name"].removeprefix("products/"), "image": product["images"][0]["name"]}


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """What grpcio was told, by case: asked once, compared with every other way."""
    return {}


@pytest.mark.parametrize("way", OTHERS, indirect=True)
@pytest.mark.parametrize("case", READS)
async def test_reads_are_the_same(
    mesh: EmbeddedMesh, grpc_way: GrpcWay, way: Way, case: str, first_product: dict[str, str], known: dict[str, Any]
) -> None:
    name, request = READS[case]
    asked = {key: _fill(value, first_product) for key, value in request.items()}
    token = mesh.keys.token("ada")
    if case not in known:
        known[case] = without((await grpc_way.call(name, asked, token)).only, VOLATILE)
        assert known[case]
    assert without((await way.call(name, asked, token)).only, VOLATILE) == known[case]


def _fill(value: Any, names: dict[str, str]) -> Any:
    for key, name in names.items():
        value = value.replace(f"{{{key}}}", name) if isinstance(value, str) else value
    return value


ERRORS: dict[str, tuple[str, Json, Failure]] = {
    "bad-name": (
        "CaptureService/GetCapture", {"name": "users/ada/captures/x"},
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("name",)),
    ),
    "missing": ("CaptureService/GetCapture", {"name": NOBODY}, Failure("NOT_FOUND", "RESOURCE_NOT_FOUND")),
    "foreign": (
        "ProfileService/GetRadar", {"name": "users/bob/radar"}, Failure("PERMISSION_DENIED", "NOT_OWNER")
    ),
    "no-role": (
        "CatalogService/DeleteProduct", {"name": "products/x"}, Failure("PERMISSION_DENIED", "ROLE_MISSING")
    ),
    "not-yet": (
        "AvatarService/ListAvatars", {"parent": "users/ada"}, Failure("UNIMPLEMENTED", "NOT_IMPLEMENTED_YET")
    ),
    "not-a-picture": (
        "GarmentService/AnalyzeImage", {"image": {"data": pictures.text_of(pictures.not_an_image())}},
        Failure("INVALID_ARGUMENT", "IMAGE_FORMAT_UNSUPPORTED", ("image.data",)),
    ),
    "foreign-page": (
        "CatalogService/ListProducts", {"pageToken": "bm90LWEtdG9rZW4"},
        Failure("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN", ("page_token",)),
    ),
    "two-faults": (
        "SearchService/SearchProducts", {"text": "x" * 501, "pageSize": -1},
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("text", "page_size")),
    ),
    "server-stream": ("CaptureService/WatchCapture", {"name": NOBODY}, Failure("NOT_FOUND", "RESOURCE_NOT_FOUND")),
}  # fmt: skip


@pytest.mark.parametrize("way", ALL, indirect=True)
@pytest.mark.parametrize(("name", "request_body", "failure"), ERRORS.values(), ids=ERRORS)
async def test_errors_are_the_same(
    mesh: EmbeddedMesh, way: Way, name: str, request_body: Json, failure: Failure
) -> None:
    answer = await way.call(name, request_body, mesh.keys.token("ada"))
    assert answer.failure == failure


# What no two captures share.
OF_ONE_CAPTURE = {
    "name", "requestId", "createTime", "startTime", "updateTime", "endTime", "etag", "eventId", "capture",
    "observeTime", "recordTime", "sequence",
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """What became of the same photo on each way."""
    return {}


@pytest.mark.parametrize("name", ALL)
async def test_capture_from_photo_to_taste(
    mesh: EmbeddedMesh, request: pytest.FixtureRequest, outcomes: dict[str, Any], name: str
) -> None:
    way: Way = request.getfixturevalue(f"{name}_way")
    user, token = f"users/{name}-way", mesh.keys.token(f"{name}-way")
    create = {
        "parent": user, "kind": "CAPTURE_KIND_OUTFIT", "image": PHOTO, "cropping": {"alreadyCropped": True},
        "requestId": str(uuid.uuid4()),
    }  # fmt: skip
    created = (await way.call("CaptureService/CreateCapture", create, token)).only["capture"]
    again = (await way.call("CaptureService/CreateCapture", create, token)).only["capture"]
    assert again["name"] == created["name"]
    watched = (await way.call("CaptureService/WatchCapture", {"name": created["name"]}, token)).messages
    changes = [message["change"]["capture"] for message in watched if "change" in message]
    assert changes[-1]["state"] == "STATE_SUCCEEDED"
    assert [message["sequence"] for message in watched] == [str(number + 1) for number in range(len(watched))]
    read = (await way.call("CaptureService/GetCapture", {"name": created["name"]}, token)).only["capture"]
    assert read == changes[-1]
    listed = (await way.call("CaptureService/ListCaptures", {"parent": user}, token)).only["captures"]
    assert [each["name"] for each in listed] == [created["name"]]
    image = (await way.call("CaptureService/GetCaptureImage", {"name": created["name"]}, token)).only
    radar = (await way.call("ProfileService/GetRadar", {"name": f"{user}/radar"}, token)).only["radar"]
    assert radar["axes"] == read["outfit"]["tasteChange"]["after"]["axes"]
    deleted = (await way.call("CaptureService/DeleteCapture", {"name": created["name"]}, token)).only
    assert deleted["deletedObjectCount"] >= 1
    gone = await way.call("CaptureService/GetCapture", {"name": created["name"]}, token)
    assert gone.failure == Failure("NOT_FOUND", "RESOURCE_NOT_FOUND")
    outcomes[name] = {"capture": without(read, OF_ONE_CAPTURE), "image": image}
    assert outcomes[name] == outcomes[next(iter(outcomes))]
    assert read["outfit"]["garments"]
    assert all(found["matches"] and found["tiers"] for found in read["outfit"]["matches"])
