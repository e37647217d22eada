"""An OUTFIT capture from the photo to its result, through the generated client."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from datetime import UTC, datetime

import cv2
import grpc
import numpy as np
import pytest
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1 import capture_service_pb2 as pb
from vitrine.type.v1 import geometry_pb2

from imaging.decode import ImageBgr, decode_bgr
from tests.services.ingest.captures.conftest import Mesh, User, drawn, request_id, until
from tests.services.ingest.captures.failures import Failure, failure_of
from tests.services.ingest.captures.peers import no_consent

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("a_worker")]
State = capture_pb2.Capture


def pixels_of(jpeg: bytes) -> ImageBgr:
    return decode_bgr(jpeg)


async def test_capture_ends_in_garments_products_and_taste(mesh: Mesh, user: User, photo: bytes) -> None:
    taken = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    request = pb.CreateCaptureRequest(parent=user.name, kind=capture_pb2.CAPTURE_KIND_OUTFIT)
    request.image.data = photo
    request.capture_time.FromDatetime(taken)
    queued = (await user.captures.CreateCapture(request, metadata=user.metadata)).capture
    assert queued.state == State.STATE_QUEUED
    assert queued.name.startswith(f"{user.name}/captures/")
    capture = await user.finished(queued.name)
    assert capture.state == State.STATE_SUCCEEDED
    assert (capture.progress_percent, capture.stage, capture.attempt_count) == (100, "done", 1)
    assert [garment.category for garment in capture.outfit.garments] == ["shirt", "trousers"]
    assert [found.garment_id for found in capture.outfit.matches] == ["g0", "g1"]
    assert capture.outfit.taste_change.deltas[0].delta == 4.0
    assert [model.model for model in capture.models] == ["peer/1"]
    assert not capture.degraded
    assert not capture.HasField("error")
    assert capture.end_time.ToDatetime() >= capture.start_time.ToDatetime() >= capture.create_time.ToDatetime()
    event_id = capture.name.rsplit("/", 1)[-1]
    sighting = mesh.peers.profile.sightings[event_id]
    assert sighting.capture == capture.name
    assert sighting.observe_time.ToDatetime(tzinfo=UTC) == taken
    assert all(not garment.HasField("mask") for garment in sighting.outfit.garments)


async def test_calls_carry_the_request_id_of_the_capture(mesh: Mesh, user: User, photo: bytes) -> None:
    request = pb.CreateCaptureRequest(parent=user.name, kind=capture_pb2.CAPTURE_KIND_OUTFIT)
    request.image.data = photo
    metadata = (*user.metadata, ("x-request-id", "walk-in-the-park"))
    answer = await user.captures.CreateCapture(request, metadata=metadata)
    await user.finished(answer.capture.name)
    assert mesh.peers.vision.metadata[-1]["x-request-id"] == "walk-in-the-park"
    assert mesh.peers.vision.metadata[-1]["authorization"].startswith("Bearer ")


CROPS = [
    pytest.param(None, (0.225, 0.15, 0.775, 0.85), (440, 700), id="reticle"),
    pytest.param(capture_pb2.Cropping(already_cropped=True), (0, 0, 1, 1), (800, 1000), id="already-cropped"),
    pytest.param(
        capture_pb2.Cropping(box=geometry_pb2.NormalizedBox(x_min=0.25, y_min=0, x_max=0.75, y_max=0.2)),
        (0.25, 0, 0.75, 0.2),
        (400, 200),
        id="own-box",
    ),
]


@pytest.mark.parametrize(("cropping", "box", "size"), CROPS)
async def test_picture_is_cropped_once_and_scaled_to_640(
    user: User,
    photo: bytes,
    cropping: capture_pb2.Cropping | None,
    box: tuple[float, ...],
    size: tuple[int, int],
) -> None:
    capture = await user.create(photo, cropping=cropping)
    scale = min(1.0, 640 / max(size))
    expected = (round(size[0] * scale), round(size[1] * scale))
    assert (capture.width_px, capture.height_px) == pytest.approx(expected, abs=1)
    kept = capture.crop_box
    assert (kept.x_min, kept.y_min, kept.x_max, kept.y_max) == pytest.approx(box, abs=1e-6)
    image = await user.captures.GetCaptureImage(pb.GetCaptureImageRequest(name=capture.name), metadata=user.metadata)
    assert image.content_type == "image/jpeg"
    assert pixels_of(image.image_data).shape[1::-1] == (capture.width_px, capture.height_px)
    whole = pixels_of(photo).astype(float)
    height, width = whole.shape[:2]
    part = whole[round(box[1] * height) : round(box[3] * height), round(box[0] * width) : round(box[2] * width)]
    reference = cv2.resize(part, (capture.width_px, capture.height_px), interpolation=cv2.INTER_AREA)
    assert np.abs(reference - pixels_of(image.image_data)).mean() < 6  # JPEG twice
    await user.captures.DeleteCapture(pb.DeleteCaptureRequest(name=capture.name), metadata=user.metadata)


async def test_watch_tells_every_stage_and_heartbeats(mesh: Mesh, user: User) -> None:
    mesh.peers.vision.behaviour.delay_s = 1.3
    capture = await user.create(drawn(300, 400))
    events = await user.watch(capture.name)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert any(event.WhichOneof("event") == "heartbeat" for event in events)
    changes = [event.change.capture for event in events if event.WhichOneof("event") == "change"]
    progress = [change.progress_percent for change in changes]
    assert progress == sorted(progress)
    stages = [key for key, _ in itertools.groupby(change.stage for change in changes)]
    assert "analyze" in stages
    assert stages[-1] == "done"
    assert len({change.etag for change in changes}) == len(changes)


async def test_watch_of_a_final_capture_sends_it_once(user: User, photo: bytes) -> None:
    capture = await user.create(photo)
    await user.finished(capture.name)
    assert len(await user.watch(capture.name)) == 1


async def test_watch_ends_with_not_found_when_the_capture_is_deleted(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.vision.behaviour.delay_s = 2
    capture = await user.create(photo)
    call = user.captures.WatchCapture(pb.WatchCaptureRequest(name=capture.name), metadata=user.metadata, timeout=30)
    events = aiter(call)
    await anext(events)
    await user.captures.DeleteCapture(pb.DeleteCaptureRequest(name=capture.name), metadata=user.metadata)
    failure = await failure_of(events)
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")


async def test_same_request_id_answers_with_the_same_capture(mesh: Mesh, user: User, photo: bytes) -> None:
    key = request_id()
    made = await asyncio.gather(*(user.create(photo, request_id=key) for _ in range(4)))
    assert len({capture.name for capture in made}) == 1
    final = await user.finished(made[0].name)
    again = await user.create(photo, request_id=key)
    assert (again.name, again.state, again.request_id) == (final.name, State.STATE_SUCCEEDED, key)
    keys = await mesh.rows("select object_key from captures where user_id = %s", user.subject)
    assert len(keys) == 1
    other = user.create(photo, request_id=key, cropping=capture_pb2.Cropping(already_cropped=True))
    assert (await failure_of(other)) == Failure(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_no_consent_is_no_taste_and_no_failure(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.profile.behaviour.error = no_consent()
    capture = await user.finished((await user.create(photo)).name)
    assert capture.state == State.STATE_SUCCEEDED
    assert not capture.degraded
    assert not capture.outfit.HasField("taste_change")


async def test_skip_taste_tells_the_profile_nothing(mesh: Mesh, user: User, photo: bytes) -> None:
    options = capture_pb2.OutfitOptions(skip_taste=True)
    capture = await user.finished((await user.create(photo, outfit_options=options)).name)
    assert capture.state == State.STATE_SUCCEEDED
    assert capture.name.rsplit("/", 1)[-1] not in mesh.peers.profile.calls


async def test_picture_without_garments_succeeds_empty(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.vision.garment_count = 0
    capture = await user.finished((await user.create(photo)).name)
    assert capture.state == State.STATE_SUCCEEDED
    assert not capture.outfit.garments
    assert capture.name.rsplit("/", 1)[-1] not in mesh.peers.profile.calls


async def test_list_pages_newest_first_and_filters(user: User) -> None:
    names = [(await user.create(drawn(120, 160, seed))).name for seed in range(5)]
    await asyncio.gather(*(user.finished(name) for name in names))

    async def page(**fields: object) -> pb.ListCapturesResponse:
        request = pb.ListCapturesRequest(parent=user.name, **fields)  # type: ignore[arg-type]
        return await user.captures.ListCaptures(request, metadata=user.metadata)

    first = await page(page_size=2)
    second = await page(page_size=2, page_token=first.next_page_token)
    third = await page(page_size=2, page_token=second.next_page_token)
    listed = [capture for answer in (first, second, third) for capture in answer.captures]
    assert [capture.name for capture in listed] == names[::-1]
    assert third.next_page_token == ""
    assert all(not garment.HasField("mask") for capture in listed for garment in capture.outfit.garments)
    assert all(not capture.outfit.matches for capture in listed)
    assert listed[0].outfit.garments[0].category == "shirt"
    assert not (await page(states=[State.STATE_FAILED])).captures
    assert len((await page(kinds=[capture_pb2.CAPTURE_KIND_OUTFIT], states=[State.STATE_SUCCEEDED])).captures) == 5
    assert [c.name for c in (await page(create_time_from=listed[1].create_time)).captures] == names[:2:-1]
    assert [c.name for c in (await page(create_time_before=listed[1].create_time)).captures] == names[2::-1]
    wrong = await failure_of(page(page_size=3, page_token=first.next_page_token, states=[State.STATE_FAILED]))
    assert (wrong.reason, wrong.fields) == ("INVALID_PAGE_TOKEN", ("page_token",))


async def test_cancel_while_it_waits_stops_it(mesh: Mesh, user: User, photo: bytes) -> None:
    await mesh.peers.vision.stop()
    capture = await user.create(photo)
    answer = await user.captures.CancelCapture(pb.CancelCaptureRequest(name=capture.name), metadata=user.metadata)
    assert answer.capture.state == State.STATE_CANCELLED
    again = await user.captures.CancelCapture(pb.CancelCaptureRequest(name=capture.name), metadata=user.metadata)
    assert again.capture.etag == answer.capture.etag
    await mesh.peers.vision.start()
    assert capture.name.rsplit("/", 1)[-1] not in mesh.peers.profile.calls


@pytest.mark.parametrize("stage", ["vision", "retrieval"])
async def test_cancel_in_the_middle_stops_before_the_taste(mesh: Mesh, user: User, photo: bytes, stage: str) -> None:
    getattr(mesh.peers, stage).behaviour.delay_s = 1
    capture = await user.create(photo)

    async def in_work() -> bool:
        now = await user.get(capture.name)
        return bool(now.state == State.STATE_PROCESSING and (stage == "vision" or now.stage == "match"))

    await until(in_work)
    answer = await user.captures.CancelCapture(pb.CancelCaptureRequest(name=capture.name), metadata=user.metadata)
    await asyncio.sleep(1.2)
    now = await user.get(capture.name)
    assert (now.state, now.etag) == (State.STATE_CANCELLED, answer.capture.etag)
    assert capture.name.rsplit("/", 1)[-1] not in mesh.peers.profile.counted


async def test_cancel_and_the_end_never_disagree_about_the_taste(mesh: Mesh, user: User, photo: bytes) -> None:
    """Cancelling while the taste is being told waits for it, and then finds the capture finished."""
    mesh.peers.profile.behaviour.delay_s = 0.8
    capture = await user.create(photo)
    event_id = capture.name.rsplit("/", 1)[-1]

    async def being_told() -> bool:
        return event_id in mesh.peers.profile.calls

    await until(being_told)
    cancel = user.captures.CancelCapture(pb.CancelCaptureRequest(name=capture.name), metadata=user.metadata)
    assert (await failure_of(cancel)).reason == "STATE_CONFLICT"
    assert (await user.get(capture.name)).state == State.STATE_SUCCEEDED
    assert event_id in mesh.peers.profile.counted


async def test_etag_of_another_version_is_aborted(mesh: Mesh, user: User, photo: bytes) -> None:
    mesh.peers.vision.behaviour.delay_s = 1
    capture = await user.create(photo)
    for call in (
        user.captures.CancelCapture(pb.CancelCaptureRequest(name=capture.name, etag="old"), metadata=user.metadata),
        user.captures.DeleteCapture(pb.DeleteCaptureRequest(name=capture.name, etag="old"), metadata=user.metadata),
    ):
        assert (await failure_of(call)) == Failure(grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_delete_removes_row_job_picture_and_taste(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await user.finished((await user.create(photo)).name)
    event_id = capture.name.rsplit("/", 1)[-1]
    assert event_id in mesh.peers.profile.counted
    request = pb.DeleteCaptureRequest(name=capture.name, etag=capture.etag)
    answer = await user.captures.DeleteCapture(request, metadata=user.metadata)
    assert (answer.taste_undone, answer.deleted_object_count) == (True, 1)
    assert event_id not in mesh.peers.profile.counted
    assert not await mesh.rows("select 1 from captures where id = %s", uuid.UUID(event_id))
    assert not [path for path in mesh.pictures() if event_id in path.name]
    for call in (
        user.captures.DeleteCapture(request, metadata=user.metadata),
        user.captures.GetCapture(pb.GetCaptureRequest(name=capture.name), metadata=user.metadata),
        user.captures.GetCaptureImage(pb.GetCaptureImageRequest(name=capture.name), metadata=user.metadata),
    ):
        assert (await failure_of(call)) == Failure(grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")


async def test_delete_with_the_profile_away_can_be_finished_later(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await user.finished((await user.create(photo)).name)
    await mesh.peers.profile.stop()
    request = pb.DeleteCaptureRequest(name=capture.name, etag=capture.etag)
    failure = await failure_of(user.captures.DeleteCapture(request, metadata=user.metadata))
    assert (failure.code, failure.metadata["dependency"]) == (grpc.StatusCode.UNAVAILABLE, "profile")
    await mesh.peers.profile.start()
    answer = await user.captures.DeleteCapture(request, metadata=user.metadata)
    assert answer.taste_undone


async def test_nobody_reads_the_captures_of_another(mesh: Mesh, user: User, photo: bytes) -> None:
    capture = await user.create(photo)
    stranger = mesh.user("stranger")
    stub, metadata = stranger.captures, stranger.metadata
    calls = [
        stub.GetCapture(pb.GetCaptureRequest(name=capture.name), metadata=metadata),
        stub.GetCaptureImage(pb.GetCaptureImageRequest(name=capture.name), metadata=metadata),
        stub.CancelCapture(pb.CancelCaptureRequest(name=capture.name), metadata=metadata),
        stub.DeleteCapture(pb.DeleteCaptureRequest(name=capture.name), metadata=metadata),
        stub.ListCaptures(pb.ListCapturesRequest(parent=user.name), metadata=metadata),
        stub.WatchCapture(pb.WatchCaptureRequest(name=capture.name), metadata=metadata),
    ]
    for call in calls:
        assert (await failure_of(call)).reason == "NOT_OWNER"
    renamed = capture.name.replace(user.name, stranger.name)
    call = stub.GetCapture(pb.GetCaptureRequest(name=renamed), metadata=metadata)
    assert (await failure_of(call)).reason == "RESOURCE_NOT_FOUND"
