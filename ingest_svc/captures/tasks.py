"""The jobs that a worker knows, and what runs around each: the trace and request id of the request that made it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping

import procrastinate
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from procrastinate import JobContext

from ingest_svc.captures.jobs import PROCESS, SUMMARY, TASTE, UNDO, Retry
from ingest_svc.captures.lifecycle import Captures
from ingest_svc.captures.process import CaptureProcessor
from ingest_svc.captures.summaries import Summaries
from ingest_svc.captures.taste import TasteDelivery
from mesh.call import REQUEST_ID_HEADER, Call, request_id_from, serving_call
from mesh.telemetry import extract_context


def register(
    app: procrastinate.App,
    tracer: trace.Tracer,
    processor: CaptureProcessor,
    taste: TasteDelivery,
    captures: Captures,
    summaries: Summaries,
) -> None:
    """Tells procrastinate what to do for each job.

    Args:
        app: The app of the worker.
        tracer: Makes a span for each job.
        processor: Processes captures.
        taste: Tells the profile what it was not told when it was away.
        captures: Takes sightings back.
        summaries: Sends summaries.
    """
    retry = Retry()

    @app.task(name=PROCESS, retry=retry)
    async def process_capture(capture_id: str, origin: dict[str, str] | None = None) -> None:
        with _around(tracer, PROCESS, origin):
            await processor.process(uuid.UUID(capture_id))

    @app.task(name=TASTE, retry=retry, pass_context=True)
    async def tell_taste(context: JobContext, capture_id: str, origin: dict[str, str] | None = None) -> None:
        with _around(tracer, TASTE, origin):
            await taste.deliver(uuid.UUID(capture_id), context.job.attempts + 1)

    @app.task(name=UNDO, retry=retry)
    async def undo_sighting(capture_id: str, origin: dict[str, str] | None = None) -> None:
        with _around(tracer, UNDO, origin):
            await captures.take_back(uuid.UUID(capture_id))

    @app.task(name=SUMMARY, retry=retry, pass_context=True)
    async def send_summary(
        context: JobContext, capture_id: str, target: str, origin: dict[str, str] | None = None
    ) -> None:
        with _around(tracer, SUMMARY, origin):
            await summaries.send(uuid.UUID(capture_id), target, context.job.attempts + 1)


@contextlib.contextmanager
def _around(tracer: trace.Tracer, task: str, origin: Mapping[str, str] | None) -> Iterator[None]:
    headers = origin or {}
    token = otel_context.attach(extract_context(headers))
    try:
        with (
            tracer.start_as_current_span(task, kind=SpanKind.CONSUMER),
            serving_call(Call(task, request_id_from(headers.get(REQUEST_ID_HEADER)))),
        ):
            yield
    finally:
        otel_context.detach(token)
