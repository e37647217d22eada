"""Server reflection: what this process serves, and on request what the whole mesh serves.

Behind the edge there is one port for all services, and a reflection call can only go to one of them. So the edge marks
the calls that come through it, and whoever gets one lists the whole contract; a call from elsewhere gets this process's
own services.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import vitrine
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from mesh.contract import loaded_services

# Set by the edge only; it removes the header from what comes in.
MESH_HEADER = ("x-vitrine-reflection", "mesh")
# The older name, which grpcurl before 1.9 and Postman use, and the newer one; their messages are the same.
_NAMES = (reflection.SERVICE_NAME, "grpc.reflection.v1.ServerReflection")
_INFRASTRUCTURE = (health.SERVICE_NAME, reflection.SERVICE_NAME)


def add_reflection(names: Iterable[str], server: grpc.aio.Server) -> None:
    """Serves reflection.

    Args:
        names: Full names of the services of this process.
        server: The server.
    """
    answer = grpc.stream_stream_rpc_method_handler(
        _Reflection(names).answer,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    handlers = [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": answer}) for name in _NAMES]
    server.add_generic_rpc_handlers(tuple(handlers))


def contract_services() -> list[str]:
    """Returns the full names of all services of the contract, and loads those generated modules that nobody has yet."""
    for root in vitrine.__path__:
        for path in Path(root).glob("*/v*/*_service_pb2.py"):
            importlib.import_module(".".join(("vitrine", *path.relative_to(root).with_suffix("").parts)))
    return sorted(service.full_name for service in loaded_services())


class _Reflection:
    """Answers for this process, or for the whole mesh."""

    def __init__(self, names: Iterable[str]) -> None:
        self._own = ReflectionServicer([*names, *_INFRASTRUCTURE])
        self._mesh: ReflectionServicer | None = None

    async def answer(self, requests: AsyncIterator[Any], context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        """Answers one call."""
        servicer: Any = self._own
        if MESH_HEADER in [(key, value) for key, value in context.invocation_metadata() or ()]:
            self._mesh = self._mesh or ReflectionServicer([*contract_services(), *_INFRASTRUCTURE])
            servicer = self._mesh
        async for response in servicer.ServerReflectionInfo(requests, context):
            yield response
