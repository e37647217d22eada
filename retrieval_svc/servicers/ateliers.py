"""AtelierService: in the contract, not served yet."""

from __future__ import annotations

from typing import Any, NoReturn

from google.protobuf.message import Message
from vitrine.retrieval.v1 import atelier_service_pb2_grpc

from mesh.errors import NotImplementedYetError


class AtelierServicer(atelier_service_pb2_grpc.AtelierServiceServicer):
    """Answers every RPC of `vitrine.retrieval.v1.AtelierService` with NOT_IMPLEMENTED_YET."""

    async def UpsertAteliers(self, request: Message, context: Any) -> NoReturn:
        """Not served yet."""
        _refuse("UpsertAteliers")

    async def GetAtelier(self, request: Message, context: Any) -> NoReturn:
        """Not served yet."""
        _refuse("GetAtelier")

    async def ListAteliers(self, request: Message, context: Any) -> NoReturn:
        """Not served yet."""
        _refuse("ListAteliers")

    async def MatchAteliers(self, request: Message, context: Any) -> NoReturn:
        """Not served yet."""
        _refuse("MatchAteliers")


def _refuse(rpc: str) -> NoReturn:
    raise NotImplementedYetError(f"{rpc} is not served by this version", "NOT_IMPLEMENTED_YET")
