"""What every service counts and measures, in one Prometheus registry per process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

# Seconds. The live loops aim at 100-200 ms, so that is where the steps are fine.
_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one process; the names below are the ones that the dashboards know.

    Attributes:
        registry: Where all of them are registered.
        frames: Frames of live streams, by `outcome`: all ends, and `found` for lost ones that came after all.
        keyframes: Keyframes, by `reason` (first, forced, changed).
        sessions: Sessions that are open now, by `kind` (stream, tryon) and `transport` (grpc, websocket).
        captures: Captures that reached a state, by `kind` and `state`.
        queue_depth: What waits in a queue now, by `queue`.
        model_latency: Time of one inference in seconds, by `task` and `model`.
        drops: Things thrown away because a queue was full, by `queue`.
        failures: Failures that no caller sees as an error, by `part`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.rpc_handled = self.counter("rpc_handled", "RPCs served, by code.", ("rpc", "code"))
        self.rpc_latency = self.histogram("rpc_latency_seconds", "Time of an RPC.", ("rpc",))
        self.rpc_open = self.gauge("rpc_open", "RPCs that are being served.", ("rpc",))
        self.calls_handled = self.counter("calls_handled", "RPCs made, by code.", ("rpc", "code"))
        self.calls_latency = self.histogram("calls_latency_seconds", "Time of a unary RPC made.", ("rpc",))
        self.frames = self.counter("frames", "Frames of live streams, by outcome.", ("outcome",))
        self.keyframes = self.counter("keyframes", "Keyframes, by the reason they were chosen.", ("reason",))
        self.sessions = self.gauge("sessions", "Sessions that are open.", ("kind", "transport"))
        self.captures = self.counter("captures", "Captures that reached a state.", ("kind", "state"))
        self.queue_depth = self.gauge("queue_depth", "What waits in a queue.", ("queue",))
        self.model_latency = self.histogram("model_latency_seconds", "Time of one inference.", ("task", "model"))
        self.drops = self.counter("drops", "Things thrown away because a queue was full.", ("queue",))
        self.failures = self.counter("failures", "Failures that no caller sees as an error.", ("part",))

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Makes a counter `vitrine_<name>_total`.

        Args:
            name: Its name without prefix and suffix.
            text: One sentence.
            labels: Label names; their values must come from small fixed sets.
        """
        return Counter(name, text, labels, namespace="vitrine", registry=self.registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """Makes a gauge `vitrine_<name>`; arguments as in `counter`."""
        return Gauge(name, text, labels, namespace="vitrine", registry=self.registry)

    def histogram(self, name: str, text: str, labels: Sequence[str] = ()) -> Histogram:
        """Makes a histogram `vitrine_<name>` of seconds; arguments as in `counter`."""
        return Histogram(name, text, labels, namespace="vitrine", registry=self.registry, buckets=_LATENCY_BUCKETS)


class MetricsServer:
    """Serves `/metrics` on a thread of its own, so that a busy event loop can still be watched."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        server, thread = start_http_server(port, host, metrics.registry)
        self._server: Any = server
        self._thread = thread

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stops it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
