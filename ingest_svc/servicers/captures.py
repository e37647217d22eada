"""CaptureService."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.ingest.v1 import capture_service_pb2 as pb
from vitrine.ingest.v1 import capture_service_pb2_grpc

from ingest_svc.captures.capture import WHOLE, Box, Capture, Kind, State
from ingest_svc.captures.intake import Intake, NewCapture
from ingest_svc.captures.lifecycle import Captures
from ingest_svc.captures.message import KINDS, STATES, message_of
from ingest_svc.captures.watch import Watch
from ingest_svc.storage.captures import CaptureFilter
from mesh.errors import InvalidInputError
from mesh.paging import Scalar, clamp_page_size, decode_token, encode_token

_DEFAULT_PAGE = 20
_MAX_PAGE = 100
_KIND_OF = {number: kind for kind, number in KINDS.items()}
_STATE_OF = {number: state for state, number in STATES.items()}

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class CaptureServicer(capture_service_pb2_grpc.CaptureServiceServicer):
    """Serves `vitrine.ingest.v1.CaptureService`."""

    def __init__(self, intake: Intake, captures: Captures, watch: Watch, *, clock: Callable[[], datetime]) -> None:
        self._intake = intake
        self._captures = captures
        self._watch = watch
        self._clock = clock

    async def CreateCapture(self, request: pb.CreateCaptureRequest, context: Context) -> pb.CreateCaptureResponse:
        """Takes in a photo."""
        capture = await self._intake.create(_new_capture(request))
        return pb.CreateCaptureResponse(capture=message_of(capture))

    async def GetCapture(self, request: pb.GetCaptureRequest, context: Context) -> pb.GetCaptureResponse:
        """Reads one capture."""
        return pb.GetCaptureResponse(capture=message_of(await self._captures.get(*_parse(request.name))))

    async def ListCaptures(self, request: pb.ListCapturesRequest, context: Context) -> pb.ListCapturesResponse:
        """Lists captures, newest first."""
        size = clamp_page_size(request.page_size, default=_DEFAULT_PAGE, maximum=_MAX_PAGE)
        arguments = _list_arguments(request)
        cursor = decode_token("ListCaptures", arguments, request.page_token)
        found = await self._captures.list(_user(request.parent), _filter(request), after=_after(cursor), limit=size + 1)
        page, more = found[:size], len(found) > size
        response = pb.ListCapturesResponse(captures=[message_of(capture) for capture in page])
        if more:
            response.next_page_token = encode_token("ListCaptures", arguments, [str(page[-1].capture_id)])
        return response

    async def WatchCapture(
        self,
        request: pb.WatchCaptureRequest,
        context: Context,
    ) -> AsyncIterator[pb.WatchCaptureResponse]:
        """Follows one capture until it is final."""
        sequence = 0
        async for capture in self._watch.follow(*_parse(request.name), until_taste=request.until_taste):
            sequence += 1
            yield self._event(sequence, capture)

    async def CancelCapture(self, request: pb.CancelCaptureRequest, context: Context) -> pb.CancelCaptureResponse:
        """Stops a capture."""
        capture = await self._captures.cancel(*_parse(request.name), request.etag)
        return pb.CancelCaptureResponse(capture=message_of(capture))

    async def DeleteCapture(self, request: pb.DeleteCaptureRequest, context: Context) -> pb.DeleteCaptureResponse:
        """Deletes a capture and all that came of it."""
        deleted = await self._captures.delete(*_parse(request.name), request.etag)
        return pb.DeleteCaptureResponse(taste_undone=deleted.taste_undone, deleted_object_count=deleted.object_count)

    async def GetCaptureImage(
        self,
        request: pb.GetCaptureImageRequest,
        context: Context,
    ) -> pb.GetCaptureImageResponse:
        """Reads the kept picture."""
        image = await self._captures.image(*_parse(request.name))
        return pb.GetCaptureImageResponse(
            image_data=image.jpeg, content_type="image/jpeg", width_px=image.width_px, height_px=image.height_px
        )

    def _event(self, sequence: int, capture: Capture | None) -> pb.WatchCaptureResponse:
        event = pb.WatchCaptureResponse(sequence=sequence)
        event.server_time.FromDatetime(self._clock())
        if capture is None:
            event.heartbeat.next_within_ms = round(self._watch.heartbeat_s * 1000)
        else:
            event.change.capture.CopyFrom(message_of(capture))
        return event


def _new_capture(request: pb.CreateCaptureRequest) -> NewCapture:
    return NewCapture(
        user=_user(request.parent),
        kind=_KIND_OF[request.kind],
        image=request.image.data,
        crop_box=_crop_box(request),
        request_id=request.request_id or None,
        capture_time=_time(request, "capture_time"),
        skip_taste=request.outfit_options.skip_taste,
        skip_personal_ranking=request.outfit_options.skip_personal_ranking,
        max_matches=request.outfit_options.max_matches,
    )


def _crop_box(request: pb.CreateCaptureRequest) -> Box | None:
    if not request.HasField("cropping"):
        return None
    if request.cropping.WhichOneof("crop") == "already_cropped":
        return WHOLE
    box = request.cropping.box
    return Box(box.x_min, box.y_min, box.x_max, box.y_max)


def _user(parent: str) -> str:
    """The user of ``users/{user}...``; the pattern of the field was checked before."""
    return parent.split("/")[1]


def _parse(name: str) -> tuple[str, uuid.UUID]:
    """User and id of ``users/{user}/captures/{capture}``."""
    _, user, _, capture = name.split("/")
    try:
        return user, uuid.UUID(capture)
    except ValueError as error:
        raise InvalidInputError.of("name", "expected users/{user}/captures/{capture} with a UUID at its end") from error


def _filter(request: pb.ListCapturesRequest) -> CaptureFilter:
    return CaptureFilter(
        kinds=_kinds(request),
        states=[_STATE_OF[state] for state in request.states],
        created_from=_time(request, "create_time_from"),
        created_before=_time(request, "create_time_before"),
    )


def _kinds(request: pb.ListCapturesRequest) -> list[Kind]:
    return [_KIND_OF[kind] for kind in request.kinds]


def _list_arguments(request: pb.ListCapturesRequest) -> dict[str, Scalar]:
    """All that selects the list, for the page token."""
    wanted = _filter(request)
    states: list[State] = sorted(wanted.states)
    return {
        "parent": request.parent,
        "kinds": ",".join(sorted(wanted.kinds)),
        "states": ",".join(states),
        "from": str(wanted.created_from),
        "before": str(wanted.created_before),
    }


def _after(cursor: list[Scalar] | None) -> uuid.UUID | None:
    if cursor is None:
        return None
    try:
        return uuid.UUID(str(cursor[0]))
    except (ValueError, IndexError) as error:
        raise InvalidInputError.of("page_token", "is damaged", "INVALID_PAGE_TOKEN") from error


def _time(request: pb.CreateCaptureRequest | pb.ListCapturesRequest, field: str) -> datetime | None:
    if not request.HasField(field):  # type: ignore[arg-type]  # the stub knows the names as literals
        return None
    time: Timestamp = getattr(request, field)
    return time.ToDatetime(tzinfo=UTC)
