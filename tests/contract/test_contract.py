"""The rules of the contract that buf does not know."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openapi_spec_validator
import pytest
from buf.validate import validate_pb2
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)
from vitrine.type.v1 import access_pb2

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[2]
# Server streams and bidirectional streams of frames have no HTTP form; browsers stream up by WebSocket.
WITHOUT_HTTP = {"StreamFrames", "StreamTryOn", "StreamAnalyze", "RenderNails"}

# What a picture holds, as answers tell it. One service sends it on to another, which checks it by code
# (`profile_svc/servicers/sighting_input.py`): an answer must not be refused for what a model has measured.
WITHOUT_RULES = {
    f".vitrine.type.v1.{name}"
    for name in (
        *("Garment", "GarmentAttributes", "Mask", "Polygon", "NormalizedPoint"),
        *("Color", "LabColor", "StyleScores", "ModelUse"),
    )
}
# Their types bound them: two values, some names, or a message with rules of its own.
TYPES_WITHOUT_RULES = {
    FieldDescriptorProto.TYPE_BOOL,
    FieldDescriptorProto.TYPE_ENUM,
    FieldDescriptorProto.TYPE_MESSAGE,
}


def _descriptors(tmp: Path) -> FileDescriptorSet:
    out = tmp / "contract.binpb"
    buf = Path(sys.executable).parent / "buf"
    subprocess.run([str(buf), "build", "protos", "--as-file-descriptor-set", "-o", str(out)], check=True, cwd=ROOT)
    return FileDescriptorSet.FromString(out.read_bytes())


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    return _descriptors(tmp_path_factory.mktemp("contract"))


def _methods(contract: FileDescriptorSet) -> Iterator[tuple[str, MethodDescriptorProto, str]]:
    for file in contract.file:
        if not file.package.startswith("vitrine."):
            continue
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        for number, service in enumerate(file.service):
            for index, method in enumerate(service.method):
                yield f"{file.package}.{service.name}/{method.name}", method, comments.get((6, number, 2, index), "")


def _messages(contract: FileDescriptorSet) -> dict[str, DescriptorProto]:
    found: dict[str, DescriptorProto] = {}

    def add(scope: str, message: DescriptorProto) -> None:
        found[f"{scope}.{message.name}"] = message
        for inner in message.nested_type:
            add(f"{scope}.{message.name}", inner)

    for file in contract.file:
        for message in file.message_type:
            add(f".{file.package}", message)
    return found


def _asked_for(contract: FileDescriptorSet) -> dict[str, list[FieldDescriptorProto]]:
    """The fields that callers fill in, of all requests and of the messages in them."""
    messages, found = _messages(contract), dict[str, list[FieldDescriptorProto]]()
    waiting = [method.input_type for _, method, _ in _methods(contract)]
    while waiting:
        name = waiting.pop()
        if name in found or not name.startswith(".vitrine."):
            continue
        found[name] = [
            field
            for field in messages[name].field
            if field_behavior_pb2.OUTPUT_ONLY not in field.options.Extensions[field_behavior_pb2.field_behavior]
        ]
        waiting += [field.type_name for field in found[name] if field.type == FieldDescriptorProto.TYPE_MESSAGE]
    return found


def test_the_contract_has_all_services_of_the_design(contract: FileDescriptorSet) -> None:
    services = {f"{file.package}.{service.name}" for file in contract.file for service in file.service}
    assert services >= {
        *(f"vitrine.ingest.v1.{name}Service" for name in ("Stream", "Capture", "TryOn", "Privacy")),
        *(f"vitrine.vision.v1.{name}Service" for name in ("Garment", "Face", "Body", "Nail", "Design", "Model")),
        *(f"vitrine.retrieval.v1.{name}Service" for name in ("Catalog", "Search", "Atelier")),
        *(f"vitrine.profile.v1.{name}Service" for name in ("Profile", "Avatar", "Stylist")),
    }


def test_every_rpc_states_who_may_call_it(contract: FileDescriptorSet) -> None:
    silent = [name for name, method, _ in _methods(contract) if not method.options.Extensions[access_pb2.access]]
    assert silent == []


def test_every_rpc_names_its_errors(contract: FileDescriptorSet) -> None:
    silent = [name for name, _, comment in _methods(contract) if "Possible errors:" not in comment]
    assert silent == []


def test_every_rpc_outside_the_mesh_has_an_http_form(contract: FileDescriptorSet) -> None:
    missing = [
        name
        for name, method, _ in _methods(contract)
        if method.options.Extensions[access_pb2.access] != access_pb2.ACCESS_SERVICE
        and method.name not in WITHOUT_HTTP
        and not method.client_streaming
        and method.options.Extensions[annotations_pb2.http].WhichOneof("pattern") is None
    ]
    assert missing == []


def test_every_read_is_declared_free_of_side_effects(contract: FileDescriptorSet) -> None:
    reads = ("Get", "List", "Search", "Watch", "Match", "Analyze", "Embed", "Describe", "Estimate")
    undeclared = [
        name
        for name, method, _ in _methods(contract)
        if method.name.startswith(reads) and method.options.idempotency_level != MethodOptions.NO_SIDE_EFFECTS
    ]
    assert undeclared == []


def test_every_request_field_states_its_behaviour(contract: FileDescriptorSet) -> None:
    messages = _messages(contract)
    silent = [
        f"{method.input_type}.{field.name}"
        for _, method, _ in _methods(contract)
        for field in messages[method.input_type].field
        if not field.HasField("oneof_index") and not field.options.Extensions[field_behavior_pb2.field_behavior]
    ]
    assert silent == []


def test_every_number_text_and_list_that_is_asked_for_has_a_rule(contract: FileDescriptorSet) -> None:
    """What nothing bounds, no service has to expect. The rule of a map is at the map, not at its entries."""
    messages = _messages(contract)
    unbounded = {
        name: [
            field.name
            for field in fields
            if (field.label == FieldDescriptorProto.LABEL_REPEATED or field.type not in TYPES_WITHOUT_RULES)
            and not field.options.HasExtension(validate_pb2.field)
        ]
        for name, fields in _asked_for(contract).items()
        if not messages[name].options.map_entry
    }
    assert {name for name, fields in unbounded.items() if fields} == WITHOUT_RULES, unbounded


def test_every_name_below_a_user_is_checked_for_its_owner(contract: FileDescriptorSet) -> None:
    messages = _messages(contract)

    def unchecked(field: FieldDescriptorProto) -> bool:
        return field.name in {"name", "parent", "user"} and not field.options.Extensions[access_pb2.owner]

    found = [
        f"{name}: {field.name}"
        for name, method, _ in _methods(contract)
        if method.options.Extensions[access_pb2.access] == access_pb2.ACCESS_USER
        and "users/*" in str(method.options.Extensions[annotations_pb2.http])
        for field in messages[method.input_type].field
        if unchecked(field)
    ]
    assert found == []


def test_generated_code_is_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, "scripts/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_the_openapi_document_is_valid_and_complete(contract: FileDescriptorSet) -> None:
    document = json.loads((ROOT / "gen/openapi/vitrine.openapi.json").read_text())
    openapi_spec_validator.validate(document)
    described = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    expected = {
        name.rsplit(".", 1)[1].replace("/", "_")
        for name, method, _ in _methods(contract)
        if method.options.Extensions[annotations_pb2.http].WhichOneof("pattern")
    }
    assert expected <= described
