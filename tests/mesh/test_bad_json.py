"""What only JSON can say wrongly, and messages that are too large; nothing of it stays."""

from __future__ import annotations

from typing import Any

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from tests.mesh.answers import Failure
from tests.mesh.contract import RPCS
from tests.mesh.http_form import HttpForm, http_form
from tests.mesh.requests import BOX, CREATE, SEARCH, UPSERT, capture, image, invalid, product, token_for, upsert
from tests.mesh.ways import GrpcWay, JsonWay

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
TOO_DEEP = b'{"ranking":' * 200 + b"1" + b"}" * 200
# What only JSON can say. Unknown fields are named in `BadRequest`; what the transcoder itself refuses, in its message.
BODIES: dict[str, tuple[str, Any, Failure, str]] = {
    "unknown-field": (SEARCH, {"text": "shirt", "colour": "red"}, invalid("colour"), "colour"),
    "unknown-field-inside": (
        SEARCH, {"text": "shirt", "ranking": {"filter": {"colour": "red"}}}, invalid("ranking.filter.colour"), ""
    ),
    "unknown-field-in-a-list": (
        UPSERT, upsert({"product": product()}, {"product": product(weight=3)}), invalid("products[1].product.weight"),
        "products[1]",
    ),
    "unknown-enum": (CREATE, capture(kind="CAPTURE_KIND_NONSENSE"), invalid(), "kind: "),
    "text-for-a-number": (SEARCH, {"text": "shirt", "pageSize": "many"}, invalid(), "page_size: "),
    "number-too-large": (SEARCH, {"text": "shirt", "pageSize": 2**40}, invalid(), "page_size: "),
    "number-for-a-message": (CREATE, capture(image=5), invalid(), "image: "),
    "list-for-text": (SEARCH, {"text": ["shirt"]}, invalid(), ""),
    "bad-base64": (CREATE, capture(image={"data": "***"}), invalid(), "image.data: "),
    "bad-time": (CREATE, capture(captureTime="yesterday"), invalid(), "capture_time: "),
    "two-queries": (SEARCH, {"text": "shirt", "product": "products/x"}, invalid(), "'query' is already set"),
    "two-crops": (CREATE, capture(cropping={"alreadyCropped": True, "box": BOX}), invalid(), "'crop' is already set"),
    "not-json": (SEARCH, b"text=shirt", invalid(), ""),
    "cut-json": (SEARCH, b'{"text": "shi', invalid(), ""),
    "list": (SEARCH, b"[]", invalid(), ""),
    "bad-utf-8": (SEARCH, b'{"text": "\xff\xfe"}', invalid(), ""),
    "too-deep": (SEARCH, TOO_DEEP, invalid(), ""),
    "too-large": (
        CREATE, capture(image=image(bytes(17 * 1024 * 1024))), Failure("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"), ""
    ),
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


async def test_unknown_query_parameter(mesh: EmbeddedMesh, json_way: JsonWay) -> None:
    rpc = RPCS["CatalogService/ListProducts"]
    form = HttpForm("GET", "/v1/products", [("colour", "red")], None)
    answer = await json_way.send(rpc, form, mesh.keys.token("ada"))
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")


@pytest.mark.usefixtures("nothing_changes")
async def test_message_over_the_limit_on_grpc(mesh: EmbeddedMesh, grpc_way: GrpcWay) -> None:
    request = capture(image=image(bytes(17 * 1024 * 1024)))
    answer = await grpc_way.call(CREATE, request, mesh.keys.token("ada"))
    assert answer.failure is not None
    assert answer.failure.code == "RESOURCE_EXHAUSTED"
