"""The live stream on every way that can carry one: the same frames give the same acks, results and totals."""

from __future__ import annotations

import time
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import frame_pb2

from tests.mesh import pictures
from tests.mesh.answers import Failure, rounded, without
from tests.mesh.carriers import SocketCarrier
from tests.mesh.contract import as_json
from tests.mesh.talks import KINDS, Talk, socket_to, talk
from tests.support.mesh import bearer

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
PING = "2031-01-02T03:04:05Z"
# What differs from stream to stream though the frames do not.
OF_ONE_STREAM = {
    "eventId", "stream", "captureTime", "processingTime", "observeTime", "recordTime", "createTime", "sequence",
    "processingTimeP50", "sessionDuration", "arrivalFps", "updateTime", "repeatOfEventId",
}  # fmt: skip


def frame(number: int, data: bytes, at_s: float) -> dict[str, Any]:
    taken = Timestamp()
    taken.FromNanoseconds(round(at_s * 1e9))
    return {"frameNumber": number, "captureTime": taken.ToJsonString(), "image": {"data": pictures.text_of(data)}}


async def result(stream: Talk, number: int) -> None:
    await stream.until(lambda event: event.result.frame_number == number)


async def said(stream: Talk, kind: str) -> Any:
    return getattr(await stream.until(lambda event: event.WhichOneof("event") == kind), kind)


@pytest.fixture(scope="module")
def transcripts() -> dict[str, Any]:
    """What was said on each way."""
    return {}


@pytest.mark.parametrize("kind", KINDS)
async def test_one_script_one_transcript(mesh: EmbeddedMesh, transcripts: dict[str, Any], kind: str) -> None:
    start = time.time()
    async with talk(kind, mesh.edge_target, mesh.keys.token(f"stream-{kind}")) as stream:
        config = {"parent": f"users/stream-{kind}", "keyframes": {"minIntervalS": 0.5}, "source": "test"}
        await stream.send(config=config)
        ready = await said(stream, "ready")
        await stream.send(frame=frame(1, pictures.photo(), start))
        await result(stream, 1)
        await stream.send(frame=frame(2, pictures.photo(), start + 0.2))
        await stream.send(frame=frame(4, pictures.photo(), start + 1.0))
        await stream.send(frame=frame(5, pictures.other_photo(), start + 2.0))
        await result(stream, 5)
        await stream.send(frame=frame(6, pictures.not_an_image(), start + 4.0))
        await stream.send(command={"ping": {"clientTime": PING}})
        await stream.send(command={"configure": {"keyframes": {"ssimThreshold": 0.3}}})
        await stream.send(command={"stats": {}})
        await stream.send(command={"stop": {}})
        assert await stream.end() is None
    assert ready.name.startswith(f"users/stream-{kind}/streams/")
    assert (await said(stream, "pong")).client_time.ToJsonString() == PING
    assert [event.sequence for event in stream.events] == list(range(1, len(stream.events) + 1))
    transcripts[kind] = _transcript(stream)
    assert transcripts[kind] == transcripts[next(iter(transcripts))]


def _transcript(stream: Talk) -> dict[str, Any]:
    acks = [event.ack for event in stream.events if event.WhichOneof("event") == "ack"]
    results = [event.result for event in stream.events if event.WhichOneof("event") == "result"]
    stats = [event.stats for event in stream.events if event.WhichOneof("event") == "stats"]
    outcomes = {number: [frame_pb2.FrameOutcome.Name(ack.outcome)[14:] for ack in acks if ack.frame_number == number]
                for number in (1, 2, 4, 5, 6)}  # fmt: skip
    assert outcomes == {
        1: ["PENDING", "PROCESSED"], 2: ["SKIPPED_INTERVAL"], 4: ["SKIPPED_SAME_SCENE"], 5: ["PENDING", "PROCESSED"],
        6: ["REJECTED"],
    }  # fmt: skip
    totals = stats[-1].totals
    assert stats[-1].final
    assert stats[-1].keyframes.ssim_threshold == 0.3
    assert (totals.received_count, totals.lost_count, totals.processed_count) == (5, 1, 2)
    assert [each.frame_number for each in results] == [1, 5]
    assert results[0].garments
    assert results[0].taste_change.after.sighting_count == 1
    assert all(found.matches for found in results[0].matches)
    return {
        "acks": rounded([as_json(ack) for ack in acks]),
        "results": [without(as_json(each), OF_ONE_STREAM) for each in results],
        "totals": as_json(totals),
    }


CONFIG = {"config": {"parent": "users/ada"}}
BROKEN: dict[str, tuple[list[dict[str, Any]], Failure]] = {
    "frame-before-config": (
        [{"frame": frame(1, b"x", 1.0)}], Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",)),
    ),
    "command-before-config": (
        [{"command": {"ping": {}}}], Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",)),
    ),
    "config-twice": ([CONFIG, CONFIG], Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",))),
    "nothing-in-it": ([{}], Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("message",))),
    "frame-number-zero": (
        [CONFIG, {"frame": {"image": {"data": "eA=="}}}],
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("frame.frame_number",)),
    ),
    "bad-threshold": (
        [{"config": {"parent": "users/ada", "keyframes": {"ssimThreshold": 7}}}],
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("config.keyframes.ssim_threshold",)),
    ),
    "intervals-crossed": (
        [CONFIG, {"command": {"configure": {"keyframes": {"minIntervalS": 5, "maxIntervalS": 1}}}}],
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("command.configure.keyframes",)),
    ),
    "unknown-mode": (
        [{"config": {"parent": "users/ada", "keyframes": {"mode": 99}}}],
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("config.keyframes.mode",)),
    ),
    "bad-event-id": (
        [CONFIG, {"command": {"acknowledge": {"eventId": "7"}}}],
        Failure("INVALID_ARGUMENT", "INVALID_FIELD", ("command.acknowledge.event_id",)),
    ),
    "foreign-parent": ([{"config": {"parent": "users/bob"}}], Failure("PERMISSION_DENIED", "NOT_OWNER")),
    "foreign-parent-later": (
        [CONFIG, {"config": {"parent": "users/bob"}}], Failure("PERMISSION_DENIED", "NOT_OWNER"),
    ),
    "unknown-resume-token": (
        [{"config": {"parent": "users/ada", "resumeToken": "nobody"}}], Failure("NOT_FOUND", "SESSION_NOT_FOUND"),
    ),
}  # fmt: skip
# In the JSON subprotocol these cannot be said: a first message without config opens a stream, frames number themselves.
CANNOT_SAY = {
    ("ws-json", "frame-before-config"), ("ws-json", "command-before-config"), ("ws-json", "nothing-in-it"),
    ("ws-json", "frame-number-zero"),
}  # fmt: skip
TABLE = [(kind, case) for case in BROKEN for kind in KINDS if (kind, case) not in CANNOT_SAY]


@pytest.mark.parametrize(("kind", "case"), TABLE, ids=[f"{case}-{kind}" for kind, case in TABLE])
async def test_what_breaks_a_stream(mesh: EmbeddedMesh, kind: str, case: str) -> None:
    messages, failure = BROKEN[case]
    async with talk(kind, mesh.edge_target, mesh.keys.token("ada")) as stream:
        for message in messages:
            await stream.send(**message)
        assert await stream.end() == failure
    assert not [event for event in stream.events if event.WhichOneof("event") not in ("ready", "stats")]


FIRST_MESSAGES = [(kind, case) for case, (messages, _) in BROKEN.items() for kind in ("grpc", "ws-proto", "ws-json")
                  if CONFIG not in messages and (kind, case) not in CANNOT_SAY]  # fmt: skip


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("kind", "case"), FIRST_MESSAGES, ids=[f"{case}-{kind}" for kind, case in FIRST_MESSAGES])
async def test_streams_that_never_began(mesh: EmbeddedMesh, kind: str, case: str) -> None:
    messages, failure = BROKEN[case]
    async with talk(kind, mesh.edge_target, mesh.keys.token("ada")) as stream:
        for message in messages:
            await stream.send(**message)
        assert await stream.end() == failure


RAW: dict[str, tuple[str, str | bytes, Failure]] = {
    "text-to-proto": ("ws-proto", "hello", Failure("INVALID_ARGUMENT", "INVALID_FIELD")),
    "garbage-to-proto": ("ws-proto", b"\xff\xff", Failure("INVALID_ARGUMENT", "INVALID_FIELD")),
    "not-json": ("ws-json", "hello", Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",))),
    "list": ("ws-json", "[1]", Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",))),
    "unknown-type": ("ws-json", '{"type": "x"}', Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",))),
    "unknown-field": (
        "ws-json", '{"type": "config", "colour": 1}', Failure("INVALID_ARGUMENT", "PROTOCOL_VIOLATION", ("message",)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "raw", "failure"), RAW.values(), ids=RAW)
async def test_what_is_no_message(mesh: EmbeddedMesh, kind: str, raw: str | bytes, failure: Failure) -> None:
    async with talk(kind, mesh.edge_target, mesh.keys.token("ada")) as stream:
        assert isinstance(stream.carrier, SocketCarrier)
        await stream.carrier.send_raw(raw)
        assert await stream.end() == failure


@pytest.mark.parametrize("kind", ["ws-proto", "ws-json"])
async def test_try_on_says_that_it_is_not_served_yet(mesh: EmbeddedMesh, kind: str) -> None:
    async with socket_to(mesh.edge_target, kind, bearer(mesh), "/v1/try-on") as socket:
        stream = Talk(SocketCarrier(socket))
        assert await stream.end() == Failure("UNIMPLEMENTED", "NOT_IMPLEMENTED_YET")
