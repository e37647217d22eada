"""The services of the contract that this version does not serve yet."""

from __future__ import annotations

from typing import Any, NoReturn

from vitrine.profile.v1 import avatar_service_pb2_grpc, stylist_service_pb2_grpc

from mesh.errors import NotImplementedYetError


class AvatarServicer(avatar_service_pb2_grpc.AvatarServiceServicer):
    """Answers UNIMPLEMENTED: avatars are not kept yet."""

    async def GetLatestAvatar(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("avatars are not kept yet")

    async def ListAvatars(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("avatars are not kept yet")

    async def GetAvatarMesh(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("avatars are not kept yet")


class StylistServicer(stylist_service_pb2_grpc.StylistServiceServicer):
    """Answers UNIMPLEMENTED: there is no stylist yet."""

    async def Chat(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("there is no stylist yet")

    def StreamChat(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("there is no stylist yet")

    async def ListConversations(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("there is no stylist yet")

    async def GetConversation(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("there is no stylist yet")

    async def DeleteConversation(self, request: Any, context: Any) -> NoReturn:
        """Refuses."""
        _refuse("there is no stylist yet")


def _refuse(why: str) -> NoReturn:
    raise NotImplementedYetError(why, "NOT_IMPLEMENTED_YET")
