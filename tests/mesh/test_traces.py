"""One request, one trace and one request id, over all hops and whatever way it came in."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from tests.mesh import pictures
from tests.mesh.collector import Collector, Span
from tests.mesh.contract import RPCS
from tests.mesh.names import more_of
from tests.mesh.talks import talk
from tests.mesh.test_streams import frame
from tests.mesh.ways import GrpcWay, JsonWay

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
CREATE = "vitrine.ingest.v1.CaptureService/CreateCapture"
STREAM = "vitrine.ingest.v1.StreamService/StreamFrames"
ANALYZE = "vitrine.vision.v1.GarmentService/AnalyzeImage"
MATCH = "vitrine.retrieval.v1.SearchService/MatchGarments"
RECORD = "vitrine.profile.v1.ProfileService/RecordSighting"
STREAMS = ["grpc", "ws-proto", "ws-json"]
# Who serves what when something is processed; the edge is before and calls stand between.
HOPS = {("vision", ANALYZE), ("retrieval", MATCH), ("profile", RECORD)}


def new_trace() -> tuple[str, str]:
    """A trace id, and the W3C header of a caller who began the trace."""
    trace_id = secrets.token_hex(16)
    return trace_id, f"00-{trace_id}-{secrets.token_hex(8)}-01"


def served(spans: Iterable[Span]) -> set[tuple[str, str]]:
    return {(span.service, span.name) for span in spans}


def request_ids(spans: Iterable[Span]) -> set[str]:
    return {span.attributes["vitrine.request_id"] for span in spans if "vitrine.request_id" in span.attributes}


def whole(spans: list[Span], root: str, wanted: set[tuple[str, str]]) -> bool:
    """All that was wanted is there, the edge too, and every span hangs on another one up to the caller's own."""
    known = {span.span_id for span in spans} | {root}
    return wanted <= served(spans) and "edge" in services(spans) and all(span.parent_id in known for span in spans)


@pytest.fixture(scope="module")
async def traces(mesh: EmbeddedMesh, grpc_way: GrpcWay, json_way: JsonWay) -> dict[str, tuple[str, str]]:
    """Trace id and the caller's span of one request on each way; all made at once, for spans come only every 5 s."""
    made = {kind: new_trace() for kind in ("capture", "search", *STREAMS)}
    await _capture(mesh, json_way, grpc_way, made["capture"][1])
    await grpc_way.call(
        "SearchService/SearchProducts", {"text": "secret words"}, mesh.keys.token("private-person"),
        {"traceparent": made["search"][1]},
    )  # fmt: skip
    for kind in STREAMS:
        await _stream(mesh, kind, made[kind][1])
    return {kind: (trace_id, header.split("-")[2]) for kind, (trace_id, header) in made.items()}


async def _capture(mesh: EmbeddedMesh, json_way: JsonWay, grpc_way: GrpcWay, header: str) -> None:
    token = mesh.keys.token("tracer")
    create = {"parent": "users/tracer", **more_of(RPCS["CaptureService/CreateCapture"])}
    headers = {"traceparent": header, "x-request-id": "traced-capture"}
    made = await json_way.call("CaptureService/CreateCapture", create, token, headers)
    await grpc_way.call("CaptureService/WatchCapture", {"name": made.only["capture"]["name"]}, token)


async def _stream(mesh: EmbeddedMesh, kind: str, header: str) -> None:
    metadata = {"traceparent": header, "x-request-id": f"traced-{kind}"}
    async with talk(kind, mesh.edge_target, mesh.keys.token(f"tracer-{kind}"), metadata) as stream:
        await stream.send(config={"parent": f"users/tracer-{kind}"})
        await stream.send(frame=frame(1, pictures.photo(), 1e9))
        await stream.until(lambda event: event.WhichOneof("event") == "result")
        await stream.send(command={"stop": {}})
        await stream.end()


async def test_capture_is_one_trace_through_the_worker(
    traces: dict[str, tuple[str, str]], collector: Collector
) -> None:
    trace_id, root = traces["capture"]
    spans = await collector.until(trace_id, lambda found: whole(found, root, {*HOPS, ("ingest", CREATE)}))
    assert services(spans) == {"edge", "ingest", "ingest-worker", "vision", "retrieval", "profile"}
    assert request_ids(spans) == {"traced-capture"}


@pytest.mark.parametrize("kind", STREAMS)
async def test_stream_is_one_trace(traces: dict[str, tuple[str, str]], collector: Collector, kind: str) -> None:
    trace_id, root = traces[kind]
    spans = await collector.until(trace_id, lambda found: whole(found, root, {*HOPS, ("ingest", STREAM)}))
    assert services(spans) == {"edge", "ingest", "vision", "retrieval", "profile"}
    assert request_ids(spans) == {f"traced-{kind}"}


async def test_spans_hold_nothing_of_the_messages(traces: dict[str, tuple[str, str]], collector: Collector) -> None:
    spans = await collector.until(traces["search"][0], lambda found: services(found) == {"edge", "retrieval", "vision"})
    assert "secret" not in str(spans)
    assert "private-person" not in str(spans)
    assert "bearer" not in str(spans).lower()


def services(spans: Iterable[Span]) -> set[str]:
    return {span.service for span in spans}
