"""Requests that are no good: code, reason and field at fault, on gRPC and JSON; and nothing of them stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from tests.mesh.answers import Failure
from tests.mesh.contract import Json
from tests.mesh.requests import (
    BOX,
    CREATE,
    GOOD,
    MATCH,
    ME,
    PROFILE,
    SEARCH,
    UPSERT,
    capture,
    euros,
    invalid,
    product,
    token_for,
    upsert,
)
from tests.mesh.ways import GrpcWay, Way

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
WAYS = ["grpc", "json"]
DIMENSION_MODEL = "{model}"


@dataclass(frozen=True)
class Case:
    """One bad request."""

    name: str
    request: Json
    failure: Failure


def search(**changes: Any) -> Json:
    return changes


def vector(values: list[Any], model: str = DIMENSION_MODEL) -> Json:
    return {"embedding": {"values": values, "model": model}}


def ranked(**ranking: Any) -> Json:
    return {"text": "shirt", "ranking": ranking}


CASES: dict[str, Case] = {
    # Captures.
    "no-image": Case(CREATE, {"parent": "users/ada", "kind": 1}, invalid("image")),
    "no-kind": Case(CREATE, {"parent": "users/ada", "image": GOOD}, invalid("kind")),
    "unknown-kind": Case(CREATE, capture(kind=99), invalid("kind")),
    "options-of-another-kind": Case(CREATE, capture(faceOptions={}), invalid("")),
    "face-is-not-served-yet": Case(
        CREATE, capture(kind="CAPTURE_KIND_FACE"), Failure("UNIMPLEMENTED", "NOT_IMPLEMENTED_YET")
    ),
    "empty-cropping": Case(CREATE, capture(cropping={}), invalid("cropping.crop")),
    "not-cropped": Case(CREATE, capture(cropping={"alreadyCropped": False}), invalid("cropping.already_cropped")),
    "box-inside-out": Case(CREATE, capture(cropping={"box": {**BOX, "xMax": 0.05}}), invalid("cropping.box")),
    "box-outside": Case(CREATE, capture(cropping={"box": {**BOX, "yMax": 1.5}}), invalid("cropping.box.y_max")),
    "box-of-NaN": Case(
        CREATE, capture(cropping={"box": {**BOX, "xMin": "NaN"}}), invalid("cropping.box", "cropping.box.x_min")
    ),
    "too-many-matches": Case(
        CREATE, capture(outfitOptions={"maxMatches": 31}), invalid("outfit_options.max_matches")
    ),
    "taken-before-1970": Case(CREATE, capture(captureTime="1950-01-01T00:00:00Z"), invalid("capture_time")),
    # Vectors.
    "wrong-dimension": Case(SEARCH, vector([0.5] * 7), invalid("embedding.values", reason="EMBEDDING_DIMENSION")),
    "wrong-model": Case(
        SEARCH, vector([0.5] * 7, "somebody/else"), invalid("embedding.model", reason="EMBEDDING_MODEL")
    ),
    "NaN-in-vector": Case(SEARCH, vector([0.5, "NaN"]), invalid("embedding.values[1]")),
    "infinite-vector": Case(SEARCH, vector(["Infinity"]), invalid("embedding.values[0]")),
    "empty-vector": Case(SEARCH, vector([]), invalid("embedding.values")),
    "garment-without-vector": Case(
        MATCH, {"garments": [{"garmentId": "g", "category": "shirt"}]}, invalid("garments[0].embedding")
    ),
    "garment-with-wrong-vector": Case(
        MATCH, {"garments": [{"garmentId": "g", **vector([1.0])}]},
        invalid("garments[0].embedding.values", reason="EMBEDDING_DIMENSION"),
    ),
    "no-garments": Case(MATCH, {}, invalid("garments")),
    # Search.
    "no-query": Case(SEARCH, {"pageSize": 3}, invalid("query")),
    "long-text": Case(SEARCH, {"text": "x" * 501}, invalid("text")),
    "budget-of-nothing": Case(SEARCH, ranked(budget=euros(0)), invalid("ranking.budget")),
    "budget-in-no-currency": Case(
        SEARCH, ranked(budget=euros(5, currencyCode="XTS")), invalid("ranking.budget", reason="CURRENCY_UNKNOWN")
    ),
    "weight-above-one": Case(SEARCH, ranked(weights={"price": 2}), invalid("ranking.weights.price")),
    "weight-NaN": Case(SEARCH, ranked(weights={"brand": "NaN"}), invalid("ranking.weights.brand")),
    "prices-crossed": Case(
        SEARCH, ranked(filter={"minPrice": euros(9), "maxPrice": euros(3)}), invalid("ranking.filter.min_price")
    ),
    "unknown-bucket": Case(SEARCH, ranked(filter={"buckets": [77]}), invalid("ranking.filter.buckets[0]")),
    # Catalogue.
    "no-products": Case(UPSERT, {}, invalid("products")),
    "no-title": Case(UPSERT, upsert({"product": product(title="")}), invalid("products[0].product.title")),
    "negative-price": Case(
        UPSERT, upsert({"product": product(price=euros(-1))}), invalid("products[0].product.price")
    ),
    "one-good-one-bad": Case(
        UPSERT, upsert({"product": product(name="products/good")}, {"product": product(price=None)}),
        invalid("products[1].product.price"),
    ),
    "same-product-twice": Case(
        UPSERT, upsert({"product": product()}, {"product": product()}), invalid("products[1].product.name")
    ),
    "product-name": Case(
        UPSERT, upsert({"product": product(name="products/../x")}), invalid("products[0].product.name")
    ),
    "rate-of-nothing": Case(
        "CatalogService/UpsertCurrencyRates",
        {"rates": [{"currencyCode": "USD", "unitsPerEuro": 0, "date": {"year": 2020, "month": 1, "day": 1}}]},
        invalid("rates[0].units_per_euro"),
    ),
    # Profile.
    "mask-unknown-field": Case(
        PROFILE, {"profile": ME, "updateMask": "shoeSize"}, invalid("update_mask", reason="INVALID_UPDATE_MASK")
    ),
    "mask-output-only": Case(
        PROFILE, {"profile": ME, "updateMask": "radar"}, invalid("update_mask", reason="INVALID_UPDATE_MASK")
    ),
    "mask-name": Case(
        PROFILE, {"profile": ME, "updateMask": "name"}, invalid("update_mask", reason="INVALID_UPDATE_MASK")
    ),
    "long-display-name": Case(
        PROFILE, {"profile": {**ME, "displayName": "x" * 101}, "updateMask": "displayName"},
        invalid("profile.display_name"),
    ),
    "webhook-without-tls": Case(
        PROFILE, {"profile": {**ME, "summaryWebhook": {"url": "http://example.com/x"}}, "updateMask": "summaryWebhook"},
        invalid("profile.summary_webhook.url"),
    ),
    "budget-in-lower-case": Case(
        PROFILE, {"profile": {**ME, "preferences": {"budget": euros(5, currencyCode="eur")}}},
        invalid("profile.preferences.budget"),
    ),
    "stale-etag": Case(
        PROFILE, {"profile": {**ME, "displayName": "Ada", "etag": "old"}, "updateMask": "displayName"},
        Failure("ABORTED", "ETAG_MISMATCH"),
    ),
    # Vision.
    "no-text": Case("GarmentService/EmbedText", {"text": ""}, invalid("text")),
    "unknown-part": Case("GarmentService/AnalyzeImage", {"image": GOOD, "parts": [9]}, invalid("parts[0]")),
    "part-twice": Case("GarmentService/AnalyzeImage", {"image": GOOD, "parts": [1, 1]}, invalid("parts")),
    "empty-region": Case(
        "GarmentService/AnalyzeImage", {"image": GOOD, "region": {**BOX, "xMax": 0.1}}, invalid("region")
    ),
    "odd-task": Case("ModelService/ListModels", {"task": "no such task!"}, invalid("task")),
}  # fmt: skip


@pytest.fixture(scope="module")
async def model(shop: EmbeddedMesh, grpc_way: GrpcWay) -> str:
    """The model whose vectors the index holds."""
    answer = await grpc_way.call("SearchService/GetIndex", {}, shop.keys.token("ada"))
    return str(answer.only["model"])


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("way", WAYS, indirect=True)
@pytest.mark.parametrize("case", CASES)
async def test_bad_requests(mesh: EmbeddedMesh, way: Way, case: str, model: str) -> None:
    known = CASES[case]
    answer = await way.call(known.name, _named(known.request, model), token_for(mesh, known.name))
    assert answer.failure == known.failure


def _named(value: Any, model: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(each, model) for key, each in value.items()}
    if isinstance(value, list):
        return [_named(each, model) for each in value]
    return model if value == DIMENSION_MODEL else value
