"""What only JSON can say wrongly, and messages that are too large; nothing of it stays."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from tests.mesh import pictures
from tests.mesh.answers import Failure
from tests.mesh.contract import RPCS
from tests.mesh.http_form import HttpForm, http_form
from tests.mesh.requests import (
    BOX,
    CREATE,
    MATCH,
    ME,
    PROFILE,
    SEARCH,
    UPSERT,
    capture,
    image,
    invalid,
    product,
    token_for,
    upsert,
)
from tests.mesh.ways import GrpcWay, JsonWay

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
TOO_DEEP = b'{"ranking":' * 200 + b"1" + b"}" * 200
NO_JSON = invalid("")
TOO_LARGE = Failure("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")
NOISE = pictures.text_of(pictures.photo())[:-8] + "*" * 8
# The request, how it fails, and what is said of the first field.
BODIES: dict[str, tuple[str, Any, Failure, str]] = {
    "unknown-field": (SEARCH, {"text": "shirt", "colour": "red"}, invalid("colour"), "the contract has no such field"),
    "unknown-field-inside": (
        SEARCH, {"text": "shirt", "ranking": {"filter": {"colour": "red"}}}, invalid("ranking.filter.colour"), "no such"
    ),
    "unknown-field-in-a-list": (
        UPSERT, upsert({"product": product()}, {"product": product(weight=3)}), invalid("products[1].product.weight"),
        "no such",
    ),
    "unknown-enum": (CREATE, capture(kind="CAPTURE_KIND_NONSENSE"), invalid("kind"), "one of CAPTURE_KIND_OUTFIT, "),
    "text-for-a-number": (SEARCH, {"text": "shirt", "pageSize": "many"}, invalid("page_size"), "got other text"),
    "number-too-large": (SEARCH, {"text": "shirt", "pageSize": 2**40}, invalid("page_size"), "to 2147483647, got 1099"),
    "fraction-for-a-whole-number": (SEARCH, {"text": "shirt", "pageSize": 1.5}, invalid("page_size"), "got 1.5"),
    "number-for-text": (SEARCH, {"text": 5}, invalid("text"), "expected text, got 5"),
    "number-for-a-message": (CREATE, capture(image=5), invalid("image"), "expected an object, got 5"),
    "text-for-a-message": (CREATE, capture(image="x"), invalid("image"), "expected an object, got text"),
    "list-for-text": (SEARCH, {"text": ["shirt"]}, invalid("text"), "expected text, got a list"),
    "list-for-a-message": (CREATE, capture(image=[{}]), invalid("image"), "expected an object, got a list"),
    "object-for-a-number": (SEARCH, {"text": "x", "pageSize": {}}, invalid("page_size"), "got an object"),
    "text-for-a-list": (MATCH, {"garments": "x"}, invalid("garments"), "expected a list, got text"),
    "text-in-a-vector": (
        MATCH, {"garments": [{"embedding": {"values": [0.5, "x"]}}]}, invalid("garments[0].embedding.values[1]"),
        "expected a number",
    ),
    "null-in-a-list": (MATCH, {"garments": [None]}, invalid("garments[0]"), "expected an object, got null"),
    "truth-for-text": (
        UPSERT, upsert({"product": product(title=True)}), invalid("products[0].product.title"), "text, got true"
    ),
    "text-for-truth": (CREATE, capture(cropping={"alreadyCropped": "yes"}), invalid("cropping.already_cropped"), "got"),
    "number-in-a-map": (
        PROFILE, {"profile": {**ME, "preferences": {"sizes": {"shoes": 42}}}},
        invalid('profile.preferences.sizes["shoes"]'), "expected text, got 42",
    ),
    "bad-base64": (CREATE, capture(image={"data": "***"}), invalid("image.data"), "expected bytes in base64"),
    "bad-base64-at-the-end-of-a-picture": (CREATE, capture(image={"data": NOISE}), invalid("image.data"), ""),
    "bad-time": (CREATE, capture(captureTime="yesterday"), invalid("capture_time"), "expected a time"),
    "no-such-day": (CREATE, capture(captureTime="2026-02-29T10:00:00Z"), invalid("capture_time"), "expected a time"),
    "two-queries": (
        SEARCH, {"text": "shirt", "product": "products/x"}, invalid("query"), "got `text` and `product`"
    ),
    "two-crops": (
        CREATE, capture(cropping={"alreadyCropped": True, "box": BOX}), invalid("cropping.crop"),
        "got `already_cropped` and `box`",
    ),
    "two-faults": (SEARCH, {"text": 5, "pageSize": "x"}, invalid("text", "page_size"), "expected text, got 5"),
    "field-as-the-body": (PROFILE, {"profile": {**ME, "displayName": 5}}, invalid("profile.display_name"), "got 5"),
    "not-json": (SEARCH, b"text=shirt", NO_JSON, "no JSON from byte 1 on"),
    "cut-json": (SEARCH, b'{"text": "shi', NO_JSON, "ends before"),
    "name-without-quotes": (SEARCH, b'{text: "shirt"}', NO_JSON, "no JSON from byte 2 on"),
    "list": (SEARCH, b"[]", NO_JSON, "expected an object, got a list"),
    "bad-utf-8": (SEARCH, b'{"text": "\xff\xfe"}', NO_JSON, "UTF-8"),
    "too-deep": (SEARCH, TOO_DEEP, NO_JSON, "at most 100 brackets"),
    "too-large": (CREATE, capture(image=image(bytes(17 * 1024 * 1024))), TOO_LARGE, ""),
}  # fmt: skip


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("name", "body", "failure", "words"), BODIES.values(), ids=BODIES)
async def test_bad_json(
    mesh: EmbeddedMesh, json_way: JsonWay, name: str, body: Any, failure: Failure, words: str
) -> None:
    form = http_form(RPCS[name], body if isinstance(body, dict) else {})
    form = HttpForm(form.method, form.path, form.params, body if isinstance(body, bytes) else form.body)
    answer = await json_way.send(RPCS[name], form, token_for(mesh, name))
    assert answer.failure == failure
    assert words in answer.message


LIST, WATCH = "CatalogService/ListProducts", "CaptureService/WatchCapture"
CHAT, DRAW = "StylistService/StreamChat", "DesignService/GenerateDesigns"
CAPTURE = f"/v1/users/ada/captures/{uuid.UUID(int=1)}:watch"
CONVERSATIONS = "/v1/users/ada/conversations:streamChat"
# Queries, and bodies of streams: RPC, form, field.
OTHERS: dict[str, tuple[str, HttpForm, str]] = {
    "unknown-parameter": (LIST, HttpForm("GET", "/v1/products", [("colour", "red")], None), "colour"),
    "unknown-inside": (LIST, HttpForm("GET", "/v1/products", [("filter.colour", "red")], None), "filter.colour"),
    "text-for-a-number": (LIST, HttpForm("GET", "/v1/products", [("pageSize", "many")], None), "page_size"),
    "enum": (LIST, HttpForm("GET", "/v1/products", [("filter.buckets", "NOPE")], None), "filter.buckets"),
    "message": (LIST, HttpForm("GET", "/v1/products", [("filter", "x")], None), "filter"),
    "of-a-stream": (WATCH, HttpForm("GET", CAPTURE, [("colour", "red")], None), "colour"),
    "body-of-a-stream": (CHAT, HttpForm("POST", CONVERSATIONS, [], {"message": 5}), "message"),
    "unknown-in-the-body-of-a-stream": (CHAT, HttpForm("POST", CONVERSATIONS, [], {"mesage": "x"}), "mesage"),
    "picture-in-the-body-of-a-stream": (
        DRAW, HttpForm("POST", "/v1/designs:generate", [], {"reference": {"data": NOISE}}), "reference.data"
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", ["json", "events"], indirect=True)
@pytest.mark.parametrize(("name", "form", "field"), OTHERS.values(), ids=OTHERS)
async def test_bad_queries_and_streams(mesh: EmbeddedMesh, way: JsonWay, name: str, form: HttpForm, field: str) -> None:
    answer = await way.send(RPCS[name], form, mesh.keys.token("ada"))
    assert answer.failure == invalid(field)
    assert answer.message.startswith(f"{field}: ")


@pytest.mark.usefixtures("nothing_changes")
async def test_message_over_the_limit_on_grpc(mesh: EmbeddedMesh, grpc_way: GrpcWay) -> None:
    request = capture(image=image(bytes(17 * 1024 * 1024)))
    answer = await grpc_way.call(CREATE, request, mesh.keys.token("ada"))
    assert answer.failure is not None
    assert answer.failure.code == "RESOURCE_EXHAUSTED"
