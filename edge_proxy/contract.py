"""What the edge has to know of each RPC: where it lives, whether it streams, whether it may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto, MethodOptions
from vitrine.type.v1 import access_pb2


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """One gRPC service, its RPCs sorted by how the edge treats them.

    Attributes:
        name: Full name, `vitrine.ingest.v1.CaptureService`.
        upstream: The process that serves it, `ingest`.
        repeatable: Unary RPCs without side effects: they may be retried.
        streams: RPCs with a stream on either side: no time limit as a whole.
        others: All other RPCs.
    """

    name: str
    upstream: str
    repeatable: Sequence[str]
    streams: Sequence[str]
    others: Sequence[str]

    @property
    def methods(self) -> list[str]:
        """Every RPC, sorted."""
        return sorted((*self.repeatable, *self.streams, *self.others))


def read_contract(descriptors: Path) -> list[ServiceRoutes]:
    """Reads the services of the contract.

    Args:
        descriptors: A serialized FileDescriptorSet.

    Raises:
        ValueError: An RPC is open to everybody; the edge checks a token on every RPC, so this needs a decision first.
    """
    files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
    services = []
    for file in files:
        if not file.package.startswith("vitrine."):
            continue
        for service in file.service:
            name = f"{file.package}.{service.name}"
            services.append(_routes(name, list(service.method)))
    return sorted(services, key=lambda routes: routes.name)


def _routes(name: str, methods: list[MethodDescriptorProto]) -> ServiceRoutes:
    sorted_methods: dict[str, list[str]] = {"repeatable": [], "streams": [], "others": []}
    for method in methods:
        if method.options.Extensions[access_pb2.access] == access_pb2.ACCESS_ANONYMOUS:
            raise ValueError(f"{name}/{method.name} is open to everybody, but the edge asks every RPC for a token")
        sorted_methods[_treatment(method)].append(method.name)
    return ServiceRoutes(name, name.split(".")[1], **sorted_methods)


def _treatment(method: MethodDescriptorProto) -> str:
    if method.client_streaming or method.server_streaming:
        return "streams"
    if method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        return "repeatable"
    return "others"
