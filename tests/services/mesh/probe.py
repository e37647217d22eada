"""A small real service on the mesh runtime: one RPC of each kind, served by grpc.aio, called by generated stubs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2
from grpc_tools import protoc

from mesh.auth import current_caller
from mesh.call import current_call
from mesh.errors import (
    FieldViolation,
    InvalidInputError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
from mesh.keys import SigningKey
from mesh.server import Registration, RunningServer, Runtime, Service, serving
from mesh.settings import ServiceSettings
from mesh.status import DETAILS_KEY, details_of

ROOT = Path(__file__).parents[3]
SERVICE = "vitrine.probe.v1.ProbeService"


@dataclass(frozen=True)
class Probe:
    """The generated modules."""

    pb: Any
    grpc: Any


def compile_probe(out: Path) -> Probe:
    """Generates the modules of probe.proto into a folder that is on `sys.path` already."""
    source = out / "protos/vitrine/probe/v1/probe.proto"
    source.parent.mkdir(parents=True)
    source.write_text(Path(__file__).with_name("probe.proto").read_text())
    folders = [
        out / "protos", ROOT / "protos", ROOT / "third_party/protovalidate", ROOT / "third_party/googleapis",
        Path(str(protoc.__file__)).parent / "_proto",
    ]  # fmt: skip
    includes = [f"-I{folder}" for folder in folders]
    assert protoc.main(["protoc", *includes, f"--python_out={out}", f"--grpc_python_out={out}", str(source)]) == 0
    importlib.invalidate_caches()
    pb = importlib.import_module("vitrine.probe.v1.probe_pb2")
    return Probe(pb, importlib.import_module("vitrine.probe.v1.probe_pb2_grpc"))


@dataclass
class ProbeServicer:
    """Answers with what it sees; `act` makes it fail."""

    pb: Any
    entered: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    onward: Any = None

    async def Echo(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.entered.append("Echo")
        await self._act(request, context)
        call = current_call()
        caller = call.caller if call else None
        return self.pb.EchoResponse(
            text=request.text,
            subject=caller.subject if caller else "",
            remaining_s=(call.remaining_s() or 0.0) if call else 0.0,
            metadata={k: v for k, v in context.invocation_metadata() if isinstance(v, str)},
        )

    ReadEcho = OperateEcho = ServeEcho = OpenEcho = Echo

    async def EchoMany(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        for number in range(3):
            if number == 2:
                await self._act(request, context)
            yield self.pb.EchoResponse(text=f"{request.text}{number}", subject=current_caller().subject)

    async def CollectEcho(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802
        texts = []
        async for request in requests:
            await self._act(request, context)
            texts.append(request.text)
        return self.pb.EchoResponse(text=",".join(texts), subject=current_caller().subject)

    async def ExchangeEcho(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802
        async for request in requests:
            await self._act(request, context)
            yield self.pb.EchoResponse(text=request.text, subject=current_caller().subject)

    async def ReadWriteEcho(self, _: AsyncIterator[Any], context: Any) -> None:  # noqa: N802
        while (request := await context.read()) is not grpc.aio.EOF:
            await self._act(request, context)
            await context.write(self.pb.EchoResponse(text=request.text))

    async def _act(self, request: Any, context: Any) -> None:
        match request.act.partition(":"):
            case "sleep", _, seconds:
                await self._sleep(float(seconds))
            case "raise", _, name:
                failure = FAILURES[name]()
                raise failure
            case "onward", _, _:
                await self.onward.ReadEcho(self.pb.EchoRequest())
            case "abort", _, _:
                await context.abort(grpc.StatusCode.DATA_LOSS, "by hand")

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append("sleep")
            raise


class ForeignError(Exception):
    """An exception of a library; its text quotes what a user wrote."""


FAILURES: dict[str, Callable[[], BaseException]] = {
    "not_found": lambda: NotFoundError("no such thing", "RESOURCE_NOT_FOUND", {"name": "x"}),
    "two_fields": lambda: InvalidInputError(
        "wrong", "INVALID_FIELD", {}, (FieldViolation("a.b[1]", "first"), FieldViolation("c", "second"))
    ),
    "full": lambda: ResourceExhaustedError("full", "CAPACITY_REACHED", retry_after_s=2.5),
    "down": lambda: UnavailableError("down", "DEPENDENCY_UNAVAILABLE", {"dependency": "postgres"}),
    "foreign": lambda: ForeignError("4111 1111 1111 1111"),
    "bug": lambda: ZeroDivisionError("secret of Alice"),
    "timeout": TimeoutError,
    "group": lambda: ExceptionGroup("several", [ValueError("x"), NotFoundError("inner", "RESOURCE_NOT_FOUND")]),
    "long": lambda: InvalidInputError(
        "many", "INVALID_FIELD", {}, tuple(FieldViolation(f"f[{n}]", "x" * 1000) for n in range(1000))
    ),
}


Metadata = tuple[tuple[str, str], ...]


@dataclass
class Keys:
    """The keys of a mesh: who issues tokens to users, and who a service is."""

    folder: Path
    issuer: SigningKey
    service: SigningKey

    @property
    def jwks(self) -> str:
        return str(self.folder / "jwks.json")

    def user(self, subject: str = "alice", *roles: str, ttl_s: float = 60, **claims: str) -> Metadata:
        """Metadata that carry a token; that of a service is signed with the key of services."""
        key = self.service if "service" in roles else self.issuer
        return (("authorization", f"Bearer {key.sign(subject, roles, ttl_s=ttl_s, **claims)}"),)


@dataclass
class Running:
    """A probe service that runs."""

    server: RunningServer
    servicer: ProbeServicer
    channel: grpc.aio.Channel
    stub: Any
    probe: Probe

    def request(self, **fields: Any) -> Any:
        return self.probe.pb.EchoRequest(**fields)


@contextlib.asynccontextmanager
async def run_probe(settings: ServiceSettings, probe: Probe, **service: Any) -> AsyncIterator[Running]:
    """Runs the probe service in this loop, and opens a channel to it."""
    servicer = ProbeServicer(probe.pb)

    @contextlib.asynccontextmanager
    async def build(_: Runtime[ServiceSettings]) -> AsyncIterator[Service]:
        yield Service([Registration(probe.grpc.add_ProbeServiceServicer_to_server, servicer, SERVICE)], **service)

    async with serving(settings, build) as server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Running(server, servicer, channel, probe.grpc.ProbeServiceStub(channel), probe)


@dataclass(frozen=True)
class Failure:
    """A failed call, taken apart."""

    code: str
    message: str
    reason: str
    domain: str
    fields: list[str]
    metadata: dict[str, str]
    retry_after_s: float | None
    request_id: str


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """Takes a failed call apart with the messages of google.rpc, not with our own code."""
    trailing = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailing[DETAILS_KEY])
    assert status.code == error.code().value[0]
    (info,) = details_of(status, error_details_pb2.ErrorInfo)
    fields = [item.field for bad in details_of(status, error_details_pb2.BadRequest) for item in bad.field_violations]
    ids = [item.request_id for item in details_of(status, error_details_pb2.RequestInfo)]
    assert ids == [trailing["x-request-id"]]
    delays = [item.retry_delay.ToMilliseconds() / 1000 for item in details_of(status, error_details_pb2.RetryInfo)]
    return Failure(
        error.code().name, status.message, info.reason, info.domain, fields, dict(info.metadata),
        next(iter(delays), None), ids[0],
    )  # fmt: skip
