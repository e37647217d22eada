"""What the edge does with fields that the contract does not know, through the real Envoy.

The judge is protobuf's own JSON reader: what it accepts must arrive unchanged, what it refuses for an unknown field
must be refused with the path of that field.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from edge_proxy.settings import EdgeSettings
from tests.services.edge_proxy.everything import contract, filled, http_forms, objects, parsed
from tests.services.edge_proxy.recorder import Recorder
from tests.services.edge_proxy.refusals import assert_unknown

pytestmark = pytest.mark.service
JUDGE = "/v1/things:judge"
CAPTURES = "/v1/users/ada/captures"


UNKNOWN: dict[str, tuple[str, str | list[str]]] = {
    "only field": ('{"nam": "x"}', "nam"),
    "last field": ('{"name": "x", "colour": "red"}', "colour"),
    "two": ('{"colour": 1, "shape": 2}', ["colour", "shape"]),
    "empty name": ('{"": 1}', ""),
    "wrong case": ('{"childthing": {}}', "childthing"),
    "name of the map's entry": ('{"ThingsByNameEntry": {}}', "ThingsByNameEntry"),
    "name of a oneof": ('{"choice": "x"}', "choice"),
    "value is an object": ('{"colour": {"name": "x", "deeper": [{}]}}', "colour"),
    "value is a list": ('{"colour": [{"name": "x"}], "name": "x"}', "colour"),
    "nested": ('{"childThing": {"colour": 1}}', "child_thing.colour"),
    "nested, proto spelling": ('{"child_thing": {"child_thing": {"colour": 1}}}', "child_thing.child_thing.colour"),
    "after a nested one": ('{"childThing": {"name": "x"}, "colour": 1}', "colour"),
    "in a oneof": ('{"otherWay": {"colour": 1}}', "other_way.colour"),
    "repeated": ('{"childThings": [{}, {"name": "x"}, {"colour": 1}]}', "child_things[2].colour"),
    "repeated in repeated": ('{"childThings": [{}, {"childThings": [{"c": 1}]}]}', "child_things[1].child_things[0].c"),
    "map value": ('{"thingsByName": {"colour": {"colour": 1}}}', 'things_by_name["colour"].colour'),
    "map value, number": ('{"thingsByNumber": {"7": {"colour": 1}}}', "things_by_number[7].colour"),
    "beside a struct": ('{"freeForm": {"a": [{"b": 1}]}, "colour": 1}', "colour"),
    "duplicate": ('{"childThing": {"name": "x"}, "childThing": {"colour": 1}}', "child_thing.colour"),
    "quotes and brackets in strings": ('{"name": "\\"}]{[\\\\", "colour": 1}', "colour"),
    "escaped": ('{"childThing": {"\\u0063olour": 1}}', "child_thing.colour"),
    "quote in the name": ('{"a\\"b": 1}', 'a"b'),
    "escaped backslash": ('{"\\\\u006eame": 1}', "\\u006eame"),
    "not ascii": ('{"größe": 1}', "größe"),
    "surrogates stay as sent": ('{"\\ud83d\\ude00": 1}', "\\ud83d\\ude00"),
    "percent signs": ('{"%REQ(authorization)%": 1}', "%REQ(authorization)%"),
    "long name": (f'{{"{"k" * 5000}": 1}}', "k" * 100),
    "spaces": (' {\n\t"name" :\r\n"x" , "colour"\t: 1 } \n', "colour"),
    "deep": ('{"childThing": ' * 60 + '{"colour": 1}' + "}" * 60, ("child_thing." * 60 + "colour")[:200]),
}


@pytest.mark.parametrize(("body", "field"), UNKNOWN.values(), ids=UNKNOWN)
async def test_unknown_fields_are_refused_by_name(
    recorder: Recorder, descriptors: Path, body: str, field: str | list[str]
) -> None:
    with pytest.raises(json_format.ParseError):
        parsed(contract(descriptors).FindMessageTypeByName("vitrine.vision.v1.Thing"), body)
    assert_unknown(await recorder.send("POST", JUDGE, body), *([field] if isinstance(field, str) else field))
    assert not recorder.upstream.calls


KNOWN = {
    "empty object": "{}",
    "both spellings": '{"childThing": {"child_things": [{}]}, "child_things": [{"childThing": {}}]}',
    "escaped": '{"\\u006ea\\u006De": "x", "child\\u005fthing": {}}',
    "keys of maps": '{"labels": {"colour": "red", "": "x"}, "thingsByName": {"a.b": {"name": "x"}, "]}": {}}}',
    "numbers as keys": '{"thingsByNumber": {"7": {"name": "x"}}}',
    "maps of structs": '{"structs": {"a": {"b": {"c": [{"d": 1}]}}}}',
    "struct": '{"freeForm": {"colour": {"name": [1, {"x": null}, "y"]}}, "name": "x"}',
    "value": '{"anyValue": {"colour": [{"x": 1}]}, "values": [{"x": 1}, [{"y": 2}]]}',
    "well-known": '{"createTime": "2026-11-21T10:00:00.5Z", "updateMask": "name,childThing", "wrapped": 7}',
    "nulls": '{"childThing": null, "childThings": null, "labels": null, "words": null}',
    "numbers": '{"ratio": -1.5e-7, "words": ["1", "true"]}',
    "colons and quotes in values": '{"name": "\\"colour\\": {", "words": ["\\\\", "\\\\\\"", "colour\\": 1"]}',
    "colon after a value": '{"words": ["colour", "x"], "labels": {"x": "colour"}}',
    "base64 with slashes": '{"data": "\\/\\/\\/\\/AAAA"}',
    "spaces": ' {\n\t"name" :\r\n"x" } \n',
    "deep": '{"childThing": ' * 60 + "{}" + "}" * 60,
    "many": '{"childThings": [' + ", ".join(['{"name": "x", "labels": {"a": "b"}}'] * 2000) + "]}",
}


@pytest.mark.parametrize("body", KNOWN.values(), ids=KNOWN)
async def test_what_the_contract_knows_arrives_as_sent(recorder: Recorder, descriptors: Path, body: str) -> None:
    expected = parsed(contract(descriptors).FindMessageTypeByName("vitrine.vision.v1.Thing"), body)
    answer = await recorder.send("POST", JUDGE, body)
    assert answer.status_code == 200, answer.text
    assert [type(expected).FromString(raw) for _, raw in recorder.upstream.calls] == [expected]


async def test_what_comes_twice_passes_as_before(recorder: Recorder) -> None:
    answer = await recorder.send("POST", JUDGE, '{"name": "x", "name": "y", "childThing": {}, "childThing": {}}')
    assert answer.status_code == 200


WAYS: dict[str, tuple[str, str, str, dict[str, str], str]] = {
    "field as the body": ("POST", "/v1/things/7:move", '{"colour": 1}', {}, "thing.colour"),
    "field as the body, nested": ("POST", "/v1/things/7:move", '{"childThing": {"c": 1}}', {}, "thing.child_thing.c"),
    "any path": ("POST", "/v1/things/a/b/c:judge", '{"colour": 1}', {}, "colour"),
    "query": ("POST", f"{JUDGE}?name=x", '{"colour": 1}', {}, "colour"),
    "events": ("POST", "/v1/designs:generate", '{"colour": 1}', {"accept": "text/event-stream"}, "colour"),
    "patch": ("PATCH", "/v1/users/ada/profile", '{"colour": 1}', {}, "profile.colour"),
    "content type of a form": ("POST", JUDGE, '{"colour": 1}', {"content_type": "multipart/form-data"}, "colour"),
    "charset": ("POST", JUDGE, '{"colour": 1}', {"content_type": "application/json; charset=utf-8"}, "colour"),
    "no body expected": ("DELETE", f"{CAPTURES}/1", '{"force": true}', {}, "force"),
    "body of a read": ("GET", CAPTURES, '{"pageSize": 3}', {}, "pageSize"),
}  # fmt: skip


@pytest.mark.parametrize(("verb", "path", "body", "headers", "field"), WAYS.values(), ids=WAYS)
async def test_ways_to_send_an_unknown_field(
    recorder: Recorder, verb: str, path: str, body: str, headers: dict[str, str], field: str
) -> None:
    assert_unknown(await recorder.send(verb, path, body, **headers), field)
    assert not recorder.upstream.calls


async def test_pages_can_read_the_refusal_and_strangers_get_no_further_than_their_token(recorder: Recorder) -> None:
    origin = "http://localhost:5173"
    answer = await recorder.send("POST", JUDGE, '{"colour": 1}', origin=origin)
    assert answer.headers["access-control-allow-origin"] == origin
    stranger = await recorder.send("POST", JUDGE, '{"colour": 1}', authorization="Bearer nobody")
    assert stranger.status_code == 401


@pytest.mark.parametrize("body", ["", "{}", " {} "], ids=["none", "empty object", "spaces"])
async def test_nothing_said_passes(recorder: Recorder, body: str) -> None:
    for verb, path in [("POST", JUDGE), ("DELETE", f"{CAPTURES}/1"), ("GET", CAPTURES)]:
        assert (await recorder.send(verb, path, body)).status_code == 200
        assert len(recorder.upstream.calls) == 1


def _with_bodies() -> dict[str, tuple[str, str]]:
    """Every HTTP form with a body of the real contract: id -> RPC and path template."""
    found = {}
    for file in FileDescriptorSet.FromString(_shipped().read_bytes()).file:
        for service in file.service:
            for method in service.method:
                if method.client_streaming:
                    continue
                name = f"{file.package}.{service.name}.{method.name}"
                descriptor = contract(_shipped()).FindMethodByName(name)
                for _, template, body in http_forms(descriptor):
                    if body:
                        found[f"{method.name} {template}"] = (name, template)
    return found


def _shipped() -> Path:
    return EdgeSettings(jwks="none").descriptors_file


def _request(method: MethodDescriptor, template: str, arm: int, proto_names: bool) -> tuple[str, str, Any, Any]:
    """Verb, path, body and the message that must arrive."""
    verb, _, body_field = next(each for each in http_forms(method) if each[1] == template)
    message: Any = filled(method.input_type, arm)
    path = template
    for variable, pattern in re.findall(r"\{([a-z_.]+)(?:=([^}]*))?\}", template):
        value = (pattern or "*").replace("*", "ada")
        path = re.sub(r"\{" + re.escape(variable) + r"[^}]*\}", value, path)
        *way, last = variable.split(".")
        target = message
        for step in way:
            target = getattr(target, step)
        setattr(target, last, value)
    if body_field != "*":
        for field in method.input_type.fields:
            if field.name != body_field:
                message.ClearField(field.name)
    sent = message if body_field == "*" else getattr(message, body_field)
    return verb, path, json_format.MessageToDict(sent, preserving_proto_field_name=proto_names), message


@pytest.mark.parametrize(("rpc", "template"), _with_bodies().values(), ids=_with_bodies())
async def test_every_rpc_takes_all_of_its_fields_and_no_other(recorder: Recorder, rpc: str, template: str) -> None:
    method = contract(_shipped()).FindMethodByName(rpc)
    for arm in range(max((len(oneof.fields) for oneof in method.input_type.oneofs), default=1)):
        verb, path, body, expected = _request(method, template, arm, proto_names=bool(arm % 2))
        answer = await recorder.send(verb, path, json.dumps(body))
        assert answer.status_code == 200, (answer.text, body)
        assert [type(expected).FromString(raw) for _, raw in recorder.upstream.calls] == [expected]
        field = next(each[2] for each in http_forms(method) if each[1] == template)
        sent = method.input_type if field == "*" else method.input_type.fields_by_name[field].message_type
        prefix = "" if field == "*" else field
        for index, (_, where) in enumerate(list(objects(sent, body, prefix))):
            wrong = copy.deepcopy(body)
            next(each for at, (each, _) in enumerate(objects(sent, wrong, prefix)) if at == index)["typo"] = {"x": [1]}
            assert_unknown(await recorder.send(verb, path, json.dumps(wrong)), f"{where}.typo" if where else "typo")
