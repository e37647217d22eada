"""Whose things, and which roles: on every RPC and every way in; and nothing is done for those who may not."""

from __future__ import annotations

from typing import Any

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from mesh.contract import Access
from tests.mesh import pictures
from tests.mesh.answers import Failure
from tests.mesh.contract import RPCS, Rpc, rpcs
from tests.mesh.names import NAMED, UNKNOWN, NameField, Victim, more_of, request_naming
from tests.mesh.stores import Stores
from tests.mesh.ways import GrpcWay, JsonWay, on_each_way

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
MISSING = Failure("UNAUTHENTICATED", "TOKEN_MISSING")
NOT_OWNER = Failure("PERMISSION_DENIED", "NOT_OWNER")
NO_ROLE = Failure("PERMISSION_DENIED", "ROLE_MISSING")
MALLORY = Victim("mallory", {})


@pytest.fixture(scope="module")
async def bob(shop: EmbeddedMesh, grpc_way: GrpcWay, stores: Stores) -> Victim:
    """Somebody with a capture and a sighting."""
    token = shop.keys.token("bob")
    create = {"parent": "users/bob", **more_of(RPCS["CaptureService/CreateCapture"])}
    made = (await grpc_way.call("CaptureService/CreateCapture", create, token)).only["capture"]
    seen = (await grpc_way.call("CaptureService/WatchCapture", {"name": made["name"]}, token)).messages
    done = next(message["change"]["capture"] for message in reversed(seen) if "change" in message)
    assert done["state"] == "STATE_SUCCEEDED"
    await stores.settle()
    event = done["outfit"]["tasteChange"]["eventId"]
    return Victim("bob", {"captures": made["name"].rpartition("/")[2], "sightings": event})


def test_the_table_of_names_is_whole() -> None:
    """A name below a user that is not marked as the owner's would be open to everybody."""
    assert not UNKNOWN
    open_to_users = [rpc for rpc, field in NAMED if rpc.rule.access is not Access.SERVICE and not field.is_owner]
    assert [rpc.short for rpc in open_to_users] == []
    checked = {(rpc.rule.rpc, field.path) for rpc, field in NAMED if field.is_owner}
    assert checked == {(rpc.rule.rpc, owner.path) for rpc in RPCS.values() for owner in rpc.rule.owner_fields}
    assert len(checked) >= 38


FOREIGN = [(rpc, field) for rpc, field in NAMED if rpc.rule.access is Access.USER]
foreign = pytest.mark.parametrize(
    ("rpc", "field"), FOREIGN, ids=[f"{rpc.short}-{field.path}" for rpc, field in FOREIGN]
)


@foreign
@pytest.mark.usefixtures("nothing_changes")
async def test_another_users_resource(
    mesh: EmbeddedMesh, grpc_way: GrpcWay, json_way: JsonWay, direct: dict[str, GrpcWay], bob: Victim, rpc: Rpc,
    field: NameField,
) -> None:  # fmt: skip
    body = request_naming(rpc, field, bob, MALLORY)
    ways = (grpc_way, direct[rpc.package], json_way if rpc.has_http else None)
    for roles in ([], ["operator"]):  # to keep the catalogue gives no right to people's things
        answers = await on_each_way(rpc, body, mesh.keys.token("mallory", roles), *ways)
        assert {answer.failure for answer in answers} == {NOT_OWNER}


@foreign
async def test_own_resources_are_not_refused(mesh: EmbeddedMesh, grpc_way: GrpcWay, rpc: Rpc, field: NameField) -> None:
    """The same requests with the caller's own names pass authorization, whatever they then find."""
    carol = Victim("carol", {})
    body = request_naming(rpc, field, carol, carol)
    answer = await grpc_way.call(rpc.short, body, mesh.keys.token("carol"), deadline_s=1.0)
    assert answer.failure is None or answer.failure.code not in ("PERMISSION_DENIED", "UNAUTHENTICATED")


def _role_of(rpc: Rpc) -> str:
    return "service" if rpc.rule.access is Access.SERVICE else "operator"


@rpcs(lambda rpc: rpc.rule.access in (Access.SERVICE, Access.OPERATOR))
@pytest.mark.usefixtures("nothing_changes")
async def test_rpcs_for_services_and_operators(
    mesh: EmbeddedMesh, grpc_way: GrpcWay, json_way: JsonWay, direct: dict[str, GrpcWay], bob: Victim, rpc: Rpc
) -> None:
    fields = [field for each, field in NAMED if each.short == rpc.short]
    body = request_naming(rpc, fields[0], bob, bob) if fields else OPERATORS_BODIES.get(rpc.short, {})
    ways = (grpc_way, direct[rpc.package], json_way if rpc.has_http else None)
    for user, roles in (("bob", []), ("bob", ["admin", "Service", "SERVICE", "service "])):
        answers = await on_each_way(rpc, body, mesh.keys.token(user, roles), *ways)
        assert {(answer.failure, answer.facts) for answer in answers} == {(NO_ROLE, (("role", _role_of(rpc)),))}
    if rpc.rule.access is Access.SERVICE:
        answers = await on_each_way(rpc, body, mesh.keys.token("bob", ["operator"]), *ways)
        assert {answer.failure for answer in answers} == {NO_ROLE}


PRODUCT = {
    "name": "products/forged", "title": "Forged", "category": "shirt", "price": {"currencyCode": "EUR", "units": "1"}
}  # fmt: skip
OPERATORS_BODIES: dict[str, Any] = {
    "CatalogService/UpsertProducts": {
        "products": [{"product": PRODUCT, "images": [{"data": pictures.text_of(pictures.photo())}]}]
    },
    "CatalogService/ImportProducts": {"config": {"source": "forged"}},
    "CatalogService/DeleteProduct": {"name": "products/demo-bag-0027"},
    "CatalogService/GetImport": {"name": "imports/x"},
    "CatalogService/ListImportRejections": {"parent": "imports/x"},
    "CatalogService/UpsertCurrencyRates": {
        "rates": [{"currencyCode": "USD", "unitsPerEuro": 99, "date": {"year": 2020, "month": 1, "day": 1}}]
    },
}


async def test_a_service_may_read_for_anybody(mesh: EmbeddedMesh, grpc_way: GrpcWay, bob: Victim) -> None:
    token = mesh.keys.service.sign("ingest", ["service"], ttl_s=60.0)
    answer = await grpc_way.call("ProfileService/ExportProfile", {"name": f"users/{bob.user}"}, token)
    assert answer.failure is None
    assert any("tasteEvent" in message for message in answer.messages)


async def test_a_client_cannot_say_who_it_is(mesh: EmbeddedMesh, grpc_way: GrpcWay, bob: Victim) -> None:
    """Headers that the edge itself sets count for nothing when they come from outside."""
    name = f"users/bob/captures/{bob.ids['captures']}"
    headers = {"x-vitrine-subject": "bob", "x-forwarded-user": "bob", "x-user-id": "bob"}
    without = await grpc_way.call("CaptureService/GetCapture", {"name": name}, "", headers)
    other = await grpc_way.call("CaptureService/GetCapture", {"name": name}, mesh.keys.token("mallory"), headers)
    assert (without.failure, other.failure) == (MISSING, NOT_OWNER)
