"""Logs: one formatter for all, with the ids of the call."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from mesh.call import Call, serving_call
from mesh.settings import ServiceSettings
from mesh.telemetry import Tracing, configure_logging, extract_context, inject_context

pytestmark = pytest.mark.unit

# The example of https://www.w3.org/TR/trace-context/.
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()


def configured(**fields: object) -> ServiceSettings:
    settings = ServiceSettings(service_name="probe", **fields)  # type: ignore[arg-type]
    configure_logging(settings)
    return settings


def test_line_is_json_with_the_ids_of_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    tracing = Tracing(configured())
    context = extract_context({"traceparent": TRACEPARENT})
    with serving_call(Call("a.B/C", "request-1")), tracing.tracer.start_as_current_span("x", context):
        structlog.get_logger("here").info("thing_done", count=3)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "thing_done", "count": 3, "level": "info", "logger": "here", "service": "probe",
        "request_id": "request-1", "rpc": "a.B/C", "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }  # fmt: skip


def test_lines_of_libraries_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configured()
    with serving_call(Call("a.B/C", "request-1")):
        logging.getLogger("some.library").warning("with %s", "arguments")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["logger"], line["request_id"]) == ("with arguments", "some.library", "request-1")


def test_level_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_level="warning")
    structlog.get_logger("x").info("quiet")
    logging.getLogger("y").info("quiet")
    assert capsys.readouterr().err == ""


def test_exceptions_are_part_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    configured()
    structlog.get_logger("x").error("bad", exc_info=ValueError("inner"))
    assert "ValueError: inner" in json.loads(capsys.readouterr().err)["exception"]


def test_console_format_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_format="console")
    structlog.get_logger("x").info("hello")
    assert "hello" in capsys.readouterr().err


def test_trace_goes_on_over_a_hop() -> None:
    tracing, headers = Tracing(ServiceSettings()), dict[str, str]()
    with tracing.tracer.start_as_current_span("x", extract_context({"traceparent": TRACEPARENT})):
        inject_context(headers)
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span_id != "b7ad6b7169203331"
