"""Telling the profile what was seen, asking it whom to rank for, and for its part of export and erasure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc.aio
from vitrine.profile.v1 import profile_service_pb2, profile_service_pb2_grpc, taste_pb2
from vitrine.type.v1 import personal_context_pb2

from ingest_svc.captures.outfit import Analysis, OutfitInput
from mesh.errors import AlreadyExistsError, NotFoundError
from mesh.status import error_from_rpc

DEPENDENCY = "profile"
_HISTORY_PAGE = 500  # the most that ListRadarHistory gives at once
_MAX_GARMENTS = 32  # the limit of OutfitSighting.garments


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where a user wants summaries to go.

    Attributes:
        url: The address.
        secret: Key of the signature.
    """

    url: str
    secret: str


class ProfileClient:
    """Implements `ingest_svc.captures.pipeline.Profile` over gRPC, and more."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._profiles = profile_service_pb2_grpc.ProfileServiceStub(channel)

    async def record(self, seen: OutfitInput, analysis: Analysis, *, deadline_s: float) -> taste_pb2.TasteChange:
        """Records a sighting once, however often it is called with the same event id.

        An attempt that was killed after its sighting had been recorded leaves a picture that is analysed again, perhaps
        with another answer. The event counts as it was recorded first; the change of that time is returned.

        Args:
            seen: Whose picture, when, where, and the event id.
            analysis: What was seen in it; the first 32 garments count.
            deadline_s: Time limit in seconds.

        Returns:
            What it did to the taste.

        Raises:
            VitrineError: As the service answered.
        """
        return await self.deliver(sighting_of(seen, analysis), deadline_s=deadline_s)

    async def deliver(
        self, sighting: profile_service_pb2.RecordSightingRequest, *, deadline_s: float
    ) -> taste_pb2.TasteChange:
        """Records a sighting that was put together before, as `record` does.

        Args:
            sighting: From `sighting_of`.
            deadline_s: Time limit in seconds.

        Returns:
            What it did to the taste.

        Raises:
            VitrineError: As the service answered.
        """
        try:
            response = await self._profiles.RecordSighting(sighting, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            converted = error_from_rpc(error, dependency=DEPENDENCY)
            if not isinstance(converted, AlreadyExistsError):
                raise converted from error
            known = await self._recorded(sighting, deadline_s)
            if known is None:
                raise converted from error
            return known
        return response.change

    async def _recorded(
        self, sighting: profile_service_pb2.RecordSightingRequest, deadline_s: float
    ) -> taste_pb2.TasteChange | None:
        """Finds the change of an event in the user's history; it is one of the newest."""
        request = profile_service_pb2.ListRadarHistoryRequest(parent=sighting.parent, page_size=_HISTORY_PAGE)
        while True:
            try:
                page = await self._profiles.ListRadarHistory(request, timeout=deadline_s)
            except grpc.aio.AioRpcError as error:
                raise error_from_rpc(error, dependency=DEPENDENCY) from error
            for change in page.changes:
                if change.event_id == sighting.event_id and not change.undo:
                    return change
            if not page.next_page_token:
                return None
            request.page_token = page.next_page_token

    async def undo(self, user: str, event_id: str, *, deadline_s: float) -> bool:
        """Takes a sighting back.

        Args:
            user: The user's id.
            event_id: Id of the sighting.
            deadline_s: Time limit in seconds.

        Returns:
            True when it was there and counted until now.

        Raises:
            VitrineError: As the service answered; not for an unknown sighting.
        """
        request = profile_service_pb2.UndoSightingRequest(name=f"users/{user}/sightings/{event_id}")
        try:
            response = await self._profiles.UndoSighting(request, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            converted = error_from_rpc(error, dependency=DEPENDENCY)
            if isinstance(converted, NotFoundError):
                return False
            raise converted from error
        return not response.duplicate

    async def context(self, user: str, *, model: str, deadline_s: float) -> personal_context_pb2.PersonalContext:
        """Answers what a ranking may know about a user; empty where that is nothing, or they do not allow it.

        Args:
            user: The user's id.
            model: The model in whose space the taste shall be.
            deadline_s: Time limit in seconds.

        Raises:
            VitrineError: As the service answered.
        """
        request = profile_service_pb2.GetPersonalContextRequest(
            name=f"users/{user}/personalContext", embedding_model=model
        )
        try:
            response = await self._profiles.GetPersonalContext(request, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, dependency=DEPENDENCY) from error
        return response.context

    async def webhook(self, user: str, *, deadline_s: float) -> WebhookTarget | None:
        """Returns where a user wants summaries to go, or None when they want none.

        Args:
            user: The user's id.
            deadline_s: Time limit in seconds.

        Raises:
            VitrineError: As the service answered.
        """
        request = profile_service_pb2.GetProfileRequest(name=f"users/{user}/profile")
        try:
            response = await self._profiles.GetProfile(request, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, dependency=DEPENDENCY) from error
        hook = response.profile.summary_webhook
        return WebhookTarget(hook.url, hook.signing_secret) if hook.url and hook.signing_secret else None

    async def erase(self, user: str, *, deadline_s: float) -> profile_service_pb2.EraseProfileResponse:
        """Removes everything that the profile keeps about a user.

        Args:
            user: The user's id.
            deadline_s: Time limit in seconds.

        Returns:
            What was removed.

        Raises:
            VitrineError: As the service answered.
        """
        request = profile_service_pb2.EraseProfileRequest(name=f"users/{user}")
        try:
            return await self._profiles.EraseProfile(request, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, dependency=DEPENDENCY) from error

    async def export(self, user: str, *, deadline_s: float) -> AsyncIterator[profile_service_pb2.ExportProfileResponse]:
        """Yields everything that the profile keeps about a user, record by record.

        Args:
            user: The user's id.
            deadline_s: Time limit of the whole export in seconds.

        Raises:
            VitrineError: As the service answered.
        """
        request = profile_service_pb2.ExportProfileRequest(name=f"users/{user}")
        try:
            async for record in self._profiles.ExportProfile(request, timeout=deadline_s):
                yield record
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, dependency=DEPENDENCY) from error


def sighting_of(seen: OutfitInput, analysis: Analysis) -> profile_service_pb2.RecordSightingRequest:
    """Puts together what the profile is told: vectors and attributes, and no place in a picture.

    Args:
        seen: Whose picture, when, where, and the event id.
        analysis: What was seen in it; the first 32 garments count.
    """
    request = profile_service_pb2.RecordSightingRequest(
        parent=f"users/{seen.user}",
        event_id=seen.event_id,
    )
    request.observe_time.FromDatetime(seen.observed_at)
    if "/captures/" in seen.source:
        request.capture = seen.source
    else:
        request.stream = seen.source
    for garment in analysis.garments[:_MAX_GARMENTS]:
        kept = request.outfit.garments.add()
        kept.CopyFrom(garment)
        for field in ("box", "mask", "outlines"):  # places in a picture are none of the profile's business
            kept.ClearField(field)
    if analysis.outfit_embedding is not None:
        request.outfit.global_embedding.CopyFrom(analysis.outfit_embedding)
    return request
