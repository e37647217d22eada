"""What the contract has and this version does not serve: faces, bodies, nails and designs."""

from typing import Any, NoReturn

from vitrine.vision.v1 import (
    body_service_pb2_grpc,
    design_service_pb2_grpc,
    face_service_pb2_grpc,
    nail_service_pb2_grpc,
)

from mesh.errors import NotImplementedYetError


def _refuse(rpc: str) -> NoReturn:
    raise NotImplementedYetError(f"{rpc} is not served by this version", "NOT_IMPLEMENTED_YET", {"rpc": rpc})


class FaceServicer(face_service_pb2_grpc.FaceServiceServicer):
    """FaceService."""

    async def AnalyzeFace(self, request: Any, context: Any) -> Any:
        """Refuses."""
        _refuse("AnalyzeFace")


class BodyServicer(body_service_pb2_grpc.BodyServiceServicer):
    """BodyService."""

    async def EstimateBody(self, request: Any, context: Any) -> Any:
        """Refuses."""
        _refuse("EstimateBody")


class NailServicer(nail_service_pb2_grpc.NailServiceServicer):
    """NailService."""

    def RenderNails(self, request_iterator: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("RenderNails")

    async def DescribeNailReference(self, request: Any, context: Any) -> Any:
        """Refuses."""
        _refuse("DescribeNailReference")


class DesignServicer(design_service_pb2_grpc.DesignServiceServicer):
    """DesignService."""

    def GenerateDesigns(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("GenerateDesigns")
