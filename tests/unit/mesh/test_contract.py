"""What the mesh reads from the descriptors of the real contract."""

from __future__ import annotations

import pytest
from vitrine.ingest.v1 import capture_service_pb2 as capture
from vitrine.ingest.v1 import stream_service_pb2 as stream

from mesh.contract import Access, loaded_services, rules_of

pytestmark = pytest.mark.unit


def test_rules_of_a_real_service() -> None:
    rules = rules_of(["vitrine.ingest.v1.CaptureService"])
    get = rules["/vitrine.ingest.v1.CaptureService/GetCapture"]
    assert (get.access, get.idempotent, get.streaming) == (Access.USER, True, False)
    assert get.request_class is capture.GetCaptureRequest
    assert [field.path for field in get.owner_fields] == ["name"]
    (name,) = get.owner_fields
    assert list(name.values(capture.GetCaptureRequest(name="users/a/captures/b"))) == ["users/a/captures/b"]
    assert list(name.values(capture.GetCaptureRequest())) == []


def test_owner_within_a_oneof_of_a_stream_is_found() -> None:
    rule = rules_of(["vitrine.ingest.v1.StreamService"])["/vitrine.ingest.v1.StreamService/StreamFrames"]
    assert rule.streaming
    assert rule.request_class is stream.StreamFramesRequest
    assert rule.owner_fields
    frame = stream.StreamFramesRequest()
    assert [name for field in rule.owner_fields for name in field.values(frame)] == []


def test_unknown_service_is_an_error() -> None:
    with pytest.raises(KeyError):
        rules_of(["vitrine.none.v1.NoneService"])


def test_every_imported_service_is_known() -> None:
    names = {service.full_name for service in loaded_services()}
    assert {"vitrine.ingest.v1.CaptureService", "vitrine.ingest.v1.StreamService"} <= names
