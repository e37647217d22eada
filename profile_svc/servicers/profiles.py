"""ProfileService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from vitrine.profile.v1 import profile_service_pb2 as pb
from vitrine.profile.v1 import profile_service_pb2_grpc

from mesh.auth import current_caller
from mesh.errors import InvalidInputError, NotImplementedYetError
from mesh.paging import Scalar, clamp_page_size, decode_token, encode_token
from profile_svc.servicers import profile_output, taste_output, tastes_output
from profile_svc.servicers.settings_input import read_update
from profile_svc.servicers.sighting_input import SightingReader, observed
from profile_svc.use_cases.privacy import Privacy
from profile_svc.use_cases.profiles import Profiles, ProfileView
from profile_svc.use_cases.sightings import Clock, NewSighting, Sightings
from profile_svc.use_cases.tastes import OVERALL, Tastes
from profile_svc.use_cases.watch import Watches

_HISTORY_PAGE, _HISTORY_PAGE_MAX = 50, 500
_TASTES_PAGE, _TASTES_PAGE_MAX = 20, 100


class ProfileServicer(profile_service_pb2_grpc.ProfileServiceServicer):
    """Serves profiles. Who may call what is checked before a method is reached."""

    def __init__(
        self,
        profiles: Profiles,
        sightings: Sightings,
        tastes: Tastes,
        watches: Watches,
        privacy: Privacy,
        clock: Clock,
    ) -> None:
        self._profiles = profiles
        self._sightings = sightings
        self._tastes = tastes
        self._watches = watches
        self._privacy = privacy
        self._clock = clock

    async def GetProfile(self, request: pb.GetProfileRequest, context: Any) -> pb.GetProfileResponse:
        """Answers a profile."""
        view = await self._profiles.get(user_of(request.name))
        message = profile_output.profile(view, with_secret=current_caller().is_service)
        return pb.GetProfileResponse(profile=message)

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, context: Any) -> pb.UpdateProfileResponse:
        """Changes the settings of a profile."""
        user_id = user_of(request.profile.name)
        view, fresh = await self._profiles.update(
            user_id, read_update(request.profile), request.update_mask.paths, request.profile.etag
        )
        with_secret = fresh or current_caller().is_service
        return pb.UpdateProfileResponse(profile=profile_output.profile(view, with_secret=with_secret))

    async def RecordSighting(self, request: pb.RecordSightingRequest, context: Any) -> pb.RecordSightingResponse:
        """Records a sighting."""
        kind = request.WhichOneof("sighting")
        if kind != "outfit":
            raise NotImplementedYetError(f"sightings of a {kind} are not recorded yet", "NOT_IMPLEMENTED_YET")
        recorded = await self._sightings.record(_new_sighting(request))
        return pb.RecordSightingResponse(change=taste_output.taste_change(recorded.event), duplicate=recorded.duplicate)

    async def UndoSighting(self, request: pb.UndoSightingRequest, context: Any) -> pb.UndoSightingResponse:
        """Takes a sighting back."""
        recorded = await self._sightings.undo(user_of(request.name), request.name.rpartition("/")[2])
        return pb.UndoSightingResponse(change=taste_output.taste_change(recorded.event), duplicate=recorded.duplicate)

    async def GetRadar(self, request: pb.GetRadarRequest, context: Any) -> pb.GetRadarResponse:
        """Answers the five axes."""
        view = await self._profiles.get(user_of(request.name))
        return pb.GetRadarResponse(radar=taste_output.radar_of(view.taste))

    async def ListRadarHistory(self, request: pb.ListRadarHistoryRequest, context: Any) -> pb.ListRadarHistoryResponse:
        """Lists what moved the axes, newest first."""
        size = clamp_page_size(request.page_size, default=_HISTORY_PAGE, maximum=_HISTORY_PAGE_MAX)
        arguments = {"parent": request.parent}
        cursor = decode_token("ListRadarHistory", arguments, request.page_token)
        before = None if cursor is None else _number(cursor)
        events = await self._profiles.history(user_of(request.parent), before=before, limit=size + 1)
        token = ""
        if len(events) > size:
            token = encode_token("ListRadarHistory", arguments, [events[size - 1].sequence])
        changes = [taste_output.taste_change(event) for event in events[:size]]
        return pb.ListRadarHistoryResponse(changes=changes, next_page_token=token)

    async def ListTastes(self, request: pb.ListTastesRequest, context: Any) -> pb.ListTastesResponse:
        """Lists the user's tastes."""
        size = clamp_page_size(request.page_size, default=_TASTES_PAGE, maximum=_TASTES_PAGE_MAX)
        arguments = {"parent": request.parent}
        cursor = decode_token("ListTastes", arguments, request.page_token)
        first = 0 if cursor is None else _number(cursor)
        user_id = user_of(request.parent)
        found = tastes_output.tastes(user_id, await self._tastes.find(user_id))
        rest = len(found) > first + size
        token = encode_token("ListTastes", arguments, [first + size]) if rest else ""
        return pb.ListTastesResponse(tastes=found[first : first + size], next_page_token=token)

    async def GetPersonalContext(
        self, request: pb.GetPersonalContextRequest, context: Any
    ) -> pb.GetPersonalContextResponse:
        """Answers what a ranking may know."""
        user_id = user_of(request.name)
        if request.taste and user_of(request.taste) != user_id:
            raise InvalidInputError.of("taste", f"must lie below users/{user_id}")
        taste_id = request.taste.rpartition("/")[2] or OVERALL
        view = await self._profiles.personal_context(user_id, request.embedding_model, taste_id)
        return pb.GetPersonalContextResponse(context=profile_output.personal_context(view), sequence=view.sequence)

    async def WatchProfile(
        self, request: pb.WatchProfileRequest, context: Any
    ) -> AsyncIterator[pb.WatchProfileResponse]:
        """Follows a profile."""
        after = request.after_sequence if request.HasField("after_sequence") else None
        with_secret = current_caller().is_service
        async for event in self._watches.watch(user_of(request.name), after):
            yield profile_output.watch_response(event, self._clock(), with_secret=with_secret)

    async def ExportProfile(
        self, request: pb.ExportProfileRequest, context: Any
    ) -> AsyncIterator[pb.ExportProfileResponse]:
        """Hands out everything about a user."""
        async for record in self._privacy.export(user_of(request.name)):
            if isinstance(record, ProfileView):
                yield pb.ExportProfileResponse(profile=profile_output.profile(record))
                for taste in tastes_output.tastes(record.user_id, await self._tastes.find(record.user_id)):
                    yield pb.ExportProfileResponse(taste=taste)
            else:
                yield pb.ExportProfileResponse(taste_event=taste_output.taste_event(record))

    async def EraseProfile(self, request: pb.EraseProfileRequest, context: Any) -> pb.EraseProfileResponse:
        """Removes everything about a user."""
        removed = await self._privacy.erase(user_of(request.name))
        return profile_output.erased(removed, self._clock())


def user_of(name: str) -> str:
    """Returns the user id in a resource name below ``users/``; the contract's rules have checked its form."""
    return name.split("/", 2)[1]


def _number(cursor: list[Scalar]) -> int:
    """Reads the cursor of a page token. Tokens are not signed: anybody can make one that decodes."""
    match cursor:
        case [int(number)] if 0 <= number < 1 << 63:
            return number
    raise InvalidInputError.of("page_token", "is damaged", "INVALID_PAGE_TOKEN")


def _new_sighting(request: pb.RecordSightingRequest) -> NewSighting:
    source = request.capture or request.stream
    user_id = user_of(request.parent)
    if user_of(source) != user_id:
        field = str(request.WhichOneof("source"))
        raise InvalidInputError.of(field, f"must lie below {request.parent}")
    return NewSighting(
        user_id=user_id,
        event_id=request.event_id,
        source=source,
        observe_time=observed(request),
        sighting=SightingReader().read(request.outfit),
    )
