"""What is refused: the code, the field that is named, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1 import capture_service_pb2 as pb
from vitrine.type.v1 import geometry_pb2

from ingest_svc import __main__ as server
from ingest_svc.captures.picture import SafePicture, prepare
from ingest_svc.privacy.blur import BlurFailedError
from mesh.server import serving
from tests.services.ingest.captures.conftest import Mesh, User, drawn
from tests.services.ingest.captures.failures import Failure, failure_of

pytestmark = pytest.mark.service
DAMAGED = "x"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NAME = "users/{user}/captures/0190a0b0-0000-7000-8000-000000000000"


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that nobody should believe."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def tiny() -> bytes:
    return cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


def change(**fields: Any) -> Callable[[pb.CreateCaptureRequest], None]:
    return lambda request: request.MergeFrom(pb.CreateCaptureRequest(**fields))


def image(data: Callable[[], bytes]) -> Callable[[pb.CreateCaptureRequest], None]:
    def set_image(request: pb.CreateCaptureRequest) -> None:
        request.image.data = data()

    return set_image


def box(*edges: float) -> capture_pb2.Cropping:
    return capture_pb2.Cropping(
        box=geometry_pb2.NormalizedBox(x_min=edges[0], y_min=edges[1], x_max=edges[2], y_max=edges[3])
    )


CREATE = [
    pytest.param(image(bytes), "IMAGE_EMPTY", "image.data", id="empty"),
    pytest.param(lambda r: r.ClearField("image"), "INVALID_FIELD", "image", id="no-image"),
    pytest.param(image(lambda: b"hello, this is text"), "IMAGE_FORMAT_UNSUPPORTED", "image.data", id="not-an-image"),
    pytest.param(image(lambda: drawn(600, 800)[:2000]), "IMAGE_CORRUPT", "image.data", id="truncated"),
    pytest.param(image(lambda: png_of(10_000, 5_000)), "IMAGE_TOO_LARGE", "image.data", id="50-megapixel-bomb"),
    pytest.param(image(lambda: b"\xff" * 10_485_761), "INVALID_FIELD", "image.data", id="oversize"),
    pytest.param(image(tiny), "IMAGE_TOO_SMALL", "image.data", id="too-small"),
    pytest.param(change(cropping=box(0.5, 0.5, 0.51, 0.51)), "IMAGE_TOO_SMALL", "image.data", id="crop-too-small"),
    pytest.param(change(cropping=box(0.6, 0, 0.4, 1)), "INVALID_FIELD", "cropping.box", id="box-upside-down"),
    pytest.param(change(cropping=box(0, 0, 1.2, 1)), "INVALID_FIELD", "cropping.box.x_max", id="box-outside"),
    pytest.param(change(cropping=box(float("nan"), 0, 1, 1)), "INVALID_FIELD", "cropping.box.x_min", id="box-nan"),
    pytest.param(change(cropping=capture_pb2.Cropping()), "INVALID_FIELD", "cropping.crop", id="crop-of-no-kind"),
    pytest.param(change(request_id="no-uuid"), "INVALID_FIELD", "request_id", id="request-id"),
    pytest.param(lambda r: r.ClearField("kind"), "INVALID_FIELD", "kind", id="no-kind"),
    pytest.param(change(kind=9), "INVALID_FIELD", "kind", id="unknown-kind"),
    pytest.param(change(body_options=capture_pb2.BodyOptions(height_cm=170)), "INVALID_FIELD", "", id="other-options"),
    pytest.param(
        change(outfit_options=capture_pb2.OutfitOptions(max_matches=31)),
        "INVALID_FIELD",
        "outfit_options.max_matches",
        id="too-many-matches",
    ),
]


@pytest.mark.parametrize(("spoil", "reason", "field"), CREATE)
async def test_bad_capture_is_refused_and_leaves_nothing(
    mesh: Mesh, user: User, spoil: Callable[[pb.CreateCaptureRequest], None], reason: str, field: str
) -> None:
    request = pb.CreateCaptureRequest(parent=user.name, kind=capture_pb2.CAPTURE_KIND_OUTFIT)
    request.image.data = drawn(300, 400)
    spoil(request)
    before = len(mesh.pictures())
    failure = await failure_of(user.captures.CreateCapture(request, metadata=user.metadata))
    assert (failure.code, failure.reason) == (INVALID, reason)
    assert not field or failure.fields[-1] == field
    assert not await mesh.rows("select 1 from captures where user_id = %s", user.subject)
    assert len(mesh.pictures()) == before


async def test_unknown_parent_form_is_refused(user: User) -> None:
    request = pb.CreateCaptureRequest(parent="people/me", kind=capture_pb2.CAPTURE_KIND_OUTFIT)
    failure = await failure_of(user.captures.CreateCapture(request, metadata=user.metadata))
    assert failure.code == INVALID
    assert "parent" in failure.fields


@pytest.mark.parametrize("kind", [capture_pb2.CAPTURE_KIND_FACE, capture_pb2.CAPTURE_KIND_BODY])
async def test_kinds_of_later_versions_are_unimplemented(mesh: Mesh, user: User, photo: bytes, kind: Any) -> None:
    request = pb.CreateCaptureRequest(parent=user.name, kind=kind)
    request.image.data = photo
    failure = await failure_of(user.captures.CreateCapture(request, metadata=user.metadata))
    assert failure == Failure(grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET")
    assert not await mesh.rows("select 1 from captures where user_id = %s", user.subject)


MINE = "users/{user}"
TWICE = [capture_pb2.CAPTURE_KIND_OUTFIT] * 2
NO_STATE = [capture_pb2.Capture.STATE_UNSPECIFIED]
READS = [
    pytest.param("GetCapture", pb.GetCaptureRequest(name=f"{MINE}/captures/x"), "name", id="name"),
    pytest.param("GetCapture", pb.GetCaptureRequest(name=f"{MINE}/captures/" + "-" * 36), "name", id="no-uuid"),
    pytest.param("ListCaptures", pb.ListCapturesRequest(parent=MINE, page_size=-1), "page_size", id="size"),
    pytest.param("ListCaptures", pb.ListCapturesRequest(parent=MINE, page_token=DAMAGED), "page_token", id="token"),
    pytest.param("ListCaptures", pb.ListCapturesRequest(parent=MINE, kinds=TWICE), "kinds", id="kind-twice"),
    pytest.param("ListCaptures", pb.ListCapturesRequest(parent=MINE, states=NO_STATE), "states[0]", id="no-state"),
]


@pytest.mark.parametrize(("rpc", "request_message", "field"), READS)
async def test_bad_reads_are_refused(user: User, rpc: str, request_message: Any, field: str) -> None:
    request = type(request_message)()
    request.CopyFrom(request_message)
    name = "name" if hasattr(request, "name") else "parent"
    setattr(request, name, getattr(request, name).replace("{user}", user.subject))
    failure = await failure_of(getattr(user.captures, rpc)(request, metadata=user.metadata))
    assert failure.code == INVALID
    assert failure.fields == (field,)


@pytest.mark.parametrize(
    ("rpc", "request_class"),
    [
        ("GetCapture", pb.GetCaptureRequest),
        ("GetCaptureImage", pb.GetCaptureImageRequest),
        ("WatchCapture", pb.WatchCaptureRequest),
        ("CancelCapture", pb.CancelCaptureRequest),
        ("DeleteCapture", pb.DeleteCaptureRequest),
    ],
)
async def test_unknown_capture_is_not_found(user: User, rpc: str, request_class: Any) -> None:
    request = request_class(name=NAME.replace("{user}", user.subject))
    failure = await failure_of(getattr(user.captures, rpc)(request, metadata=user.metadata))
    assert failure == Failure(grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")


async def test_a_blur_that_fails_keeps_nothing(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BlurFailedError

    monkeypatch.setattr("ingest_svc.privacy.blur.FaceBlur.blur", fail)
    before = len(mesh.pictures())
    failure = await failure_of(user.create(photo))
    assert failure == Failure(grpc.StatusCode.INTERNAL, "BLUR_FAILED")
    assert not await mesh.rows("select 1 from captures where user_id = %s", user.subject)
    assert len(mesh.pictures()) == before


async def test_more_waiting_captures_than_allowed_are_refused(mesh: Mesh, user: User) -> None:
    await mesh.rows(_FILL, user.subject, mesh.settings.capture_queue_limit)
    failure = await failure_of(user.create(drawn(100, 120)))
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_REACHED")


async def test_more_bytes_of_pictures_than_allowed_are_refused(
    mesh: Mesh, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pictures fit the executor's queue of 64, and not the bytes that may wait for it."""
    go_on, began = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> SafePicture:
        began.set()
        go_on.wait(30)
        return prepare(*arguments)

    monkeypatch.setattr("ingest_svc.captures.intake.prepare", slow)
    settings = mesh.settings.model_copy(update={"picture_queue_bytes": len(photo) * 3 // 2})
    async with serving(settings, server.build) as running:
        await running.ready.wait()
        ada, bob = (User(running.port, name, mesh.key.sign(name, [], ttl_s=600)) for name in ("room-ada", "room-bob"))
        first = asyncio.create_task(ada.create(photo))
        try:
            await asyncio.to_thread(began.wait, 30)
            failure = await failure_of(bob.create(photo))
        finally:
            go_on.set()
        assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_REACHED")
        assert failure.metadata == {"limit": str(settings.picture_queue_bytes), "unit": "bytes"}
        assert (await first).state == capture_pb2.Capture.STATE_QUEUED
        assert (await bob.create(photo)).state == capture_pb2.Capture.STATE_QUEUED
        for user in (ada, bob):
            await user.channel.close()
    assert not await mesh.rows("select 1 from captures where user_id = 'room-bob' offset 1")


_FILL = """
insert into captures (id, user_id, kind, state, stage, progress_percent, request_digest, create_time, update_time,
  crop_box, width_px, height_px, face_boxes, object_key, max_matches, skip_taste, attempt_count, version,
  sighting_sent, delete_requested, degraded_parts, summary, detail, error)
select gen_random_uuid(), %s, 'outfit', 'queued', 'queued', 0, '', now(), now(), '{0,0,1,1}', 1, 1, '{}',
  'captures/none',
  30, false, 0, 1, false, false, '{}', '', '', '' from generate_series(1, %s) returning id
"""
