"""What the mesh brings to a service, and what a service brings to the mesh."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc.aio
import structlog

from mesh.auth import ServiceTokens, TokenVerifier
from mesh.channels import connect
from mesh.contract import Plain
from mesh.executor import ModelExecutor
from mesh.failures import where_raised
from mesh.metrics import Metrics
from mesh.readiness import Readiness
from mesh.settings import ServiceSettings
from mesh.status import ErrorTable
from mesh.telemetry import Tracing

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Registration:
    """One gRPC service that a process serves.

    Attributes:
        add: The generated ``add_XServicer_to_server``.
        servicer: What serves it.
        name: Its full name, ``vitrine.ingest.v1.CaptureService``.
        plain: See `mesh.contract.RpcRule`; for a service whose RPCs have one kind of request, and very many of them.
    """

    add: Callable[[Any, Any], None]
    servicer: Any
    name: str
    plain: Plain | None = None


@dataclass(frozen=True)
class Service:
    """What a service brings to the server.

    Attributes:
        registrations: The gRPC services.
        startup: Migrates, connects, loads models; retried until it succeeds, and only then calls are served.
        error_table: Which exceptions of libraries have a meaning for callers.
    """

    registrations: Sequence[Registration]
    startup: Callable[[], Awaitable[None]] | None = None
    error_table: ErrorTable = field(default_factory=ErrorTable)


class Runtime(Generic[S]):
    """What the mesh brings to a service.

    Attributes:
        settings: The settings of the service.
        metrics: Where it counts.
        log: Where it writes.
        tracing: Its tracer.
        executor: The one executor for models and decoding.
        tokens: Its identity towards other services.
        verifier: Checks tokens, for doors beside gRPC (WebSocket).
        readiness: The phase of the process.
    """

    def __init__(self, settings: S) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.log = structlog.get_logger(settings.service_name)
        self.tracing = Tracing(settings)
        self.executor = ModelExecutor(
            settings.executor_threads,
            queue_limit=settings.executor_queue,
            depth=self.metrics.queue_depth.labels("executor"),
        )
        self.tokens = ServiceTokens(settings)
        self.verifier = TokenVerifier(settings)
        self.readiness = Readiness()
        self._tasks: set[asyncio.Task[Any]] = set()

    def connect(self, target: str, *, default_deadline_s: float) -> grpc.aio.Channel:
        """Opens a channel to another service, with the identity, metrics and tracer of this process.

        Args:
            target: ``host:port``.
            default_deadline_s: Deadline of unary calls that state none, in seconds.
        """
        return connect(
            target,
            self.settings,
            self.tokens,
            default_deadline_s=default_deadline_s,
            metrics=self.metrics,
            tracing=self.tracing,
        )

    @property
    def stopping(self) -> asyncio.Event:
        """Set once the process shuts down; long streams watch it and say goodbye."""
        return self.readiness.stopping

    def background(self, work: Coroutine[Any, Any, Any], *, name: str | None = None) -> asyncio.Task[Any]:
        """Runs work beside the calls until it ends or the process stops.

        It starts in a fresh context, so that it inherits no deadline, caller or trace from a call. A failure is logged
        and counted.

        Args:
            work: A coroutine.
            name: For logs; its own name by default.
        """
        label = name or getattr(work, "__qualname__", "background")
        task = asyncio.get_running_loop().create_task(work, name=label, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.metrics.failures.labels("background").inc()
            self.log.error(
                "background_failed", task=task.get_name(), kind=type(error).__name__, where=where_raised(error)
            )

    async def close(self) -> None:
        """Cancels what runs in the background and closes executor and tracer."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.executor.close()
        await asyncio.to_thread(self.tracing.close)
