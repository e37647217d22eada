"""A session outlives its connection and its replica: nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import grpc
import pytest
from vitrine.ingest.v1 import frame_pb2, privacy_service_pb2, privacy_service_pb2_grpc

from ingest_svc.storage.sessions import PostgresSessionStore
from mesh.errors import UnavailableError
from tests.services.ingest.streams.client import accounted, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.services.ingest.streams.neighbours import Neighbours
from tests.services.ingest.streams.test_books import until

pytestmark = pytest.mark.service

_SCENES = [jpeg(seed) for seed in range(30, 34)]


@pytest.mark.parametrize("replica", [0, 1], ids=["same-replica", "another-replica"])
async def test_unacknowledged_results_come_again_in_order(connect: Connect, near: Neighbours, replica: int) -> None:
    first = connect()
    ready = await first.config()
    start = now_s()
    for number, scene in enumerate(_SCENES[:3], 1):
        await first.frame(scene, number, start + number * 1.1)
        await first.end_of(number)
    results = [await first.result(number) for number in (1, 2, 3)]
    await first.command("acknowledge", event_id=results[0].event_id)
    await first.command("stats")
    assert (await first.event("stats")).stats.unacknowledged_result_count == 2
    await first.drop()

    second = connect(replica=replica)
    again = await second.config(resume_token=ready.resume_token)
    assert again.resumed
    assert (again.name, again.resume_token) == (ready.name, ready.resume_token)
    assert again.replayed_result_count == 2
    replayed = [await second.result(number) for number in (2, 3)]
    assert [event.WhichOneof("event") for event in second.events[:3]] == ["ready", "result", "result"]
    for before, after in zip(results[1:], replayed, strict=True):
        assert after.replayed
        assert after.event_id == before.event_id
        assert after.garments == before.garments
        assert after.taste_change == before.taste_change
    await second.frame(_SCENES[3], 5, start + 10)
    assert (await second.end_of(5)).outcome == frame_pb2.FRAME_OUTCOME_PROCESSED
    totals = (await second.stop()).totals
    assert accounted(totals) == totals.highest_frame_number == 5
    assert (totals.processed_count, totals.lost_count) == (4, 1)
    assert [near.sightings[result.event_id] for result in results] == [1, 1, 1]


async def test_settings_go_on_where_they_were(connect: Connect) -> None:
    first = connect()
    ready = await first.config(keyframes={"ssim_threshold": 0.4}, results={"skip_taste": True})
    await first.drop()
    second = connect(replica=1)
    again = await second.config(resume_token=ready.resume_token, keyframes={"min_interval_s": 2.5})
    assert (again.keyframes.ssim_threshold, again.keyframes.min_interval_s) == (0.4, 2.5)
    await second.frame(_SCENES[0])
    assert not (await second.result(1)).HasField("taste_change")


async def test_a_result_made_after_the_client_went_is_there_when_it_comes_back(
    connect: Connect, near: Neighbours
) -> None:
    near.delay_s = 0.4
    first = connect()
    ready = await first.config()
    await first.frame(_SCENES[0])
    await first.ack(1)
    await first.drop()
    second = connect()
    await second.config(resume_token=ready.resume_token)
    result = await second.result(1)
    assert (result.replayed, near.sightings[result.event_id]) == (True, 1)
    totals = (await second.stop()).totals
    assert totals.processed_count == totals.highest_frame_number == 1


async def test_a_slow_keyframe_of_the_older_connection_holds_nobody_up(connect: Connect, near: Neighbours) -> None:
    """It counts as lost until its result comes, which then is sent and put right in the books."""
    near.delay_s, seen = 4.0, len(near.pictures)
    first = connect()
    ready = await first.config()
    await first.frame(_SCENES[0])
    await first.ack(1)
    await until(lambda: len(near.pictures) > seen)
    await first.drop()
    near.delay_s = 0.0
    second = connect()
    again = await second.config(resume_token=ready.resume_token)
    assert (again.replayed_result_count, again.totals.lost_count, again.totals.pending_count) == (0, 1, 0)
    told = await second.event("ack")
    assert (told.ack.frame_number, told.ack.outcome) == (1, frame_pb2.FRAME_OUTCOME_LOST)
    await second.frame(_SCENES[1], 2)
    assert (await second.end_of(2)).outcome == frame_pb2.FRAME_OUTCOME_PROCESSED
    late = await second.result(1)
    assert near.sightings[late.event_id] == 1
    totals = (await second.stop()).totals
    assert (totals.processed_count, totals.lost_count, totals.highest_frame_number) == (2, 0, 2)


async def test_what_a_client_may_not_have_heard_is_told_again_until_it_must_have(connect: Connect) -> None:
    first = connect()
    ready = await first.config()
    start = now_s()
    await first.frame(_SCENES[0], 1, start)
    await first.command("acknowledge", event_id=(await first.result(1)).event_id)
    await first.end_of(1)
    await first.frame(_SCENES[0], 4, start + 0.1)
    await first.frame(b"no picture", 5, start + 2)
    await first.ack(5)
    await first.drop()

    second = connect(replica=1)
    await second.config(resume_token=ready.resume_token)
    await second.frame(_SCENES[1], 6, start + 4)
    await second.command("acknowledge", event_id=(await second.result(6)).event_id)
    await second.command("stats")
    await second.event("stats")
    words = [event.ack for event in second.events if event.WhichOneof("event") == "ack"]
    told = [(word.frame_number, frame_pb2.FrameOutcome.Name(word.outcome)[14:], word.rejected_reason) for word in words]
    assert told[:-2] == [
        (2, "LOST", ""), (3, "LOST", ""), (1, "PROCESSED", ""), (4, "SKIPPED_INTERVAL", ""),
        (5, "REJECTED", "IMAGE_FORMAT_UNSUPPORTED"),
    ]  # fmt: skip
    await second.drop()

    third = connect()
    await third.config(resume_token=ready.resume_token)
    await third.stop()
    words = [event.ack for event in third.events if event.WhichOneof("event") == "ack"]
    assert {word.frame_number for word in words} <= {2, 3, 6}, "what came before an acknowledged result was heard"


async def test_a_newer_connection_takes_the_session_from_the_older(connect: Connect) -> None:
    older = connect()
    ready = await older.config()
    newer = connect()
    again = await newer.config(resume_token=ready.resume_token)
    assert again.resumed
    assert await older.status() is grpc.StatusCode.FAILED_PRECONDITION
    assert older.events[-1].error.reason == "STATE_CONFLICT"
    await newer.frame(_SCENES[0])
    assert (await newer.end_of(1)).outcome == frame_pb2.FRAME_OUTCOME_PROCESSED


async def test_an_older_connection_elsewhere_learns_it_with_its_next_result(connect: Connect, near: Neighbours) -> None:
    older = connect()
    ready = await older.config()
    newer = connect(replica=1)
    await newer.config(resume_token=ready.resume_token)
    await older.frame(_SCENES[0])
    assert await older.status() is grpc.StatusCode.FAILED_PRECONDITION
    await newer.drop()
    third = connect(replica=1)
    await third.config(resume_token=ready.resume_token)
    result = await third.result(1)  # it was made from a frame that had been accepted, so it was kept
    assert near.sightings[result.event_id] == 1


@pytest.mark.parametrize("end", ["stop", "stranger"])
async def test_a_token_is_good_for_its_owner_until_the_end(connect: Connect, ingest: Ingest, end: str) -> None:
    client = connect()
    ready = await client.config()
    if end == "stop":
        await client.stop()
        thief = connect()
    else:
        await client.drop()
        thief = connect(token=ingest.token("mallory"))
        thief.user = "mallory"
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        await thief.config(resume_token=ready.resume_token)


async def test_a_half_closed_session_can_be_resumed(connect: Connect) -> None:
    client = connect()
    ready = await client.config()
    await client.frame(_SCENES[0])
    await client.call.done_writing()
    assert (await client.closing()).totals.processed_count == 1
    again = await connect().config(resume_token=ready.resume_token)
    assert again.totals.processed_count == 1


async def test_what_is_kept_holds_neither_token_nor_picture(connect: Connect, ingest: Ingest, user: str) -> None:
    client = connect()
    ready = await client.config(results={"include_blurred_image": True})
    await client.frame(_SCENES[0])
    assert (await client.result(1)).blurred_image.data
    await client.drop()
    (row,) = ingest.rows("select token_hash, totals from ingest.streams where user_id = %s", user)
    assert row[0] == hashlib.sha256(ready.resume_token.encode()).digest()
    (kept,) = ingest.rows("select payload from ingest.stream_results where user_id = %s", user)
    result = frame_pb2.StreamResult.FromString(kept[0])  # type: ignore[arg-type]
    assert not result.HasField("blurred_image")
    assert result.garments
    assert not result.garments[0].HasField("mask")
    assert b"\xff\xd8\xff" not in bytes(kept[0])  # type: ignore[call-overload]


async def test_the_database_may_go_and_come_back_under_a_stream(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect()
    ready = await client.config()
    start = now_s()

    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("away", "DEPENDENCY_UNAVAILABLE")

    with monkeypatch.context() as patch:
        patch.setattr(PostgresSessionStore, "save", away)
        await client.frame(_SCENES[0], 1, start)
        assert (await client.end_of(1)).outcome == frame_pb2.FRAME_OUTCOME_PROCESSED
    await client.frame(_SCENES[1], 2, start + 2)
    await client.end_of(2)
    await client.drop()
    again = await connect(replica=1).config(resume_token=ready.resume_token)
    assert again.replayed_result_count == 2


async def test_erasing_a_user_ends_their_streams(connect: Connect, ingest: Ingest, user: str) -> None:
    client = connect()
    await client.config()
    await client.frame(_SCENES[0])
    await client.end_of(1)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ingest.replicas[0].server.port}") as channel:
        stub: Any = privacy_service_pb2_grpc.PrivacyServiceStub(channel)
        token = (("authorization", f"Bearer {ingest.token(user)}"),)
        await stub.EraseUser(privacy_service_pb2.EraseUserRequest(name=f"users/{user}"), metadata=token)
    assert await asyncio.wait_for(client.status(), 5) is grpc.StatusCode.NOT_FOUND
    assert not ingest.rows("select id from ingest.streams where user_id = %s", user)
