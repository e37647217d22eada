"""Requests that name somebody's resources, made from the contract, so that a new RPC is covered by itself."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from vitrine.type.v1 import access_pb2

from tests.mesh import pictures
from tests.mesh.contract import RPCS, Json, Rpc

_USER = re.compile(r"\[a-zA-Z0-9\._-\]\{1,64\}")
_ID = re.compile(r"\[[^\]]+\]\{[0-9,]+\}")
# Requests that would do something if they came through: what they hold beside names.
_MORE: Mapping[str, Json] = {
    "CaptureService/CreateCapture": {
        "kind": "CAPTURE_KIND_OUTFIT", "image": {"data": pictures.text_of(pictures.photo())},
        "cropping": {"alreadyCropped": True},
    },
    "ProfileService/UpdateProfile": {"profile": {"displayName": "Mallory"}, "updateMask": "displayName"},
    "StylistService/Chat": {"message": "hello"},
    "StylistService/StreamChat": {"message": "hello"},
    "TryOnService/SaveTryOnFrame": {"image": {"data": pictures.text_of(pictures.photo())}},
    "ProfileService/RecordSighting": {
        "eventId": "forged", "outfit": {"garments": [{"category": "shirt", "attributes": {"style": {"formality": 99}}}]}
    },
}  # fmt: skip


@dataclass(frozen=True)
class Victim:
    """Somebody whose resources others try to reach.

    Attributes:
        user: The subject.
        ids: Ids of resources that exist, by collection: `captures`, `sightings`.
    """

    user: str
    ids: Mapping[str, str]


@dataclass(frozen=True)
class NameField:
    """A field of a request that holds a name below a user.

    Attributes:
        path: Its path in proto spelling.
        pattern: The rule that its values keep.
        is_owner: Whether the contract says that it must name the caller.
    """

    path: str
    pattern: str
    is_owner: bool

    def name(self, victim: Victim) -> str:
        """Makes a name that keeps the rule, of a resource that exists where that is known."""
        text = self.pattern.strip("^$").removeprefix("(").removesuffix(")?")
        collection = text.split("/")[2] if text.count("/") > 1 else ""
        made = _ID.sub(victim.ids.get(collection, str(uuid.UUID(int=9))), _USER.sub(victim.user, text, count=1))
        assert re.fullmatch(self.pattern, made), (self.pattern, made)
        return made


def name_fields(rpc: Rpc) -> list[NameField]:
    """Finds every field of a request that holds a name below a user, marked as the owner's or not."""
    return list(_walk(rpc.descriptor.input_type, (), ()))


def request_naming(rpc: Rpc, field: NameField, victim: Victim, caller: Victim) -> Json:
    """Makes a request that names a resource of the victim in one field, and the caller's own in all others.

    Fields of one `oneof` exclude each other; of those only the wanted one is set.
    """
    body: Json = {}
    _merge(body, _MORE.get(rpc.short, {}))
    taken = _oneofs(rpc, field.path)
    for each in name_fields(rpc):
        if each.path == field.path:
            _set(body, each.path, each.name(victim))
        elif not taken & _oneofs(rpc, each.path):
            taken |= _oneofs(rpc, each.path)
            _set(body, each.path, each.name(caller))
    return body


def more_of(rpc: Rpc) -> Json:
    """What a request holds beside names."""
    return dict(_MORE.get(rpc.short, {}))


def _walk(message: Descriptor, path: tuple[str, ...], seen: tuple[str, ...]) -> Iterator[NameField]:
    if message.full_name in seen:
        return
    for field in message.fields:
        here = (*path, field.name)
        if field.type == FieldDescriptor.TYPE_STRING:
            pattern = _pattern(field)
            is_owner = bool(field.GetOptions().Extensions[access_pb2.owner])
            if is_owner or pattern.lstrip("^(").startswith("users/"):
                yield NameField(".".join(here), pattern, is_owner)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            yield from _walk(field.message_type, here, (*seen, message.full_name))


def _pattern(field: FieldDescriptor) -> str:
    rules: Any = field.GetOptions().Extensions[validate_pb2.field]
    return str(rules.string.pattern or rules.repeated.items.string.pattern)


def _oneofs(rpc: Rpc, path: str) -> set[str]:
    found: set[str] = set()
    message: Descriptor | None = rpc.descriptor.input_type
    for step in path.split("."):
        assert message is not None
        field = message.fields_by_name[step]
        if field.containing_oneof is not None:
            found.add(f"{message.full_name}.{field.containing_oneof.name}")
        message = field.message_type
    return found


def _merge(body: Json, more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            _merge(body.setdefault(key, {}), value)
        else:
            body[key] = value


def _set(body: Json, path: str, value: str) -> None:
    *steps, last = path.split(".")
    for step in steps:
        body = body.setdefault(_camel(step), {})
    body[_camel(last)] = value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(step.title() for step in tail)


# Every RPC with every field that holds a name below a user.
NAMED: list[tuple[Rpc, NameField]] = [(rpc, field) for rpc in RPCS.values() for field in name_fields(rpc)]
UNKNOWN = set(_MORE) - set(RPCS)
