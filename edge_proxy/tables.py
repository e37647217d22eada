"""The contract as tables, for the scripts that look at JSON requests before Envoy's transcoder does.

* `rules`: HTTP method -> list of `{path = pattern, query = index in types, body = spec}`, the most specific path first.
  A body is `false` where nothing is looked at: a stream upwards, no JSON. An RPC that takes no body has one without
  fields, so that what would be ignored is refused there too.
* `types`: one table for each message that a request can reach: name of a field, in both spellings -> spec.
* `enums`: one `{names = {...}, words = ...}` for each enum that a request can reach; numbers in text are names too.

A spec says what a value must be: `{kind = ...}` with one of the kinds of `lua/values.lua`, and

* `of`, the index in `types` of a message, in `enums` of an enum;
* `item`, the spec of what is in a list; `key`, the kind of a map's keys, and `value`, the spec of its values;
* `name`, for a field: the name in proto spelling; `oneof`, the name of the oneof that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
)

Spec = dict[str, Any]
_MAGIC = re.compile(r"([\^$()%.\[\]*+\-?])")
_VARIABLE = re.compile(r"\{[^=}]+(?:=([^}]*))?\}")
_NO_JSON = ".google.api.HttpBody"
_NO_FIELDS = ""
# Names of an enum are listed up to this length, in characters.
_MAX_WORDS = 150
# Numbers of FieldDescriptorProto.Type: sint32, sfixed32 and the like are written as the plain kinds.
_SCALARS = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "uint64", 7: "uint32", 8: "bool", 9: "string",
    12: "bytes", 13: "uint32", 15: "int32", 16: "int64", 17: "int32", 18: "int64",
}  # fmt: skip
# Messages with a JSON form of their own. Of others in this package, any value is taken: the transcoder decides.
_WELL_KNOWN_PACKAGE = ".google.protobuf."
_WELL_KNOWN = {
    "Timestamp": "time", "Duration": "duration", "FieldMask": "mask", "Struct": "struct", "ListValue": "values",
    "Any": "struct", "DoubleValue": "double", "FloatValue": "float", "Int64Value": "int64", "UInt64Value": "uint64",
    "Int32Value": "int32", "UInt32Value": "uint32", "BoolValue": "bool", "StringValue": "string",
    "BytesValue": "bytes",
}  # fmt: skip


class Tables:
    """The tables, filled while the contract is walked.

    Attributes:
        rules: As above.
        types: As above.
        enums: As above.
    """

    def __init__(self, files: Sequence[FileDescriptorProto]) -> None:
        """Walks a contract.

        Args:
            files: All of its files.

        Raises:
            ValueError: The body of an RPC is a list or a map: the script takes objects, so decide what to do first.
        """
        self._messages = dict(each for file in files for each in _messages(f".{file.package}", file.message_type))
        self._enums = dict(_enums(files, self._messages))
        self._numbers: dict[str, int] = {}
        self.types: list[dict[str, Spec]] = []
        self.enums: list[dict[str, Any]] = []
        self.rules: dict[str, list[dict[str, Any]]] = {}
        for method in (method for file in files for service in file.service for method in service.method):
            for verb, template, body in _bindings(method):
                rule: dict[str, Any] = {
                    "path": template,
                    "query": self._type(method.input_type),
                    "body": self._body(method, body),
                }
                self.rules.setdefault(verb, []).append(rule)
        for same_verb in self.rules.values():
            same_verb.sort(key=lambda rule: _rank(rule["path"]))
            for each in same_verb:
                each["path"] = _pattern(each["path"])

    def _body(self, method: MethodDescriptorProto, body: str) -> Spec | bool:
        """Says what a body is. Streams upwards are not looked at: all of one would have to be kept until its end."""
        if method.client_streaming or (body == "*" and method.input_type == _NO_JSON):
            return False
        if body in ("", "*"):
            return {"kind": "message", "of": self._type(method.input_type if body else _NO_FIELDS)}
        field = next(each for each in self._messages[method.input_type].field if each.name == body)
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            raise ValueError(f"{method.name}: expected one message as the body, got the list or map {body}")
        return self._field(field) if field.type_name != _NO_JSON else False

    def _type(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.types) + 1
            table: dict[str, Spec] = {}
            self.types.append(table)
            message = self._messages.get(name, DescriptorProto())
            for field in message.field:
                spec = self._field(field)
                if field.HasField("oneof_index") and not field.proto3_optional:
                    spec["oneof"] = message.oneof_decl[field.oneof_index].name
                table[field.name] = table[field.json_name] = spec
        return self._numbers[name]

    def _field(self, field: FieldDescriptorProto) -> Spec:
        if field.label != FieldDescriptorProto.LABEL_REPEATED:
            return {"name": field.name, **self._one(field)}
        entry = self._messages.get(field.type_name)
        if entry is None or not entry.options.map_entry:
            return {"name": field.name, "kind": "list", "item": self._one(field)}
        key, value = (self._one(next(each for each in entry.field if each.name == part)) for part in ("key", "value"))
        return {"name": field.name, "kind": "map", "key": key["kind"], "value": value}

    def _one(self, field: FieldDescriptorProto) -> Spec:
        if field.type == FieldDescriptorProto.TYPE_ENUM:
            if field.type_name.startswith(_WELL_KNOWN_PACKAGE):  # NullValue
                return {"kind": "anything"}
            return {"kind": "enum", "of": self._enum(field.type_name)}
        if field.type != FieldDescriptorProto.TYPE_MESSAGE:
            return {"kind": _SCALARS[field.type]}
        if field.type_name.startswith(_WELL_KNOWN_PACKAGE):
            return {"kind": _WELL_KNOWN.get(field.type_name.removeprefix(_WELL_KNOWN_PACKAGE), "anything")}
        return {"kind": "message", "of": self._type(field.type_name)}

    def _enum(self, name: str) -> int:
        if name not in self._numbers:
            values = self._enums[name].value
            listed = ", ".join(value.name for value in values if value.number)
            words = f"one of {listed}" if len(listed) <= _MAX_WORDS else f"a name of the enum {name.lstrip('.')}"
            names = {name: True for value in values for name in (value.name, str(value.number))}
            self.enums.append({"names": names, "words": words})
            self._numbers[name] = len(self.enums)
        return self._numbers[name]


def _messages(scope: str, messages: Sequence[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{scope}.{message.name}"
        yield name, message
        yield from _messages(name, message.nested_type)


def _enums(
    files: Sequence[FileDescriptorProto], messages: dict[str, DescriptorProto]
) -> Iterator[tuple[str, EnumDescriptorProto]]:
    scopes = [(f".{file.package}", file.enum_type) for file in files]
    for scope, enums in (*scopes, *((name, message.enum_type) for name, message in messages.items())):
        yield from ((f"{scope}.{enum.name}", enum) for enum in enums)


def _bindings(method: MethodDescriptorProto) -> Iterator[tuple[str, str, str]]:
    """Gives verb, path template and body of each HTTP form of an RPC."""
    if not method.options.HasExtension(annotations_pb2.http):
        return
    first: HttpRule = method.options.Extensions[annotations_pb2.http]
    for rule in (first, *first.additional_bindings):
        verb = rule.WhichOneof("pattern")
        template = rule.custom.path if verb == "custom" else getattr(rule, verb)
        yield (rule.custom.kind if verb == "custom" else verb).upper(), template, rule.body


def _rank(template: str) -> tuple[int, list[str]]:
    """Sorts as the transcoder decides: paths with a verb first, then words before `*` and `*` before `**`."""
    path, colon, _ = _plain(template).rpartition(":")
    segments = (path if colon else _plain(template)).split("/")
    return (0 if colon else 1), [str("*" in each) + str("**" in each) for each in segments]


def _pattern(template: str) -> str:
    parts = re.split(r"(\*\*|\*)", _plain(template))
    return "^" + "".join({"*": "[^/]+", "**": ".+"}.get(part) or _MAGIC.sub(r"%\1", part) for part in parts) + "$"


def _plain(template: str) -> str:
    """Writes a template without its variables: ``/v1/{name=users/*}:erase`` -> ``/v1/users/*:erase``."""
    return _VARIABLE.sub(lambda found: found[1] or "*", template)
