"""StreamFrames: what becomes of frames, and what comes out of keyframes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from vitrine.ingest.v1 import frame_pb2
from vitrine.type.v1 import personal_context_pb2

from imaging.faces import FaceDetector
from tests.services.ingest.streams.client import Request, StreamClient, accounted, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg, portrait
from tests.services.ingest.streams.neighbours import Neighbours

pytestmark = pytest.mark.service

_FIRST, _SECOND = jpeg(1), jpeg(2)


async def test_a_keyframe_becomes_garments_products_and_taste(connect: Connect, near: Neighbours) -> None:
    client = connect()
    ready = await client.config()
    await client.frame(_FIRST)
    ack = await client.ack(1)
    assert (ack.outcome, ack.keyframe_reason) == (
        frame_pb2.FRAME_OUTCOME_PENDING, frame_pb2.KEYFRAME_REASON_FIRST,
    )  # fmt: skip
    result = await client.result(1)
    assert [garment.category for garment in result.garments] == ["shirt"]
    assert not result.garments[0].HasField("mask")
    assert not result.garments[0].HasField("embedding")
    assert [match.garment_id for match in result.matches] == ["g0"]
    assert result.taste_change.event_id == result.event_id
    assert result.taste_change.stream == ready.name
    assert not result.degraded
    assert near.sightings[result.event_id] == 1
    assert (await client.end_of(1)).outcome == frame_pb2.FRAME_OUTCOME_PROCESSED
    stats = await client.stop()
    assert stats.totals.processed_count == stats.totals.highest_frame_number == 1


async def test_every_frame_ends_in_one_outcome_and_the_totals_say_so(connect: Connect) -> None:
    client = connect()
    await client.config(keyframes={"max_interval_s": 3.0})
    start = now_s()
    sent = [
        (1, _FIRST, 0.0), (2, _SECOND, 0.4), (3, _FIRST, 1.2), (3, _FIRST, 1.2), (6, _SECOND, 2.0), (5, _FIRST, 1.9),
        (7, b"no picture", 3.5), (8, _SECOND[:9000], 3.6), (9, b"", 3.7), (10, _SECOND, 5.1),
    ]  # fmt: skip
    for number, data, at_s in sent:
        await client.frame(data, number, start + at_s)
    await client.call.done_writing()
    stats = await client.closing()
    first_acks = [event.ack for event in client.events if event.WhichOneof("event") == "ack"]
    judged = {ack.frame_number: ack for ack in reversed(first_acks)}
    name = frame_pb2.FrameOutcome.Name
    assert {number: name(judged[number].outcome).removeprefix("FRAME_OUTCOME_") for number in judged} == {
        1: "PENDING", 2: "SKIPPED_INTERVAL", 3: "SKIPPED_SAME_SCENE", 6: "PENDING", 5: "LATE", 7: "REJECTED",
        8: "REJECTED", 9: "REJECTED", 10: "PENDING",
    }  # fmt: skip
    assert judged[7].rejected_reason == "IMAGE_FORMAT_UNSUPPORTED"
    assert judged[8].rejected_reason == "IMAGE_CORRUPT"
    assert judged[9].rejected_reason == "IMAGE_EMPTY"
    assert judged[6].lost_before_count == 2
    assert judged[6].keyframe_reason == frame_pb2.KEYFRAME_REASON_SCENE_CHANGE
    assert judged[10].keyframe_reason == frame_pb2.KEYFRAME_REASON_INTERVAL
    totals = stats.totals
    assert accounted(totals) == totals.highest_frame_number == 10
    assert (totals.received_count, totals.lost_count, totals.duplicate_count, totals.late_count) == (10, 1, 1, 1)
    assert totals.processed_count + totals.superseded_count == 3
    assert [event.sequence for event in client.events] == list(range(1, len(client.events) + 1))


async def test_a_newer_keyframe_supersedes_one_that_waits(connect: Connect, near: Neighbours) -> None:
    near.delay_s = 0.6
    client = connect()
    await client.config(keyframes={"min_interval_s": 0.0, "max_interval_s": 5.0})
    await client.frame(_FIRST)
    await asyncio.sleep(0.3)  # it is in work
    for seed in (11, 12, 13):
        await client.frame(jpeg(seed))
    ends = [(await client.end_of(number)).outcome for number in (1, 2, 3, 4)]
    assert ends == [
        frame_pb2.FRAME_OUTCOME_PROCESSED, frame_pb2.FRAME_OUTCOME_SUPERSEDED, frame_pb2.FRAME_OUTCOME_SUPERSEDED,
        frame_pb2.FRAME_OUTCOME_PROCESSED,
    ]  # fmt: skip
    totals = (await client.stop()).totals
    assert (totals.processed_count, totals.superseded_count, totals.pending_count) == (2, 2, 0)


async def test_faces_are_blurred_before_a_frame_leaves(connect: Connect, near: Neighbours) -> None:
    client = connect()
    await client.config(results={"include_blurred_image": True, "include_masks": True, "skip_matches": True})
    await client.frame(portrait())
    result = await client.result(1)
    assert result.face_count >= 1
    assert result.garments[0].mask.png
    assert not result.matches
    assert near.pictures[-1] == result.blurred_image.data
    seen = cv2.imdecode(np.frombuffer(result.blurred_image.data, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    detector = FaceDetector.load(Path("models"))
    assert not detector.detect(seen.astype(np.uint8))


async def test_without_the_blur_nothing_leaves(
    connect: Connect, near: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the detector fails")

    monkeypatch.setattr(FaceDetector, "detect", broken)
    client = connect()
    await client.config()
    before = len(near.pictures)
    await client.frame(_FIRST)
    ack = await client.end_of(1)
    assert (ack.outcome, ack.rejected_reason) == (frame_pb2.FRAME_OUTCOME_REJECTED, "BLUR_FAILED")
    error = (await client.event("error")).error
    assert (error.reason, error.frame_number, error.fatal) == ("BLUR_FAILED", 1, False)
    assert len(near.pictures) == before
    assert (await client.stop()).totals.rejected_count == 1


@pytest.mark.parametrize(
    ("away", "parts"), [("retrieval", ["matches"]), ("profile", ["personal", "taste"])], ids=["retrieval", "profile"]
)
async def test_a_part_that_is_away_is_named_and_the_rest_comes(
    connect: Connect, near: Neighbours, away: str, parts: list[str]
) -> None:
    near.away.add(away)
    client = connect()
    await client.config()
    await client.frame(_FIRST)
    result = await client.result(1)
    assert result.degraded
    assert list(result.degraded_parts) == parts
    assert result.garments
    assert bool(result.matches) == ("matches" not in parts)


async def test_products_are_ranked_for_the_user_until_they_say_not_to(
    connect: Connect, near: Neighbours, user: str
) -> None:
    near.persons[user] = personal_context_pb2.PersonalContext(sizes={"top": "M"})
    client = connect()
    await client.config(keyframes={"min_interval_s": 0.0, "max_interval_s": 5.0})
    await client.frame(_FIRST)
    assert list((await client.result(1)).used_context) == ["sizes"]
    assert near.searches[-1].ranking.personal_context.sizes["top"] == "M"
    await client.command("configure", results={"skip_personal_ranking": True})
    await client.frame(_SECOND)
    result = await client.result(2)
    assert not result.used_context
    assert not result.degraded
    assert result.matches
    assert not near.searches[-1].HasField("ranking")


async def test_a_keyframe_waits_for_vision_to_come_back(connect: Connect, near: Neighbours) -> None:
    near.away.add("vision")
    client = connect()
    await client.config()
    await client.frame(_FIRST)
    await client.ack(1)
    await asyncio.sleep(0.5)
    near.away.clear()
    assert (await client.end_of(1)).outcome == frame_pb2.FRAME_OUTCOME_PROCESSED


async def test_commands_are_obeyed_while_it_runs(connect: Connect) -> None:
    client = connect()
    await client.config()
    await client.command("ping", client_time={"seconds": 12, "nanos": 34})
    pong = (await client.event("pong")).pong
    assert (pong.client_time.seconds, pong.client_time.nanos) == (12, 34)
    await client.command("configure", keyframes={"ssim_threshold": 0.5})
    stats = (await client.event("stats")).stats
    assert stats.keyframes.ssim_threshold == 0.5
    assert stats.keyframes.pixel_diff_threshold == 0.06
    assert not stats.final


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"frame": {"frame_number": 1, "image": {"data": b"x"}}}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"config": {"parent": "users/somebody-else"}}, grpc.StatusCode.PERMISSION_DENIED),
        ({"config": {"parent": "nobody"}}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"config": {"parent": "users/{user}", "keyframes": {"ssim_threshold": 2}}}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"config": {"parent": "users/{user}", "keyframes": {"max_interval_s": 1}}}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"config": {"parent": "users/{user}", "resume_token": "unknown"}}, grpc.StatusCode.NOT_FOUND),
        ({}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
    ids=["frame-first", "not-mine", "no-user", "threshold", "intervals", "token", "empty"],
)  # fmt: skip
async def test_a_wrong_beginning_is_refused(
    connect: Connect, user: str, request_: dict[str, dict[str, object]], code: grpc.StatusCode
) -> None:
    client = connect()
    if "config" in request_:
        request_ = {"config": {**request_["config"], "parent": str(request_["config"]["parent"]).format(user=user)}}
    await client.call.write(Request(**request_))
    assert await client.status() is code


async def test_a_second_config_breaks_the_protocol(connect: Connect, user: str) -> None:
    client = connect()
    await client.config()
    await client.call.write(Request(config={"parent": f"users/{user}"}))
    assert await client.status() is grpc.StatusCode.INVALID_ARGUMENT


async def test_without_a_token_there_is_no_stream(ingest: Ingest) -> None:
    client = StreamClient(ingest.replicas[0].server.port, None)
    with contextlib.suppress(grpc.aio.AioRpcError):  # the refusal may come before the first message is sent
        await client.call.write(Request(config={"parent": "users/ada"}))
    assert await client.status() is grpc.StatusCode.UNAUTHENTICATED
    await client.close()


async def test_nothing_of_a_frame_is_on_disk(connect: Connect, ingest: Ingest) -> None:
    client = connect()
    await client.config()
    await client.frame(portrait())
    await client.end_of(1)
    await client.stop()
    assert not [path for path in (ingest.folder / "objects").rglob("*") if path.is_file()]
