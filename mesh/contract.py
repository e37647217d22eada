"""What the contract itself says about each RPC: who may call it, whose resources it names, whether it may be retried.

Read from the descriptors of the generated code, once, at start.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from vitrine.type.v1 import access_pb2

_OUR_MODULES = re.compile(r"^vitrine\.\w+\.v\d+\.\w+_pb2$")


class Access(enum.IntEnum):
    """Who may call an RPC; the values of `vitrine.type.v1.Access`."""

    UNSPECIFIED = access_pb2.ACCESS_UNSPECIFIED
    ANONYMOUS = access_pb2.ACCESS_ANONYMOUS
    USER = access_pb2.ACCESS_USER
    OPERATOR = access_pb2.ACCESS_OPERATOR
    SERVICE = access_pb2.ACCESS_SERVICE


@dataclass(frozen=True, slots=True)
class OwnerField:
    """Where a request holds a resource name that must belong to the caller.

    Attributes:
        path: Path of the field in proto spelling, without indices, for messages to people: ``frame.session``.
        values: Yields the values that a message holds there; empty ones are left out.
    """

    path: str
    values: Callable[[Message], Iterator[str]]


Plain = Callable[[Any, int], bool]


@dataclass(frozen=True, slots=True)
class RpcRule:
    """What the contract says about one RPC.

    Attributes:
        rpc: ``vitrine.ingest.v1.CaptureService/GetCapture``.
        service: The full name of its service.
        method: Its own name.
        request_class: The class of its request messages.
        access: Who may call it.
        owner_fields: Names in the request that must belong to the caller.
        idempotent: Whether a call may be repeated.
        streaming: Whether either side sends a stream.
        plain: Where given, tells of a message and its encoded size that it keeps every rule and names nobody's
            resource, so that it need not be checked any further; False where that takes a closer look.
    """

    rpc: str
    service: str
    method: str
    request_class: type[Message]
    access: Access
    owner_fields: tuple[OwnerField, ...]
    idempotent: bool
    streaming: bool
    plain: Plain | None = None


def rule_of(method: MethodDescriptor) -> RpcRule:
    """Reads what the contract says about one RPC.

    Args:
        method: Descriptor of the RPC.
    """
    options = method.GetOptions()
    service = method.containing_service.full_name
    return RpcRule(
        rpc=f"{service}/{method.name}",
        service=service,
        method=method.name,
        request_class=GetMessageClass(method.input_type),
        access=Access(options.Extensions[access_pb2.access]),
        owner_fields=tuple(_owner_fields(method.input_type)),
        idempotent=options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
        streaming=method.client_streaming or method.server_streaming,
    )


def rules_of(service_names: Iterable[str]) -> dict[str, RpcRule]:
    """Reads what the contract says about all RPCs of some services.

    Args:
        service_names: Full names; their generated modules must have been imported.

    Returns:
        The rules by gRPC's method path, ``/package.Service/Method``.

    Raises:
        ValueError: When an RPC does not state who may call it.
    """
    pool = descriptor_pool.Default()
    rules = {}
    for name in service_names:
        for method in pool.FindServiceByName(name).methods:
            rule = rule_of(method)
            if rule.access is Access.UNSPECIFIED:
                raise ValueError(f"{rule.rpc} has no option (vitrine.type.v1.access)")
            rules[f"/{rule.rpc}"] = rule
    return rules


def loaded_services() -> Iterator[ServiceDescriptor]:
    """Yields the services of the contract whose generated modules have been imported into this process.

    Whoever makes a stub has imported the module that it comes from, so this finds every service that is called.
    """
    for name, module in list(sys.modules.items()):
        if module is not None and _OUR_MODULES.match(name):
            yield from module.DESCRIPTOR.services_by_name.values()


def _owner_fields(
    message: Descriptor, path: tuple[FieldDescriptor, ...] = (), seen: frozenset[str] = frozenset()
) -> Iterator[OwnerField]:
    """Finds the owner fields of a message and of all messages within it."""
    if message.full_name in seen:
        if any(field.GetOptions().Extensions[access_pb2.owner] for field in message.fields):
            raise ValueError(f"{message.full_name} holds itself and an owner field: not all of them could be checked")
        return
    for field in message.fields:
        if field.GetOptions().Extensions[access_pb2.owner]:
            names = ".".join(step.name for step in (*path, field))
            yield OwnerField(names, _reader((*path, field)))
        elif field.message_type is not None:
            inner = field.message_type.fields_by_name["value"].message_type if _is_map(field) else field.message_type
            if inner is not None:
                yield from _owner_fields(inner, (*path, field), seen | {message.full_name})


def _reader(path: tuple[FieldDescriptor, ...]) -> Callable[[Message], Iterator[str]]:
    def read(message: Message, depth: int = 0) -> Iterator[str]:
        field = path[depth]
        for value in _values(message, field):
            if depth < len(path) - 1:
                yield from read(value, depth + 1)
            elif value:
                yield value

    return read


def _values(message: Message, field: FieldDescriptor) -> Iterable[Any]:
    value = getattr(message, field.name)
    if field.is_repeated:
        return cast("Iterable[Any]", value.values() if _is_map(field) else value)
    if field.message_type is not None and not message.HasField(field.name):
        return ()
    return (value,)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
