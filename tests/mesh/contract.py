"""The contract as its descriptors have it: every RPC, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mesh.contract import RpcRule, rule_of
from mesh.reflection import contract_services

Json = dict[str, Any]


@dataclass(frozen=True)
class Rpc:
    """One RPC.

    Attributes:
        descriptor: Its descriptor.
        rule: Who may call it, and whose names it takes.
    """

    descriptor: MethodDescriptor
    rule: RpcRule

    @property
    def service(self) -> str:
        """Full name of its service."""
        return self.rule.service

    @property
    def package(self) -> str:
        """The process that serves it: `ingest`, ..."""
        return self.service.split(".")[1]

    @property
    def short(self) -> str:
        """`CaptureService/GetCapture`, for ids of tests."""
        return self.rule.rpc.rpartition(".")[2]

    @property
    def client_streaming(self) -> bool:
        """Whether requests are a stream."""
        return bool(self.descriptor.client_streaming)

    @property
    def server_streaming(self) -> bool:
        """Whether answers are a stream."""
        return bool(self.descriptor.server_streaming)

    @property
    def has_http(self) -> bool:
        """Whether there is a JSON form."""
        return bool(self.http.WhichOneof("pattern"))

    @property
    def http(self) -> Any:
        """Its `google.api.HttpRule`."""
        return self.descriptor.GetOptions().Extensions[annotations_pb2.http]

    def request(self, body: Mapping[str, Any]) -> Message:
        """Makes a request from proto JSON."""
        return ParseDict(dict(body), GetMessageClass(self.descriptor.input_type)())

    def response(self, body: Mapping[str, Any]) -> Message:
        """Makes a response from proto JSON."""
        return ParseDict(dict(body), GetMessageClass(self.descriptor.output_type)())

    def parse_response(self, raw: bytes) -> Message:
        """Makes a response from bytes."""
        return GetMessageClass(self.descriptor.output_type).FromString(raw)

    def grpc_stub(self, channel: Any) -> Any:
        """The callable of the generated grpcio stub."""
        module = importlib.import_module(f"{_module(self.descriptor.containing_service.file.name)}_grpc")
        return getattr(getattr(module, f"{self.descriptor.containing_service.name}Stub")(channel), self.rule.method)


def as_json(message: Message) -> Json:
    """Writes a message as proto JSON; what every way's answers are compared in."""
    body: Json = MessageToDict(message)
    return body


def rpcs(accept: Callable[[Rpc], bool]) -> pytest.MarkDecorator:
    """Runs a test for each RPC that is accepted."""
    chosen = [rpc for rpc in RPCS.values() if accept(rpc)]
    return pytest.mark.parametrize("rpc", chosen, ids=[rpc.short for rpc in chosen])


def _module(file: str) -> str:
    return file.removesuffix(".proto").replace("/", ".") + "_pb2"


def _all() -> dict[str, Rpc]:
    pool = descriptor_pool.Default()
    rpcs = [
        Rpc(method, rule_of(method)) for name in contract_services() for method in pool.FindServiceByName(name).methods
    ]
    ours = {rpc.short: rpc for rpc in rpcs if rpc.service.startswith("vitrine.")}
    return {name: rpc for name, rpc in ours.items() if rpc.package != "probe"}


RPCS: dict[str, Rpc] = _all()
