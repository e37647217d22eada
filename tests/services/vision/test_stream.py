from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from vitrine.type.v1 import geometry_pb2, image_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb

from mesh.keys import SigningKey
from mesh.server import serving
from tests.services.vision.conftest import Caller
from tests.services.vision.failures import Failure, failure_of
from vision_svc.__main__ import build
from vision_svc.settings import VisionSettings

pytestmark = pytest.mark.service

CONFIG = pb.StreamAnalyzeRequest(config=pb.StreamAnalyzeConfig(parts=[pb.ANALYSIS_PART_ATTRIBUTES], max_in_flight=2))

BYTES = image_pb2.Image(data=b"x")


def picture(
    sequence: int, image: image_pb2.Image, face_boxes: Iterable[geometry_pb2.NormalizedBox] = ()
) -> pb.StreamAnalyzeRequest:
    return pb.StreamAnalyzeRequest(
        image=pb.StreamAnalyzeImage(sequence=sequence, image=image, face_boxes=list(face_boxes))
    )


def box(*values: float) -> geometry_pb2.NormalizedBox:
    return geometry_pb2.NormalizedBox(x_min=values[0], y_min=values[1], x_max=values[2], y_max=values[3])


async def answers(caller: Caller, requests: Iterable[pb.StreamAnalyzeRequest]) -> list[pb.StreamAnalyzeResponse]:
    return [one async for one in caller.garments.StreamAnalyze(iter(requests), metadata=caller.metadata)]


async def test_an_empty_stream_ends_well(service: Caller) -> None:
    assert await answers(service, []) == []
    assert await answers(service, [CONFIG]) == []


async def test_every_picture_gets_one_answer(
    service: Caller, astronaut: image_pb2.Image, nobody: image_pb2.Image
) -> None:
    requests = [CONFIG, *(picture(number, (astronaut, nobody)[number % 2]) for number in range(6))]
    got = await answers(service, requests)
    assert sorted(answer.sequence for answer in got) == list(range(6))
    for answer in got:
        assert answer.analysis.person_count == (1 if answer.sequence % 2 == 0 else 0)
        assert all(not garment.HasField("mask") for garment in answer.analysis.garments)


async def test_the_place_of_a_hidden_face_leads_to_the_person(
    service: Caller, faceless: tuple[image_pb2.Image, geometry_pb2.NormalizedBox]
) -> None:
    image, face = faceless
    got = await answers(service, [CONFIG, picture(1, image), picture(2, image, [face]), picture(3, image)])
    persons = {answer.sequence: answer.analysis.person_count for answer in got}
    assert persons == {1: 0, 2: 1, 3: 0}  # a box is about its own picture


async def test_a_bad_picture_is_answered_and_the_stream_goes_on(service: Caller, astronaut: image_pb2.Image) -> None:
    got = await answers(service, [CONFIG, picture(1, image_pb2.Image(data=b"x" * 99)), picture(2, astronaut)])
    by_number = {answer.sequence: answer for answer in got}
    info = error_details_pb2.ErrorInfo()
    assert by_number[1].error.details[0].Unpack(info)
    assert info.reason == "IMAGE_FORMAT_UNSUPPORTED"
    assert by_number[2].analysis.person_count == 1


async def test_a_new_config_holds_from_there_on(service: Caller, astronaut: image_pb2.Image) -> None:
    plain = pb.StreamAnalyzeRequest(config=pb.StreamAnalyzeConfig(parts=[pb.ANALYSIS_PART_MASKS], max_in_flight=1))
    got = {
        one.sequence: one
        for one in await answers(service, [CONFIG, picture(1, astronaut), plain, picture(2, astronaut)])
    }
    assert got[1].analysis.garments[0].HasField("attributes")
    assert not got[2].analysis.garments[0].HasField("attributes")
    assert got[2].analysis.garments[0].HasField("mask")


@pytest.mark.parametrize(
    ("requests", "reason", "field"),
    [
        pytest.param([picture(1, BYTES)], "PROTOCOL_VIOLATION", "image", id="picture before config"),
        pytest.param([pb.StreamAnalyzeRequest()], "INVALID_FIELD", "message", id="empty message"),
        pytest.param([CONFIG, picture(-1, BYTES)], "INVALID_FIELD", "image.sequence", id="negative number"),
        pytest.param(
            [CONFIG, picture(1, BYTES, [box(0.5, 0, 0.4, 1)])],
            "INVALID_FIELD", "image.face_boxes[0]", id="face inside out",
        ),
        pytest.param(
            [CONFIG, picture(1, BYTES, [box(0, 0, 1, 1)] * 65)], "INVALID_FIELD", "image.face_boxes", id="65 faces",
        ),
        pytest.param(
            [pb.StreamAnalyzeRequest(config=pb.StreamAnalyzeConfig(max_in_flight=17))],
            "INVALID_FIELD", "config.max_in_flight", id="too many at once",
        ),
    ],
)  # fmt: skip
async def test_a_broken_protocol_ends_the_stream(
    service: Caller, requests: list[pb.StreamAnalyzeRequest], reason: str, field: str
) -> None:
    failure = await failure_of(service.garments.StreamAnalyze(iter(requests), metadata=service.metadata))
    assert failure == Failure(grpc.StatusCode.INVALID_ARGUMENT, reason, failure.metadata, (field,))


async def test_users_may_not_stream(user: Caller) -> None:
    failure = await failure_of(user.garments.StreamAnalyze(iter([CONFIG]), metadata=user.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")


async def test_a_caller_who_leaves_stops_the_work(service: Caller, astronaut: image_pb2.Image) -> None:
    call = service.garments.StreamAnalyze(metadata=service.metadata)
    await call.write(CONFIG)
    await call.write(picture(1, astronaut))
    call.cancel()
    assert (await answers(service, [CONFIG, picture(7, astronaut)]))[0].sequence == 7


async def test_a_draining_server_answers_what_it_read_and_says_goodbye(
    key: SigningKey, jwks: Path, models_dir: Path, astronaut: image_pb2.Image
) -> None:
    settings = VisionSettings(
        jwks=str(jwks), service_token_keys=key.key_id, models_dir=models_dir, grpc_port=0, metrics_port=0,
        shutdown_grace_s=5,
    )  # fmt: skip
    sent = asyncio.Event()

    async def requests() -> AsyncIterator[pb.StreamAnalyzeRequest]:
        yield CONFIG
        yield picture(1, astronaut)
        sent.set()
        await asyncio.sleep(30)

    async with serving(settings, build) as server:
        await server.ready.wait()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            caller = Caller(channel, key.sign("ingest", ("service",), ttl_s=60))
            call = caller.garments.StreamAnalyze(requests(), metadata=caller.metadata)
            await sent.wait()
            assert (await anext(aiter(call))).sequence == 1
            server.runtime.readiness.stop()
            failure = await failure_of(call)
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
