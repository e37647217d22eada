"""What holds for every RPC with such a field, whichever RPCs there are: pages, request ids, names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from vitrine.embedded.mesh import EmbeddedMesh

from mesh.contract import Access
from tests.mesh.answers import Failure
from tests.mesh.contract import RPCS, Json, Rpc
from tests.mesh.names import NAMED, Victim, more_of, request_naming
from tests.mesh.requests import invalid, token_for
from tests.mesh.ways import GrpcWay, Way

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
ADA = Victim("ada", {})
WAYS = ["grpc", "json"]


def having(field: str) -> pytest.MarkDecorator:
    chosen = [rpc for rpc in RPCS.values() if field in rpc.descriptor.input_type.fields_by_name]
    return pytest.mark.parametrize("rpc", chosen, ids=[rpc.short for rpc in chosen])


def valid(rpc: Rpc) -> Json:
    """A request of ours that keeps the rules, as far as names and things with side effects go."""
    named = [(each, field) for each, field in NAMED if each.short == rpc.short]
    return request_naming(*named[0], ADA, ADA) if named else {**more_of(rpc), **OTHERS.get(rpc.short, {})}


OTHERS: dict[str, Json] = {
    "CatalogService/ListImportRejections": {"parent": "imports/x"}, "SearchService/SearchProducts": {"text": "shirt"},
    "AtelierService/MatchAteliers": {"brief": {"category": "coat"}},
}  # fmt: skip


@having("page_size")
@pytest.mark.parametrize("way", WAYS, indirect=True)
async def test_negative_page_size(mesh: EmbeddedMesh, way: Way, rpc: Rpc) -> None:
    answer = await way.call(rpc.short, {**valid(rpc), "pageSize": -1}, token_for(mesh, rpc.short))
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "page_size" in answer.failure.fields


@pytest.fixture(scope="module")
async def foreign_token(shop: EmbeddedMesh, grpc_way: GrpcWay) -> str:
    """A token that ListProducts made, for the second page of one item each."""
    answer = await grpc_way.call("CatalogService/ListProducts", {"pageSize": 1}, shop.keys.token("ada"))
    return str(answer.only["nextPageToken"])


@having("page_token")
@pytest.mark.parametrize("way", WAYS, indirect=True)
async def test_foreign_page_token(mesh: EmbeddedMesh, way: Way, rpc: Rpc, foreign_token: str) -> None:
    request = {**valid(rpc), "pageToken": foreign_token}
    if rpc.short == "CatalogService/ListProducts":
        request["filter"] = {"buckets": ["GARMENT_BUCKET_SHOES"]}  # its own token, for another question
    answer = await way.call(rpc.short, request, token_for(mesh, rpc.short))
    assert answer.failure in (
        invalid("page_token", reason="INVALID_PAGE_TOKEN"), Failure("UNIMPLEMENTED", "NOT_IMPLEMENTED_YET")
    )  # fmt: skip


@having("request_id")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("way", WAYS, indirect=True)
@pytest.mark.parametrize("request_id", ["7", "not-a-uuid", "00000000-0000-4000-8000-00000000000g"])
async def test_request_id_that_is_no_uuid(mesh: EmbeddedMesh, way: Way, rpc: Rpc, request_id: str) -> None:
    answer = await way.call(rpc.short, {**valid(rpc), "requestId": request_id}, token_for(mesh, rpc.short))
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "request_id" in answer.failure.fields


def name_rules(message: Descriptor) -> Iterator[tuple[str, str]]:
    """The fields of a request itself that hold a name, with their rule."""
    for field in message.fields:
        pattern = str(field.GetOptions().Extensions[validate_pb2.field].string.pattern)
        if field.type == FieldDescriptor.TYPE_STRING and re.match(r"\^\(?[a-z]+/", pattern):
            yield field.name, pattern


NAME_FIELDS = [(rpc, *rule) for rpc in RPCS.values() for rule in name_rules(rpc.descriptor.input_type)]
BAD_NAMES = [
    "nonsense", "users/", "users/ada/", "users//captures/x", "USERS/ada", "users/ada/captures/../x", "users/ada\n",
    "users/ada/captures/00000000-0000-4000-8000-000000000000\n", "users/ada b", "users/%61da", "products/",
    "products/-x", "products/x\n", "users/" + "x" * 65, "users/ada/profile/x", "//users/ada", "users/ада", "imports/\0",
]  # fmt: skip


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("rpc", "field", "pattern"), NAME_FIELDS, ids=[f"{rpc.short}-{field}" for rpc, field, _ in NAME_FIELDS]
)
async def test_bad_names(mesh: EmbeddedMesh, grpc_way: GrpcWay, rpc: Rpc, field: str, pattern: str) -> None:
    roles = {Access.OPERATOR: ["operator"], Access.SERVICE: ["service"]}.get(rpc.rule.access, [])
    token = mesh.keys.token("ada", roles)
    descriptor = rpc.descriptor.input_type.fields_by_name[field]
    rivals = descriptor.containing_oneof.fields if descriptor.containing_oneof is not None else []
    good = {key: value for key, value in valid(rpc).items() if key not in {rival.json_name for rival in rivals}}
    for bad in BAD_NAMES:
        assert not re.fullmatch(pattern, bad)
        failure = (await grpc_way.call(rpc.short, {**good, descriptor.json_name: bad}, token)).failure
        assert failure is not None, bad
        refused = failure.code == "INVALID_ARGUMENT" and field in failure.fields
        assert refused or failure == Failure("PERMISSION_DENIED", "NOT_OWNER"), (bad, failure)
