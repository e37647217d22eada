"""What the edge does with values that do not fit their fields, through the real Envoy.

The judge is protobuf's own JSON reader again: what it takes must arrive as it reads it, what it refuses must be refused
with the path of the value. Where it is known to take more than proto3's JSON form allows, a table says what we do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.services.edge_proxy.everything import contract, parsed
from tests.services.edge_proxy.recorder import Recorder
from tests.services.edge_proxy.refusals import assert_refused, details

pytestmark = pytest.mark.service
JUDGE = "/v1/things:judge"

# Of every kind something that fits, and what nearly does.
VALUES = [
    "null", "true", "false", "0", "-1", "7", "1.5", "1e2", "2147483648", "-2147483649", "4294967296", "1e39", "-7.2e-3",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
    '""', '"x"', '"7"', '"-7"', '"1.5"', '"007x"', '"NaN"', '"-Infinity"', '"nan"', '"true"', '"SHADE_RED"', '"RED"',
    '"2026-11-21T10:00:00Z"', '"2024-02-29T23:59:59.123456789+05:30"', '"2026-02-29T10:00:00Z"', '"2026-11-21"',
    '"2026-11-21T24:00:00Z"', '"2026-13-01T00:00:00Z"', '"2026-11-21T10:00:00.1234567891Z"', '"2026-11-21T10:00:00"',
    '"yesterday"', '"1.5s"', '"-2s"', '"315576000001s"', '"1 s"', "{}", "[]", "[null]", "[1]", "[1.5, 0.25]", '["x"]',
    "[[1]]", "[{}]", '[{"name": 1}]', '["SHADE_RED", 2]', '["NOPE"]', '{"a": 1}', '{"a": "x"}', '{"a": null}',
    '{"a": {}}', '{"a": "NOPE"}', '{"7": {}}', '{"true": 1}', '{"name": "x"}', '{"name": 1}', '{"seconds": 1}',
    '{"value": 1}', '{"childThings": [{}, {"small": "x"}]}',
]  # fmt: skip
FIELDS = [
    "name", "child_thing", "child_things", "words", "create_time", "free_form", "any_value", "values", "wrapped",
    "wrapped_text", "ratio", "single_ratio", "small", "small_unsigned", "large", "large_unsigned", "is_good", "shade",
    "shades", "numbers", "ratios", "time_left",
    "things_by_name", "things_by_number", "labels", "structs", "times_by_name",
    "shades_by_name", "numbers_by_flag", "one_way", "other_way",
]  # fmt: skip
# Python's reader takes these, for no reason that proto3's JSON form has: an empty text or list for an object, true for
# 1.0, numbers with a fraction for an enum, a number in text that is no value of it, a duration with a space.
NOT_SO = {
    "child_thing": {'""', "[]"}, "other_way": {'""', "[]"}, "child_things": {"[[]]"},
    "ratio": {"true", "false"}, "single_ratio": {"true", "false"}, "shades": {"[1.5, 0.25]"}, "time_left": {'"1 s"'},
    "shade": {"true", "false", "1.5", "-7.2e-3", '"7"', '"-7"', "2147483648", "-2147483649", "4294967296"},
}  # fmt: skip
AT_ONCE = 8  # an answer names 16 fields


def judged(thing: Descriptor, field: FieldDescriptor) -> tuple[list[str], list[str]]:
    """Sorts the values into those that fit a field and those that do not; as messages that hold nothing else."""
    good: list[str] = []
    bad: list[str] = []
    for value in VALUES:
        body = f'{{"{field.json_name}": {value}}}'
        try:
            parsed(thing, body)
        except json_format.ParseError:
            bad.append(body)
        else:
            (bad if value in NOT_SO.get(field.name, ()) else good).append(body)
    return good, bad


@pytest.mark.parametrize("name", FIELDS)
async def test_values_fit_their_fields_or_are_refused_by_path(recorder: Recorder, descriptors: Path, name: str) -> None:
    thing = contract(descriptors).FindMessageTypeByName("vitrine.vision.v1.Thing")
    good, bad = judged(thing, thing.fields_by_name[name])
    assert good
    taken = f'{{"childThings": [{", ".join(good)}]}}'
    answer = await recorder.send("POST", JUDGE, taken)
    assert answer.status_code == 200, answer.text
    expected = parsed(thing, taken)
    assert [type(expected).FromString(raw) for _, raw in recorder.upstream.calls] == [expected]
    for first in range(0, len(bad), AT_ONCE):
        some = bad[first : first + AT_ONCE]
        answer = await recorder.send("POST", JUDGE, f'{{"childThings": [{", ".join(some)}]}}')
        assert answer.status_code == 400
        named = {violation["field"] for violation in details(answer)["BadRequest"]["fieldViolations"]}
        for index, body in enumerate(some):
            path = f"child_things[{index}].{name}"
            assert any(field == path or field.startswith((f"{path}.", f"{path}[")) for field in named), body
        assert not recorder.upstream.calls


BYTES = {
    "empty": ('""', b""), "plain": ('"+/8="', b"\xfb\xff"), "for URLs": ('"-_8"', b"\xfb\xff"),
    "without padding": ('"AAA"', b"\0\0"), "escaped": (r'"\/\/\u0038="', b"\xff\xff"), "null": ("null", b""),
}  # fmt: skip
NO_BYTES = {
    "stars": '"***"', "one digit": '"A"', "space": '"A A="', "digit after padding": '"AA=A"', "padding only": '"="',
    "two alphabets": '"+_-/"', "number": "7", "list": "[1, 2]", "time": '"2026-11-21T10:00:00Z"',
}  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), BYTES.values(), ids=BYTES)
async def test_bytes_in_base64(recorder: Recorder, descriptors: Path, value: str, expected: bytes) -> None:
    assert (await recorder.send("POST", JUDGE, f'{{"data": {value}}}')).status_code == 200
    thing: Any = GetMessageClass(contract(descriptors).FindMessageTypeByName("vitrine.vision.v1.Thing"))
    assert [thing.FromString(raw).data for _, raw in recorder.upstream.calls] == [expected]


@pytest.mark.parametrize("value", NO_BYTES.values(), ids=NO_BYTES)
async def test_bytes_that_are_no_base64(recorder: Recorder, value: str) -> None:
    (said,) = assert_refused(await recorder.send("POST", JUDGE, f'{{"thingsByName": {{"a": {{"data": {value}}}}}}}'),
        'things_by_name["a"].data')  # fmt: skip
    assert said.startswith("expected bytes in base64, got ")


WORDS = {
    "text": ('{"small": "many"}', "small: expected a whole number from -2147483648 to 2147483647, got other text"),
    "number": ('{"name": 5.5}', "name: expected text, got 5.5"),
    "long number": (f'{{"name": {"7" * 50}}}', "name: expected text, got another number"),
    "enum": ('{"shade": "GREEN"}', "shade: expected one of SHADE_RED, SHADE_BLUE, got other text"),
    "time": ('{"createTime": 5}', 'create_time: expected a time, as in "2026-11-21T10:00:00Z", got 5'),
    "object": ('{"childThing": true}', "child_thing: expected an object, got true"),
    "list": ('{"words": "x"}', "words: expected a list, got text"),
    "element": ('{"words": ["x", null]}', "words[1]: expected text, got null"),
    "map": ('{"labels": []}', "labels: expected an object, got a list"),
    "value of a map": ('{"labels": {"a.b": 1}}', 'labels["a.b"]: expected text, got 1'),
    "key of a map": (
        '{"thingsByNumber": {"x": {}}}',
        "things_by_number[x]: expected a whole number from -2147483648 to 2147483647, got other text for the key",
    ),
    "key twice": ('{"labels": {"a": "x", "b": "y", "a": "z"}}', 'labels["a"]: expected this key once'),
    "two of a oneof": (
        '{"childThing": {"oneWay": "x", "name": "y", "other_way": {}}}',
        "child_thing.choice: expected one of its fields, got `one_way` and `other_way`",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "message"), WORDS.values(), ids=WORDS)
async def test_words(recorder: Recorder, body: str, message: str) -> None:
    answer = await recorder.send("POST", JUDGE, body)
    assert_refused(answer, message.partition(": ")[0])
    assert answer.json()["message"] == message


async def test_null_is_no_field_of_a_oneof(recorder: Recorder) -> None:
    for body in ('{"oneWay": "x", "otherWay": null}', '{"otherWay": null, "oneWay": "x"}'):
        assert (await recorder.send("POST", JUDGE, body)).status_code == 200


VECTORS = {
    "plain": "[0.1,0.25,-0.5,1.125]", "spaces": "[ 0.1, 0.25 ,\n-0.5,\t\r\n 0.5\n]", "one": "[0.5]", "none": "[ ]",
    "others": '[0.1, 2, -3e-05, 0.2, "NaN", 12.5, 0.3, 0.4]', "many": f"[{', '.join(['0.123456'] * 2000)}, 1]",
}  # fmt: skip


@pytest.mark.parametrize("value", VECTORS.values(), ids=VECTORS)
async def test_vectors_arrive(recorder: Recorder, descriptors: Path, value: str) -> None:
    body = f'{{"ratios": {value}, "childThings": [{{"ratios": {value}}}]}}'
    expected = parsed(contract(descriptors).FindMessageTypeByName("vitrine.vision.v1.Thing"), body)
    assert (await recorder.send("POST", JUDGE, body)).status_code == 200
    arrived = [type(expected).FromString(raw) for _, raw in recorder.upstream.calls]
    assert [str(each) for each in arrived] == [str(expected)]  # NaN is not itself


NO_VECTORS = {
    "text": ('[0.1, 0.2, "x"]', "ratios[2]"), "null": ("[0.1, null, 0.2]", "ratios[1]"),
    "list": ("[[0.1]]", "ratios[0]"),
    "after many": ("[" + "0.1," * 700 + "true]", "ratios[700]"), "too large": ("[0.1,1e309,0.2]", "ratios[1]"),
    "comma at the end": ("[0.1,0.2,]", ""), "no digits": ("[0.1,0.,0.2]", ""), "two points": ("[0.1,0.2.3]", ""),
}  # fmt: skip


@pytest.mark.parametrize(("value", "field"), NO_VECTORS.values(), ids=NO_VECTORS)
async def test_vectors_with_something_else_in_them(recorder: Recorder, value: str, field: str) -> None:
    assert_refused(await recorder.send("POST", JUDGE, f'{{"ratios": {value}}}'), field)
