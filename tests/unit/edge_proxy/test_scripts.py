"""What the script that looks at JSON requests is told; what it does with it is tested through the real Envoy."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from edge_proxy.scripts import requests_script

pytestmark = pytest.mark.unit
MIB = 1024 * 1024


def _script(folder: Path, *rules: tuple[str, str, str], client_streaming: bool = False, repeated: bool = False) -> str:
    """The tables for RPCs with these verbs, paths and bodies; all of them take `Thing {Thing child = 1;}`."""
    file = FileDescriptorProto(name="thing.proto", package="vitrine.test.v1")
    child = file.message_type.add(name="Thing").field.add(name="child_thing", json_name="childThing", number=1)
    child.type, child.label = child.TYPE_MESSAGE, child.LABEL_REPEATED if repeated else child.LABEL_OPTIONAL
    child.type_name = ".vitrine.test.v1.Thing"
    service = file.service.add(name="ThingService")
    for verb, path, body in rules:
        method = service.method.add(
            name="Do", input_type=child.type_name, output_type=child.type_name, client_streaming=client_streaming
        )
        rule = method.options.Extensions[annotations_pb2.http]
        setattr(rule, verb, path)
        rule.body = body
    path_of_set = folder / "descriptors.binpb"
    path_of_set.write_bytes(FileDescriptorSet(file=[file]).SerializeToString())
    return requests_script(path_of_set, 16 * MIB)


def test_tables_hold_both_spellings_and_stop_at_recursion(tmp_path: Path) -> None:
    script = _script(tmp_path, ("post", "/v1/{name=things/*}:do", "*"))
    child = '{["name"]="child_thing",["kind"]="message",["of"]=1}'
    assert f'local types = {{\n{{["child_thing"]={child},["childThing"]={child}}}}}\n' in script
    rule = '["path"]="^/v1/things/[^/]+:do$",["query"]=1,["body"]={["kind"]="message",["of"]=1}'
    assert f'local rules = {{["POST"]={{\n{{{rule}}}}}}}\n' in script
    assert f"local max_bytes = {16 * MIB}\n" in script


PATHS = {
    "verb before none": [("/v1/{name=things/*}", "^/v1/things/[^/]+$"), ("/v1/things/a:do", "^/v1/things/a:do$")],
    "word before star": [("/v1/*/a", "^/v1/[^/]+/a$"), ("/v1/things/a", "^/v1/things/a$")],
    "star before stars": [("/v1/{name=**}", "^/v1/.+$"), ("/v1/{name}", "^/v1/[^/]+$")],
    "signs of patterns": [("/v1/a-b.c/{name=things/**}", "^/v1/a%-b%.c/things/.+$")],
}


@pytest.mark.parametrize("paths", PATHS.values(), ids=PATHS)
def test_paths_become_patterns_the_most_specific_first(tmp_path: Path, paths: list[tuple[str, str]]) -> None:
    script = _script(tmp_path, *(("post", template, "*") for template, _ in paths))
    found = [script.index(f'"{pattern}"') for _, pattern in paths]
    assert found == sorted(found, reverse=True)


def test_a_field_as_body_starts_the_path(tmp_path: Path) -> None:
    script = _script(tmp_path, ("patch", "/v1/{child_thing.name=things/*}", "child_thing"))
    assert '["body"]={["name"]="child_thing",["kind"]="message",["of"]=1}' in script


def test_rpcs_without_a_body_know_no_field_and_streams_upwards_are_left_alone(tmp_path: Path) -> None:
    script = _script(tmp_path, ("get", "/v1/things", ""))
    assert script.count('["body"]={["kind"]="message",["of"]=2}') == 1
    assert ",\n{}}\nlocal rules" in script
    assert '["body"]=false' in _script(tmp_path, ("post", "/v1/things", "*"), client_streaming=True)


def test_a_list_as_body_needs_a_decision(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="list or map child_thing"):
        _script(tmp_path, ("post", "/v1/things", "child_thing"), repeated=True)
