"""Logs with request and trace ids, and traces that follow a request over all hops.

Bodies of messages are never logged and never put on a span: they hold pictures and words of people.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mesh.call import current_call
from mesh.settings import ServiceSettings

# A collector that is gone must not hold up the end of the process; traces are worth that much and no more.
_EXPORT_TIMEOUT_S = 2
_propagator = TraceContextTextMapPropagator()
# Libraries that write a line per connection or statement at INFO.
_CHATTY = ("sqlalchemy.engine", "alembic.runtime.migration", "asyncio", "procrastinate", "aiohttp.access", "httpx")


def configure_logging(settings: ServiceSettings) -> None:
    """Sends all logs, ours and the libraries', through one formatter to standard error.

    Args:
        settings: Level, format and name of the service.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_call,
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[Any] = (
        [structlog.dev.ConsoleRenderer()]
        if settings.log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _service_adder(settings.service_name),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderer,
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(settings.log_level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _add_call(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    call = current_call()
    if call is not None:
        event.setdefault("request_id", call.request_id)
        event.setdefault("rpc", call.rpc)
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event.setdefault("trace_id", f"{span.trace_id:032x}")
    return event


def _service_adder(name: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", name)
        return event

    return add


class Tracing:
    """The tracer of one process.

    Spans are made always, since their ids tie the logs together; they leave the process only when there is a collector.

    Attributes:
        provider: Where exporters are added.
        tracer: What makes the spans.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        resource = Resource.create({"service.name": settings.service_name, "service.namespace": "vitrine"})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        if settings.otlp_endpoint:
            self.provider.add_span_processor(_exporter(settings.otlp_endpoint))
        self.tracer = self.provider.get_tracer("vitrine.mesh")

    def close(self) -> None:
        """Sends what is left and stops."""
        self.provider.shutdown()


def _exporter(endpoint: str) -> Any:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - slow to import
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    return BatchSpanProcessor(
        OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_TIMEOUT_S, insecure=not endpoint.startswith("https://"))
    )


def extract_context(metadata: Mapping[str, str]) -> otel_context.Context:
    """Reads the W3C trace context of a caller.

    Args:
        metadata: Metadata or headers with lower-case keys.
    """
    return _propagator.extract(metadata)


def inject_context(metadata: MutableMapping[str, str]) -> None:
    """Writes the current W3C trace context into metadata.

    Args:
        metadata: Where to write `traceparent` and `tracestate`.
    """
    _propagator.inject(metadata)
