"""What JSON bodies may hold, for the script that refuses fields that the contract does not know.

Envoy's transcoder ignores unknown fields and has no switch for it, so that a typo in a request would do nothing and
say nothing. `bodies.lua` looks at every JSON body before the transcoder does; this module writes the two tables that
it needs in front of it:

* `rules`: HTTP method -> list of `{path = pattern, body = root}`, the most specific path first;
* `types`: one table for each message that a body can reach: name of a field, in both spellings -> `false` for what has
  no fields of its own (scalars, enums, well-known types), else what it is.

A root or a field is `{name = proto name, of = index in types}`, with `each = {of = ...}` in place of `of` for a map of
messages. A root is `false` where nothing is looked at: a stream upwards, no JSON. An RPC that takes no body has a root
without fields, so that what would be ignored is refused there too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

_SCRIPT = Path(__file__).with_name("bodies.lua")
_MAGIC = re.compile(r"([\^$()%.\[\]*+\-?])")
_VARIABLE = re.compile(r"\{[^=}]+(?:=([^}]*))?\}")
# Messages with a JSON form of their own (Timestamp, Struct, ...), and bodies that are no JSON.
_OPAQUE = (".google.protobuf.", ".google.api.HttpBody")


def bodies_script(descriptors: Path, max_message_bytes: int) -> str:
    """Makes the script.

    Args:
        descriptors: A serialized FileDescriptorSet.
        max_message_bytes: The longest body that is let through, in bytes.

    Returns:
        Lua for Envoy's Lua filter.

    Raises:
        ValueError: The body of an RPC is a list or a map: the script looks into objects, so decide what to do first.
    """
    files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
    types = _Types(files)
    rules: dict[str, list[dict[str, Any]]] = {}
    for method in (method for file in files for service in file.service for method in service.method):
        for verb, template, body in _bindings(method):
            rules.setdefault(verb, []).append({"path": template, "body": types.root(method, body)})
    for same_verb in rules.values():
        same_verb.sort(key=lambda rule: _rank(rule["path"]))
        for rule in same_verb:
            rule["path"] = _pattern(rule["path"])
    tables = {"types": types.tables, "rules": rules, "max_bytes": max_message_bytes}
    return "".join(f"local {name} = {_lua(value)}\n" for name, value in tables.items()) + _SCRIPT.read_text()


class _Types:
    """The messages that bodies can reach, numbered as they are met."""

    def __init__(self, files: Sequence[FileDescriptorProto]) -> None:
        self._messages = dict(each for file in files for each in _messages(f".{file.package}", file.message_type))
        self._numbers: dict[str, int] = {}
        self.tables: list[dict[str, Any]] = []

    def root(self, method: MethodDescriptorProto, body: str) -> dict[str, Any] | bool:
        """Says what a body is. Streams upwards are not looked at: all of one would have to be kept until its end."""
        if method.client_streaming:
            return False
        if not body:
            return {"of": self._number("")}
        if body == "*":
            return False if method.input_type.startswith(_OPAQUE) else {"of": self._number(method.input_type)}
        field = next(each for each in self._messages[method.input_type].field if each.name == body)
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            raise ValueError(f"{method.name}: expected one message as the body, got the list or map {body}")
        return self._value(field)

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.tables) + 1
            table: dict[str, Any] = {}
            self.tables.append(table)
            for field in self._messages[name].field if name else ():
                table[field.name] = table[field.json_name] = self._value(field)
        return self._numbers[name]

    def _value(self, field: FieldDescriptorProto) -> dict[str, Any] | bool:
        if field.type != FieldDescriptorProto.TYPE_MESSAGE or field.type_name.startswith(_OPAQUE):
            return False
        message = self._messages[field.type_name]
        if not message.options.map_entry:
            return {"name": field.name, "of": self._number(field.type_name)}
        value = self._value(next(each for each in message.field if each.name == "value"))
        return {"name": field.name, "each": value} if value else False


def _messages(scope: str, messages: Sequence[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{scope}.{message.name}"
        yield name, message
        yield from _messages(name, message.nested_type)


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


def _lua(value: object) -> str:
    """Writes a value as Lua. Names and patterns hold neither quotes nor backslashes."""
    if isinstance(value, dict):
        return "{" + ",".join(f'["{key}"]={_lua(each)}' for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "{\n" + ",\n".join(_lua(each) for each in value) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
