"""Renders an OpenAPI 3.1 document from the contract's descriptors (`google.api.http`, comments, validation rules).

The generators that exist for this are Go programs; this one needs nothing but the descriptors. JSON follows the
protobuf JSON mapping, which is what Envoy's transcoder speaks.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, field_behavior_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

Json = dict[str, Any]
_F = FieldDescriptorProto
_SCALARS: dict[int, Json] = {
    _F.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _F.TYPE_FLOAT: {"type": "number", "format": "float"},
    _F.TYPE_INT64: {"type": "string", "format": "int64"},
    _F.TYPE_UINT64: {"type": "string", "format": "uint64"},
    _F.TYPE_INT32: {"type": "integer", "format": "int32"},
    _F.TYPE_UINT32: {"type": "integer", "format": "uint32"},
    _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_STRING: {"type": "string"},
    _F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
_WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "description": "Seconds with the suffix `s`, for example `1.5s`.",
    },
    "google.protobuf.FieldMask": {
        "type": "string",
        "description": "Field paths in lowerCamelCase, comma-separated.",
    },
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}},
}
_NUMERIC_RULES = {"float", "double", "int32", "int64", "uint32", "uint64"}
_VERBS = ("get", "put", "post", "delete", "patch")
_VARIABLE = re.compile(r"\{([a-z0-9_.]+)(?:=([^}]*))?\}")


class _Contract:
    """All messages and enums of the contract by full name, with their comments."""

    def __init__(self, files: list[FileDescriptorProto]) -> None:
        self.files = files
        self.messages: dict[str, DescriptorProto] = {}
        self.enums: dict[str, EnumDescriptorProto] = {}
        self.comments: dict[str, str] = {}
        for file in files:
            by_path = {
                tuple(location.path): location.leading_comments.strip()
                for location in file.source_code_info.location
                if location.leading_comments
            }
            for number, service in enumerate(file.service):
                name = f"{file.package}.{service.name}"
                self.comments[name] = by_path.get((6, number), "")
                for index, method in enumerate(service.method):
                    self.comments[f"{name}.{method.name}"] = by_path.get((6, number, 2, index), "")
            for number, message in enumerate(file.message_type):
                self._add(file.package, message, (4, number), by_path)
            for number, enum in enumerate(file.enum_type):
                self._add_enum(f"{file.package}.{enum.name}", enum, (5, number), by_path)

    def _add(
        self, scope: str, message: DescriptorProto, path: tuple[int, ...], by_path: dict[tuple[int, ...], str]
    ) -> None:
        name = f"{scope}.{message.name}"
        self.messages[name] = message
        self.comments[name] = by_path.get(path, "")
        for index, field in enumerate(message.field):
            self.comments[f"{name}.{field.name}"] = by_path.get((*path, 2, index), "")
        for index, nested in enumerate(message.nested_type):
            self._add(name, nested, (*path, 3, index), by_path)
        for index, enum in enumerate(message.enum_type):
            self._add_enum(f"{name}.{enum.name}", enum, (*path, 4, index), by_path)

    def _add_enum(
        self, name: str, enum: EnumDescriptorProto, path: tuple[int, ...], by_path: dict[tuple[int, ...], str]
    ) -> None:
        self.enums[name] = enum
        self.comments[name] = by_path.get(path, "")


class _Renderer:
    """Collects the schemas that the paths refer to."""

    def __init__(self, contract: _Contract, validate: Any) -> None:  # noqa: ANN401  a generated module
        self._contract = contract
        self._validate = validate
        self.schemas: Json = {}

    def reference(self, full_name: str) -> Json:
        """Returns a schema for a message or enum, and adds it to the components."""
        if full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[full_name])
        key = full_name.removeprefix("vitrine.")
        if key not in self.schemas:
            self.schemas[key] = {}  # holds the place: messages may contain themselves
            if full_name in self._contract.enums:
                self.schemas[key] = self._enum(full_name)
            else:
                self.schemas[key] = self._message(full_name)
        return {"$ref": f"#/components/schemas/{key}"}

    def _enum(self, name: str) -> Json:
        values = [value.name for value in self._contract.enums[name].value]
        return {"type": "string", "enum": values, "description": self._contract.comments[name]}

    def _message(self, name: str) -> Json:
        message = self._contract.messages[name]
        schema: Json = {
            "type": "object",
            "description": self._contract.comments.get(name, ""),
            "properties": {},
        }
        required = []
        for field in message.field:
            schema["properties"][field.json_name] = self.field(name, field)
            if _behaves(field, field_behavior_pb2.REQUIRED):
                required.append(field.json_name)
        if required:
            schema["required"] = required
        return schema

    def field(self, owner: str, field: FieldDescriptorProto) -> Json:
        """Returns the schema of one field, with its comment and the rules that JSON Schema can say."""
        entry = self._contract.messages.get(field.type_name.lstrip("."))
        schema: Json
        if entry is not None and entry.options.map_entry:
            schema = {"type": "object", "additionalProperties": self._single(entry.field[1])}
        elif field.label == _F.LABEL_REPEATED:
            schema = {"type": "array", "items": self._single(field)}
        else:
            schema = self._single(field)
        schema |= self._rules(field)
        if comment := self._contract.comments.get(f"{owner}.{field.name}"):
            schema["description"] = comment
        if _behaves(field, field_behavior_pb2.OUTPUT_ONLY):
            schema["readOnly"] = True
        return schema

    def _single(self, field: FieldDescriptorProto) -> Json:
        if field.type in (_F.TYPE_MESSAGE, _F.TYPE_ENUM):
            return self.reference(field.type_name.lstrip("."))
        return dict(_SCALARS[field.type])

    def _rules(self, field: FieldDescriptorProto) -> Json:
        if not field.options.HasExtension(self._validate.field):
            return {}
        rules = field.options.Extensions[self._validate.field]
        found: Json = {}
        if (kind := rules.WhichOneof("type")) is None:
            return found
        if kind not in _NUMERIC_RULES | {"string", "repeated", "map"}:
            return found
        typed = getattr(rules, kind)
        names = {
            "string": {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern"},
            "repeated": {"min_items": "minItems", "max_items": "maxItems"},
            "map": {"min_pairs": "minProperties", "max_pairs": "maxProperties"},
        }.get(kind, {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"})
        present = {descriptor.name for descriptor, _ in typed.ListFields()}
        for rule, keyword in names.items():
            if rule in present:
                found[keyword] = getattr(typed, rule)
        if kind == "string" and "uuid" in present:
            found["format"] = "uuid"
        return found


def _behaves(field: FieldDescriptorProto, behavior: int) -> bool:
    return behavior in field.options.Extensions[field_behavior_pb2.field_behavior]


def _singular(collection: str) -> str:
    word = re.sub(r"(?<!^)(?=[A-Z])", "_", collection).lower()
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


def _path(template: str) -> tuple[str, list[str], set[str]]:
    """Returns the OpenAPI path, its parameters, and the request fields that they fill."""
    parameters: list[str] = []
    bound: set[str] = set()

    def expand(match: re.Match[str]) -> str:
        bound.add(match[1].split(".")[0])
        if match[2] is None or match[2] == "*":
            parameters.append(match[1])
            return "{" + match[1] + "}"
        parts, last = [], "name"
        for part in match[2].split("/"):
            if part == "*":
                name = _singular(last)
                parameters.append(name)
                parts.append("{" + name + "}")
            else:
                last = part
                parts.append(part)
        return "/".join(parts)

    return _VARIABLE.sub(expand, template), parameters, bound


def _operation(
    renderer: _Renderer,
    contract: _Contract,
    service: str,
    method: MethodDescriptorProto,
    rule: http_pb2.HttpRule,
) -> tuple[str, str, Json]:
    verb = next(verb for verb in _VERBS if getattr(rule, verb))
    path, parameters, bound = _path(getattr(rule, verb))
    comment = contract.comments[f"{service}.{method.name}"]
    operation: Json = {
        "operationId": f"{service.rsplit('.', 1)[1]}_{method.name}",
        "tags": [service.removeprefix("vitrine.")],
        "summary": comment.split(". ")[0].split("\n\n")[0].replace("\n", " "),
        "description": comment,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ],
    }
    request = method.input_type.lstrip(".")
    if rule.body == "*":
        operation["requestBody"] = _content(renderer.reference(request))
    elif rule.body:
        field = next(f for f in contract.messages[request].field if f.name == rule.body)
        operation["requestBody"] = _content(renderer.field(request, field))
        bound.add(rule.body)
    if rule.body != "*":
        operation["parameters"] += _query(renderer, contract, request, bound)
    operation["responses"] = _responses(renderer, method)
    return path, verb, operation


def _content(schema: Json) -> Json:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _query(renderer: _Renderer, contract: _Contract, request: str, bound: set[str]) -> Iterator[Json]:
    for field in contract.messages[request].field:
        plain = field.type != _F.TYPE_MESSAGE or field.type_name.lstrip(".") in _WELL_KNOWN
        if field.name not in bound and plain:
            schema = renderer.field(request, field)
            described = schema.pop("description", "")
            yield {"name": field.json_name, "in": "query", "description": described, "schema": schema}


def _responses(renderer: _Renderer, method: MethodDescriptorProto) -> Json:
    schema = renderer.reference(method.output_type.lstrip("."))
    types = ["text/event-stream", "application/x-ndjson"] if method.server_streaming else ["application/json"]
    error = renderer.reference("google.rpc.Status")
    return {
        "200": {"description": "OK", "content": {kind: {"schema": schema} for kind in types}},
        "default": {
            "description": "A google.rpc.Status with ErrorInfo, BadRequest and RetryInfo details",
            "content": {"application/json": {"schema": error}},
        },
    }


def render(descriptors: bytes, generated_python: Path) -> str:
    """Renders the document.

    Args:
        descriptors: A serialised FileDescriptorSet with source info.
        generated_python: Folder with the freshly generated `buf.validate.validate_pb2`.

    Returns:
        The OpenAPI document as indented JSON, with a newline at the end.
    """
    sys.path.insert(0, str(generated_python))
    from buf.validate import validate_pb2  # noqa: PLC0415  just generated

    files = FileDescriptorSet.FromString(descriptors).file
    contract = _Contract(list(files))
    renderer = _Renderer(contract, validate_pb2)
    paths: Json = {}
    tags = []
    for file in files:
        for service in file.service:
            name = f"{file.package}.{service.name}"
            tags.append({"name": name.removeprefix("vitrine."), "description": contract.comments[name]})
            for method in service.method:
                rule = method.options.Extensions[annotations_pb2.http]
                for one in [rule, *rule.additional_bindings] if rule.WhichOneof("pattern") else []:
                    path, verb, operation = _operation(renderer, contract, name, method, one)
                    if one is not rule:
                        operation["operationId"] += "_" + re.sub(r"\W+", "_", path).strip("_")
                    paths.setdefault(path, {})[verb] = operation
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Vitrine",
            "version": "v1",
            "description": "JSON over HTTP for the same contract that is served as gRPC, gRPC-Web and WebSocket.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": tags,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(renderer.schemas.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
