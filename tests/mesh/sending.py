"""Sends photographs and streams with a face, and calls that fail, all of which a mesh must keep to itself."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import cv2
import grpc.aio
import httpx
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2, frame_pb2, stream_service_pb2
from vitrine.profile.v1 import profile_pb2, profile_service_pb2
from vitrine.sdk import RpcFailure, Vitrine
from vitrine.type.v1 import image_pb2

from tests.support.portraits import astronaut, encoded, frame

_PERSON = (0.9, 250, 380)
# What is sent as a capture: the reticle in the middle of a full frame, or a picture that the phone has cropped.
FULL_FRAMES = {
    "in_the_middle": encoded(frame(_PERSON, markers=(1, 2, 3, 4))),
    "moved": encoded(frame((0.7, 230, 250), markers=(1, 2, 3, 4)), ".png"),
    "small": encoded(frame((0.5, 400, 600), markers=(1, 2, 3, 4)), ".webp"),
    "two_people": encoded(frame((0.7, 215, 250), (0.7, 400, 620), markers=(1, 2, 3, 4))),
}
CROPPED = {"close": encoded(astronaut()), "mirrored": encoded(cv2.flip(astronaut(), 1))}
FRAMES = [encoded(frame((0.9, 50 + 140 * number, 380), markers=(11, 12, 13, 14))) for number in range(4)]
_INTERVAL_S = 0.2


@dataclass
class Sent:
    """What was sent, and what came back.

    Attributes:
        pictures: The files that were sent.
        secrets: Tokens.
        returned: Pictures that clients got back.
        ids: Ids of captures, of the stream, and of taste events.
    """

    pictures: list[bytes] = field(default_factory=lambda: [*FULL_FRAMES.values(), *CROPPED.values(), *FRAMES])
    secrets: list[str] = field(default_factory=list)
    returned: list[bytes] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


async def send_everything(mesh: EmbeddedMesh, user: str, display_name: str) -> Sent:
    """Sends all of it, and leaves the stream to be resumed, with results that nobody has acknowledged.

    Args:
        mesh: The mesh.
        user: Who sends.
        display_name: What they are called.
    """
    sent = Sent(secrets=[mesh.keys.token(user)])
    async with Vitrine(mesh.edge_target, user=user, token=sent.secrets[0]) as ada:
        profile = profile_pb2.Profile(name=f"{ada.user}/profile", display_name=display_name)
        await ada.profiles.UpdateProfile(profile_service_pb2.UpdateProfileRequest(profile=profile))
        await _capture_all(ada, sent)
        await _stream_all(ada, sent)
        await _go_wrong(mesh, ada, sent)
    return sent


async def _capture_all(ada: Vitrine, sent: Sent) -> None:
    whole = [await ada.capture(data) for data in FULL_FRAMES.values()]
    cropped = [await ada.capture(data, cropped=True) for data in CROPPED.values()]
    for queued in (*whole, *cropped):
        done = [capture async for capture in ada.follow(queued.name)][-1]
        assert done.state == capture_pb2.Capture.STATE_SUCCEEDED
        assert done.blurred_face_count >= 1
        image = await ada.captures.GetCaptureImage(capture_service_pb2.GetCaptureImageRequest(name=done.name))
        sent.returned.append(image.image_data)
        sent.ids.append(done.name.rpartition("/")[2])


async def _stream_all(ada: Vitrine, sent: Sent) -> None:
    """Streams every frame as a keyframe, and hangs up."""
    call = ada.streams.StreamFrames()
    config = stream_service_pb2.StreamConfig(
        parent=ada.user,
        keyframes=frame_pb2.KeyframeConfig(min_interval_s=_INTERVAL_S / 2, max_interval_s=_INTERVAL_S),
        results=stream_service_pb2.ResultOptions(include_blurred_image=True, include_masks=True),
    )
    await call.write(stream_service_pb2.StreamFramesRequest(config=config))
    ready = (await _read(call, "ready")).ready
    sent.secrets.append(ready.resume_token)
    sent.ids.append(ready.name.rpartition("/")[2])
    for number, data in enumerate(FRAMES, 1):
        one = frame_pb2.Frame(frame_number=number, image=image_pb2.Image(data=data))
        await call.write(stream_service_pb2.StreamFramesRequest(frame=one))
        result = (await _read(call, "result")).result
        assert result.face_count >= 1
        sent.returned.append(result.blurred_image.data)
        if result.HasField("taste_change"):
            sent.ids.append(result.event_id)
        await asyncio.sleep(_INTERVAL_S)
    call.cancel()


async def _read(call: grpc.aio.StreamStreamCall[Any, Any], kind: str) -> stream_service_pb2.StreamFramesResponse:
    while True:
        message = await call.read()
        assert isinstance(message, stream_service_pb2.StreamFramesResponse)
        if message.WhichOneof("event") == kind:
            return message


async def _go_wrong(mesh: EmbeddedMesh, ada: Vitrine, sent: Sent) -> None:
    """Calls that fail are logged most: with half a picture, with a token in the address, with a wrong one."""
    half = encoded(astronaut(), quality=97)
    sent.pictures.append(half)
    with contextlib.suppress(RpcFailure):
        await ada.capture(half[: len(half) * 4 // 5])
    forged = sent.secrets[0][:-6] + "AAAAAA"
    sent.secrets.append(forged)
    async with httpx.AsyncClient(base_url=mesh.edge_url, trust_env=False) as http:
        for token in (sent.secrets[0], forged):
            for query in ("access_token", "token"):
                await http.get("/v1/stream", params={query: token})
            header = {"authorization": f"Bearer {token}"}
            await http.post("/v1/captures", json={"parent": ada.user, "image": "nonsense"}, headers=header)
            await http.get(f"/v1/{ada.user}/radar", headers={"cookie": f"vitrine_token={token}"})
