"""How failures are told: in plain words where no connection came about, else in the mesh's own."""

from __future__ import annotations

import json

import grpc
import pytest
from vitrine.cli.output import show_failure
from vitrine.sdk import RpcFailure

pytestmark = pytest.mark.unit


CONNECTIONS = {
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:80: Connection refused": "nothing answers",
    "errors resolving shop:80: [field:hostname lookup error: Domain name not found]": "no host called shop",
    "errors resolving shop:80: [field:hostname lookup error:timeout]": "address of shop cannot be found",
    "failed to connect to all addresses; last error: UNKNOWN: Tls handshake failed (TSI_PROTOCOL_FAILURE)": "--tls",
    "failed to connect to all addresses; last error: UNKNOWN: No route to host": "no connection to shop:80",
}


@pytest.mark.parametrize("said", CONNECTIONS)
def test_failures_to_connect_are_told_in_plain_words(capsys: pytest.CaptureFixture[str], said: str) -> None:
    failure = RpcFailure(grpc.StatusCode.UNAVAILABLE, said, "", {}, {}, None, "")
    show_failure(failure, json_output=False, target="shop:80")
    assert CONNECTIONS[said] in capsys.readouterr().err


def test_what_the_mesh_itself_said_is_not_put_in_other_words(capsys: pytest.CaptureFixture[str]) -> None:
    said = "vision: failed to connect [to it]"
    failure = RpcFailure(grpc.StatusCode.UNAVAILABLE, said, "DEPENDENCY_UNAVAILABLE", {}, {}, None, "")
    show_failure(failure, json_output=False, target="shop:80")
    assert said in capsys.readouterr().err


def test_failure_is_shown_with_reason_field_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    failure = RpcFailure(
        grpc.StatusCode.INVALID_ARGUMENT,
        "wrong",
        "IMAGE_FORMAT_UNSUPPORTED",
        {"image.data": "not a picture"},
        {},
        1.0,
        "r1",
    )
    show_failure(failure, json_output=True)
    shown = json.loads(capsys.readouterr().out)["error"]
    assert shown["fields"] == {"image.data": "not a picture"}
    show_failure(failure, json_output=False)
    text = capsys.readouterr().err
    assert all(words in text for words in ("IMAGE_FORMAT_UNSUPPORTED", "image.data", "JPEG, PNG or WebP", "r1"))
