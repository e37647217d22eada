"""Faces, export and erasure."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import cv2
import grpc
import pytest
import skimage.data
import sqlalchemy as sa
from google.protobuf.json_format import MessageToDict
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1 import capture_service_pb2 as pb
from vitrine.ingest.v1 import privacy_service_pb2 as privacy

from imaging.decode import decode_bgr
from imaging.faces import FaceDetector
from ingest_svc.captures.notify import CaptureNotifier
from ingest_svc.privacy import records
from ingest_svc.storage.sessions import PostgresSessionStore
from ingest_svc.streams.events import KeptResult
from ingest_svc.streams.ports import StoredSession
from mesh.database import Database
from tests.services.ingest.captures.conftest import MODELS, Mesh, User, drawn, until
from tests.services.ingest.captures.failures import failure_of

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("a_worker")]


def astronaut(quality: int = 95) -> bytes:
    """A photograph with a face in it, from scikit-image."""
    bgr = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector.load(MODELS)


async def test_no_face_reaches_disk_database_or_another_service(mesh: Mesh, user: User, detector: FaceDetector) -> None:
    photo = astronaut()
    assert detector.detect(decode_bgr(photo))
    mesh.peers.vision.images.clear()
    whole = capture_pb2.Cropping(already_cropped=True)
    for cropping in (None, whole):
        capture = await user.finished((await user.create(photo, cropping=cropping)).name)
        assert capture.blurred_face_count >= 1
    kept = await mesh.rows("select object_key from captures where user_id = %s", user.subject)
    written = [(mesh.objects / key).read_bytes() for (key,) in kept] + mesh.peers.vision.images
    assert len(written) == 4
    for data in written:
        assert not detector.detect(decode_bgr(data))
    rows = await mesh.rows("select row_to_json(captures)::text from captures where user_id = %s", user.subject)
    assert all("ffd8ff" not in row[0] for row in rows)  # no JPEG in any column


async def erase(user: User) -> privacy.ErasureReceipt:
    request = privacy.EraseUserRequest(name=user.name)
    return (await user.privacy.EraseUser(request, metadata=user.metadata)).receipt


async def export(user: User, **fields: Any) -> list[privacy.ExportUserResponse]:
    request = privacy.ExportUserRequest(name=user.name, **fields)
    return [part async for part in user.privacy.ExportUser(request, metadata=user.metadata)]


async def test_export_hands_out_records_pictures_and_a_summary(user: User) -> None:
    capture = await user.finished((await user.create(drawn(500, 600))).name)
    parts = await export(user)
    assert [part.sequence for part in parts] == list(range(1, len(parts) + 1))
    records = [
        (part.record.service, part.record.kind, json.loads(part.record.json))
        for part in parts
        if part.HasField("record")
    ]
    own = next(content for service, kind, content in records if (service, kind) == ("ingest", "captures"))
    assert own["name"] == capture.name
    assert own["outfit"]["garments"][0]["category"] == "shirt"
    assert ("profile", "taste_event") in {(service, kind) for service, kind, _ in records}
    files = [part.file_part for part in parts if part.HasField("file_part")]
    image = await user.captures.GetCaptureImage(pb.GetCaptureImageRequest(name=capture.name), metadata=user.metadata)
    assert b"".join(piece.data for piece in files) == image.image_data
    assert [piece.last for piece in files].count(True) == 1
    counts = {(c.service, c.kind): c.item_count for c in parts[-1].summary.counts}
    assert counts["ingest", "captures"] == counts["ingest", "pictures"] == counts["profile", "taste_event"] == 1
    assert not [part for part in await export(user, skip_files=True) if part.HasField("file_part")]


async def test_export_reads_in_pages_and_a_slow_reader_holds_no_connection(
    mesh: Mesh, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_PAGE", 2)
    names = {(await user.create(drawn(200, 300, seed))).name for seed in range(5)}
    async with open_database(mesh) as database:
        session = StoredSession(str(uuid.uuid4()), user.subject, 1, datetime.now(UTC), datetime.now(UTC))
        results = [KeptResult(f"event-{number}", number, b"") for number in range(1, 6)]
        sessions = PostgresSessionStore(database, resume_window_s=60)
        await sessions.create(session, uuid.uuid4().bytes)
        await sessions.save(session, results, keep=10)
        pool = cast("sa.QueuePool", database.engine.pool)
        rows: list[tuple[str, Any]] = []
        async for kind, line in records.export_rows(database, user.subject):
            assert pool.checkedout() == 0
            rows.append((kind, json.loads(line)))
    assert {row["name"] for kind, row in rows if kind == "captures"} == names
    assert [row["frame_number"] for kind, row in rows if kind == "stream_results"] == [1, 2, 3, 4, 5]
    assert Counter(kind for kind, _ in rows) == {"captures": 5, "streams": 1, "stream_results": 5}


@contextlib.asynccontextmanager
async def open_database(mesh: Mesh) -> AsyncIterator[Database]:
    """A way of its own into ingest's database, one connection wide."""
    database = Database(mesh.settings.database_url, "ingest", "ingest_svc.migrations", pool_size=1)
    yield database
    await database.close()


async def test_erase_removes_everything_and_leaves_a_receipt(mesh: Mesh, user: User) -> None:
    made = [await user.finished((await user.create(drawn(200, 300, seed))).name) for seed in range(2)]
    ids = [capture.name.rsplit("/", 1)[-1] for capture in made]
    other = mesh.user("somebody-else")
    kept = await other.create(drawn(200, 300, 9))
    receipt = await erase(user)
    found = {(entry.service, entry.kind): entry for entry in receipt.erased}
    captures = found["ingest", "captures"]
    assert captures.item_count == 2
    assert captures.ids_sha256 == hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    assert found["ingest", "pictures"].item_count == 2
    assert found["profile", "taste_events"].item_count == 2
    assert found["ingest", "streams"].item_count == 0
    assert receipt.start_time.ToDatetime() <= captures.erase_time.ToDatetime() <= receipt.end_time.ToDatetime()
    for table in ("captures", "streams", "stream_results"):
        assert not await mesh.rows(f"select 1 from {table} where user_id = %s", user.subject)  # noqa: S608
    assert not [path for path in mesh.pictures() if path.stem in ids]
    assert not set(ids) & mesh.peers.profile.counted
    assert (await other.get(kept.name)).name == kept.name
    await erase(other)


async def test_receipt_is_kept_without_anything_of_the_user(mesh: Mesh, user: User) -> None:
    await user.create(drawn(200, 300))
    receipt = await erase(user)
    (row,) = await mesh.rows(
        "select row_to_json(r)::text, sha256 from erasure_receipts r where receipt_id = %s", receipt.receipt_id
    )
    assert user.subject not in row[0]
    assert row[1] == receipt.sha256
    assert canonical_hash(receipt) == receipt.sha256


def canonical_hash(receipt: privacy.ErasureReceipt) -> str:
    """The hash as the contract describes it, computed from the message alone."""
    message = MessageToDict(receipt, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    del message["sha256"]
    for holder in (message, *message["erased"]):
        for field in ("start_time", "end_time", "erase_time"):
            if field in holder:
                time, _, fraction = holder[field].rstrip("Z").partition(".")
                holder[field] = f"{time}.{fraction.ljust(6, '0')}Z"
    for entry in message["erased"]:
        entry["store"] = entry["store"].removeprefix("STORE_").lower()
        entry["item_count"] = int(entry["item_count"])
    text = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def test_erasing_nobody_succeeds_with_an_empty_receipt(user: User) -> None:
    receipt = await erase(user)
    assert receipt.erased
    assert all(entry.item_count == 0 and entry.ids_sha256 == "" for entry in receipt.erased)


async def test_erase_in_the_middle_of_a_capture_ends_it_without_a_taste_event(mesh: Mesh, user: User) -> None:
    mesh.peers.vision.behaviour.delay_s = 0.8
    capture = await user.create(drawn(200, 300))
    events = aiter(user.captures.WatchCapture(pb.WatchCaptureRequest(name=capture.name), metadata=user.metadata))
    while (await anext(events)).change.capture.state != capture_pb2.Capture.STATE_PROCESSING:
        pass
    await erase(user)
    failure = await failure_of(events)
    assert failure.reason == "RESOURCE_NOT_FOUND"
    assert capture.name.rsplit("/", 1)[-1] not in mesh.peers.profile.calls


async def test_erase_with_the_profile_away_is_unavailable_and_can_be_repeated(mesh: Mesh, user: User) -> None:
    await user.create(drawn(200, 300))
    await mesh.peers.profile.stop()
    request = privacy.EraseUserRequest(name=user.name)
    failure = await failure_of(user.privacy.EraseUser(request, metadata=user.metadata))
    assert failure.code == grpc.StatusCode.UNAVAILABLE
    await mesh.peers.profile.start()
    receipt = await erase(user)
    assert {(e.service, e.kind): e.item_count for e in receipt.erased}["ingest", "captures"] == 1


async def test_every_replica_hears_of_an_erasure(mesh: Mesh, user: User) -> None:
    heard: list[str] = []
    notifier = CaptureNotifier(mesh.settings.database_url.get_secret_value(), heard.append)
    listening = asyncio.create_task(notifier.listen())
    await notifier.listening.wait()
    await erase(user)
    await until(lambda: asyncio.sleep(0, bool(heard)))
    assert heard == [user.subject]
    listening.cancel()


async def test_nobody_erases_or_exports_another(mesh: Mesh, user: User) -> None:
    stranger = mesh.user("stranger")
    for call in (
        stranger.privacy.EraseUser(privacy.EraseUserRequest(name=user.name), metadata=stranger.metadata),
        stranger.privacy.ExportUser(privacy.ExportUserRequest(name=user.name), metadata=stranger.metadata),
    ):
        assert (await failure_of(call)).reason == "NOT_OWNER"
