"""How the edge refuses JSON requests that do not fit the contract: in one shape, whoever has found what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.edge_proxy.recorder import Recorder
from tests.services.edge_proxy.refusals import assert_refused, assert_unknown, details

pytestmark = pytest.mark.service
JUDGE = "/v1/things:judge"
CAPTURES = "/v1/users/ada/captures"
PRODUCTS = "/v1/products"

NO_JSON = {
    "cut": ('{"colour": 1', "ends before"),
    "cut in a string": ('{"colour": "x', "ends before"),
    "cut after a backslash": ('{"colour": "\\', "ends before"),
    "cut after a name": ('{"name"', "from byte 8 on"),
    "only a bracket": ("{", "ends before"),
    "crossed": ('{"colour": [1}]', "from byte 14 on"),
    "too many": ('{"colour": 1}}', "from byte 14 on"),
    "something after it": ('{"colour": 1} x', "from byte 15 on"),
    "two": ('{"colour": 1}{"colour": 1}', "from byte 14 on"),
    "comma at the end": ('{"name": "x",}', "from byte 14 on"),
    "comma at the end of a list": ('{"words": ["x",]}', "from byte 16 on"),
    "no comma": ('{"words": ["x" "y"]}', "from byte 16 on"),
    "no colon": ('{"name" "x"}', "from byte 8 on"),
    "name without quotes": ('{colour: "x"}', "from byte 2 on"),
    "single quotes": ("{'colour': 1}", "from byte 2 on"),
    "comment": ('{"name": "x" /* y */}', "from byte 14 on"),
    "zero in front": ('{"small": 01}', "from byte 11 on"),
    "no digits": ('{"small": -}', "from byte 11 on"),
    "NaN": ('{"ratio": NaN}', "from byte 11 on"),
    "NaN in a vector": ('{"ratios": [0.5, NaN]}', "from byte 18 on"),
    "cut in a vector": ('{"ratios": [0.5, ', "ends before"),
    "True": ('{"isGood": True}', "from byte 12 on"),
    "list": ('[{"colour": 1}]', "expected an object, got a list"),
    "string": ('"colour"', "expected an object, got text"),
    "null": ("null", "expected an object, got null"),
    "number": ("5", "expected an object, got 5"),
    "form": ("colour=red", "from byte 1 on"),
    "bytes": (b"\x00\x01\xff{\x22", "from byte 1 on"),
    "gzip": (b"\x1f\x8b\x08\x00{\x22a\x22:1}", "from byte 1 on"),
    "bad UTF-8": (b'{"name": "\xff\xfe"}', "UTF-8"),
    "half a surrogate": ('{"name": "\\ud83d"}', "surrogate"),
    "too deep": ('{"freeForm": {"a": ' + "[" * 120 + "]" * 120 + "}}", "at most 100 brackets"),
}


@pytest.mark.parametrize(("body", "words"), NO_JSON.values(), ids=NO_JSON)
async def test_what_is_no_json_object_is_the_request_s_fault(recorder: Recorder, body: str | bytes, words: str) -> None:
    (said,) = assert_refused(await recorder.send("POST", JUDGE, body), "")
    assert words in said
    assert not recorder.upstream.calls


async def test_a_field_as_the_body_is_named_when_it_is_no_json(recorder: Recorder) -> None:
    assert_refused(await recorder.send("POST", "/v1/things/7:move", "[]"), "thing")


async def test_every_fault_is_named_up_to_sixteen(recorder: Recorder) -> None:
    body = '{"colour": 1, "small": "x", "childThings": [{}, {"labels": {"a": 5}}]}'
    assert_refused(await recorder.send("POST", f"{JUDGE}?ratio=x", body),
        "ratio", "colour", "small", 'child_things[1].labels["a"]')  # fmt: skip
    many = await recorder.send("POST", JUDGE, json.dumps({"numbers": ["x"] * 40}))
    assert_refused(many, *(f"numbers[{index}]" for index in range(16)))


@pytest.mark.parametrize(
    "content_type", ["application/grpcx", "application/grpc;q=1", "application/grp", "text/plain", ""]
)
async def test_no_content_type_turns_the_check_off(recorder: Recorder, content_type: str) -> None:
    answer = await recorder.send("POST", JUDGE, '{"colour": 1}', content_type=content_type)
    assert_refused(answer, "colour")
    assert not recorder.upstream.calls


STRANGE_NAMES = {
    "quote": (b'a\\"b', 'a"b'), "control": (b"a\\u0000\\nb", "a\0\nb"), "text": ("größe 😀".encode(), "größe 😀"),
    "half a character": (b"a\xc3", "a�"), "continuation": (b"\x80a", "�a"), "overlong": (b"\xc0\xafa", "��a"),
    "surrogate": (b"\xed\xa0\x80", "���"), "beyond": (b"\xf4\x90\x80\x80\xf8", "�����"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "shown"), STRANGE_NAMES.values(), ids=STRANGE_NAMES)
async def test_strange_names_come_back_as_json(recorder: Recorder, name: bytes, shown: str) -> None:
    assert_unknown(await recorder.send("POST", JUDGE, b'{"' + name + b'": 1}'), shown)


QUERIES: dict[str, tuple[str, list[str], str]] = {
    "unknown": ("colour=red", ["colour"], "the contract has no such field"),
    "unknown without a value": ("colour", ["colour"], "the contract has no such field"),
    "unknown below": ("filter.colour=red", ["filter.colour"], "the contract has no such field"),
    "unknown below a number": ("pageSize.x=1", ["page_size.x"], "the contract has no such field"),
    "no name": ("=3", [""], "the contract has no such field"),
    "text for a number": ("pageSize=many", ["page_size"], "expected a whole number"),
    "nothing for a number": ("page_size=", ["page_size"], "expected a whole number"),
    "fraction": ("pageSize=1.5", ["page_size"], "expected a whole number"),
    "too large": ("pageSize=2147483648", ["page_size"], "expected a whole number"),
    "below, too large": ("filter.minPrice.units=9223372036854775808", ["filter.min_price.units"], "expected a whole"),
    "enum": ("filter.buckets=GARMENT_BUCKET_SHOES&filter.buckets=NOPE", ["filter.buckets"], "expected one of GARMENT_"),
    "message": ("filter=red", ["filter"], "expected one of its fields, as in `filter.field=`"),
    "two": ("pageSize=x&colour=y", ["page_size", "colour"], "expected a whole number"),
    "escaped": ("pageSize=%6danY", ["page_size"], "expected a whole number"),
}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(("query", "fields", "words"), QUERIES.values(), ids=QUERIES)
async def test_queries_are_refused_by_field(
    recorder: Recorder, query: str, fields: list[str], words: str, accept: str
) -> None:
    assert assert_refused(await recorder.send("GET", f"{PRODUCTS}?{query}", "", accept=accept), *fields)[0].startswith(
        words
    )
    assert not recorder.upstream.calls


GOOD_QUERIES = ["", "pageSize=3", "page_size=3&pageToken=a%20b", "filter.buckets=GARMENT_BUCKET_SHOES&filter.buckets=1",
    "filter.minPrice.units=-5&filter.minPrice.currencyCode=EUR", "pageToken="]  # fmt: skip


@pytest.mark.parametrize("query", GOOD_QUERIES)
async def test_good_queries_pass(recorder: Recorder, query: str) -> None:
    assert (await recorder.send("GET", f"{PRODUCTS}?{query}", "")).status_code == 200


KINDS_IN_QUERIES: dict[str, list[str]] = {
    "isGood=true": [], "isGood=yes": ["is_good"], "createTime=2026-11-21T10:00:00Z": [],
    "createTime=x": ["create_time"],
    "timeLeft=1.5s": [], "timeLeft=1": ["time_left"], "data=AAAA": [], "data=*": ["data"], "ratio=-1e3": [],
    "ratio=NaN": [], "ratio=x": ["ratio"], "wrapped=7": [], "wrapped=x": ["wrapped"], "shade=SHADE_RED": [],
    "shade=2": [], "shade=7": ["shade"], "labels.a=x": ["labels.a"], "childThing.name=x": [], "words=x&words=y": [],
    "childThing.small=x": ["child_thing.small"], "oneWay=x&otherWay.name=y": ["choice"],
    "oneWay=x&oneWay=y": ["choice"],
    "otherWay.name=x&otherWay.small=7": [], "childThing.oneWay=x&oneWay=y": [],
    "childThing.oneWay=x&childThing.otherWay.name=y": ["child_thing.choice"],
}  # fmt: skip


@pytest.mark.parametrize(("query", "fields"), KINDS_IN_QUERIES.items(), ids=KINDS_IN_QUERIES)
async def test_kinds_in_queries(recorder: Recorder, query: str, fields: list[str]) -> None:
    answer = await recorder.send("POST", f"{JUDGE}?{query}", "{}")
    if fields:
        assert_refused(answer, *fields)
    else:
        assert answer.status_code == 200, answer.text


async def test_query_and_body_set_two_fields_of_a_oneof(recorder: Recorder) -> None:
    (said,) = assert_refused(await recorder.send("POST", f"{JUDGE}?oneWay=x", '{"otherWay": {}}'), "choice")
    assert said == "expected one of its fields, got `one_way` and `other_way`"


# What only the transcoder finds: its words begin with the path.
FALLBACKS: dict[str, tuple[str, Any, str]] = {
    "long base64": (CAPTURES, {"kind": 1, "image": {"data": "A" * 5000 + "*"}}, "image.data"),
    "picture": (CAPTURES, {"kind": 1, "image": {"data": "A" * 9_000_000 + "*"}}, "image.data"),
    "in a list": (JUDGE, {"childThings": [{}, {"data": "A" * 5000 + "*"}]}, "child_things[1].data"),
    "stream upwards": ("/v1/products:import", [{"config": 5}], "config"),
}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(("path", "body", "field"), FALLBACKS.values(), ids=FALLBACKS)
async def test_what_the_transcoder_finds_has_the_same_shape(
    recorder: Recorder, path: str, body: Any, field: str, accept: str
) -> None:
    answer = await recorder.send("POST", path, json.dumps(body), accept=accept)
    assert_refused(answer, field)
    assert len(answer.content) < 2000  # a picture does not come back
    assert not recorder.upstream.calls


@pytest.mark.parametrize("sent", ["my-request", "ü" * 300, '"\\', "x" * 1000], ids=["plain", "text", "quotes", "long"])
async def test_the_caller_s_request_id_comes_back_bounded_and_as_text(recorder: Recorder, sent: str) -> None:
    for path, body in ((JUDGE, '{"colour": 1}'), (CAPTURES, '{"image": {"data": "' + "A" * 5000 + '*"}}')):
        answer = await recorder.send("POST", path, body, x_request_id=sent)
        request_id = details(answer)["RequestInfo"]["requestId"]
        assert len(request_id) <= 200
        assert request_id == sent or len(sent) > 200
