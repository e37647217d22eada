"""TryOnService: in the contract, not served by this version."""

from __future__ import annotations

from typing import Any, NoReturn

from vitrine.ingest.v1 import tryon_service_pb2_grpc

from mesh.errors import NotImplementedYetError


def not_yet() -> NoReturn:
    """Refuses a call.

    Raises:
        NotImplementedYetError: Always.
    """
    raise NotImplementedYetError("live try-on is not served by this version", "NOT_IMPLEMENTED_YET")


class TryOnServicer(tryon_service_pb2_grpc.TryOnServiceServicer):
    """Answers every RPC with UNIMPLEMENTED and the reason, behind the same checks as a served one."""

    async def CreateTryOnSession(self, request: Any, context: Any) -> Any:
        """Refuses."""
        not_yet()

    async def GetTryOnSession(self, request: Any, context: Any) -> Any:
        """Refuses."""
        not_yet()

    async def EndTryOnSession(self, request: Any, context: Any) -> Any:
        """Refuses."""
        not_yet()

    async def StreamTryOn(self, requests: Any, context: Any) -> Any:  # type: ignore[override]  # writes itself
        """Refuses once the first message has passed the checks."""
        async for _ in requests:
            not_yet()

    async def SaveTryOnFrame(self, request: Any, context: Any) -> Any:
        """Refuses."""
        not_yet()
