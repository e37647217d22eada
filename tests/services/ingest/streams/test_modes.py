"""Which rule chooses keyframes: told and changed over every transport, kept with the session."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import cv2
import grpc
import numpy as np
import pytest
from vitrine.ingest.v1 import frame_pb2

from ingest_svc.streams.keyframes import KeyframeMode
from tests.services.ingest.streams.client import Request, Response, now_s
from tests.services.ingest.streams.conftest import Connect, Ingest

pytestmark = pytest.mark.service

LUMA, COLOR = frame_pb2.KEYFRAME_MODE_LUMA, frame_pb2.KEYFRAME_MODE_COLOR


def _worn(color: tuple[int, int, int]) -> bytes:
    """Somebody in a plain top before a wall: JPEG."""
    image = np.full((480, 640, 3), 150, np.uint8)
    cv2.rectangle(image, (240, 160), (400, 400), color, -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


# Of one luma, to a level.
_RED, _BLUE = _worn((60, 60, 216)), _worn((210, 86, 76))


def test_modes_are_those_of_the_contract() -> None:
    names = {f"KEYFRAME_MODE_{mode.name}": int(mode) for mode in KeyframeMode}
    assert {"KEYFRAME_MODE_UNSPECIFIED": 0, **names} == dict(frame_pb2.KeyframeMode.items())


@pytest.mark.parametrize(("mode", "found"), [(COLOR, True), (LUMA, False)], ids=["color", "luma"])
async def test_only_colour_sees_a_change_of_equal_luma(connect: Connect, mode: int, found: bool) -> None:
    client, start = connect(), now_s()
    ready = await client.config(keyframes={"mode": mode})
    assert ready.keyframes.mode == mode
    for number, data in enumerate([_RED, _RED, _BLUE, _BLUE, _BLUE], 1):
        await client.frame(data, number, start + (0.0 if number == 1 else 1.0 + 0.1 * number))
    acks = [await client.ack(number) for number in range(1, 6)]
    changed = [ack.keyframe_reason == frame_pb2.KEYFRAME_REASON_SCENE_CHANGE for ack in acks]
    assert any(changed) is found
    assert acks[1].HasField("changed_area") is (mode == COLOR)
    assert acks[1].HasField("pixel_diff") is (mode == LUMA)


async def test_the_default_is_colour_and_is_changed_while_it_runs(connect: Connect) -> None:
    client = connect()
    ready = await client.config()
    assert ready.keyframes.mode == COLOR
    assert ready.keyframes.changed_area_threshold == pytest.approx(0.0008)
    await client.command("configure", keyframes={"mode": LUMA, "color_diff_threshold": 0.1})
    stats = (await client.event("stats")).stats
    assert (stats.keyframes.mode, stats.keyframes.color_diff_threshold) == (LUMA, 0.1)
    await client.command("configure", keyframes={"ssim_threshold": 0.5})
    assert (await client.event("stats")).stats.keyframes.mode == LUMA


async def test_the_mode_is_kept_with_the_session(connect: Connect) -> None:
    first = connect()
    ready = await first.config(keyframes={"mode": LUMA, "changed_area_threshold": 0.01})
    await first.drop()
    again = await connect(replica=1).config(resume_token=ready.resume_token)
    assert (again.keyframes.mode, again.keyframes.changed_area_threshold) == (LUMA, 0.01)


async def test_a_session_kept_before_there_were_modes_goes_on_by_luma(connect: Connect, ingest: Ingest) -> None:
    first = connect()
    ready = await first.config(keyframes={"ssim_threshold": 0.4})
    await first.drop()
    await asyncio.sleep(1.0)  # its books are put in order: that keeps the mode as well
    old = {"ssim_threshold": 0.4, "pixel_diff_threshold": 0.06, "min_interval_s": 1.0, "max_interval_s": 10.0}
    stream = ready.name.rpartition("/")[2]
    statement = "UPDATE ingest.streams SET keyframes = %s::jsonb WHERE id = %s::uuid RETURNING id"
    assert len(ingest.rows(statement, json.dumps(old), stream)) == 1
    again = await connect(replica=1).config(resume_token=ready.resume_token)
    assert (again.keyframes.mode, again.keyframes.ssim_threshold) == (LUMA, 0.4)


@pytest.mark.parametrize("protocol", ["vitrine.v1.json", "vitrine.v1.proto"])
async def test_the_mode_is_told_and_changed_over_websocket(ingest: Ingest, user: str, protocol: str) -> None:
    url = f"http://127.0.0.1:{ingest.replicas[0].http_port}/v1/stream"
    headers = {"authorization": f"Bearer {ingest.token(user)}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=(protocol,), headers=headers) as socket,
    ):
        if protocol.endswith("json"):
            await socket.send_json({"type": "config", "keyframes": {"mode": "KEYFRAME_MODE_LUMA"}})
            ready = json.loads((await socket.receive(15)).data)["ready"]
            assert ready["keyframes"]["mode"] == "KEYFRAME_MODE_LUMA"
            await socket.send_json({"type": "configure", "mode": "KEYFRAME_MODE_COLOR", "changed_area_threshold": 0.25})
            stats = json.loads((await socket.receive(15)).data)["stats"]
            assert stats["keyframes"]["mode"] == "KEYFRAME_MODE_COLOR"
            assert stats["keyframes"]["changedAreaThreshold"] == 0.25
            return
        config = {"parent": f"users/{user}", "keyframes": {"mode": LUMA}}
        await socket.send_bytes(Request(config=config).SerializeToString())
        message = Response.FromString((await socket.receive(15)).data)
        assert message.ready.keyframes.mode == LUMA
        changes = {"configure": {"keyframes": {"mode": COLOR, "changed_area_threshold": 0.25}}}
        await socket.send_bytes(Request(command=changes).SerializeToString())
        stats_message = Response.FromString((await socket.receive(15)).data).stats
        assert (stats_message.keyframes.mode, stats_message.keyframes.changed_area_threshold) == (COLOR, 0.25)


async def test_json_acknowledgements_say_how_much_is_new(ingest: Ingest, user: str) -> None:
    url = f"http://127.0.0.1:{ingest.replicas[0].http_port}/v1/stream"
    headers = {"authorization": f"Bearer {ingest.token(user)}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("vitrine.v1.json",), headers=headers) as socket,
    ):
        await socket.send_json({"type": "config", "keyframes": {"minIntervalS": 0}})
        for _ in range(2):
            await socket.send_bytes(_RED)
        acks: list[dict[str, object]] = []
        while len(acks) < 2 or acks[-1]["frameNumber"] != "2":
            event = json.loads((await socket.receive(15)).data)
            acks += [event["ack"]] if event["type"] == "ack" else []
        assert acks[-1]["changedArea"] == 0.0


@pytest.mark.parametrize("field", ["color_diff_threshold", "changed_area_threshold"])
async def test_a_threshold_out_of_range_is_refused_by_name(connect: Connect, field: str) -> None:
    client = connect()
    await client.config()
    await client.command("configure", keyframes={field: 1.5})
    assert await client.status() is grpc.StatusCode.INVALID_ARGUMENT
    details = dict(await client.call.trailing_metadata())["grpc-status-details-bin"]
    assert f"keyframes.{field}".encode() in details
