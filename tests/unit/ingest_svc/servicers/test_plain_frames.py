"""Frames that are taken without the whole check keep every rule of the contract."""

from __future__ import annotations

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor
from vitrine.ingest.v1 import stream_service_pb2

from ingest_svc.servicers.plain_frames import plain_frame
from mesh.contract import rule_of
from mesh.errors import InvalidInputError
from mesh.validation import validate

pytestmark = pytest.mark.unit

Request = stream_service_pb2.StreamFramesRequest
_LARGE = 10 * 1024 * 1024


def request(number: int = 1, data: bytes | None = b"picture") -> Request:
    message = Request()
    message.frame.frame_number = number
    if data is not None:
        message.frame.image.data = data
    return message


def config() -> Request:
    message = Request()
    message.config.parent = "users/somebody"
    return message


def keeps_rules(message: Request) -> bool:
    try:
        validate(message)
    except InvalidInputError:
        return False
    return True


@pytest.mark.parametrize(
    ("message", "plain", "valid"),
    [
        (Request(), False, False),
        (request(), True, True),
        (request(data=b""), True, True),
        (request((1 << 53) - 1), True, True),
        (request(0), False, False),
        (request(1 << 53), False, False),
        (request(data=None), False, False),
        (request(data=bytes(_LARGE + 1)), False, False),
        (request(data=bytes(_LARGE)), False, True),
        (config(), False, True),
        (Request(command=stream_service_pb2.StreamCommand(stop=stream_service_pb2.StopCommand())), False, True),
    ],
    ids=[
        "empty", "frame", "no bytes", "highest number", "no number", "number too high", "no picture", "too large",
        "just not too large", "config", "command",
    ],
)  # fmt: skip
def test_a_plain_frame_keeps_every_rule(message: Request, plain: bool, valid: bool) -> None:
    assert plain_frame(message, message.ByteSize()) == plain
    assert keeps_rules(message) == valid


def test_the_contract_has_no_other_rules_for_frames() -> None:
    frame = Request.DESCRIPTOR.fields_by_name["frame"].message_type
    assert frame is not None
    assert sorted(_rules(frame)) == ["Frame.frame_number", "Frame.image", "Image.data"]


def test_a_frame_names_nobodys_resource() -> None:
    method = stream_service_pb2.DESCRIPTOR.services_by_name["StreamService"].methods_by_name["StreamFrames"]
    assert [owner.path.split(".")[0] for owner in rule_of(method).owner_fields] == ["config"]


def _rules(message: Descriptor) -> list[str]:
    found = [message.name] if message.GetOptions().HasExtension(validate_pb2.message) else []
    for field in message.fields:
        if field.GetOptions().HasExtension(validate_pb2.field):
            found.append(f"{message.name}.{field.name}")
        if field.message_type is not None:
            found += _rules(field.message_type)
    return found
