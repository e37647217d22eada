"""A contract with every kind of field that JSON knows, beside the real one, and bodies for any message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.protobuf import (
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    json_format,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from vitrine.type.v1 import access_pb2

from edge_proxy.settings import EdgeSettings

Json = dict[str, Any]
_KNOWN: list[Any] = [timestamp_pb2, duration_pb2, struct_pb2, field_mask_pb2, wrappers_pb2]
_PACKAGE = "vitrine.vision.v1"
_TYPES = {
    "string": 9, "bytes": 12, "double": 1, "float": 2, "int32": 5, "uint32": 13, "int64": 3, "uint64": 4, "bool": 8,
    "Shade": 14,
}  # fmt: skip
_JUDGE: list[tuple[str, str, str]] = [
    ("JudgeThing", "/v1/things:judge", "*"),
    ("JudgeAnyThing", "/v1/things/{name=**}:judge", "*"),
    ("MoveThing", "/v1/{thing.name=things/*}:move", "thing"),
]
_FIELDS: list[tuple[str, str, bool]] = [
    ("name", "string", False), ("child_thing", "Thing", False), ("child_things", "Thing", True),
    ("words", "string", True), ("create_time", "google.protobuf.Timestamp", False),
    ("free_form", "google.protobuf.Struct", False), ("any_value", "google.protobuf.Value", False),
    ("values", "google.protobuf.ListValue", False), ("update_mask", "google.protobuf.FieldMask", False),
    ("wrapped", "google.protobuf.Int32Value", False), ("data", "bytes", False), ("ratio", "double", False),
    ("small", "int32", False), ("small_unsigned", "uint32", False), ("large", "int64", False),
    ("large_unsigned", "uint64", False), ("single_ratio", "float", False), ("is_good", "bool", False),
    ("shade", "Shade", False), ("shades", "Shade", True), ("numbers", "int32", True), ("ratios", "double", True),
    ("time_left", "google.protobuf.Duration", False), ("wrapped_text", "google.protobuf.StringValue", False),
]  # fmt: skip
_MAPS: list[tuple[str, str, str]] = [
    ("things_by_name", "string", "Thing"), ("things_by_number", "int32", "Thing"), ("labels", "string", "string"),
    ("structs", "string", "google.protobuf.Struct"), ("times_by_name", "string", "google.protobuf.Timestamp"),
    ("shades_by_name", "string", "Shade"), ("numbers_by_flag", "bool", "int32"),
]  # fmt: skip


def write_contract(folder: Path) -> Path:
    """Writes the real descriptor set with one more service of vision."""
    files = FileDescriptorSet.FromString(EdgeSettings(jwks="none").descriptors_file.read_bytes())
    present = {file.name for file in files.file}
    for module in _KNOWN:
        if module.DESCRIPTOR.name not in present:
            module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.append(_file())
    path = folder / "descriptors.binpb"
    path.write_bytes(files.SerializeToString())
    return path


def contract(path: Path) -> descriptor_pool.DescriptorPool:
    """Reads a descriptor set."""
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(path.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def http_forms(method: MethodDescriptor) -> Iterator[tuple[str, str, str]]:
    """Gives verb, path template and body of an RPC."""
    options = method.GetOptions()
    if options.HasExtension(annotations_pb2.http):
        rule = options.Extensions[annotations_pb2.http]
        for each in (rule, *rule.additional_bindings):
            verb = each.WhichOneof("pattern")
            yield verb.upper(), getattr(each, verb), each.body


def parsed(descriptor: Descriptor, body: str | Json) -> Message:
    """Reads JSON as protobuf's own library does, which refuses what the message does not have."""
    message = GetMessageClass(descriptor)()
    return json_format.Parse(body, message) if isinstance(body, str) else json_format.ParseDict(body, message)


def filled(descriptor: Descriptor, arm: int = 0, depth: int = 4) -> Message:
    """Makes a message with every field set; of each oneof the given arm."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.fields[arm % len(oneof.fields)] is not field:
            continue
        _fill(message, field, arm, depth)
    return message


def _fill(message: Any, field: FieldDescriptor, arm: int, depth: int) -> None:
    if field.message_type is None:
        value = _scalar(field)
        getattr(message, field.name).append(value) if field.is_repeated else setattr(message, field.name, value)
    elif field.message_type.GetOptions().map_entry:
        key, value_field = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        if value_field.message_type is None:
            getattr(message, field.name)[_scalar(key)] = _scalar(value_field)
        elif depth > 0:
            getattr(message, field.name)[_scalar(key)].CopyFrom(filled(value_field.message_type, arm, depth - 1))
    elif not field.message_type.full_name.startswith("google.protobuf.") and depth > 0:
        value = filled(field.message_type, arm, depth - 1)
        if field.is_repeated:
            getattr(message, field.name).extend([value, value])
        else:
            getattr(message, field.name).CopyFrom(value)


def _scalar(field: FieldDescriptor) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    text = b"\xfb\xff picture" if field.type == FieldDescriptor.TYPE_BYTES else 'a "{word}"'
    return {
        FieldDescriptor.CPPTYPE_STRING: text,
        FieldDescriptor.CPPTYPE_BOOL: True, FieldDescriptor.CPPTYPE_DOUBLE: 0.5, FieldDescriptor.CPPTYPE_FLOAT: 0.5,
    }.get(field.cpp_type, 7)  # fmt: skip


def objects(descriptor: Any, body: Json, path: str = "") -> Iterator[tuple[Json, str]]:
    """Gives every JSON object in a body that is a message of ours, with its path in proto spelling."""
    if descriptor.full_name.startswith("google.protobuf."):
        return
    yield body, path
    for field in descriptor.fields:
        value = body.get(field.json_name, body.get(field.name))
        here = f"{path}.{field.name}" if path else field.name
        if field.message_type is None or value is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"].message_type
            for key, each in value.items() if inner is not None else ():
                yield from objects(inner, each, f'{here}["{key}"]')
        elif field.is_repeated:
            for index, each in enumerate(value):
                yield from objects(field.message_type, each, f"{here}[{index}]")
        else:
            yield from objects(field.message_type, value, here)


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="vitrine/vision/v1/thing.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.extend(
        ["google/api/annotations.proto", "vitrine/type/v1/access.proto"] + [module.DESCRIPTOR.name for module in _KNOWN]
    )
    shade = file.enum_type.add(name="Shade")
    for number, name in enumerate(["UNSPECIFIED", "RED", "BLUE"]):
        shade.value.add(name=f"SHADE_{name}", number=number)
    thing = file.message_type.add(name="Thing")
    for number, (name, kind, repeated) in enumerate(_FIELDS, start=1):
        _add(thing, name, number, kind, repeated)
    for number, (name, key, value) in enumerate(_MAPS, start=50):
        entry = thing.nested_type.add(name=f"{''.join(word.title() for word in name.split('_'))}Entry")
        entry.options.map_entry = True
        _add(entry, "key", 1, key)
        _add(entry, "value", 2, value)
        _add(thing, name, number, f"Thing.{entry.name}", True)
    thing.oneof_decl.add(name="choice")
    for number, (name, kind) in enumerate([("one_way", "string"), ("other_way", "Thing")], start=60):
        _add(thing, name, number, kind).oneof_index = 0
    move = file.message_type.add(name="MoveThingRequest")
    _add(move, "thing", 1, "Thing")
    service = file.service.add(name="ThingService")
    for name, path, body in _JUDGE:
        request = "MoveThingRequest" if body == "thing" else "Thing"
        method = service.method.add(
            name=name, input_type=f".{_PACKAGE}.{request}", output_type=".google.protobuf.Struct"
        )
        method.options.Extensions[access_pb2.access] = access_pb2.ACCESS_USER
        method.options.Extensions[annotations_pb2.http].post = path
        method.options.Extensions[annotations_pb2.http].body = body
    return file


def _add(message: Any, name: str, number: int, kind: str, repeated: bool = False) -> Any:
    head, *tail = name.split("_")
    field = message.field.add(name=name, number=number, json_name=head + "".join(word.title() for word in tail))
    field.label = 3 if repeated else 1
    field.type = _TYPES.get(kind, 11)
    if field.type in (field.TYPE_MESSAGE, field.TYPE_ENUM):
        field.type_name = f".{kind}" if "google" in kind else f".{_PACKAGE}.{kind}"
    return field
