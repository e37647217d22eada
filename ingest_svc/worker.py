"""Runs ingest's worker: ``python -m ingest_svc.worker``, with the settings of the server.

It takes jobs from the queue in the database, and looks after queue and object store. Any number of workers may run; one
that is killed is replaced by the others after `worker_stalled_s`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import procrastinate

from ingest_svc.captures.jobs import JobQueue, job_app
from ingest_svc.captures.policy import SERVICE, USER, Policy
from ingest_svc.captures.process import CaptureProcessor
from ingest_svc.captures.summaries import Summaries, SummaryPolicy
from ingest_svc.captures.tasks import register
from ingest_svc.captures.taste import TasteDelivery
from ingest_svc.captures.upkeep import Upkeep, UpkeepPolicy
from ingest_svc.clients.profile import WebhookTarget
from ingest_svc.clients.webhook import WebhookClient
from ingest_svc.parts import Parts, capture_lifecycle, now, sharing
from ingest_svc.settings import IngestSettings
from mesh.failures import where_raised
from mesh.server import Runtime, Service, run

_RESTART_S = 1.0


@contextlib.asynccontextmanager
async def build(runtime: Runtime[IngestSettings]) -> AsyncIterator[Service]:
    """Builds the worker. It serves nothing but its health.

    Args:
        runtime: What the mesh brings.

    Yields:
        The service, without RPCs.
    """
    settings = runtime.settings
    app = job_app(settings.database_url.get_secret_value(), "ingest", runtime.stopping)
    sender = WebhookClient(allow_private=settings.webhook_allow_private, timeout_s=settings.webhook_timeout_s)
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(sharing(runtime))
        stack.push_async_callback(sender.close)
        stack.push_async_callback(app.close_async)
        upkeep = _assemble(parts, app, sender)
        tasks: list[asyncio.Task[None]] = []
        stack.push_async_callback(_stop, tasks)

        async def startup() -> None:
            await parts.database.migrate()
            await parts.objects.ping()
            await app.open_async()
            tasks.append(runtime.background(_work(app, runtime), name="worker"))
            tasks.append(runtime.background(upkeep.run(), name="upkeep"))

        yield Service([], startup, parts.errors)


def _assemble(parts: Parts, app: procrastinate.App, sender: WebhookClient) -> Upkeep:
    runtime, settings = parts.runtime, parts.runtime.settings
    jobs = JobQueue(app)
    captures = capture_lifecycle(parts, jobs)
    policy = _policy(settings)
    taste = TasteDelivery(
        parts.database, parts.profile, jobs, runtime.metrics, policy, clock=now, deadline_s=settings.record_deadline_s
    )
    processor = CaptureProcessor(
        parts.database, parts.objects, parts.pipeline, jobs, taste, runtime.metrics, policy, clock=now
    )
    summaries = Summaries(
        parts.database, parts.profile, sender, runtime.metrics,
        SummaryPolicy(_service_target(settings), settings.webhook_max_attempts, settings.record_deadline_s), clock=now,
    )  # fmt: skip
    register(app, runtime.tracing.tracer, processor, taste, captures, summaries)
    upkeep_policy = UpkeepPolicy(
        stalled_s=settings.worker_stalled_s,
        lost_s=3 * settings.worker_stalled_s,
        recovery_s=settings.worker_recovery_s,
        sweep_s=settings.orphan_sweep_s,
        orphan_age_s=settings.orphan_age_s,
    )
    return Upkeep(app, parts.database, parts.objects, jobs, captures, runtime.metrics, upkeep_policy, clock=now)


def _policy(settings: IngestSettings) -> Policy:
    targets = ((SERVICE, _service_target(settings) is not None), (USER, settings.user_webhooks))
    return Policy(
        max_attempts=settings.capture_max_attempts,
        degrade_after=settings.capture_degrade_after_attempts,
        retry_first_s=settings.capture_retry_first_s,
        retry_longest_s=settings.capture_retry_longest_s,
        taste_longest_s=settings.taste_retry_longest_s,
        summaries=tuple(target for target, wanted in targets if wanted),
    )


def _service_target(settings: IngestSettings) -> WebhookTarget | None:
    if not settings.summary_webhook_url or settings.summary_webhook_secret is None:
        return None
    return WebhookTarget(settings.summary_webhook_url, settings.summary_webhook_secret.get_secret_value())


async def _work(app: procrastinate.App, runtime: Runtime[IngestSettings]) -> None:
    """Takes jobs until it is cancelled; starts again when something, such as a database that went, has ended it."""
    settings = runtime.settings
    while True:
        try:
            await app.run_worker_async(
                name="ingest-worker",
                concurrency=settings.worker_concurrency,
                fetch_job_polling_interval=settings.worker_poll_s,
                shutdown_graceful_timeout=settings.shutdown_grace_s,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=settings.worker_heartbeat_s,
                stalled_worker_timeout=settings.worker_stalled_s,
            )
        except Exception as error:  # noqa: BLE001 - a worker that lives and takes no jobs would be replaced by nobody
            runtime.log.warning(
                "worker_interrupted", kind=type(error).__name__, where=where_raised(error), retry_in_s=_RESTART_S
            )
        runtime.metrics.failures.labels("worker").inc()
        await asyncio.sleep(_RESTART_S)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    """Ends the work: jobs in work get their time to end, others go back to the queue."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Runs the worker until SIGTERM or SIGINT."""
    settings = IngestSettings()
    update = {
        "service_name": f"{settings.service_name}-worker",
        "grpc_port": settings.worker_grpc_port,
        "metrics_port": settings.worker_metrics_port,
    }
    run(settings.model_copy(update=update), build)


if __name__ == "__main__":
    main()
